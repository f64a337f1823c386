// Checks that the wire only grows: proto/ breaks none of the released versions in proto/images, so
// that there is a base to compare with in every clone, whatever its history and tags.
//
//   node scripts/check-wire.mjs [ROOT]
//
// A release's image is made once, and never changed:
//
//   npx buf build --exclude-source-info -o proto/images/vX.Y.Z.binpb

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The buf of this package, also where another folder is checked. */
export const buf = join(here, 'node_modules/.bin/buf');

/** Where the images of released wires lie, below the root. */
export const imageFolder = 'proto/images';

/**
 * Compares proto/ with the image of every released version; `breaking` in buf.yaml says what breaks.
 *
 * @param {string} root folder with buf.yaml and proto/
 * @returns {{ images: string[], problems: string[] }}
 */
export function checkWire(root) {
  const folder = join(root, imageFolder);
  const images = existsSync(folder)
    ? readdirSync(folder).filter((name) => name.endsWith('.binpb'))
    : [];
  const problems = images.flatMap((name) => breaks(root, name));
  // A check that compares with nothing passes everything.
  if (images.length === 0) problems.push(`expected an image in ${imageFolder}, found none`);
  return { images, problems };
}

function breaks(root, image) {
  const against = join(imageFolder, image);
  const run = spawnSync(buf, ['breaking', '--against', against], { cwd: root, encoding: 'utf8' });
  if (run.status === 0) return [];
  const lines = `${run.stdout}${run.stderr}`.split('\n').filter(Boolean);
  if (lines.length === 0) lines.push(`buf breaking: ${run.error ?? `exit status ${run.status}`}`);
  return lines.map((line) => `against ${image}: ${line}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { images, problems } = checkWire(resolve(process.argv[2] ?? here));
  for (const problem of problems) console.error(problem);
  console.log(`${images.length} released wires, ${problems.length} problems`);
  if (problems.length > 0) process.exitCode = 1;
}
