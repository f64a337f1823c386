import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { childIds } from '../fixtures/encoded-clips.ts';
import { readToEnd } from '../fixtures/run-stream.ts';
import { filmScene } from '../fixtures/scene-clip.ts';
import { startServer } from '../fixtures/start-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'maskstream-idle-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('streams of which no video has come cost no process', async () => {
  const { file } = await filmScene(folder, 5);
  await using server = await startServer({ maxStreams: 64 });
  const config = { container: 'mp4', delivery: 'latest' } as const;
  const streams = Array.from({ length: 40 }, () => server.client.segmentVideo(config));
  // A prompt that is refused at once: its answer says that the stream is being served.
  const refusals = streams.map((stream) =>
    stream.prompt({ objectId: 1, box: { x: 0, y: 0, width: 0, height: 0 } }),
  );
  for (const refusal of refusals) {
    await expect(refusal).rejects.toMatchObject({ code: 'invalid-prompt' });
  }
  expect(server.server.activeStreams).toBe(40);
  expect(childIds()).toEqual([]);

  const [first, ...others] = streams;
  await first!.sendChunk(readFileSync(file));
  first!.end();
  const { frames, failure } = await readToEnd(first!);
  expect(failure).toBeNull();
  expect(frames.length).toBeGreaterThan(0);
  for (const stream of others) stream.cancel();
  await server.settled();
});
