export { bundledProviders, runtimeVersion } from './engine/provider.ts';
export { defaultThreads, loadModel } from './load-model.ts';
export type { LoadModelOptions } from './load-model.ts';
export type { Precision } from './precision.ts';
export type { LoadedModel } from './loaded-model.ts';
