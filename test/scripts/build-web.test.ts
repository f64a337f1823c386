import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

const folder = fileURLToPath(new URL('../../dist/web/', import.meta.url));

/** Bytes as the server sends them to any browser, packed by gzip. */
const most = { firstView: 28_500, withCamera: 40_500 };

test('the page is small, and small with all that a camera needs; the rest is loaded on demand', () => {
  const first = [
    'index.html',
    'style.css',
    'favicon.svg',
    ...withImports(['main.js', 'worker.js']),
  ];
  const live = readdirSync(folder).find((name) => name.startsWith('live-run-'))!;
  const camera = new Set([...first, ...withImports([live])]);
  expect(packedBytes(first)).toBeLessThan(most.firstView);
  expect(packedBytes([...camera])).toBeLessThan(most.withCamera);
  // What is not counted is there, and was found by its name.
  const later = readdirSync(folder).filter((name) => !camera.has(name));
  for (const part of ['downloads', 'file-run', 'image-run', 'sample-scene']) {
    expect(later.some((name) => name.startsWith(`${part}-`))).toBe(true);
  }
});

function packedBytes(names: readonly string[]): number {
  return names
    .map((name) => gzipSync(readFileSync(folder + name)).length)
    .reduce((sum, bytes) => sum + bytes, 0);
}

/** Scripts with all that they import before they run; `import()` is not that. */
function withImports(names: readonly string[]): string[] {
  const found = new Set(names);
  for (const name of found) {
    const text = readFileSync(folder + name, 'utf8');
    for (const [, imported] of text.matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)) {
      found.add(imported!);
    }
  }
  return [...found];
}
