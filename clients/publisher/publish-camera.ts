import type { BackOff } from '../core/resume/back-off.ts';
import type { CameraReader } from './access-unit.ts';
import { readCamera } from './camera/read-camera.ts';
import { streamToServer } from './camera/stream-to-server.ts';
import { UnitBuffer } from './camera/unit-buffer.ts';
import type { PublishOptions } from './publish-options.ts';

const defaultMaxBufferedBytes = 8 * 1024 * 1024;
const defaultSilenceMs = 10_000;

/** A camera, and bounds that have been settled. */
export type PublishCameraOptions = Omit<PublishOptions, 'input' | 'signal'> & {
  /** Opens it; `room` resolves when there is room for another picture, for what can be held back. */
  readonly openReader: (room: () => Promise<void>) => CameraReader;
  readonly delivery: 'latest' | 'every-frame';
  readonly giveUpAfterMs: number;
  readonly backOff: BackOff;
  readonly signal: AbortSignal;
};

/** Sends pictures to a server, as the camera encodes them, to their end or until `signal`. */
export async function publishCamera(options: PublishCameraOptions): Promise<void> {
  const { client, prompts, config, delivery, onFrame, onEvent = () => undefined } = options;
  const { giveUpAfterMs, backOff, signal: outer } = options;
  const failed = new AbortController();
  const signal = AbortSignal.any([outer, failed.signal]);
  const buffer = new UnitBuffer(options.maxBufferedBytes ?? defaultMaxBufferedBytes, (count) =>
    onEvent({ kind: 'pictures-dropped', count }),
  );
  const shared = { giveUpAfterMs, backOff, onEvent, signal };
  // The first to fail ends the other; which one it was says the reason.
  const guard = (work: Promise<void>) =>
    work.catch((reason: unknown) => {
      failed.abort(reason);
    });
  const read = readCamera({
    ...shared,
    read: options.openReader(() => buffer.room(signal)),
    frameRate: options.frameRate ?? null,
    silenceMs: options.silenceMs ?? defaultSilenceMs,
    onUnit: (unit) => buffer.add(unit),
  }).then(() => buffer.close());
  const sent = streamToServer({
    ...shared,
    client,
    prompts,
    config: { ...config, delivery },
    buffer,
    onFrame,
  });
  await Promise.all([guard(read), guard(sent)]);
  if (!outer.aborted && failed.signal.aborted) throw failed.signal.reason;
}
