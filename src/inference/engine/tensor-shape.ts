import type { TensorManifest } from '../manifest.ts';

/** Whether the sides of a run are those that the manifest says; named ones may be any. */
export function fits(wanted: TensorManifest['shape'], found: readonly number[]): boolean {
  if (wanted.length !== found.length) return false;
  return wanted.every((side, i) => typeof side === 'string' || found[i] === side);
}

/** A shape for a message, such as `[1,3,?,?]`. */
export function show(shape: readonly (number | string)[]): string {
  return `[${shape.map((side) => (side === '' ? '?' : side)).join(',')}]`;
}
