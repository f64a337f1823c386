import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  connect,
  decodeMask,
  type FrameMasks,
  ObjectState,
  type PromptAck,
  type PromptOptions,
  type Resumed,
  type SegmentationClient,
  type StreamSummary,
  type VideoStream,
} from '../../clients/typescript/index.ts';
import { emptyMask, maskFromBitmap, maskIou, type Mask } from '../../src/frame/mask.ts';
import { toWireMask } from '../../src/calls/wire-mask.ts';
import {
  type CurtainClip,
  curtain,
  groupFrames,
  makeCurtainClip,
} from '../fixtures/curtain-clip.ts';
import { startDoomedServers } from '../fixtures/doomed-servers.ts';

const frameCount = 110;
/** Frames that a sender is ahead of the newest answer, so that LATEST skips next to nothing. */
const framesAhead = 2;
/** Half of a camera's pace. */
const frameMs = 66;
/** The server dies when this frame is answered: object 2 is hidden then. */
const lastFrame = 33;
/** An update and a phrase that wait for these frames meanwhile. */
const laterFrame = 56;
const phraseFrame = 60;

let clip: CurtainClip;
beforeAll(async () => {
  clip = await makeCurtainClip(frameCount);
});

/** A frame to come: by its time in LATEST, which may skip it. */
function toCome(frameIndex: number, delivery: 'every-frame' | 'latest') {
  return delivery === 'latest'
    ? { timestampUs: Math.round((frameIndex * 1e6) / 30) + 10 }
    : { frameIndex };
}

function boxOf(objectId: number): PromptOptions {
  const box = clip.truths[0]?.get(objectId)?.box;
  if (!box) throw new Error(`object ${objectId} must be on the first frame`);
  return { objectId, box, at: { frameIndex: 0 }, label: `object ${objectId}` };
}

/** All that came of a stream whose server died. */
type Outcome = {
  readonly frames: FrameMasks[];
  readonly resumed: Resumed[];
  readonly summary: StreamSummary;
  /** The newest frame when the server died. */
  readonly killedAt: number;
  readonly later: PromptAck;
  readonly phrase: PromptAck;
};

/** Runs the clip with two objects and two updates that wait, and ends the server under it. */
async function runThrough(
  client: SegmentationClient,
  delivery: 'every-frame' | 'latest',
  {
    send,
    kill,
    container,
  }: {
    readonly container: 'h264-annex-b' | 'mp4';
    readonly send: (stream: VideoStream, answers: Answers) => Promise<void>;
    readonly kill: () => void;
  },
): Promise<Outcome> {
  const stream = client.segmentVideo(
    { container, delivery, overlap: 'independent', frameRate: 30 },
    // Little ahead of the answers, as from a camera.
    { maxBytesInFlight: 4096, maxWaitingResults: 2 },
  );
  for (const objectId of [1, 2]) void stream.prompt(boxOf(objectId));
  const mask = toWireMask(clip.truths[laterFrame]!.get(1)!);
  const later = stream.prompt({ objectId: 7, mask, at: toCome(laterFrame, delivery) });
  const text = { phrase: 'bag', maxObjects: 3 };
  const phrase = stream.prompt({ objectId: 20, text, at: toCome(phraseFrame, delivery) });
  const answers = new Answers();
  const sent = send(stream, answers);
  const frames: FrameMasks[] = [];
  const resumed: Resumed[] = [];
  let isDying = false;
  let killedAt = 0;
  for await (const result of stream) {
    if (result.kind === 'resumed') {
      resumed.push(result);
      answers.release();
    }
    if (result.kind !== 'masks') continue;
    answers.reach(result.masks.frameIndex);
    frames.push(result.masks);
    // In LATEST a busy server takes its time to see that the object is hidden.
    const isHidden = result.masks.objects[1]?.state === ObjectState.OBJECT_STATE_OCCLUDED;
    const mayDie = isHidden || result.masks.frameIndex >= curtain.to - 6;
    if (isDying || result.masks.frameIndex < lastFrame || !mayDie) continue;
    killedAt = result.masks.frameIndex;
    isDying = true;
    kill();
  }
  await sent;
  return {
    frames,
    resumed,
    summary: await stream.summary,
    killedAt,
    later: await later,
    phrase: await phrase,
  };
}

