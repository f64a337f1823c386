import { readFile } from 'node:fs/promises';
import { connect } from '../../clients/typescript/index.ts';
import type { FrameMasks } from '../../clients/typescript/index.ts';
import { createScene } from '../../src/cli/demo/scene.ts';
import { findClips, readTruths } from '../../src/evaluation/clips.ts';
import { measureDecoding } from '../../src/evaluation/clip-flow.ts';
import { mean } from '../../src/evaluation/series-statistics.ts';
import { startServerProcess } from '../../src/evaluation/server-process.ts';
import { promptKinds, promptsFromTruths } from '../../src/evaluation/true-prompts.ts';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import type { AnsweredFrame } from '../../src/formats/answered-frame.ts';
import type { Size } from '../../src/frame/geometry.ts';
import { createDecoder } from '../../src/video/index.ts';
import { readBenchOptions } from '../support/bench-options.ts';
import { cell, machineName, markdownTable } from '../support/markdown-table.ts';
import type { LifeFrame, ObjectLife } from '../support/object-life.ts';
import { followObject, lifeFrame } from '../support/object-life.ts';
import { percentile } from '../support/percentile.ts';
import type { TrueClip } from '../support/true-clip.ts';
import { answerClip, filmScene } from '../support/true-clip.ts';
import type { Wall } from '../support/wall-scene.ts';
import { hideBehindWall, recordScene } from '../support/wall-scene.ts';

/*
 * What happens to objects that are hidden and come back: generated clips in which a wall passes
 * before two objects, and clips with true masks. Found again means a VISIBLE mask with IoU > 0.5
 * before the object is hidden again; false is a VISIBLE mask while the object is hidden, from its
 * third hidden frame on. A loss is a mask that leaves an object in full sight (IoU < 0.1).
 *
 *   npm run bench occlusion -- [options]
 *
 *   --walls LIST    widths of the wall in pixels of 480; empty leaves these clips out.
 *                   Default: 180,300,500,900
 *   --seeds LIST    scenes; the wall comes from the right, then from the left. Default: 2026,7
 *   --clips FOLDER  folders with clip.mp4 and masks/NNNNN.png. Default: none
 *   --only NAMES    Default: bmx-trees,libby,dance-twirl
 *   --prompt KIND   mask, box or point. Default: mask
 */

const options = readBenchOptions({
  walls: '180,300,500,900',
  seeds: '2026,7',
  clips: '',
  only: 'bmx-trees,libby,dance-twirl',
  prompt: 'mask',
});
const size: Size = { width: 480, height: 270 };
const sceneFrames = 220;
const { signal } = new AbortController();
const ffmpeg = await findConfiguredFfmpeg();
const prompt = promptKinds.find((kind) => kind === options.text('prompt')) ?? 'mask';

await using server = await startServerProcess([]);
using client = connect(server.address);
const lives: NamedLife[] = [];
const spent: Spent[] = [];
for (const clip of generatedClips()) await follow(await clip);
if (options.text('clips') !== '') {
  for (const clip of await findClips(options.text('clips'), options.list('only'))) {
    const decode = createDecoder({ ffmpeg });
    const { display } = await measureDecoding(clip.videoFile, decode, signal);
    const truths = await readTruths(clip, display);
    await follow({ name: clip.name, video: await readFile(clip.videoFile), truths });
  }
}
print();

type NamedLife = { readonly clip: string; readonly objectId: number; readonly life: ObjectLife };

/** One answered frame that no prompt names. */
type Spent = {
  readonly objects: 'all visible' | 'some hidden' | 'none visible';
  /** Server's wall time, without waiting for its turn. */
  readonly workMs: number;
  readonly isEncoded: boolean;
};

function* generatedClips(): Generator<Promise<TrueClip>> {
  for (const [index, seed] of options.numbers('seeds').entries()) {
    if (options.list('walls').length === 0) return;
    const scene = createScene({ size, frameCount: sceneFrames, seed });
    const recorded = recordScene(scene);
    const direction = index % 2 === 0 ? 'left' : 'right';
    for (const widthPixels of options.numbers('walls')) {
      const wall: Wall = { name: `wall ${widthPixels} ${direction}`, widthPixels, direction };
      const walled = hideBehindWall(scene, recorded, wall);
      yield filmScene(walled, { name: wall.name, ffmpeg, signal });
    }
  }
}

async function follow(clip: TrueClip): Promise<void> {
  const prompts = promptsFromTruths(clip.truths, prompt);
  const frames = new Map(prompts.map(({ objectId }) => [objectId, [] as LifeFrame[]]));
  await answerClip(client, { clip, kind: prompt, signal }, (frame, masks) => {
    if (frame.reason !== 'prompt') spent.push(spentOn(frame, masks));
    const truth = clip.truths.get(frame.frameIndex);
    if (truth === undefined) return;
    for (const [objectId, own] of frames) own.push(lifeFrame(frame, objectId, truth));
  });
  for (const [objectId, own] of frames) {
    lives.push({ clip: clip.name, objectId, life: followObject(own) });
  }
}

function spentOn({ objects }: AnsweredFrame, { timings }: FrameMasks): Spent {
  const visible = objects.filter(({ state }) => state === 'visible').length;
  const some = visible === 0 ? 'none visible' : 'some hidden';
  return {
    objects: visible === objects.length ? 'all visible' : some,
    workMs: ((timings?.totalUs ?? 0) - (timings?.queueUs ?? 0)) / 1000,
    isEncoded: (timings?.encodeUs ?? 0) > 0,
  };
}

function print(): void {
  console.log(`${machineName()}; prompt: ${prompt}\n`);
  const rows = lives.map(({ clip, objectId, life }) => lifeRow(clip, String(objectId), [life]));
  rows.push(
    lifeRow(
      'all',
      '',
      lives.map(({ life }) => life),
    ),
  );
  const columns =
    'clip,object,hidden,found again,delay in frames (median),hidden frames,false frames,losses,recoveries';
  console.log(`${markdownTable(columns.split(','), rows)}\n`);
  const kinds = ['all visible', 'some hidden', 'none visible'] as const;
  const costs = kinds.map((kind) => {
    const frames = spent.filter(({ objects }) => objects === kind);
    const encoded = frames.filter(({ isEncoded }) => isEncoded).length;
    const work = mean(frames.map(({ workMs }) => workMs));
    return [kind, String(frames.length), cell(encoded / frames.length, 3), cell(work)];
  });
  console.log(markdownTable(['objects', 'frames', 'encoder/frame', 'wall ms/frame'], costs));
}

function lifeRow(clip: string, objectId: string, all: readonly ObjectLife[]): string[] {
  const sum = (pick: (life: ObjectLife) => number) =>
    String(all.reduce((total, life) => total + pick(life), 0));
  return [
    clip,
    objectId,
    sum(({ hidden }) => hidden),
    sum(({ found }) => found),
    cell(
      percentile(
        all.flatMap(({ delays }) => delays),
        0.5,
      ),
      0,
    ),
    sum(({ hiddenFrames }) => hiddenFrames),
    sum(({ falseFrames }) => falseFrames),
    sum(({ losses }) => losses),
    sum(({ recoveries }) => recoveries),
  ];
}
