import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import {
  KeyframeReason,
  NoticeKind,
  ObjectState,
  type ResumeState,
  type VideoConfig,
} from '../../clients/typescript/index.ts';
import { encoders, makeClip } from '../fixtures/encoded-clips.ts';
import { runStream } from '../fixtures/run-stream.ts';
import { startServer } from '../fixtures/start-server.ts';

const config: VideoConfig = { container: 'mpeg-ts', delivery: 'every-frame' };

test('a stream goes on at another server with the state of a going-away notice', async () => {
  const frames = 20;
  const clip = await makeClip({ encode: encoders.h264, extension: 'ts', size: '160x120', frames });
  const video = await readFile(clip);
  let state: ResumeState | undefined;
  let lastArea = 0;
  {
    await using old = await startServer();
    const stream = old.client.segmentVideo(config);
    void stream.prompt({ objectId: 9, label: 'it', box: { x: 40, y: 30, width: 60, height: 50 } });
    await stream.sendChunk(video);
    let drained: Promise<void> | null = null;
    for await (const result of stream) {
      if (result.kind === 'masks' && state === undefined) {
        lastArea = result.masks.objects[0]?.area ?? 0;
        if (result.masks.frameIndex >= 3) drained ??= old.server.drain({ graceMs: 30_000 });
      }
      if (result.kind === 'notice' && result.notice.kind === NoticeKind.NOTICE_KIND_GOING_AWAY) {
        state = result.notice.resume;
        stream.end();
      }
    }
    await drained;
    expect((await stream.summary).framesOut).toBeGreaterThan(3);
  }
  expect(state?.objects).toMatchObject([{ objectId: 9, label: 'it' }]);

  await using next = await startServer();
  const resumed = state === undefined ? config : { ...config, resume: state };
  const outcome = await runStream(next.client.segmentVideo(resumed), video);
  expect(outcome.failure).toBeNull();
  expect(outcome.frames).toHaveLength(frames);
  expect(outcome.frames[0]).toMatchObject({
    keyframeReason: KeyframeReason.KEYFRAME_REASON_RESUME,
    objects: [{ objectId: 9, label: 'it', state: ObjectState.OBJECT_STATE_VISIBLE }],
  });
  // The first frame is answered with the mask that was handed over.
  expect(outcome.frames[0]?.objects[0]?.area).toBeGreaterThan(0.5 * lastArea);
});
