// Checks that `buf generate` changes nothing: src/gen is what proto/ says.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Files below `folder`, with their text. */
export function readTree(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  return new Map(
    files
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
      .map((file) => [file.slice(folder.length + 1), readFileSync(file, 'utf8')]),
  );
}

/** One line for each file that differs. */
export function differences(expected, actual) {
  const names = [...new Set([...expected.keys(), ...actual.keys()])].toSorted((a, b) =>
    a < b ? -1 : 1,
  );
  return names.flatMap((name) => {
    if (!actual.has(name)) return [`${name}: missing`];
    if (!expected.has(name)) return [`${name}: not generated from proto/`];
    return expected.get(name) === actual.get(name) ? [] : [`${name}: differs`];
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = join(dirname(fileURLToPath(import.meta.url)), '..');
  const folder = mkdtempSync(join(tmpdir(), 'maskstream-gen-'));
  try {
    const template = readFileSync(join(root, 'buf.gen.yaml'), 'utf8');
    const file = join(folder, 'buf.gen.yaml');
    const out = join(folder, 'gen');
    // JSON is YAML: a path with odd characters stays one string.
    writeFileSync(file, template.replaceAll('out: src/gen', `out: ${JSON.stringify(out)}`));
    execFileSync(join(root, 'node_modules/.bin/buf'), ['generate', '--template', file], {
      cwd: root,
      stdio: 'inherit',
    });
    const expected = readTree(out);
    const found = differences(expected, readTree(join(root, 'src/gen')));
    for (const difference of found) console.error(`src/gen/${difference}; run npm run generate`);
    console.log(`${expected.size} generated files, ${found.length} differences`);
    if (found.length > 0 || expected.size === 0) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
