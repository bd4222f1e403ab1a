import { kHighlighterTimes, kTextTimes } from '../documents/types';
import type { Party, Tool } from '../protocol';

/** What a pointer over the picture does: nothing, pointing, acting on the page, or drawing with a tool. */
export type Mode = 'look' | 'point' | 'control' | Tool;

export const isDrawing = (mode: Mode): mode is Tool => mode !== 'look' && mode !== 'point' && mode !== 'control';

/** CSS pixels of the consumer's page; of a text it is the size of its letters. */
export const kWidths: Record<Tool, number> = { pen: 4, highlighter: 18, arrow: 4, rect: 4, text: 20, spot: 4 };

/** The same on a document, where a highlighter's line and a text are drawn so many times as large as the width that is told. */
export const kDocumentWidths: Record<Tool, number> = { ...kWidths, highlighter: kWidths.highlighter / kHighlighterTimes, text: kWidths.text / kTextTimes };

/** `chosen`, else the party's own colour, in which the others see its pointer, too. */
export const inkOf = ({ me }: { readonly me: Party | null }, chosen: string): string => chosen || me?.color || '#d92d20';
