import { usageError } from '../frame/errors.ts';

/** The command line writes ids into 8-bit PNGs, so it takes fewer than the wire's 65535. */
export const maxCliObjectId = 255;

/** Reads an object id. Throws `usage` naming `where`. */
export function parseObjectId(text: string, where: string): number {
  const id = Number(text);
  if (!/^\d+$/.test(text) || id < 1 || id > maxCliObjectId) {
    throw usageError(`${where}: expected an object id of 1 to ${maxCliObjectId}, got "${text}"`);
  }
  return id;
}
