import { afterEach, beforeEach, expect, test, vi } from 'vitest';

type CodedFrame = {
  readonly data: Uint8Array;
  readonly randomAccess: boolean;
  readonly captureTimestampUs: number;
};

/** What the page's worker has, without the types of browsers. */
type Encoder = {
  readonly container: string;
  readonly header: Uint8Array;
  encode(frame: { readonly timestamp: number }): boolean;
  flush(): Promise<void>;
  close(): void;
};

const { href } = new URL('../../../../clients/web/worker/live-encoder.ts', import.meta.url);
const { openLiveEncoder } = (await import(href)) as {
  openLiveEncoder: (
    size: { readonly width: number; readonly height: number },
    onFrame: (frame: CodedFrame) => void,
    onFailure: (message: string) => void,
  ) => Promise<Encoder>;
};

type Output = (chunk: {
  readonly type: 'key' | 'delta';
  readonly timestamp: number;
  readonly byteLength: number;
  copyTo(into: Uint8Array): void;
}) => void;

/** A browser's encoder whose work is done when the test says so. */
class ScriptedEncoder {
  static last: ScriptedEncoder;
  static codecs: readonly string[] = [];
  static isConfigSupported({ codec }: { readonly codec: string }) {
    const supported = ScriptedEncoder.codecs.some((known) => codec.startsWith(known));
    return Promise.resolve({ supported });
  }

  readonly #output: Output;
  readonly waiting: { readonly timestamp: number; readonly keyFrame: boolean }[] = [];
  state = 'configured';

  constructor({ output }: { readonly output: Output }) {
    this.#output = output;
    ScriptedEncoder.last = this;
  }

  configure(): void {}

  get encodeQueueSize(): number {
    return this.waiting.length;
  }

  encode({ timestamp }: { readonly timestamp: number }, options: { readonly keyFrame: boolean }) {
    this.waiting.push({ timestamp, ...options });
  }

  close(): void {
    this.state = 'closed';
  }

  finishOne(): void {
    const { timestamp, keyFrame } = this.waiting.shift()!;
    const type = keyFrame ? 'key' : 'delta';
    this.#output({ type, timestamp, byteLength: 3, copyTo: (into) => into.fill(7) });
  }
}

const size = { width: 640, height: 360 };
const frame = (timestamp: number) => ({ timestamp });

beforeEach(() => void vi.stubGlobal('VideoEncoder', ScriptedEncoder));
afterEach(() => void vi.unstubAllGlobals());

async function open(codecs: readonly string[]) {
  ScriptedEncoder.codecs = codecs;
  const coded: CodedFrame[] = [];
  const encoder = await openLiveEncoder(
    size,
    (one) => coded.push(one),
    (said) => expect.fail(said),
  );
  return { encoder, coded, browser: ScriptedEncoder.last };
}

test('frames are dropped while two wait in the encoder, and taken again when one has left', async () => {
  const { encoder, coded, browser } = await open(['avc1']);
  const taken = [1, 2, 3, 4].map((at) => encoder.encode(frame(at * 1000)));
  expect(taken).toEqual([true, true, false, false]);
  browser.finishOne();
  expect(encoder.encode(frame(5000))).toBe(true);
  expect(encoder.encode(frame(6000))).toBe(false);
  while (browser.waiting.length > 0) browser.finishOne();
  expect(coded.map(({ captureTimestampUs }) => captureTimestampUs)).toEqual([1000, 2000, 5000]);
  expect(coded.map(({ randomAccess }) => randomAccess)).toEqual([true, false, false]);
});

test('a dropped frame is not counted towards the next random-access point', async () => {
  const { encoder, coded, browser } = await open(['avc1']);
  for (let at = 0; at < 122; at++) {
    encoder.encode(frame(at));
    encoder.encode(frame(at + 0.25));
    encoder.encode(frame(at + 0.5));
    while (browser.waiting.length > 0) browser.finishOne();
  }
  const keys = coded.flatMap(({ randomAccess }, at) => (randomAccess ? [at] : []));
  expect(keys).toEqual([0, 60, 120, 180, 240]);
});

test('without H.264 it is VP8 in IVF: a header once, and one before each frame', async () => {
  const { encoder, coded, browser } = await open(['vp8']);
  expect(encoder.container).toBe('ivf');
  expect(Buffer.from(encoder.header).toString('latin1', 0, 4)).toBe('DKIF');
  encoder.encode(frame(40_000));
  encoder.encode(frame(73_000));
  browser.finishOne();
  browser.finishOne();
  const times = coded.map(({ data }) => Buffer.from(data).readBigUInt64LE(4));
  expect(times).toEqual([0n, 33n]);
  expect(coded[1]!.data).toHaveLength(12 + 3);
});

test('a browser that encodes neither is told', async () => {
  await expect(open([])).rejects.toThrow('this browser encodes neither H.264 nor VP8');
});

test('closed, it takes no frame', async () => {
  const { encoder } = await open(['avc1']);
  encoder.close();
  encoder.close();
  expect(encoder.encode(frame(0))).toBe(false);
});