/** How far the answers of a stream have come. */
class Answers {
  #newest = -1;
  #waiting: { readonly frameIndex: number; readonly resolve: () => void }[] = [];

  /** Resolves when a frame, or a later one, is answered; at once for one before the first. */
  after(frameIndex: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ frameIndex, resolve });
      this.reach(this.#newest);
    });
  }

  reach(frameIndex: number): void {
    this.#newest = Math.max(this.#newest, frameIndex);
    const isDue = (one: { readonly frameIndex: number }) => one.frameIndex <= this.#newest;
    for (const { resolve } of this.#waiting.filter(isDue)) resolve();
    this.#waiting = this.#waiting.filter((one) => !isDue(one));
  }

  /** What was on its way to a server that died is not answered. */
  release(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }
}

/** Sends marked units as a camera does, which a slow machine slows down. */
async function sendLive(stream: VideoStream, answers: Answers): Promise<void> {
  for (const [index, { data, randomAccess }] of clip.units.entries()) {
    await answers.after(index - 1 - framesAhead);
    await stream.sendChunk(data, {
      randomAccess,
      captureTimestampUs: 5_000_000 + index * 33_333,
      endsAccessUnit: true,
    });
  }
  stream.end();
}

const sendFile = (stream: VideoStream) => stream.sendVideo(() => createReadStream(clip.file));

/** Sends a file no faster than it plays: in LATEST little is skipped then. */
const sendPacedFile = (stream: VideoStream) =>
  stream.sendVideo(async function* () {
    const file = await readFile(clip.file);
    const pieceBytes = Math.ceil(file.length / frameCount);
    for (let from = 0; from < file.length; from += pieceBytes) {
      await wait(frameMs);
      yield file.subarray(from, from + pieceBytes);
    }
  });

function maskOf(frame: FrameMasks, objectId: number): Mask {
  const mask = frame.objects.find((object) => object.objectId === objectId)?.mask;
  if (mask === undefined) return emptyMask(clip.size);
  const { data, ...size } = decodeMask(mask);
  return maskFromBitmap(data, size);
}

/** Mean IoU of object 1, which is in the picture all along. */
function meanIou(frames: readonly FrameMasks[]): number {
  const ious = frames.map((frame) =>
    maskIou(maskOf(frame, 1), clip.truths[frame.frameIndex]!.get(1)!),
  );
  return ious.reduce((sum, iou) => sum + iou, 0) / ious.length;
}

