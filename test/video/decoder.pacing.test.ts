import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { liveFrames } from '../../src/frame/frame.ts';
import { SegmentationError } from '../../src/frame/errors.ts';
import { createDecoder } from '../../src/video/index.ts';
import type { DecodeEvent } from '../../src/frame/ports.ts';
import {
  bundledFfmpeg,
  childIds,
  chunksOf,
  encoders,
  expectNothingLeft,
  makeClip,
  never,
  onlyDecoderId,
  systemFfmpeg,
} from '../fixtures/encoded-clips.ts';

expectNothingLeft();

/** Frames held ahead, one being read, one in the hands of the test. */
const mostLiveFrames = 4 + 1 + 1;

async function clip(): Promise<string> {
  return makeClip({ encode: encoders.h264, extension: 'h264', frames: 60, size: '640x360' });
}

/** The same clip over and over, counting what was taken. */
async function endless(path: string): Promise<{
  readonly chunks: AsyncGenerator<Uint8Array, void, void>;
  readonly takenBytes: () => number;
  readonly returned: () => boolean;
}> {
  const bytes = await readFile(path);
  let taken = 0;
  let returned = false;
  async function* generate(): AsyncGenerator<Uint8Array, void, void> {
    try {
      for (;;) {
        for await (const chunk of chunksOf(bytes, 4096)) {
          taken += chunk.length;
          yield chunk;
        }
      }
    } finally {
      returned = true;
    }
  }
  return { chunks: generate(), takenBytes: () => taken, returned: () => returned };
}

/** Lets reads and children have their turn until nothing changes for a while. */
async function settled(reading: () => number): Promise<number> {
  let last = reading();
  for (let calm = 0; calm < 3000; calm++) {
    await setImmediate();
    if (reading() !== last) calm = 0;
    last = reading();
  }
  return last;
}

const stream = { container: 'h264-annex-b', frameRate: null, signal: never } as const;

test('a receiver that stops taking frames stops the sender', async () => {
  const path = await clip();
  const perFrame = (await readFile(path)).length / 60;
  const { chunks, takenBytes, returned } = await endless(path);
  const events = createDecoder({ ffmpeg: systemFfmpeg })(chunks, stream)[Symbol.asyncIterator]();
  for (let frames = 0; frames < 10;) frames += closeFrame(await events.next());
  const atRest = await settled(takenBytes);
  expect(liveFrames()).toBeLessThanOrEqual(mostLiveFrames);
  // What is in pipes and buffers: two pipes of 64 KiB, ffmpeg's own, one chunk in hand.
  expect(atRest).toBeLessThan(20 * perFrame + 300_000);
  for (let frames = 0; frames < 200;) frames += closeFrame(await events.next());
  expect(takenBytes()).toBeGreaterThan(190 * perFrame);
  expect(liveFrames()).toBeLessThanOrEqual(mostLiveFrames);
  await events.return?.();
  expect(returned()).toBe(true);
});

