import { MaskstreamError } from '../../core/maskstream-error.ts';
import type { CameraReader, CameraReaderEvents, CameraUnit, VideoFormat } from '../access-unit.ts';
import type { ReplayablePipe } from './pipe.ts';
import { readPictures } from './read-pictures.ts';

/** No camera takes more frames a second: it is a file that went through a pipe. */
const maxCameraRate = 240;

/** The first pictures may have waited for this program, and come at once. */
const enough = { pictures: 6, ms: 500, slowMs: 1000, mostPictures: 300 } as const;

/** How a pipe is read. */
export type PipeReaderOptions = {
  readonly container: VideoFormat['container'];
  /** Frames a second; null: what its headers say, or how fast its pictures come. */
  readonly frameRate: number | null;
  /** Resolves when there is room for another picture. Default: it is never held back. */
  readonly room?: () => Promise<void>;
};

/**
 * Reads raw pictures from a pipe to its end. Throws `invalid-config` where nothing says how many frames a
 * second they are.
 */
export function pipeReader(
  pipe: ReplayablePipe,
  { container, frameRate, room }: PipeReaderOptions,
): CameraReader {
  return async (events, { signal }) => {
    const held = frameRate === null ? new HeldPictures(events) : null;
    const { onTrack, onUnit } = held ?? events;
    const hasRoom = room === undefined ? {} : { hasRoom: room };
    await readPictures(pipe.chunks(signal), container, { onTrack, onUnit, ...hasRoom });
    held?.end();
  };
}

/** Holds pictures until their rate is known: by their headers, or by how fast they come. */
class HeldPictures {
  readonly #events: CameraReaderEvents;
  #container: VideoFormat['container'] | null = null;
  #held: CameraUnit[] | null = [];

  constructor(events: CameraReaderEvents) {
    this.#events = events;
  }

  readonly onTrack: CameraReaderEvents['onTrack'] = ({ container, frameRate }) => {
    this.#container = container;
    if (frameRate !== null) this.#release(frameRate);
  };

  readonly onUnit = (unit: CameraUnit): void => {
    if (this.#held === null) return this.#events.onUnit(unit);
    this.#held.push(unit);
    const count = this.#held.length;
    const ms = this.#spanMs();
    const isEnough = count >= enough.pictures && ms >= enough.ms;
    const isSlow = count > 1 && ms >= enough.slowMs;
    if (isEnough || isSlow || count === enough.mostPictures) this.end();
  };

  /** No more pictures are waited for. */
  end(): void {
    const count = this.#held?.length ?? 0;
    if (count === 0) return;
    const rate = Math.round(((count - 1) * 100_000) / this.#spanMs()) / 100;
    // One picture has none: it is sent with that of any other camera.
    if (count > 1 && !(rate <= maxCameraRate)) {
      const message = `expected --frame-rate: this ${this.#container} does not say how many frames a second it has, and comes faster than a camera takes them`;
      throw new MaskstreamError('invalid-config', message);
    }
    this.#release(count > 1 ? rate : null);
  }

  #spanMs(): number {
    const [first, last] = [this.#held?.[0], this.#held?.at(-1)];
    return ((last?.mediaUs ?? 0) - (first?.mediaUs ?? 0)) / 1000;
  }

  #release(frameRate: number | null): void {
    const held = this.#held ?? [];
    this.#held = null;
    if (this.#container !== null) this.#events.onTrack({ container: this.#container, frameRate });
    for (const unit of held) this.#events.onUnit(unit);
  }
}
