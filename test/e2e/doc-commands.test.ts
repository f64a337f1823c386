import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DocBlock, DocFiles } from '../fixtures/doc-page.ts';
import { readBlocks, runPage } from '../fixtures/doc-page.ts';
import { ffmpeg } from '../fixtures/encoded-clips.ts';
import { filmScene } from '../fixtures/scene-clip.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`)
    .toSorted(),
].map((name) => ({ name, blocks: readBlocks(readFileSync(join(root, name), 'utf8')) }));
const withCommands = pages.filter(({ blocks }) => blocks.some(isRun));

const python = spawnSync('python3', [
  '-c',
  'import ensurepip, sys; assert sys.version_info >= (3, 10)',
]);
const hasPython = python.status === 0;

let folder = '';
let files: DocFiles;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-doc-files-'));
  const scene = await filmScene(folder, 12);
  const video = join(folder, 'video.mp4');
  const encode = '-c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 0'.split(' ');
  await ffmpeg(['-i', scene.file, '-vf', 'scale=640:360', ...encode, video]);
  const pictures = [1, 2].map((number) => join(folder, `${number}.png`));
  await ffmpeg(['-i', video, '-frames:v', '2', join(folder, '%d.png')]);
  files = { root, video, truths: join(folder, 'masks'), pictures };
});
afterAll(() => rmSync(folder, { recursive: true }));

function isRun({ notRun }: DocBlock): boolean {
  return notRun === null;
}

function needsPython({ blocks }: { readonly blocks: readonly DocBlock[] }): boolean {
  return blocks.some((block) => isRun(block) && /python|pip /.test(block.language + block.text));
}

for (const page of withCommands) {
  // An environment of Python is made from the package index, as the page says.
  test.skipIf(needsPython(page) && !hasPython)(
    `the commands of ${page.name} run in their order`,
    { timeout: 400_000 },
    async () => {
      expect(await runPage(page.blocks, files)).toEqual([]);
    },
  );
}

test('what is not run says why', () => {
  const all = pages.flatMap(({ name, blocks }) => blocks.map((block) => ({ name, ...block })));
  const left = all.filter(({ notRun }) => notRun !== null);
  const lines = left.map(({ name, line, notRun }) => `  ${name}:${line} ${notRun}`);
  console.info(`${all.length - left.length} blocks run, ${left.length} not:\n${lines.join('\n')}`);
  expect(left.filter(({ notRun }) => (notRun ?? '').length < 10)).toEqual([]);
  // A check that finds nothing passes everything.
  expect(all.length - left.length).toBeGreaterThan(15);
});

test('a block is run unless the comment above it says why not', () => {
  const page = [
    '```sh\none\n```',
    '<!-- not run: no camera here -->\n```sh\ntwo\n```',
    '<!-- not run: nor\nhere -->\n\n```ts\nthree\n```',
    '```json\n{}\n```',
  ].join('\n\n');
  expect(readBlocks(page)).toEqual([
    { language: 'sh', text: 'one\n', line: 1, notRun: null },
    { language: 'sh', text: 'two\n', line: 6, notRun: 'no camera here' },
    { language: 'ts', text: 'three\n', line: 13, notRun: 'nor\nhere' },
  ]);
});

test('a command that fails is told by its line', async () => {
  const blocks = readBlocks('```sh\nexport A=1\n```\n\n```sh\ntest "$A" = 2\n```\n');
  expect(await runPage(blocks, files)).toMatchObject([{ line: 5 }]);
});
