// What an agent may do on the consumer's page, and what comes of it. The messages are those of docs/protocols/topic.md.

import type { FormField, Modifiers } from '../protocol';

export type { FormField, Modifiers };

/** Why something was not done. Stable: shown in words (`kRefusals`), counted, tested. */
export type Refusal =
  | 'outside' | 'foreign_frame' | 'barred' | 'masked' | 'disabled' | 'readonly' | 'not_editable' | 'too_long' | 'bad_value'
  | 'unknown_field' | 'bad_message' | 'key_refused' | 'page_refused' | 'page_failed' | 'stopped';

export const kRefusals: Record<Refusal, string> = {
  outside: 'This place is outside the customer’s page.',
  foreign_frame: 'This part of the page comes from another site and cannot be operated.',
  barred: 'The site does not let agents use this element.',
  masked: 'What can be chosen here is hidden. The form editor can set it.',
  disabled: 'The page has switched this element off.',
  readonly: 'This field cannot be changed.',
  not_editable: 'Nothing that takes text has the focus.',
  too_long: 'The text is longer than this field allows.',
  bad_value: 'This field does not take such a value.',
  unknown_field: 'This field is no longer on the page.',
  bad_message: 'The request was not understood.',
  key_refused: 'This key is left to the customer.',
  page_refused: 'The page did not accept it.',
  page_failed: 'The page failed to carry it out.',
  stopped: 'Remote control has ended.',
};

export interface ActResult {
  ok: boolean;
  reason?: Refusal;
  /** In words, where it was refused. */
  text?: string;
  /** What was acted on, as a person would call it. Never a value. */
  target: string;
}

export interface FormResult {
  id: string;
  ok: boolean;
  /** The field's native validation, after the change. */
  valid: boolean;
  message: string;
  reason?: Refusal;
}

export interface Activity {
  what: 'click' | 'type' | 'key' | 'scroll' | 'fill' | 'select';
  target: string;
}

export interface ActorOptions {
  /** The consumer's window; frames of the same origin are reached from it. */
  root?: Window;
  /** Elements whose content agents must not read: their values are never reported. */
  isMasked?: (element: Element) => boolean;
  /** Selectors of elements agents must not use, beside `data-parley-barred` and fields for passwords, files and cards. */
  barred?: readonly string[];
  onActivity?: (activity: Activity) => void;
  /** The consumer touched the page (pointer, wheel, key): she takes control back. */
  onTouch?: () => void;
}

export interface ClickInput {
  x: number;
  y: number;
  button?: number;
  /** 1 click, 2 double, 3 triple. */
  detail?: number;
  mods?: Modifiers;
}

export interface FormSetInput {
  id: string;
  value?: string;
  checked?: boolean;
  selected?: string[];
}

export const kLimits = {
  /** Characters in one `text`. */
  text: 10_000,
  /** Up to here a text comes as single keys, which pages may refuse one by one; above it is like pasting. */
  keys: 200,
  fields: 300,
  options: 500,
  value: 10_000,
  label: 200,
} as const;
