// Pictures that may be painted: whatever would taint the canvas (another origin without CORS) is found out beforehand.

export interface Drawable {
  source: CanvasImageSource;
  width: number;
  height: number;
}

type Entry = { state: 'loading' | 'ready' | 'bad'; image: HTMLImageElement; waiting: Set<Element> };

/** Addresses of pictures that are kept; the oldest goes first. */
const kMaxKept = 400;

export class Images {
  private readonly byUrl_ = new Map<string, Entry>();
  private readonly clean_ = new WeakMap<object, { key: string; clean: boolean }>();
  private readonly kept_ = new WeakMap<HTMLCanvasElement, OffscreenCanvas>();
  private readonly probe_ = new OffscreenCanvas(1, 1);
  private probeTainted_ = false;
  private g_ = this.newProbe();

  /** `changed`: a picture has arrived, these elements look different now. */
  constructor(private readonly changed: (elements: Iterable<Element>) => void, private readonly refused: (element: Element, what: string, why: string) => void) {}

  private newProbe(): OffscreenCanvasRenderingContext2D {
    const canvas = this.probeTainted_ ? new OffscreenCanvas(1, 1) : this.probe_;
    return canvas.getContext('2d', { willReadFrequently: true })!;
  }

  /** Whether drawing it leaves a canvas readable. `key` names its content; volatile content is asked anew each time. */
  isClean(source: CanvasImageSource & object, key: string): boolean {
    const known = this.clean_.get(source);
    if (known && known.key === key && key !== '') return known.clean;
    let clean = true;
    try {
      this.g_.drawImage(source, 0, 0, 1, 1);
      this.g_.getImageData(0, 0, 1, 1);
    } catch {
      clean = false;
      this.probeTainted_ = true;
      this.g_ = this.newProbe();
    }
    this.clean_.set(source, { key, clean });
    return clean;
  }

  /** The picture of an <img>, or one loaded again with CORS; null: not (yet) to be had. */
  ofElement(img: HTMLImageElement | SVGImageElement, url: string): Drawable | null {
    if (img instanceof Object && 'naturalWidth' in img) {
      if (!img.complete || img.naturalWidth === 0) return null;
      if (this.isClean(img, url)) return { source: img, width: img.naturalWidth, height: img.naturalHeight };
    }
    return this.load(url, img);
  }

  /** A canvas that is empty but right after it was drawn: as it was when something was on it last. */
  ofFleeting(canvas: HTMLCanvasElement): Drawable | null {
    const { width, height } = canvas, now = new OffscreenCanvas(width, height), g = now.getContext('2d')!;
    g.drawImage(canvas, 0, 0);
    // Of a hundred places one with a colour; without an alpha channel what is empty is black.
    const small = new OffscreenCanvas(10, 10).getContext('2d', { willReadFrequently: true })!;
    small.drawImage(now, 0, 0, 10, 10);
    const { data } = small.getImageData(0, 0, 10, 10);
    if (data.some((v, i) => i % 4 < 3 && v > 0)) this.kept_.set(canvas, now);
    const source = this.kept_.get(canvas);
    return source ? { source, width, height } : null;
  }

  background(url: string, element: Element): Drawable | null {
    return this.load(url, element);
  }

  /** A picture made of text, for what a canvas cannot paint; null until it is decoded. */
  load(url: string, element: Element): Drawable | null {
    let entry = this.byUrl_.get(url);
    if (!entry) {
      entry = { state: 'loading', image: new Image(), waiting: new Set([element]) };
      this.byUrl_.set(url, entry);
      if (this.byUrl_.size > kMaxKept) this.byUrl_.delete(this.byUrl_.keys().next().value!);
      this.start(url, entry);
    }
    if (entry.state === 'loading') {
      entry.waiting.add(element);
      return null;
    }
    if (entry.state === 'bad') return null;
    const { image } = entry;
    return { source: image, width: image.naturalWidth, height: image.naturalHeight };
  }

  failed(url: string): boolean {
    return this.byUrl_.get(url)?.state === 'bad';
  }

  private start(url: string, entry: Entry): void {
    const { image, waiting } = entry;
    const done = (good: boolean) => {
      if (entry.state !== 'loading') return;
      entry.state = good && image.naturalWidth > 0 && this.isClean(image, url) ? 'ready' : 'bad';
      const elements = [...waiting];
      waiting.clear();
      if (entry.state === 'bad') for (const element of elements) this.refused(element, 'picture', 'It comes from another site that does not allow it to be read.');
      this.changed(elements);
    };
    image.onload = () => done(true);
    image.onerror = () => done(false);
    if (!/^(data|blob):/.test(url)) {
      try {
        if (new URL(url, document.baseURI).origin !== location.origin) image.crossOrigin = 'anonymous';
      } catch {
        entry.state = 'bad';
        return;
      }
    }
    image.src = url;
  }
}
