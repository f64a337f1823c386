import type { CodedPicture } from '../rtp/depacketizer.ts';

/** Cuts a raw stream, which comes in any pieces, into whole pictures. */
export type PictureCutter = {
  /** Takes the next bytes; gives the pictures that are whole with them. */
  push(bytes: Buffer): CodedPicture[];
  /** The stream has ended: gives the last picture, if there is one. */
  end(): CodedPicture[];
};
