export { Capture, startCapture } from './capture';
export { canCaptureTab, startTabCapture, TabCapture } from './tab_capture';
export { MaskRules, type Masked, type MaskOptions } from './masks';
export type { CaptureEvents, CaptureOptions, Pace, PaintCost, Receipt } from './options';
