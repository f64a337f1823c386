export { bundledProviders, runtimeVersion } from './engine/provider.ts';
export type { KserveOptions } from './engine/kserve/kserve-options.ts';
export { defaultThreads, loadModel } from './load-model.ts';
export type { LoadModelOptions } from './load-model.ts';
export { writeManifest } from './recognition/write-manifest.ts';
export type { WrittenManifest } from './recognition/write-manifest.ts';
export { maxMemoryBytes } from './layouts/object-memory.ts';
export { loadManifest } from './manifest-loader.ts';
export { precisionNames } from './manifest.ts';
export type { Knots, Manifest, Precision } from './manifest.ts';
export { parsePlacement } from './placement.ts';
export type { Placement } from './placement.ts';
export { precisionsOf } from './precision.ts';
export { goldenMemoryFrames } from './golden-memory.ts';
export type {
  LoadedModel,
  ModelMemory,
  ModelUser,
  WorkerMemory,
  WorkerName,
} from './loaded-model.ts';
export { verifyModel } from './verify-model.ts';
export type { Agreement, Verification } from './verify-model.ts';
export { goldenPicture } from './golden-picture.ts';
export { measureModel } from './measure-model.ts';
export type { ModelCost } from './measure-model.ts';
export { calibrate } from './layouts/candidate.ts';
