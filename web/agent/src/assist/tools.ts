import type { Feature, Mode, PictureQuality } from '@parley/agents';
import { assistIcons } from './icons';

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

/** Colours that are seen on white and on dark pages. */
const kInks = [
  { value: '#d92d20', name: 'Red' },
  { value: '#e88c00', name: 'Orange' },
  { value: '#16803c', name: 'Green' },
  { value: '#1d6fd8', name: 'Blue' },
  { value: '#8a3ffc', name: 'Violet' },
] as const;

const parts = (color: string) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
const apart = (a: string, b: string) => parts(a).reduce((sum, part, i) => sum + Math.abs(part - parts(b)[i]!), 0);

/** The agent's own colour in the place of the one that it could be taken for. */
export function inksWith(own: string): readonly { value: string; name: string }[] {
  if (!own) return kInks;
  const like = [...kInks].sort((a, b) => apart(a.value, own) - apart(b.value, own))[0]!;
  return kInks.map((ink) => (ink === like ? { value: own, name: `Your colour (${like.name.toLowerCase()})` } : ink));
}

/** Smaller pictures for a slow line, at either side. */
export const kQualityNames: Record<PictureQuality, string> = { sharp: 'Sharp', balanced: 'Balanced', light: 'Light' };
