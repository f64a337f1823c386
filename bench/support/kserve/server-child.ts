import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../free-port.ts';
import { guardGroup } from './guard-group.ts';
import { packageRoot } from '../../../src/package-root.ts';
import type { Faults, InferenceServer } from './served-model.ts';

/** Longest that a server may take to start on a busy machine. */
const startMs = 90_000;

/** Where `.ci/run` installs programs of PyPI. */
export function pythonFolder(name: 'pytriton' | 'mlserver'): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return join(cache, 'maskstream', name);
}

/** A Python file beside this one. */
export function supportFile(name: string): string {
  return join(packageRoot(), 'bench/support/kserve', name);
}

/** A server's own folder and ports, before it is started. */
export type ServerPlace = {
  readonly folder: string;
  readonly faultsFile: string;
  readonly ports: { readonly grpc: number; readonly http: number; readonly metrics: number };
};

/** Makes the folder; it goes when the server ends. */
export async function serverPlace(port?: number): Promise<ServerPlace> {
  const folder = mkdtempSync(join(tmpdir(), 'maskstream-kserve-'));
  const faultsFile = join(folder, 'faults.json');
  writeFileSync(faultsFile, '{}');
  const ports = {
    grpc: port ?? (await freePort()),
    http: await freePort(),
    metrics: await freePort(),
  };
  return { folder, faultsFile, ports };
}

/** Starts a server and waits until it is ready. Throws what it printed where it ends before. */
export async function startServerChild(
  { folder, faultsFile, ports }: ServerPlace,
  program: {
    readonly command: string;
    readonly words: readonly string[];
    readonly env: NodeJS.ProcessEnv;
  },
): Promise<InferenceServer> {
  // A group of its own: its models are processes too.
  const child = spawn(program.command, program.words, {
    cwd: folder,
    env: { ...process.env, ...program.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const said: string[] = [];
  for (const pipe of [child.stdout, child.stderr]) {
    pipe.on('data', (text) => said.push(String(text)) > 100 && said.shift());
  }
  const killGroup = (): void => signalGroup(child, 'SIGKILL');
  const guard = guardGroup(child);
  const exited = once(child, 'exit').finally(() => {
    killGroup();
    guard?.kill('SIGKILL');
  });
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    if (signal === 'SIGKILL') killGroup();
    else child.kill(signal);
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  const lateMs = performance.now() + startMs;
  while (!(await isReady(ports.http))) {
    if (child.exitCode !== null || performance.now() > lateMs) {
      await end('SIGKILL');
      throw new Error(`expected a server that is ready, got:\n${said.join('')}`);
    }
    await pause(100);
  }
  return {
    address: `127.0.0.1:${ports.grpc}`,
    port: ports.grpc,
    metricsUrl: `http://127.0.0.1:${ports.metrics}/metrics`,
    misbehave: async (faults: Faults) => {
      // At once: a model must not read half a file.
      await writeFile(`${faultsFile}.new`, JSON.stringify(faults));
      await rename(`${faultsFile}.new`, faultsFile);
    },
    end,
    [Symbol.asyncDispose]: () => end('SIGKILL'),
  };
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // They are all gone.
  }
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/v2/health/ready`)).ok;
  } catch {
    return false;
  }
}