describe.each([
  ['the ffmpeg of the machine', systemFfmpeg],
  ['the bundled ffmpeg', bundledFfmpeg],
] as const)('with %s', (_, ffmpeg) => {
  describe('an abort leaves nothing behind', () => {
    test('before the first chunk', async () => {
      const abort = new AbortController();
      const events = createDecoder({ ffmpeg })(silence(), { ...stream, signal: abort.signal });
      const next = events[Symbol.asyncIterator]().next();
      abort.abort();
      expect(await rejectionCode(next)).toBe('cancelled');
    });

    test('when it came before the stream', async () => {
      const signal = AbortSignal.abort();
      const { chunks } = await endless(await clip());
      const events = createDecoder({ ffmpeg })(chunks, { ...stream, signal });
      expect(await rejectionCode(events[Symbol.asyncIterator]().next())).toBe('cancelled');
    });

    test('while the first frame is awaited', async () => {
      const abort = new AbortController();
      const bytes = await readFile(await clip());
      async function* head(): AsyncGenerator<Uint8Array, void, void> {
        yield bytes.subarray(0, 300);
        // By now the child runs.
        while (childIds().length === 0) await setImmediate();
        abort.abort();
        yield* silence();
      }
      const events = createDecoder({ ffmpeg })(head(), { ...stream, signal: abort.signal });
      expect(await rejectionCode(events[Symbol.asyncIterator]().next())).toBe('cancelled');
    });

    test.each([1, 2, 5, 40])('after %i frames', async (count) => {
      const abort = new AbortController();
      const { chunks, returned } = await endless(await clip());
      const decode = createDecoder({ ffmpeg });
      const events = decode(chunks, { ...stream, signal: abort.signal })[Symbol.asyncIterator]();
      for (let frames = 0; frames < count;) frames += closeFrame(await events.next());
      abort.abort();
      expect(await rejectionCode(drain(events))).toBe('cancelled');
      expect(returned()).toBe(true);
    });

    test('at once, while the receiver is busy with a frame', async () => {
      const abort = new AbortController();
      const { chunks } = await endless(await clip());
      const decode = createDecoder({ ffmpeg });
      const events = decode(chunks, { ...stream, signal: abort.signal })[Symbol.asyncIterator]();
      for (let frames = 0; frames < 3;) frames += closeFrame(await events.next());
      abort.abort();
      while (childIds().length > 0) await setImmediate();
      expect(liveFrames()).toBe(0);
      expect(await rejectionCode(events.next())).toBe('cancelled');
    });

    test('while an MP4 is spooled', async () => {
      const abort = new AbortController();
      const bytes = await readFile(await makeClip({ encode: encoders.h264, extension: 'mp4' }));
      async function* head(): AsyncGenerator<Uint8Array, void, void> {
        yield bytes.subarray(0, 10_000);
        abort.abort();
        yield bytes.subarray(10_000);
      }
      const options = { ...stream, container: 'mp4', signal: abort.signal } as const;
      expect(
        await rejectionCode(
          createDecoder({ ffmpeg })(head(), options)[Symbol.asyncIterator]().next(),
        ),
      ).toBe('cancelled');
    });

    test('with a child that does not listen', async () => {
      const abort = new AbortController();
      const { chunks } = await endless(await clip());
      const decode = createDecoder({ ffmpeg });
      const events = decode(chunks, { ...stream, signal: abort.signal })[Symbol.asyncIterator]();
      for (let frames = 0; frames < 3;) frames += closeFrame(await events.next());
      process.kill(onlyDecoderId(), 'SIGSTOP');
      abort.abort();
      expect(await rejectionCode(drain(events))).toBe('cancelled');
    });
  });

  test('leaving the loop ends the child', async () => {
    const { chunks } = await endless(await clip());
    for await (const event of createDecoder({ ffmpeg })(chunks, stream)) {
      if (event.kind !== 'frame') continue;
      event.frame.close();
      if (event.frame.index === 7) break;
    }
    expect(childIds()).toEqual([]);
  });

  test('leaving on the format, before its frame, leaks no frame', async () => {
    const { chunks } = await endless(await clip());
    for await (const event of createDecoder({ ffmpeg })(chunks, stream)) {
      if (event.kind === 'format') break;
    }
    expect(liveFrames()).toBe(0);
  });

  test('leaving while a frame is awaited ends the wait', async () => {
    const events = createDecoder({ ffmpeg })(silence(), stream)[Symbol.asyncIterator]();
    const next = events.next();
    await events.return?.();
    expect(await rejectionCode(next)).toBe('cancelled');
  });
});

test('listeners on a signal that outlives the stream do not pile up', async () => {
  const abort = new AbortController();
  let listeners = 0;
  const { signal } = abort;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  };
  const path = await clip();
  for await (const event of createDecoder({ ffmpeg: systemFfmpeg })(chunksOf(path), {
    ...stream,
    signal,
  })) {
    if (event.kind === 'frame') event.frame.close();
  }
  expect(listeners).toBe(0);
});

function closeFrame(result: IteratorResult<DecodeEvent>): number {
  if (result.done === true) throw new Error('the stream ended early');
  if (result.value.kind !== 'frame') return 0;
  result.value.frame.close();
  return 1;
}

async function drain(events: AsyncIterator<DecodeEvent>): Promise<void> {
  for (;;) closeFrame(await events.next());
}

/** Code of the error that a promise rejects with; null where it does not. */
async function rejectionCode(promise: Promise<unknown>): Promise<string | null> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  return error instanceof SegmentationError ? error.code : null;
}

/** A sender that says nothing and does not end. */
function silence(): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) };
}
