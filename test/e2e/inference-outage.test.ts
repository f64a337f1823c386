import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { noTriton, startTriton } from '../../bench/support/kserve/triton.ts';
import { connect } from '../../clients/typescript/index.ts';
import { NoticeKind } from '../../src/gen/maskstream/v1/video_response.ts';
import { type CurtainClip, makeCurtainClip } from '../fixtures/curtain-clip.ts';
import { encoders, makeClip } from '../fixtures/encoded-clips.ts';
import { inferenceServers, served, serveWith, tritonNote } from '../fixtures/inference-servers.ts';
import { readToEnd, runStream } from '../fixtures/run-stream.ts';
import { SteppedCamera } from '../fixtures/stepped-camera.ts';

const prompt = { objectId: 1, box: { x: 40, y: 30, width: 60, height: 50 } };
const { NOTICE_KIND_INFERENCE_LOST: lost, NOTICE_KIND_INFERENCE_BACK: back } = NoticeKind;

/** A file of 60 frames, for streams that are answered on every frame. */
let video: Buffer;
/** What cameras see. */
let clip: CurtainClip;

beforeAll(async () => {
  const encode = `${encoders.h264} -g 10`;
  video = await readFile(await makeClip({ encode, extension: 'ts', size: '160x120', frames: 60 }));
  clip = await makeCurtainClip(160);
});

/** Every frame, keyframes by the adaptive policy and at a fixed interval. */
const exact = [{}, { keyframes: { fixedInterval: 8 } }].map(
  (config) => ({ container: 'mpeg-ts', delivery: 'every-frame', ...config }) as const,
);

/** Confidence of object 1 on the newest frame. */
const confidence = ({ frames }: SteppedCamera) => frames.at(-1)!.objects[0]!.confidence;

/** Newest keyframe of whose masks an answer was made. */
const keyframe = ({ frames }: SteppedCamera) => frames.at(-1)!.keyframeIndex ?? -1;

const kinds = (notices: readonly { readonly kind: NoticeKind }[]) =>
  notices.map(({ kind }) => kind).filter((kind) => kind === lost || kind === back);

describe.each(inferenceServers)('$name', ({ skipped, start }) => {
  test.skipIf(skipped !== null)(
    `four streams outlive a server that is killed and started again, and are told${skipped === null ? '' : ` (${skipped})`}`,
    { timeout: 240_000 },
    async () => {
      const options = { models: [served('encoder')] };
      await using first = await start(options);
      await using service = await serveWith([first]);
      const undisturbed = await Promise.all(
        exact.map((config) => runStream(service.client.segmentVideo(config), video, [prompt])),
      );

      const waiting = exact.map((config) => {
        const stream = service.client.segmentVideo(config);
        return { stream, outcome: readToEnd(stream), asked: stream.prompt(prompt) };
      });
      const cameras = [1, 2].map(() => new SteppedCamera(service.client, clip));
      const each = (act: (camera: SteppedCamera) => Promise<void>) => Promise.all(cameras.map(act));
      for (const { stream } of waiting) await stream.sendChunk(video.subarray(0, video.length / 2));
      await each((camera) => camera.follow(1));
      await Promise.all(waiting.map(({ asked }) => asked));
      await each((camera) => camera.goTo(5));
      await first.end('SIGKILL');
      for (const { stream } of waiting) {
        await stream.sendChunk(video.subarray(video.length / 2));
        stream.end();
      }
      await each((camera) => camera.goUntil(() => kinds(camera.notices).includes(lost)));
      const before = cameras.map((camera) => ({ confidence: confidence(camera) }));
      await each((camera) => camera.goTo(camera.newest + 40));
      for (const [i, camera] of cameras.entries()) {
        expect(camera.frames.at(-1)!.objects).toHaveLength(1);
        expect(confidence(camera)).toBeLessThan(before[i]!.confidence);
        expect(camera.notices.at(-1)!.message).toBe(
          'no inference server answers; masks are propagated until one does, and prompts wait for 60 s at most',
        );
      }
      // One that begins meanwhile knows why its prompt is not answered.
      const late = new SteppedCamera(service.client, clip);
      const followed = late.follow(1);
      await expect.poll(() => kinds(late.notices)).toEqual([lost]);

      const outage = cameras.map((camera) => camera.newest);
      await using second = await start({ ...options, port: first.port });
      expect(second.port).toBe(first.port);
      await followed;
      await each((camera) => camera.goUntil(() => keyframe(camera) > Math.min(...outage)));
      await Promise.all([...cameras, late].map((camera) => camera.end()));
      for (const camera of [...cameras, late]) {
        expect(camera.failure).toBeNull();
        expect(kinds(camera.notices)).toEqual([lost, back]);
      }
      const ended = await Promise.all(waiting.map(({ outcome }) => outcome));
      for (const [i, { failure, frames, notices }] of ended.entries()) {
        expect(failure).toBeNull();
        expect(kinds(notices)).toEqual([lost, back]);
        expect(frames.map(({ objects }) => objects)).toEqual(
          undisturbed[i]!.frames.map(({ objects }) => objects),
        );
      }
    },
  );
});

test.skipIf(noTriton !== null)(
  `live streams go on with the model here where the settings say so, and others wait and end${tritonNote}`,
  async () => {
    await using server = await startTriton({ models: [served('encoder')] });
    await using service = await serveWith([server], {
      MASKSTREAM_KSERVE_FALLBACK: 'local',
      MASKSTREAM_KSERVE_WAIT_SECONDS: '2',
    });
    // By itself the client goes on at the same server for a minute.
    using client = connect(service.address, { resume: false });
    const camera = new SteppedCamera(client, clip);
    await camera.follow(1);
    await camera.goTo(5);
    const waiting = exact.map((config) => {
      const stream = client.segmentVideo(config);
      let masks = 0;
      const outcome = readToEnd(stream, () => masks++);
      return { stream, outcome, asked: stream.prompt(prompt), masks: () => masks };
    });
    for (const { stream, asked } of waiting) {
      await stream.sendChunk(video.subarray(0, video.length / 2));
      await asked;
    }
    await expect
      .poll(() => waiting.every(({ masks }) => masks() > 3), { timeout: 30_000 })
      .toBe(true);
    await server.end('SIGKILL');
    for (const { stream } of waiting) {
      await stream.sendChunk(video.subarray(video.length / 2));
      stream.end();
    }

    await camera.goUntil(() => kinds(camera.notices).includes(lost));
    expect(camera.notices.at(-1)!.message).toContain(
      'the model runs on this server until one does',
    );
    // Keyframes come, and a prompt is answered on its frame.
    const newest = camera.newest;
    await camera.goUntil(() => keyframe(camera) > newest + 2);
    await camera.follow(2);
    await camera.goUntil(() => camera.frames.at(-1)!.objects.length === 2);
    await camera.end();
    expect(camera.failure).toBeNull();

    for (const { failure, notices, summary } of await Promise.all(
      waiting.map(({ outcome }) => outcome),
    )) {
      expect(failure).toMatchObject({ status: 'UNAVAILABLE', code: 'inference-unavailable' });
      expect(notices.map(({ message }) => message)).toContain(
        'no inference server answers; frames that need the model wait for 2 s at most',
      );
      expect(notices.at(-1)).toMatchObject({
        kind: NoticeKind.NOTICE_KIND_GOING_AWAY,
        resume: { objects: [expect.objectContaining({ objectId: 1 })] },
      });
      expect(summary).not.toBeNull();
    }
  },
);
