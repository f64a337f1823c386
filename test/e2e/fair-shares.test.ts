import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { connect, type SegmentationClient } from '../../clients/typescript/index.ts';
import { filmScene } from '../fixtures/scene-clip.ts';
import { startService } from '../fixtures/start-service.ts';

const folder = mkdtempSync(join(tmpdir(), 'maskstream-fair-'));
afterAll(() => rmSync(folder, { recursive: true }));

const frameCount = 24;
const many = { name: 'many', token: 'the token of many streams' };
const one = { name: 'one', token: 'the token of one stream' };

test(
  'one name with eight streams does not starve another’s one',
  { timeout: 180_000 },
  async () => {
    const { file, truths } = await filmScene(folder, frameCount);
    const video = readFileSync(file);
    const [mask] = truths[0]!.values();
    const tokensFile = join(folder, 'tokens.json');
    writeFileSync(tokensFile, JSON.stringify({ tokens: [many, one] }));
    await using running = await startService({
      MASKSTREAM_TOKENS_FILE: tokensFile,
      MASKSTREAM_MAX_STREAMS: '16',
      MASKSTREAM_MODEL_THREADS: '1',
      MASKSTREAM_TRACKER_WORKERS: '1',
    });
    using crowd = connect(running.address, { token: many.token });
    using single = connect(running.address, { token: one.token });

    /** A stream whose every frame is a keyframe: the model is what all wait for. */
    const run = async (client: SegmentationClient, onFrame: () => void) => {
      using stream = client.segmentVideo({
        container: 'mp4',
        delivery: 'every-frame',
        keyframes: { fixedInterval: 1 },
      });
      const ack = stream.prompt({ objectId: 1, box: mask!.box!, at: { frameIndex: 0 } });
      await stream.sendChunk(video);
      stream.end();
      for await (const result of stream) if (result.kind === 'masks') onFrame();
      await ack;
    };

    let ofCrowd = 0;
    let begun: (() => void) | null = null;
    const busy = new Promise<void>((resolve) => (begun = resolve));
    const crowded = Array.from({ length: 8 }, () =>
      run(crowd, () => {
        if (++ofCrowd === 8) begun?.();
      }),
    );
    // The crowd is at work when the single stream comes.
    await busy;
    const before = ofCrowd;
    let ofSingle = 0;
    await run(single, () => ofSingle++);
    const meanwhile = ofCrowd - before;
    expect(ofSingle).toBe(frameCount);
    // First come, first served would answer eight frames of the crowd for one of the single stream.
    expect(meanwhile).toBeLessThan(4 * frameCount);
    await Promise.all(crowded);
  },
);
