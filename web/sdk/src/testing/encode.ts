// Both ends of a picture: what encodes it where the page is shared, and what draws it where it is looked at.
export { PictureEncoder } from '../assist/capture/encoder';
export { decodeFrame } from '../assist/frame';
export { PictureSurface } from '../assist/picture_surface';
