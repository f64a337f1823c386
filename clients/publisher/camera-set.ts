import type { Readable } from 'node:stream';
import type { SegmentationClient } from '../typescript/index.ts';
import type { CameraSettings } from './camera-config.ts';
import type { PublishedFrame } from './camera/receive-answers.ts';
import { readPromptsFile } from './read-prompts.ts';
import { publish } from './publish.ts';
import type { PublishEvent, PublishOptions } from './publish-options.ts';

/** What cameras share. */
export type CameraSetOptions = {
  readonly client: SegmentationClient;
  /** What the input `-` reads. */
  readonly stdin: Readable;
  readonly onFrame: (settings: CameraSettings, frame: PublishedFrame) => Promise<void>;
  readonly onEvent: (settings: CameraSettings, event: PublishEvent) => void;
  /** A camera ended by itself; null: without a failure. */
  readonly onEnd: (settings: CameraSettings, failure: unknown) => void;
  readonly signal: AbortSignal;
};

type Running = {
  readonly key: string;
  readonly stop: AbortController;
  readonly done: Promise<void>;
};

/** Cameras side by side: none waits for another, and a change to one leaves the others alone. */
export class CameraSet {
  readonly #options: CameraSetOptions;
  readonly #running = new Map<string, Running>();

  #applied: Promise<unknown> = Promise.resolve();

  constructor(options: CameraSetOptions) {
    this.#options = options;
  }

  /** Makes these the cameras that run. One whose settings or prompts changed begins anew. */
  apply(cameras: readonly CameraSettings[]): Promise<{ started: number; stopped: number }> {
    const applied = this.#apply(cameras);
    this.#applied = applied.catch(() => undefined);
    return applied;
  }

  /** Resolves when the last camera has ended. */
  async ended(): Promise<void> {
    await this.#applied;
    while (this.#running.size > 0) {
      await Promise.race([...this.#running.values()].map(({ done }) => done));
      await this.#applied;
    }
  }

  async #apply(cameras: readonly CameraSettings[]): Promise<{ started: number; stopped: number }> {
    const wanted = await Promise.all(
      cameras.map(async (settings) => {
        // Read first: a mistake in a file stops nothing.
        const prompts = await readPromptsFile(settings.prompts);
        return { settings, prompts, key: JSON.stringify([settings, prompts]) };
      }),
    );
    const keys = new Set(wanted.map(({ key }) => key));
    const leaving = [...this.#running].filter(([, { key }]) => !keys.has(key));
    for (const [, { stop }] of leaving) stop.abort();
    await Promise.all(leaving.map(([, { done }]) => done));
    let started = 0;
    for (const { settings, prompts, key } of wanted) {
      if (this.#running.has(settings.name)) continue;
      started++;
      this.#start(settings, { prompts, key });
    }
    return { started, stopped: leaving.length };
  }

  #start(
    settings: CameraSettings,
    { prompts, key }: { prompts: Awaited<ReturnType<typeof readPromptsFile>>; key: string },
  ): void {
    const { client, stdin, onFrame, onEvent, onEnd, signal } = this.#options;
    const stop = new AbortController();
    const work = publish({
      ...optionsOf(settings),
      client,
      stdin,
      prompts,
      onFrame: (frame) => onFrame(settings, frame),
      onEvent: (event) => onEvent(settings, event),
      signal: AbortSignal.any([stop.signal, signal]),
    });
    const end = (failure: unknown) => {
      this.#running.delete(settings.name);
      onEnd(settings, failure);
    };
    const done = work.then(
      () => end(null),
      (reason: unknown) => end(reason),
    );
    this.#running.set(settings.name, { key, stop, done });
  }
}

/** Settings as the library takes them. */
function optionsOf(
  settings: CameraSettings,
): Pick<PublishOptions, 'input'> & Partial<PublishOptions> {
  const { input, delivery, model, realtime } = settings;
  const { frame_rate: frameRate, buffer_bytes: maxBufferedBytes, silence_s: silence } = settings;
  const { give_up_after_s: giveUp = 60, rtsp_transport: rtspTransport } = settings;
  return {
    input,
    config: {
      // Also where no line has them: with them the objects go on where a server dies.
      maskEncoding: 'coco-rle',
      ...(delivery === undefined ? {} : { delivery }),
      ...(model === undefined ? {} : { model }),
    },
    ...(realtime === undefined ? {} : { realtime }),
    ...(rtspTransport === undefined ? {} : { rtspTransport }),
    ...(frameRate === undefined ? {} : { frameRate }),
    ...(maxBufferedBytes === undefined ? {} : { maxBufferedBytes }),
    ...(silence === undefined ? {} : { silenceMs: silence * 1000 }),
    giveUpAfterMs: giveUp === 0 ? Infinity : giveUp * 1000,
  } satisfies Partial<PublishOptions>;
}
