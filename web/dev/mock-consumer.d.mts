type Message = Record<string, unknown> & { type: string };

export class MockConsumer {
  static open(url: string, who: { token: string; cid: string }): Promise<MockConsumer>;
  send(message: Message): void;
  answer(type: string, fn: (message: Message) => Message | undefined): void;
  wait(match: string | ((message: Message) => boolean), milliseconds?: number): Promise<Message>;
  grant(what?: 'view' | 'control', grant?: boolean): Promise<Message>;
  view(view: object): void;
  picture(png: Buffer, options?: object): void;
  close(): void;
}

export const sampleForm: object[];

export function plainPng(w: number, h: number, colour: [number, number, number]): Buffer;
