import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';
import { type ServerProcess, startListener } from '../../src/evaluation/server-process.ts';
import { freePort } from './free-port.ts';

/** A server in a process of its own that serves the live page and its gateway. */
export type PageServer = ServerProcess & {
  /** Such as `http://127.0.0.1:50080`. */
  readonly pageAddress: string;
};

/** Starts `maskstream serve` with the page on a free loopback port. The caller disposes it. */
export async function startPageServer(): Promise<PageServer> {
  const port = await freePort();
  const program = join(packageRoot(), 'bin/maskstream');
  const words = ['serve', '--listen', '127.0.0.1:0', '--web-port', String(port)];
  const server = await startListener([program, ...words, '--log-level', 'error']);
  return { ...server, pageAddress: `http://127.0.0.1:${port}` };
}
