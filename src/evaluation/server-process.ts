import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { SegmentationError } from '../frame/errors.ts';
import { packageRoot } from '../package-root.ts';
import { processCpuMs } from '../process-tree.ts';

/** A server in a process of its own, so that its CPU time can be told from the command's. */
export type ServerProcess = AsyncDisposable & {
  readonly address: string;
  readonly pid: number;
  /** CPU of the server and its children since it started, in milliseconds; null without /proc. */
  cpuMs(): number | null;
};

/** Time for the server to stop by itself before it is killed. */
const stopTimeoutMs = 10_000;

/**
 * Starts `maskstream serve` on a free loopback port. The caller disposes it.
 *
 * @param options command line options of `serve`
 * @param environment all its variables. Default: this process's
 * @throws SegmentationError `internal` where it ends before it listens
 */
export function startServerProcess(
  options: readonly string[],
  environment?: NodeJS.ProcessEnv,
): Promise<ServerProcess> {
  const program = join(packageRoot(), 'bin/maskstream');
  const words = [
    'serve',
    '--listen',
    '127.0.0.1:0',
    '--no-web',
    '--log-level',
    'error',
    ...options,
  ];
  // Through its first line, which sets up the allocator, where the system reads such lines.
  if (process.platform !== 'win32') return startListener(words, program, environment);
  return startListener([program, ...words], process.execPath, environment);
}

/**
 * Starts Node on any program that prints `listening on HOST:PORT` and ends on SIGTERM; see
 * {@link startServerProcess}.
 */
export async function startListener(
  words: readonly string[],
  command: string = process.execPath,
  environment?: NodeJS.ProcessEnv,
): Promise<ServerProcess> {
  const child = spawn(command, words, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: environment,
  });
  const ended = once(child, 'exit');
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const killing = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
    await ended;
    clearTimeout(killing);
  };
  const port = await Promise.race([listeningPort(child.stdout), ended.then(() => null)]);
  if (port === null || child.pid === undefined) {
    throw new SegmentationError('internal', `expected the server to listen, it ended before`);
  }
  const { pid } = child;
  return {
    address: `127.0.0.1:${port}`,
    pid,
    cpuMs: () => processCpuMs(pid),
    [Symbol.asyncDispose]: stop,
  };
}

/** The reader stays open: a pipe that nobody reads would block a server that prints. */
function listeningPort(stdout: Readable): Promise<string> {
  return new Promise((resolve) => {
    createInterface({ input: stdout }).on('line', (line) => {
      const port = /^listening on .*:(\d+)$/.exec(line)?.[1];
      if (port !== undefined) resolve(port);
    });
  });
}
