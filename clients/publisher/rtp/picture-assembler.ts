import type { CodedPicture, Depacketizer } from './depacketizer.ts';
import type { RtpPacket } from './rtp-packet.ts';

/** A whole picture and when it was taken, in ticks of the media clock. */
export type TimedPicture = CodedPicture & { readonly rtpTimestamp: number };

/** Where pictures go. */
export type PictureListener = {
  readonly onPicture: (picture: TimedPicture) => void;
  /** Packets are missing: pictures are left out up to the next random access point. */
  readonly onLoss: () => void;
};

/**
 * Cuts a stream of packets into pictures: one ends with its marker, or where another timestamp begins.
 * After a loss, and at the start, nothing is handed over before a random access point.
 */
export class PictureAssembler {
  readonly #depacketizer: Depacketizer;
  readonly #listener: PictureListener;
  #sequence: number | null = null;
  #timestamp: number | null = null;
  #waitsForRandomAccess = true;
  #damaged = false;

  constructor(depacketizer: Depacketizer, listener: PictureListener) {
    this.#depacketizer = depacketizer;
    this.#listener = listener;
  }

  /** Takes the next packet. */
  push({ sequence, timestamp, marker, payload }: RtpPacket): void {
    const isNext = this.#sequence === null || sequence === ((this.#sequence + 1) & 0xffff);
    this.#sequence = sequence;
    if (!isNext) this.#lose();
    if (this.#timestamp !== null && timestamp !== this.#timestamp) this.#finish();
    this.#timestamp = timestamp;
    if (!this.#depacketizer.add(payload)) this.#lose();
    if (marker) this.#finish();
  }

  #lose(): void {
    this.#damaged = true;
    if (!this.#waitsForRandomAccess) this.#listener.onLoss();
    this.#waitsForRandomAccess = true;
  }

  #finish(): void {
    const rtpTimestamp = this.#timestamp;
    this.#timestamp = null;
    const isDamaged = this.#damaged;
    this.#damaged = false;
    if (isDamaged) return this.#depacketizer.discard();
    const picture = this.#depacketizer.take();
    if (picture === null || rtpTimestamp === null) return;
    if (this.#waitsForRandomAccess && !picture.randomAccess) return;
    this.#waitsForRandomAccess = false;
    this.#listener.onPicture({ ...picture, rtpTimestamp });
  }
}
