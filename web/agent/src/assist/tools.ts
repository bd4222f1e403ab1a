import type { Feature, Quality, Tool } from '../../../sdk/src/assist/protocol';
import { assistIcons } from './icons';

/** What a pointer over the picture does. */
export type Mode = 'look' | 'point' | 'control' | Tool;

export interface ToolEntry {
  mode: Mode;
  label: string;
  key: string;
  feature: Feature;
  icon: (typeof assistIcons)[keyof typeof assistIcons];
}

/** In the order of the toolbar; the keys are digits, so that none is a letter of the console's own. */
export const kTools: readonly ToolEntry[] = [
  { mode: 'look', label: 'Look', key: '1', feature: 'view', icon: assistIcons.look },
  { mode: 'point', label: 'Point', key: '2', feature: 'pointer', icon: assistIcons.point },
  { mode: 'control', label: 'Control the page', key: '3', feature: 'control', icon: assistIcons.control },
  { mode: 'pen', label: 'Pen', key: '4', feature: 'annotate', icon: assistIcons.pen },
  { mode: 'highlighter', label: 'Highlighter', key: '5', feature: 'annotate', icon: assistIcons.highlighter },
  { mode: 'arrow', label: 'Arrow', key: '6', feature: 'annotate', icon: assistIcons.arrow },
  { mode: 'rect', label: 'Rectangle', key: '7', feature: 'annotate', icon: assistIcons.rect },
  { mode: 'text', label: 'Text', key: '8', feature: 'annotate', icon: assistIcons.text },
  { mode: 'spot', label: 'Spotlight', key: '9', feature: 'spotlight', icon: assistIcons.spot },
];

export const isDrawing = (mode: Mode): mode is Tool => mode !== 'look' && mode !== 'point' && mode !== 'control';

/** Colours that are seen on white and on dark pages. */
export const kInks = [
  { value: '#d92d20', name: 'Red' },
  { value: '#e88c00', name: 'Orange' },
  { value: '#16803c', name: 'Green' },
  { value: '#1d6fd8', name: 'Blue' },
  { value: '#8a3ffc', name: 'Violet' },
] as const;

/** Smaller pictures for a slow line, at either side. */
export const kQualityNames: Record<Quality, string> = { sharp: 'Sharp', balanced: 'Balanced', light: 'Light' };

export const kWidths: Record<Tool, number> = { pen: 4, highlighter: 18, arrow: 4, rect: 4, text: 20, spot: 4 };
