import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import {
  connect,
  type PromptOptions,
  type SegmentationClient,
} from '../../clients/typescript/index.ts';
import { encoders, makeClip } from '../fixtures/encoded-clips.ts';
import { readToEnd, runStream } from '../fixtures/run-stream.ts';
import { startService } from '../fixtures/start-service.ts';

const folder = mkdtempSync(join(tmpdir(), 'maskstream-objects-'));
afterAll(() => rmSync(folder, { recursive: true }));

const gate = { name: 'gate', token: 'the token of the gate', maxObjects: 3 };
const lab = { name: 'lab', token: 'the token of the lab' };
const config = { container: 'mpeg-ts', delivery: 'every-frame' } as const;

const clicks = (count: number): PromptOptions[] =>
  Array.from({ length: count }, (_, i) => ({
    objectId: i + 1,
    points: [{ x: 20 + 30 * i, y: 60, label: 'positive' }],
  }));

test(
  'objects of a name count over all of its streams, and those of others do not',
  { timeout: 180_000 },
  async () => {
    const tokensFile = join(folder, 'tokens.json');
    writeFileSync(tokensFile, JSON.stringify({ tokens: [gate, lab] }));
    await using running = await startService({
      MASKSTREAM_TOKENS_FILE: tokensFile,
      MASKSTREAM_MAX_OBJECTS_PER_CLIENT: '2',
    });
    using atGate = connect(running.address, { token: gate.token });
    using atLab = connect(running.address, { token: lab.token });
    const clip = await makeClip({
      encode: encoders.h264,
      extension: 'ts',
      size: '160x120',
      frames: 12,
    });
    const video = await readFile(clip);
    /** A whole stream: how many of its prompts were refused, and as what. */
    const refusalsOf = async (client: SegmentationClient, prompts: readonly PromptOptions[]) => {
      const { acks, failure } = await runStream(client.segmentVideo(config), video, prompts);
      expect(failure).toBeNull();
      return acks.flatMap((ack) => (ack.status === 'rejected' ? [ack.reason as unknown] : []));
    };

    const held = atGate.segmentVideo(config);
    const reading = readToEnd(held);
    const asked = clicks(2).map((prompt) => held.prompt(prompt));
    await held.sendChunk(video);
    await Promise.all(asked);
    expect(await refusalsOf(atGate, clicks(2))).toMatchObject([
      { code: 'too-many-objects', message: expect.stringContaining('at most 0 more, got 1') },
    ]);
    expect(await refusalsOf(atLab, clicks(2))).toEqual([]);
    expect(await refusalsOf(atLab, clicks(3))).toMatchObject([{ code: 'too-many-objects' }]);
    held.end();
    await reading;
    expect(await refusalsOf(atGate, clicks(3))).toEqual([]);
  },
);
