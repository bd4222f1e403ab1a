import { ParleyError } from '../../common/index';
import type { PageSource, RenderedPage, Size } from './types';

const kMaxSide = 8_192;

/** A picture as a document of one page. Drawn to a canvas: whatever else the file holds, only pixels are shown. */
export class ImageSource implements PageSource {
  readonly pages = 1;

  private constructor(
    private readonly image_: HTMLImageElement,
    readonly size: Size,
  ) {}

  static async open(src: string): Promise<ImageSource> {
    const image = new Image();
    image.decoding = 'async';
    image.referrerPolicy = 'no-referrer';
    image.src = src;
    try {
      await image.decode();
    } catch (error) {
      throw new ParleyError('document.unreadable', { text: 'This picture cannot be shown.', cause: error });
    }
    return new ImageSource(image, { width: image.naturalWidth || 1, height: image.naturalHeight || 1 });
  }

  async render(_page: number, scale: number): Promise<RenderedPage> {
    const { width, height } = this.size;
    const fits = Math.min(scale, kMaxSide / Math.max(width, height));
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(width * fits));
    canvas.height = Math.max(1, Math.round(height * fits));
    canvas.getContext('2d')?.drawImage(this.image_, 0, 0, canvas.width, canvas.height);
    return { canvas, size: this.size };
  }

  close(): void {
    this.image_.src = '';
  }
}
