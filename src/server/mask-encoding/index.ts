export { encodeMask } from './encode-mask.ts';
export { readMask } from './read-mask.ts';
