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

/** A picture of a camera, with its place on the media clock. */
export type CameraUnit = AccessUnit & {
  /** Microseconds from any origin, which a connection keeps. */
  readonly mediaUs: number;
};

/** What a camera tells while it is read. */
export type CameraReaderEvents = {
  /** Before its first picture. `frameRate`: null where the camera does not say. */
  readonly onTrack: (track: {
    readonly container: VideoFormat['container'];
    readonly frameRate: number | null;
  }) => void;
  readonly onUnit: (unit: CameraUnit) => void;
  /** Pictures did not come; they are left out up to the next random access point. */
  readonly onLoss: () => void;
  /** Its pictures are encoded anew on the way; said before `onTrack`. */
  readonly onEncoded?: (encoding: Encoding) => void;
};

/** What the server would not get as it is, and what makes H.264 of it. */
export type Encoding = {
  /** As ffmpeg names it. */
  readonly codec: string;
  /** Such as `ffmpeg 5.1.9`. */
  readonly encoder: string;
};

/** Reads one connection of a camera: resolves at the end of what has one, throws where it is lost. */
export type CameraReader = (
  events: CameraReaderEvents,
  bounds: {
    /** A camera that sends no picture for so long is lost. */
    readonly silenceMs: number;
    readonly signal: AbortSignal;
  },
) => Promise<void>;
