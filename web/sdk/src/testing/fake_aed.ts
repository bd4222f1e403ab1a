import type { SocketLike } from '../common/index';

type Json = Record<string, unknown>;

interface Session {
  key: string;
  client: string;
  received: number;
  next: number;
  kept: Json[];
  topics: Set<string>;
  socket: FakeAedSocket | null;
}

class FakeAedSocket implements SocketLike {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  session = '';

  constructor(private readonly server_: FakeAed) {}

  send(text: string | ArrayBuffer): void {
    const message = JSON.parse(text as string) as Json;
    queueMicrotask(() => this.server_.received(this, message));
  }
  close(): void {
    this.server_.gone(this);
  }
}

/** The server's side of docs/protocols/aed.md, small: versions, conflicts, requests that are done once, resume. */
export class FakeAed {
  readonly items = new Map<string, Map<string, Json>>();
  readonly sessions = new Map<string, Session>();
  /** Requests that were carried out, in order: each name once. */
  readonly done: string[] = [];
  /** Answers are lost: the link breaks after the request was carried out. */
  loseAnswers = false;
  refuse: string | null = null;
  private readonly answers_ = new Map<string, Json>();
  private version_ = 0;
  private parties_ = 0;

  open = (): SocketLike => {
    const socket = new FakeAedSocket(this);
    queueMicrotask(() => socket.onopen?.());
    return socket;
  };

  /** All links break; sessions stay, or are forgotten, too. */
  drop({ forget = false } = {}): void {
    const sockets = [...this.sessions.values()].map((s) => s.socket);
    for (const session of this.sessions.values()) session.socket = null;
    if (forget) this.sessions.clear();
    for (const socket of sockets) socket?.onclose?.({ code: 1006, reason: '' });
  }

  gone(socket: FakeAedSocket): void {
    const session = this.sessions.get(socket.session);
    if (session?.socket === socket) session.socket = null;
  }

  received(socket: FakeAedSocket, message: Json): void {
    if (message.type === 'hello') return this.hello(socket, message);
    const session = this.sessions.get(socket.session);
    if (!session || session.socket !== socket) return;
    session.kept = session.kept.filter((k) => (k.seq as number) > ((message.ack as number) ?? 0));
    if (message.type === 'ack') return;
    if (message.seq !== session.received + 1) return;
    session.received++;
    const origin = `${session.client} ${String(message.request)}`;
    const known = this.answers_.get(origin);
    const answer = known ?? this.act(session, message);
    if (message.request !== undefined && answer.type !== 'topic') {
      if (!known) this.done.push(String(message.request));
      if (answer.type !== 'error') this.answers_.set(origin, answer);
    }
    if (!this.loseAnswers) this.tell(session, { ...answer, request: message.request });
  }

  private hello(socket: FakeAedSocket, message: Json): void {
    const resume = message.resume as Json | undefined;
    let party = String(resume?.party ?? '');
    const resumed = this.sessions.get(party)?.key === resume?.key && resume !== undefined;
    if (!resumed) {
      party = `p${++this.parties_}`;
      this.sessions.set(party, { key: `k${party}`, client: String((message.client as Json).id), received: 0, next: 1, kept: [], topics: new Set(), socket: null });
    }
    const session = this.sessions.get(party)!;
    session.socket = socket;
    socket.session = party;
    socket.onmessage?.({ data: JSON.stringify({ type: 'welcome', version: 1, party, key: session.key, resumed, role: 'consumer', name: '', ack: session.received }) });
    if (resumed) session.kept = session.kept.filter((k) => (k.seq as number) > (resume!.ack as number));
    for (const kept of [...session.kept]) socket.onmessage?.({ data: JSON.stringify(kept) });
  }

  private act(session: Session, message: Json): Json {
    const topic = String(message.topic);
    const items = this.items.get(topic);
    if (this.refuse) return { type: 'error', reason: this.refuse, text: 'No.' };
    if (message.type === 'topic-connect') {
      if (!items && !message.create) return { type: 'error', reason: 'aed.unknown_topic', text: 'There is no such topic.' };
      if (!items) this.items.set(topic, new Map());
      session.topics.add(topic);
      const all = [...this.items.get(topic)!.values()];
      // In two parts, as large topics come.
      this.tell(session, { type: 'topic', topic, data: all.slice(0, 1), clients: 1, more: true, request: message.request });
      return { type: 'topic', topic, data: all.slice(1), clients: 1, more: false };
    }
    if (!items || !session.topics.has(topic)) return { type: 'error', reason: 'aed.not_connected', text: 'Connect first.' };
    if (message.type === 'topic-disconnect') session.topics.delete(topic);
    const by = { role: 'consumer', name: '', party: [...this.sessions].find(([, s]) => s === session)![0] };
    if (message.type === 'message') this.others(session, topic, { type: 'message', topic, value: message.value, by });
    if (message.type !== 'data-submit' && message.type !== 'data-delete') return { type: 'done' };
    const id = String(message.id ?? `i${this.version_ + 1}`);
    const item = items.get(id);
    if ((item?.version ?? 0) !== (message.version ?? 0)) return { type: 'error', reason: 'aed.conflict', text: 'Other version.', item: item ?? null };
    const version = ++this.version_;
    const data = message.type === 'data-delete' ? { deleted: true } : { value: message.value };
    if (message.type === 'data-delete') items.delete(id);
    else items.set(id, { id, version, value: message.value, by, at: 1 });
    const told = { type: 'data', topic, id, version, by, at: 1, ...data };
    this.others(session, topic, told);
    return told;
  }

  private others(from: Session, topic: string, message: Json): void {
    for (const session of this.sessions.values()) if (session !== from && session.topics.has(topic)) this.tell(session, message);
  }

  private tell(session: Session, message: Json): void {
    const numbered = { ...message, seq: session.next++, ack: session.received };
    session.kept.push(numbered);
    session.socket?.onmessage?.({ data: JSON.stringify(numbered) });
  }
}