/** What holds whatever broke and however the video came. */
function expectOneStream({ frames, resumed, later, phrase, summary, killedAt }: Outcome): void {
  // An update behind a frame that was skipped corrects the one before: that is no second answer.
  const first = frames.filter(({ revision }) => revision === 0);
  const indices = first.map(({ frameIndex }) => frameIndex);
  expect(indices).toEqual([...new Set(indices)].toSorted((a, b) => a - b));
  expect(indices.at(-1)).toBe(frameCount - 1);
  expect(resumed).toHaveLength(1);
  // Every frame is answered, or counted before the next one that is.
  for (const [at, frame] of first.entries()) {
    expect(frame.framesDroppedBefore).toBe(frame.frameIndex - (indices[at - 1] ?? -1) - 1);
  }
  const after = frames.filter(({ frameIndex }) => frameIndex > killedAt);
  expect(after[0]?.objects.map(({ objectId, label }) => [objectId, label])).toEqual([
    [1, 'object 1'],
    [2, 'object 2'],
  ]);
  // What was hidden is hidden still, as long as it is.
  const before2 = first.findLast(({ frameIndex }) => frameIndex <= killedAt)?.objects[1]?.state;
  const after2 = after.find(({ frameIndex }) => frameIndex < curtain.to - 2)?.objects[1]?.state;
  const isHidden = before2 === ObjectState.OBJECT_STATE_OCCLUDED;
  expect(isHidden ? (after2 ?? before2) : before2).toBe(before2);
  // In LATEST the newest frame that was not skipped by then.
  const answeredBy = (frameIndex: number) => indices.findLast((index) => index <= frameIndex);
  expect(later).toMatchObject({ objectIds: [7], frameIndex: answeredBy(laterFrame) });
  expect(phrase.frameIndex).toBe(answeredBy(phraseFrame));
  for (const objectId of phrase.objectIds) {
    expect(objectId).toBeGreaterThanOrEqual(20);
    expect(objectId).toBeLessThan(23);
  }
  const atLater = frames.findLast(({ frameIndex }) => frameIndex === later.frameIndex)!;
  expect(maskIou(maskOf(atLater, 7), clip.truths[laterFrame]!.get(1)!)).toBe(1);
  expect(frames.at(-1)!.objects[1]).toMatchObject({ objectId: 2, label: 'object 2' });
  // On both sides of the break.
  const before = meanIou(first.filter(({ frameIndex }) => frameIndex <= killedAt).slice(-5));
  const behind = meanIou(first.filter(({ frameIndex }) => frameIndex > killedAt).slice(0, 1));
  expect(behind).toBeGreaterThan(before - 0.05);
  expect(summary).toMatchObject({ framesIn: frameCount, framesOut: first.length });
}

/** EVERY_FRAME answers every frame, whatever happened; masks are as good after the break as before. */
function expectComplete({ frames, killedAt }: Outcome, delivery: 'every-frame' | 'latest'): void {
  const fewest = delivery === 'every-frame' ? frameCount : 1;
  expect(frames.length).toBeGreaterThanOrEqual(fewest);
  const before = meanIou(frames.filter(({ frameIndex }) => frameIndex <= killedAt));
  const after = meanIou(frames.filter(({ frameIndex }) => frameIndex > killedAt));
  // On a busy machine LATEST gets fewer keyframes, with a break or without: IoU from 0.97 to 0.5.
  const [fewer, least] = delivery === 'every-frame' ? [before - 0.05, 0.75] : [0.4, 0.25];
  expect(after).toBeGreaterThan(fewer);
  // Object 2 is found again from what was known of it before.
  const last = frames.at(-1)!;
  const truth = clip.truths.at(-1)!;
  for (const objectId of [1, 2]) {
    expect(maskIou(maskOf(last, objectId), truth.get(objectId)!)).toBeGreaterThan(least);
  }
}

describe.each(['SIGTERM', 'SIGKILL'] as const)('a server that ends by %s', (signal) => {
  test.each(['every-frame', 'latest'] as const)(
    'loses nothing of a live picture, %s',
    async (delivery) => {
      await using servers = await startDoomedServers();
      using client = connect(servers.addresses);
      const outcome = await runThrough(client, delivery, {
        container: 'h264-annex-b',
        send: sendLive,
        kill: () => servers.kill(signal),
      });
      expectOneStream(outcome);
      const { gapFrames } = outcome.resumed[0]!;
      expect(gapFrames).toBe(0);
      expect(gapFrames).toBeLessThanOrEqual(groupFrames);
      expectComplete(outcome, delivery);
    },
  );

  test.each(['every-frame', 'latest'] as const)('loses nothing of a file, %s', async (delivery) => {
    await using servers = await startDoomedServers();
    using client = connect(servers.addresses);
    const outcome = await runThrough(client, delivery, {
      container: 'mp4',
      send: delivery === 'latest' ? sendPacedFile : sendFile,
      kill: () => servers.kill(signal),
    });
    expectOneStream(outcome);
    expectComplete(outcome, delivery);
    expect(outcome.resumed[0]!.gapFrames).toBe(0);
  });
});
