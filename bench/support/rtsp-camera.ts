import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../../src/package-root.ts';

/** A picture as the camera took it. */
export type TakenPicture = {
  /** By the camera's own clock, in microseconds since 1970. */
  readonly takenAtUs: number;
  readonly bytes: number;
};

/** A real RTSP server on loopback, in a process of its own (GStreamer, test/fixtures/rtsp-server.py). */
export type RtspCamera = AsyncDisposable & {
  readonly url: string;
  readonly taken: readonly TakenPicture[];
};

/** Starts it; the caller disposes it. Throws where GStreamer's RTSP server is not installed. */
export async function startRtspCamera(options: {
  readonly pattern: string;
  readonly size: string;
  readonly rate: number;
  readonly gop: number;
  /** In kbit/s. */
  readonly bitRate: number;
}): Promise<RtspCamera> {
  const { bitRate, ...rest } = options;
  const program = join(packageRoot(), 'test/fixtures/rtsp-server.py');
  const words = [program, JSON.stringify({ ...rest, bit_rate: bitRate })];
  const child = spawn('/usr/bin/python3', words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([once(lines, 'line'), exited.then(() => null)]);
  if (first === null)
    throw new Error('expected GStreamer’s RTSP server (.ci/run has its packages)');
  const { port } = JSON.parse(String(first[0])) as { port: number };
  const taken: TakenPicture[] = [];
  lines.on('line', (line) => {
    const { taken_at_us: takenAtUs, bytes } = JSON.parse(line) as Record<string, number>;
    if (takenAtUs !== undefined && bytes !== undefined) taken.push({ takenAtUs, bytes });
  });
  return {
    url: `rtsp://127.0.0.1:${port}/camera`,
    taken,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
