import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Input } from '../inputs.ts';

/** What an input is told by in a later run: the same name, place, length and time of change. */
export type InputIdentity = {
  readonly name: string;
  readonly path: string;
  /** Of a sequence, of all its pictures together. */
  readonly bytes: number;
  /** The newest of a sequence. */
  readonly modifiedMs: number;
};

/** Null for a pipe, which cannot be told again, and for what was refused. */
export async function identify(input: Input): Promise<InputIdentity | null> {
  if (input.kind === 'refused') return null;
  const files = input.kind === 'sequence' ? input.files : filesOf(input.source);
  const [first] = files;
  if (first === undefined) return null;
  const found = await Promise.all(files.map((file) => stat(file)));
  return {
    name: input.name,
    path: resolve(input.kind === 'sequence' ? dirname(first) : first),
    bytes: found.reduce((sum, { size }) => sum + size, 0),
    modifiedMs: Math.max(...found.map(({ mtimeMs }) => mtimeMs)),
  };
}

/** Whether both are the same input, unchanged. */
export function isSameInput(a: InputIdentity, b: InputIdentity): boolean {
  return (
    a.name === b.name && a.path === b.path && a.bytes === b.bytes && a.modifiedMs === b.modifiedMs
  );
}

function filesOf(source: Extract<Input, { kind: 'video' | 'image' }>['source']): readonly string[] {
  return source.kind === 'file' ? [source.path] : [];
}
