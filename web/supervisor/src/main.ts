import { pageTokens } from '@parley/components';
import '../../agent/src/style.css';
import './app';
import './style.css';

const tokens = document.createElement('style');
tokens.textContent = pageTokens;
document.head.prepend(tokens);
