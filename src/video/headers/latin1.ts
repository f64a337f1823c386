/** A few bytes as text, one character each. Bundled for browsers too, which have no Buffer. */
export function latin1(bytes: Uint8Array, from = 0, to = bytes.length): string {
  return String.fromCharCode(...bytes.subarray(from, to));
}
