// One error type for everything the SDK reports. `code` is stable and for programs, `message` is for people.

/** Sentences for the codes that arise in the browser. Codes of the gateway bring their own text. */
const kTexts = {
  'camera.denied': 'The browser was not allowed to use the camera.',
  'camera.missing': 'No camera was found.',
  'camera.in_use': 'The camera is used by another program.',
  'camera.lost': 'The camera was unplugged or switched off.',
  'microphone.denied':
    'The browser was not allowed to use the microphone. Allow it in the address bar and call again.',
  'microphone.missing': 'No microphone was found. Plug one in and call again.',
  'microphone.in_use': 'The microphone is used by another program. Close that program and call again.',
  'microphone.lost': 'The microphone was unplugged or switched off.',
  'device.failed': 'The device could not be opened.',
  'speaker.unsupported': 'This browser cannot choose a loudspeaker.',
  'browser.unsupported':
    'This browser cannot make calls. Use a current Chrome, Edge, Firefox, Safari or Opera.',
  'browser.insecure': 'Calls need a secure address (https).',
  'server.unreachable': 'The service cannot be reached. Check the connection and try again.',
  'server.refused': 'The service refused the request.',
  'server.malformed': 'The service answered in a way this page does not understand.',
  'session.lost': 'The connection was gone for too long.',
  'session.closed': 'The connection was closed.',
  'session.replaced': 'This account is now used in another window.',
  'login.required': 'Please sign in.',
  'request.timeout': 'The service did not answer in time.',
  'call.ended': 'The call has ended.',
  'call.state': 'This is not possible in the present state of the call.',
  'call.not_allowed': 'This is not possible in this call.',
  'call.glare': 'Both sides changed the call at the same moment. Please try again.',
  'call.too_many': 'You have two calls already. End one of them first.',
  'conference.blocked': 'The browser mixes calls only after a click. Until then the two others do not hear each other: please press the button again.',
  'conference.failed': 'The two calls could not be joined. They go on as before.',
  'media.failed': 'The media connection could not be made.',
  'media.refused': 'The other side cannot take this picture or sound.',
  'transfer.failed': 'The call could not be transferred. It is still here.',
  'transfer.cancelled': 'The transfer was called off.',
  'argument.invalid': 'A value given to the SDK is not valid.',
  'internal': 'Something went wrong on this page.',
} as const;

export type LocalErrorCode = keyof typeof kTexts;
/** Codes of this SDK, or a reason of the gateway (docs/protocols/websocketcall.md). */
export type ErrorCode = LocalErrorCode | (string & {});

export interface ParleyErrorOptions {
  text?: string;
  cause?: unknown;
  /** Seconds after which another try makes sense, when the server said so. */
  retryAfter?: number;
}

export class ParleyError extends Error {
  readonly code: ErrorCode;
  override readonly cause: unknown;
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, options: ParleyErrorOptions = {}) {
    super(options.text || textFor(code));
    this.name = 'ParleyError';
    this.code = code;
    this.cause = options.cause;
    this.retryAfter = options.retryAfter;
  }

  /** Whatever was thrown, as a ParleyError; a ParleyError stays as it is. */
  static from(thrown: unknown, code: ErrorCode = 'internal'): ParleyError {
    return thrown instanceof ParleyError ? thrown : new ParleyError(code, { cause: thrown });
  }
}

export function textFor(code: ErrorCode): string {
  return (kTexts as Record<string, string>)[code] ?? `The service refused the request (${code}).`;
}
