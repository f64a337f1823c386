import type { ContainerName } from '../core/requests.ts';

/** How the pictures of a camera are encoded, as the server is told. */
export type VideoFormat = {
  readonly container: Extract<ContainerName, 'h264-annex-b' | 'hevc-annex-b' | 'mjpeg'>;
  /** Frames a second: raw streams often do not say. */
  readonly frameRate: number;
};

/** One coded picture, whole, with all that a decoder needs to read it. */
export type AccessUnit = {
  readonly bytes: Uint8Array;
  /** Decoding can begin here. */
  readonly randomAccess: boolean;
  /** By the clock of the camera, in microseconds since 1970; null where it has not said it yet. */
  readonly capturedAtUs: number | null;
  /** By the clock of this machine, in microseconds since 1970. */
  readonly arrivedAtUs: number;
};
