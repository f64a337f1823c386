import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '../../clients/typescript/index.ts';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { mean } from '../../src/evaluation/series-statistics.ts';
import { startServerProcess } from '../../src/evaluation/server-process.ts';
import { promptKinds, type EvalPrompt } from '../../src/evaluation/true-prompts.ts';
import { usageError } from '../../src/frame/errors.ts';
import type { Size } from '../../src/frame/geometry.ts';
import { readBenchOptions } from '../support/bench-options.ts';
import { drawnCast, photoCast, photosPerCast, type Cast } from '../support/kinds/cast.ts';
import { contactSheet, type SheetFrame } from '../support/kinds/contact-sheet.ts';
import { filmKind, type FilmedKind } from '../support/kinds/film-kind.ts';
import {
  kindFrame,
  scoreKind,
  type KindFrame,
  type KindScore,
} from '../support/kinds/kind-scores.ts';
import { kinds } from '../support/kinds/kinds.ts';
import { readPhotoActors } from '../support/kinds/photo-actors.ts';
import { cell, machineName, markdownTable } from '../support/markdown-table.ts';
import { answerClip } from '../support/true-clip.ts';

/*
 * Generated clips of kinds that the service was seen to fail on, through a server of its own: J and F;
 * frames on which an object that is in sight (a quarter of what was prompted at least) has no mask, and
 * what was said of it there; times that a mask went over to another object; objects whose mask is on
 * them at the end, for `grows` after it has filled the picture and gone back.
 *
 *   npm run bench kinds -- [options]
 *
 *   --only LIST          kinds, by name. Default: all
 *   --seeds LIST         clips of each, from 1 on. Default: 1,2
 *   --prompt LIST        mask, box or point. Default: mask
 *   --photographs FOLDER objects and grounds are cut out of photographs NAME.jpg with region maps
 *                        NAME.0.png (ids from 1), where the kind does not need a drawn shape. Default: none
 *   --overlays FOLDER    writes a contact sheet of each clip. Default: none
 *   --frames FILE        writes what was answered on every frame as JSON. Default: none
 *   --model NAME         Default: maskstream-tiny
 */

const options = readBenchOptions({
  only: '',
  seeds: '1,2',
  prompt: 'mask',
  photographs: '',
  overlays: '',
  frames: '',
  model: 'maskstream-tiny',
});
const size: Size = { width: 480, height: 270 };
const { signal } = new AbortController();
const chosen = options.text('only') === '' ? Object.keys(kinds) : options.list('only');
const prompts = options.list('prompt').map(promptKind);
const ffmpeg = await findConfiguredFfmpeg();

type Scored = {
  readonly kind: string;
  readonly seed: number;
  readonly prompt: EvalPrompt;
  readonly objectId: number;
  readonly frames: readonly KindFrame[];
  readonly score: KindScore;
};

const scored: Scored[] = [];
await using server = await startServerProcess(['--model', options.text('model')]);
using client = connect(server.address);
for (const kind of chosen) {
  for (const seed of options.numbers('seeds')) {
    const filmed = await film(kind, seed);
    for (const prompt of prompts) scored.push(...(await answer(filmed, { kind, seed, prompt })));
  }
}
await writeFrames();
print();

function promptKind(name: string): EvalPrompt {
  const found = promptKinds.find((known) => known === name);
  if (found !== undefined) return found;
  throw usageError(`--prompt: expected ${promptKinds.join(', ')}, got "${name}"`);
}

async function film(kind: string, seed: number): Promise<FilmedKind> {
  const make = kinds[kind];
  if (make === undefined) {
    throw usageError(`--only: expected some of ${Object.keys(kinds).join(', ')}, got "${kind}"`);
  }
  const take = { size, seed, cast: await castOf(seed) };
  return await filmKind(make(take), { name: `${kind} ${seed}`, ffmpeg, signal });
}

async function castOf(seed: number): Promise<Cast> {
  const folder = options.text('photographs');
  if (folder === '') return drawnCast(seed);
  return photoCast(await readPhotoActors(folder, { ...photosPerCast, seed, ffmpeg }), size);
}

async function answer(
  { clip, truths, pictures }: FilmedKind,
  named: Pick<Scored, 'kind' | 'seed' | 'prompt'>,
): Promise<Scored[]> {
  const objectIds = [...(clip.truths.get(0)?.objects.keys() ?? [])];
  const frames = new Map(objectIds.map((objectId) => [objectId, [] as KindFrame[]]));
  const sheet: SheetFrame[] = [];
  await answerClip(client, { clip, kind: named.prompt, signal }, (frame) => {
    const truth = truths.get(frame.frameIndex);
    if (truth === undefined) return;
    for (const [objectId, own] of frames) own.push(kindFrame(frame, objectId, truth));
    const picture = pictures.get(frame.frameIndex);
    if (picture !== undefined) sheet.push({ picture, answer: frame, truth });
  });
  await writeSheet(`${named.kind} ${named.seed} ${named.prompt}`, sheet);
  return [...frames].map(([objectId, own]) => ({
    ...named,
    objectId,
    frames: own,
    score: scoreKind(own),
  }));
}

async function writeSheet(name: string, frames: readonly SheetFrame[]): Promise<void> {
  const folder = options.text('overlays');
  if (folder === '') return;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name.replaceAll(' ', '-')}.png`), contactSheet(frames));
}

async function writeFrames(): Promise<void> {
  const file = options.text('frames');
  if (file !== '') await writeFile(file, JSON.stringify(scored));
}

function print(): void {
  const actors = options.text('photographs') === '' ? 'drawn' : 'cut out of photographs';
  console.log(`${machineName()}; objects ${actors}; seeds ${options.text('seeds')}\n`);
  const columns =
    'kind,prompt,objects,J,F,hidden though in sight,confidence there,presence there (highest),switches,on it at the end';
  const rows = prompts.flatMap((prompt) => {
    const own = scored.filter((one) => one.prompt === prompt);
    const all = chosen.map((kind) =>
      row(
        [kind, prompt],
        own.filter((one) => one.kind === kind),
      ),
    );
    return [...all, row(['all', prompt], own)];
  });
  console.log(markdownTable(columns.split(','), rows));
}

function row(names: readonly string[], all: readonly Scored[]): string[] {
  const scores = all.map(({ score }) => score);
  const sum = (pick: (score: KindScore) => number) =>
    scores.reduce((total, score) => total + pick(score), 0);
  const presences = scores.flatMap(({ hiddenPresences }) => hiddenPresences);
  return [
    ...names,
    String(all.length),
    cell(mean(scores.map(({ region }) => region)), 3),
    cell(mean(scores.map(({ boundary }) => boundary)), 3),
    `${sum(({ hiddenFrames }) => hiddenFrames)} of ${sum(({ visibleFrames }) => visibleFrames)}`,
    cell(mean(scores.flatMap(({ hiddenConfidences }) => hiddenConfidences)), 3),
    cell(presences.length === 0 ? null : Math.max(...presences), 3),
    String(sum(({ switches }) => switches)),
    `${sum(({ isFoundAtEnd }) => (isFoundAtEnd ? 1 : 0))} of ${all.length}`,
  ];
}
