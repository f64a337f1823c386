import type { FrameMasks } from '../../clients/typescript/index.ts';
import { connect } from '../../clients/typescript/index.ts';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { mean } from '../../src/evaluation/series-statistics.ts';
import { startServerProcess } from '../../src/evaluation/server-process.ts';
import { promptKinds } from '../../src/evaluation/true-prompts.ts';
import type { Size } from '../../src/frame/geometry.ts';
import { readBenchOptions } from '../support/bench-options.ts';
import type { Absence } from '../support/leaving-scene.ts';
import { createLeavingScene, planAbsences } from '../support/leaving-scene.ts';
import { cell, machineName, markdownTable } from '../support/markdown-table.ts';
import type { LifeFrame, ObjectLife } from '../support/object-life.ts';
import { followObject, lifeFrame } from '../support/object-life.ts';
import { percentile } from '../support/percentile.ts';
import type { PresenceFrame } from '../support/presence-table.ts';
import { presenceTable } from '../support/presence-table.ts';
import { answerClip, filmScene } from '../support/true-clip.ts';

/*
 * An object leaves the picture, stays away and comes back by another border, larger or smaller.
 * Found again means a VISIBLE mask with IoU > 0.5 before the clip ends, which is --back after it
 * stands in the picture again; false is a VISIBLE mask while it is away, from its third frame on.
 * The second table is about `presence`: how often it says "not there", and how often that is wrong.
 *
 *   npm run bench come-back -- [options]
 *
 *   --cases N      clips; every second one with another object that stays. Default: 20
 *   --from N       leaves out the first N of them. Default: 0
 *   --away SECONDS Default: 5
 *   --back SECONDS Default: 2
 *   --prompt KIND  mask, box or point. Default: mask
 *   --model NAME   Default: maskstream-tiny
 */

const options = readBenchOptions({
  cases: '20',
  from: '0',
  away: '5',
  back: '2',
  prompt: 'mask',
  model: 'maskstream-tiny',
});
const size: Size = { width: 320, height: 180 };
const frameRate = 30;
const objectId = 1;
const times = {
  staysFrames: 30,
  crossesFrames: 20,
  awayFrames: Math.round(options.number('away') * frameRate),
  backFrames: Math.round(options.number('back') * frameRate),
};
const { signal } = new AbortController();
const kind = promptKinds.find((known) => known === options.text('prompt')) ?? 'mask';
const ffmpeg = await findConfiguredFfmpeg();
await using server = await startServerProcess(['--model', options.text('model')]);
using client = connect(server.address);

type Case = { readonly absence: Absence; readonly life: ObjectLife; readonly awayRuns: number };

const cases: Case[] = [];
const judged: PresenceFrame[] = [];
const planned = planAbsences(options.number('cases')).slice(options.number('from'));
for (const absence of planned) cases.push(await follow(absence));
print();

async function follow(absence: Absence): Promise<Case> {
  const name = String(absence.seed);
  const scene = createLeavingScene(size, absence, times);
  const clip = await filmScene(scene, { name, ffmpeg, signal });
  const frames: LifeFrame[] = [];
  let awayRuns = 0;
  await answerClip(client, { clip, kind, signal }, (frame, masks) => {
    const truth = clip.truths.get(frame.frameIndex);
    if (truth === undefined) return;
    const seen = lifeFrame(frame, objectId, truth);
    frames.push(seen);
    if (seen.trueArea === 0 && isEncoded(masks)) awayRuns++;
    const presence = frame.objects.find((each) => each.objectId === objectId)?.presence ?? null;
    if (presence !== null && frame.reason !== 'prompt') {
      judged.push({ presence, trueArea: seen.trueArea, isAnswered: seen.isAnswered });
    }
  });
  return { absence, life: followObject(frames), awayRuns };
}

function isEncoded({ timings }: FrameMasks): boolean {
  return (timings?.encodeUs ?? 0) > 0;
}

function print(): void {
  console.log(`${machineName()}; prompt: ${kind}; away for ${options.text('away')} s\n`);
  const columns =
    'clips,came back,found again,delay in frames (median),(90 %),frames away,false frames,encoder/frame away';
  const rows = [
    row('larger', ({ growth }) => growth > 1),
    row('same size', ({ growth }) => growth === 1),
    row('smaller', ({ growth }) => growth < 1),
    row('alone', ({ company }) => !company),
    row('in company', ({ company }) => company),
    row('all', () => true),
  ];
  console.log(`${markdownTable(columns.split(','), rows)}\n`);
  console.log(presenceTable(judged));
}

function row(name: string, belongs: (absence: Absence) => boolean): string[] {
  const chosen = cases.filter(({ absence }) => belongs(absence));
  const sum = (pick: (life: ObjectLife) => number) =>
    chosen.reduce((total, { life }) => total + pick(life), 0);
  const delays = chosen.flatMap(({ life }) => life.delays);
  const encoded = chosen.map(({ awayRuns }) => awayRuns / times.awayFrames);
  return [
    name,
    String(sum(({ hidden }) => hidden)),
    String(sum(({ found }) => found)),
    cell(percentile(delays, 0.5), 0),
    cell(percentile(delays, 0.9), 0),
    String(sum(({ hiddenFrames }) => hiddenFrames)),
    String(sum(({ falseFrames }) => falseFrames)),
    cell(mean(encoded), 3),
  ];
}
