import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { Writable } from 'node:stream';
import { MaskstreamError } from '../core/maskstream-error.ts';
import { type BackOff, pauseBefore } from '../core/resume/back-off.ts';

/** Where lines go. */
export type ResultSink = AsyncDisposable & {
  /** Resolves when there is room for more; rejects once it is over. */
  write(line: string): Promise<void>;
};

const backOff: BackOff = { firstMs: 200, mostMs: 5_000 };

/** Lines that wait for a reader that is away, in characters; then the oldest go. */
const maxWaitingCharacters = 4 * 1024 * 1024;

/** Where a text says: `-`, `tcp:HOST:PORT` or `unix:PATH`. Throws `invalid-config`. */
export function openSink(text: string, stdout: Writable, signal: AbortSignal): ResultSink {
  if (text === '-') return writableSink(stdout, signal);
  const [, kind, rest = ''] = /^(tcp|unix):(.+)$/.exec(text) ?? [];
  const [, host, port] = /^(?:\[([^\]]+)\]|[^:]+):\d{1,5}$/.test(rest)
    ? (/^(.+):(\d+)$/.exec(rest) ?? [])
    : [];
  if (kind === 'unix') return socketSink(() => connect(rest), signal);
  if (kind === 'tcp' && host !== undefined) {
    const bare = host.replace(/^\[(.*)\]$/, '$1');
    return socketSink(() => connect({ host: bare, port: Number(port) }), signal);
  }
  const message = `expected an output of -, tcp:HOST:PORT or unix:PATH, got "${text}"`;
  throw new MaskstreamError('invalid-config', message);
}

function writableSink(stream: Writable, signal: AbortSignal): ResultSink {
  return {
    async write(line) {
      if (!stream.write(line)) await once(stream, 'drain', { signal });
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/**
 * Connects to a reader, and again where it goes: lines wait for it, the oldest give way, and a reader
 * gets whole lines only. A reader that is there and slow is waited for.
 */
function socketSink(open: () => Socket, outer: AbortSignal): ResultSink {
  const ending = new AbortController();
  const signal = AbortSignal.any([outer, ending.signal]);
  let socket: Socket | null = null;
  let waiting: string[] = [];
  let characters = 0;
  const keep = (line: string) => {
    waiting.push(line);
    characters += line.length;
    while (characters > maxWaitingCharacters) characters -= waiting.shift()?.length ?? 0;
  };
  const connected = (async () => {
    for (let attempt = 0; !signal.aborted;) {
      const next = open();
      try {
        await once(next, 'connect', { signal });
        attempt = 0;
        for (const line of waiting) next.write(line);
        [waiting, characters, socket] = [[], 0, next];
        next.resume();
        await once(next, 'close', { signal });
      } catch {
        // The next attempt says whether it is still so.
      }
      socket = null;
      next.on('error', () => undefined).destroySoon();
      await wait(pauseBefore(attempt++, backOff, Math.random()), undefined, { signal }).catch(
        () => undefined,
      );
    }
  })();
  return {
    async write(line) {
      if (socket === null) keep(line);
      else if (!socket.write(line)) await room(socket, signal);
    },
    async [Symbol.asyncDispose]() {
      ending.abort();
      await connected;
    },
  };
}

/** Resolves when the reader has read, or is gone. */
async function room(socket: Socket, outer: AbortSignal): Promise<void> {
  const done = new AbortController();
  const signal = AbortSignal.any([outer, done.signal]);
  const either = ['drain', 'close'].map((event) => once(socket, event, { signal }));
  try {
    await Promise.race(either);
  } catch {
    // It broke: the loop above connects again.
  } finally {
    done.abort();
    await Promise.allSettled(either);
  }
}
