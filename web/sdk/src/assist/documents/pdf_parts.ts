import { PDFDataRangeTransport } from 'pdfjs-dist/legacy/build/pdf.mjs';

/** Bytes that are asked for at once at least. */
export const kPart = 65_536;
/** pdf.js looks for the end of a document in its last part, and 1,024 bytes before where that is a short one. */
const kTail = kPart + 1024;
const kAgainMs = 500;
const kMostAgainMs = 5000;

/** Asking again would bring the same. */
class Refused extends Error {}

/** Bytes of a document from a place on, maybe fewer than asked for, and how many it has; all of them at first where the server gives no parts. */
async function load(src: string, from: number, to: number, signal: AbortSignal): Promise<{ bytes: Uint8Array; length: number }> {
  const answer = await fetch(src, { headers: { Range: `bytes=${from}-${to - 1}` }, signal });
  const part = answer.status === 206;
  if (!part && (!answer.ok || from > 0)) throw new (answer.status < 500 ? Refused : Error)(`a part of a document: ${answer.status}`);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  return { bytes, length: part ? Number(answer.headers.get('Content-Range')?.split('/')[1]) : bytes.length };
}

/**
 * What pdf.js reads of a document, in parts (Range requests), asked for again while the network is gone. By itself pdf.js
 * asks for all of it to learn its length and calls that off: by then a megabyte of it is on the line.
 */
export class PdfParts extends PDFDataRangeTransport {
  private readonly tail_: Promise<Uint8Array>;

  /** For `getDocument`: all of a short document; of a longer one its beginning, with its end on the way. */
  static async open(src: string): Promise<{ data?: Uint8Array; range?: PdfParts }> {
    const ended = new AbortController();
    const { bytes, length } = await load(src, 0, kPart, ended.signal);
    return bytes.length < length ? { range: new PdfParts(src, bytes, length, ended) } : { data: bytes };
  }

  private constructor(private readonly src_: string, first: Uint8Array, private readonly length_: number, private readonly ended_: AbortController) {
    super(length_, first);
    this.tail_ = this.load(Math.max(0, length_ - kTail), length_);
    this.tail_.catch(() => undefined);
  }

  override requestDataRange(begin: number, end: number): void {
    const tail = Math.max(0, this.length_ - kTail);
    const bytes = begin < tail ? this.load(begin, end) : this.tail_.then((all) => all.slice(begin - tail, end - tail));
    // What does not come is told by the limits of those who wait for it.
    bytes.then((all) => this.onDataRange(begin, all)).catch(() => undefined);
  }

  override abort(): void {
    this.ended_.abort();
  }

  private async load(begin: number, end: number): Promise<Uint8Array> {
    const all = new Uint8Array(end - begin);
    for (let at = begin, wait = kAgainMs; at < end; ) {
      try {
        const { bytes } = await load(this.src_, at, end, this.ended_.signal);
        all.set(bytes, at - begin);
        at += bytes.length;
      } catch (error) {
        if (error instanceof Refused || this.ended_.signal.aborted) throw error;
        await new Promise((done) => window.setTimeout(done, wait));
        wait = Math.min(2 * wait, kMostAgainMs);
      }
    }
    return all;
  }
}
