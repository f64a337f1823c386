import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NoticeKind, type ResumeState, ObjectState } from '../../clients/typescript/index.ts';
import { encodeCocoRle } from '../../src/frame/coco-rle.ts';
import { maskFromBitmap } from '../../src/frame/mask.ts';
import { encoders, ffmpeg, makeClip, temporaryPath } from '../fixtures/encoded-clips.ts';
import { runStream } from '../fixtures/run-stream.ts';
import { startServer, type TestServer } from '../fixtures/start-server.ts';

/*
 * The most that the documented limits allow is served, whatever else they refuse: 32 objects at 4K, a
 * picture of 4096 x 4096 with 32 objects, and a stream that goes on with 32 objects.
 */

const config = { container: 'mpeg-ts', delivery: 'every-frame', maskEncoding: 'png' } as const;
/** A busy machine takes its time: each decodes 32 objects several times. */
const timeout = 240_000;
const size4k = { width: 4096, height: 2304 };

let system: TestServer;
let video: Uint8Array;
beforeAll(async () => {
  system = await startServer();
  const size = `${size4k.width}x${size4k.height}`;
  const clip = await makeClip({ encode: encoders.h264, extension: 'ts', size, frames: 3 });
  video = await readFile(clip);
});
afterAll(() => system[Symbol.asyncDispose]());

/** 32 boxes side by side, 8 in a row. */
function boxes({ width, height }: { readonly width: number; readonly height: number }) {
  return Array.from({ length: 32 }, (_, i) => ({
    objectId: i + 1,
    box: {
      x: (i % 8) * (width / 8),
      y: Math.floor(i / 8) * (height / 4),
      width: width / 8,
      height: height / 4,
    },
  }));
}

test(
  'a stream of 4K with 32 objects, answered as PNG, and going on elsewhere with all of them',
  { timeout },
  async () => {
    const prompts = boxes(size4k).map((prompt) => ({ ...prompt, at: { frameIndex: 0 } }));
    const outcome = await runStream(system.client.segmentVideo(config), video, prompts);
    expect(outcome.failure).toBeNull();
    expect(outcome.acks.map(({ status }) => status)).toEqual(prompts.map(() => 'fulfilled'));
    expect(outcome.frames.map(({ objects }) => objects.length)).toEqual([32, 32, 32]);

    const objects = boxes(size4k).map(({ objectId, box }) => ({
      objectId,
      mask: maskOf(box),
      state: ObjectState.OBJECT_STATE_VISIBLE,
    }));
    const resume: ResumeState = { objects, removedObjectIds: [], searches: [], at: undefined };
    const next = await runStream(system.client.segmentVideo({ ...config, resume }), video);
    expect(next.failure).toBeNull();
    expect(next.frames.map((frame) => frame.objects.length)).toEqual([32, 32, 32]);
    expect(next.frames[0]?.objects.map(({ objectId }) => objectId)).toEqual(
      objects.map(({ objectId }) => objectId),
    );
    // The first frame is answered with the very masks.
    const area = (size4k.width / 8) * (size4k.height / 4);
    expect(next.frames[0]?.objects.every((object) => object.area === area)).toBe(true);
    expect(
      next.notices.filter(({ kind }) => kind !== NoticeKind.NOTICE_KIND_DECODE_WARNING),
    ).toEqual([]);
  },
);

/** All pixels of a box, as run lengths. */
function maskOf(box: ReturnType<typeof boxes>[number]['box']) {
  const bits = new Uint8Array(box.width * box.height).fill(1);
  const counts = encodeCocoRle(maskFromBitmap(bits, size4k, box));
  return { ...size4k, data: { $case: 'cocoRle' as const, value: { counts } } };
}

test('a PNG of 4096 x 4096 with 32 boxes', { timeout }, async () => {
  const size = { width: 4096, height: 4096 };
  const path = temporaryPath('large.png');
  await ffmpeg(['-f', 'lavfi', '-i', 'testsrc2=s=4096x4096', '-frames:v', '1', path]);
  const image = await readFile(path);
  const answer = await system.client.segmentImage({
    image,
    prompts: boxes(size),
    maskEncoding: 'png',
  });
  expect(answer).toMatchObject(size);
  expect(answer.objects).toHaveLength(32);
});
