export { AnnotationLayer, inkOn, type LayerOptions, type LayerView, type RemoteCursor } from './layer';
export { layerOverPage } from './page_layer';
export { cleanShape, kShapeLimits, type Shape } from './shapes';
export { Sketch, type SketchOptions } from './sketch';
