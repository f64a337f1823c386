export { defaultThreads, loadModel } from './load-model.ts';
export type { LoadModelOptions } from './load-model.ts';
export type { Precision } from './precision.ts';
export type {
  DecodeRequest,
  Features,
  LoadedModel,
  ModelMask,
  Refined,
  RefineRequest,
  Segmented,
  TextInstance,
  TextRequest,
} from './requests.ts';
