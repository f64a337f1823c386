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
/** Half of a camera's pace, so that LATEST skips little on a machine that does other things too. */
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
    readonly send: (stream: VideoStream) => Promise<void>;
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
  const sent = send(stream);
  const frames: FrameMasks[] = [];
  const resumed: Resumed[] = [];
  let isDying = false;
  let killedAt = 0;
  for await (const result of stream) {
    if (result.kind === 'resumed') resumed.push(result);
    if (result.kind !== 'masks') continue;
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

/** Sends as a camera does: every unit when its time has come, marked. */
async function sendLive(stream: VideoStream): Promise<void> {
  const startedMs = performance.now();
  for (const [index, { data, randomAccess }] of clip.units.entries()) {
    const aheadMs = startedMs + index * frameMs - performance.now();
    if (aheadMs > 0) await wait(aheadMs);
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
  // On both sides of the break; what LATEST skips later on a busy machine is another matter.
  const before = meanIou(first.filter(({ frameIndex }) => frameIndex <= killedAt).slice(-5));
  const between = meanIou(first.filter(({ frameIndex }) => frameIndex > killedAt).slice(0, 1));
  expect(between).toBeGreaterThan(before - 0.05);
  expect(summary).toMatchObject({ framesIn: frameCount, framesOut: first.length });
}

/** EVERY_FRAME answers every frame, whatever happened. */
function expectComplete({ frames }: Outcome, delivery: 'every-frame' | 'latest'): void {
  const fewest = delivery === 'every-frame' ? frameCount : 1;
  expect(frames.length).toBeGreaterThanOrEqual(fewest);
  // Object 2 is found again from what was known of it before; in LATEST a busy machine takes its time.
  const last = frames.at(-1)!;
  const least = delivery === 'every-frame' ? 0.75 : 0;
  const truth = clip.truths.at(-1)!;
  for (const objectId of [1, 2]) {
    expect(maskIou(maskOf(last, objectId), truth.get(objectId)!)).toBeGreaterThanOrEqual(least);
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
    60_000,
  );

  test.each(['every-frame', 'latest'] as const)(
    'loses nothing of a file, %s',
    async (delivery) => {
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
    },
    60_000,
  );
});
