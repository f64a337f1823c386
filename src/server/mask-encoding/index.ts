export { decodeMask } from './decode-mask.ts';
export { encodeMask } from './encode-mask.ts';
