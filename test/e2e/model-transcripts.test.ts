import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { writeConceptModel } from '../fixtures/concept-model.ts';
import { writeForeignModel } from '../fixtures/foreign-models.ts';
import { writePublicExport } from '../fixtures/public-names.ts';
import { writeStackedGraphs } from '../fixtures/stacked-model.ts';
import type { ToyFolder } from '../fixtures/toy-model.ts';

/*
 * The way from a folder of graphs to a server, as docs/models.md shows it: add, verify and serve by the
 * installed command, for an export of every layout. `npx vitest run test/e2e/model-transcripts.test.ts`
 * prints what the page shows.
 */

const program = fileURLToPath(new URL('../../bin/maskstream', import.meta.url));
const page = readFileSync(new URL('../../docs/models.md', import.meta.url), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'maskstream-transcripts-'));
afterAll(() => rmSync(folder, { recursive: true }));

const layouts: readonly (readonly [name: string, write: () => Promise<ToyFolder>])[] = [
  ['sam2.1-v1', () => writePublicExport('sam2', 'repeat-newest')],
  ['sam2.1-v2', () => writePublicExport('sam2', 'dynamic')],
  ['sam3-tracker-v2', () => writePublicExport('sam3', 'dynamic')],
  ['sam2-v3', () => writeStackedGraphs()],
  ['edgetam-v4', () => writePublicExport('edgetam', 'masked-slots')],
  ['sam3-phrases', () => writeConceptModel('usls')],
  ['sam2.1-image', () => writeForeignModel('transformers.js SAM 2.1')],
];

type Run = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

async function maskstream(...words: string[]): Promise<Run> {
  const child = spawn(program, words, { cwd: folder });
  const text = { stdout: '', stderr: '' };
  child.stdout.on('data', (part) => (text.stdout += String(part)));
  child.stderr.on('data', (part) => (text.stderr += String(part)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...text };
}

test.each(layouts)('%s: add, verify, serve', async (name, write) => {
  {
    await using graphs = await write();
    cpSync(graphs.directory, join(folder, name), { recursive: true });
  }
  const manifest = join(folder, name, 'manifest.json');
  rmSync(manifest, { force: true });

  const added = await maskstream('models', 'add', name);
  const said = `${added.stdout}${added.stderr}`.replaceAll(folder, '.');
  const [recognised = ''] = said.split('\n');
  expect(recognised).toMatch(/^recognised: \w/);
  expect(page).toContain(recognised);
  // Weights are random: they may find no ellipse, and nothing else may be wrong.
  expect(said).toMatch(/self-test IoU 0|provider cpu: expected an IoU of at least 0\.5, got 0/);
  const isLenient = added.code !== 0;
  const written = readFileSync(manifest, 'utf8');
  expect(written).toContain('"minIou": 0.5');
  if (isLenient) writeFileSync(manifest, written.replace('"minIou": 0.5', '"minIou": 0'));

  const verified = await maskstream('models', 'verify', name);
  // The runtime writes its own complaints there.
  expect(verified).toMatchObject({ code: 0, stderr: '' });

  const serve = ['serve', '--model', name, '--no-web', '--listen', '127.0.0.1:0'];
  const server = spawn(program, serve, { cwd: folder });
  const ended = once(server, 'close');
  const [listening] = (await once(createInterface(server.stdout), 'line')) as [string];
  expect(listening).toMatch(/^listening on 127\.0\.0\.1:\d+$/);
  server.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);

  console.info(
    [
      `$ maskstream models add ${name}`,
      said.trimEnd(),
      ...(isLenient ? [`$ sed -i 's/"minIou": 0.5/"minIou": 0/' ${name}/manifest.json`] : []),
      `$ maskstream models verify ${name}`,
      verified.stdout.trimEnd(),
      `$ maskstream ${serve.join(' ')}`,
      listening,
    ].join('\n'),
  );
});
