import './no-telemetry.ts';

/** The only door to onnxruntime-node: whoever comes through it has turned its telemetry off. */
export { InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node';
