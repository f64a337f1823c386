import type { CodedPicture } from '../rtp/depacketizer.ts';
import type { NalCodec } from '../rtp/nal-codecs.ts';
import { NalDepacketizer } from '../rtp/nal-depacketizer.ts';
import type { PictureCutter } from './picture-cutter.ts';

const startCode = Buffer.from([0, 0, 1]);

/** More is no picture of a camera. */
const maxUnitBytes = 16 * 1024 * 1024;

/**
 * H.264 or H.265 in Annex B. Where a picture ends is known when the next one begins, so that each leaves
 * one picture late. Nothing is handed over before the first random access point.
 */
export class NalCutter implements PictureCutter {
  readonly #codec: NalCodec;
  readonly #picture: NalDepacketizer;
  /** From the first start code on. */
  #rest: Buffer = Buffer.alloc(0);
  /** Bytes of it that hold no further start code. */
  #looked = 0;
  #hasPicture = false;
  #waitsForRandomAccess = true;

  /** @param codec what its units say of themselves */
  constructor(codec: NalCodec) {
    this.#codec = codec;
    this.#picture = new NalDepacketizer(codec, []);
  }

  push(bytes: Buffer): CodedPicture[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const pictures: CodedPicture[] = [];
    for (;;) {
      const next = this.#rest.indexOf(startCode, this.#looked);
      if (next < 0) break;
      if (next > 0) pictures.push(...this.#take(this.#rest.subarray(0, next)));
      this.#rest = this.#rest.subarray(next);
      this.#looked = startCode.length;
    }
    // The first bytes of a unit tell whether it begins another picture.
    const head = this.#rest.subarray(startCode.length);
    const { headerBytes, beginsNext } = this.#codec;
    const isBegun = this.#rest.indexOf(startCode) === 0 && head.length > headerBytes;
    if (this.#hasPicture && isBegun && beginsNext(head)) pictures.push(...this.#finish());
    // A start code may be cut.
    this.#looked = Math.max(this.#looked, this.#rest.length - 2, 0);
    if (this.#rest.length > maxUnitBytes) [this.#rest, this.#looked] = [Buffer.alloc(0), 0];
    return pictures;
  }

  end(): CodedPicture[] {
    const last = this.#take(this.#rest);
    this.#rest = Buffer.alloc(0);
    return [...last, ...this.#finish()];
  }

  /** Takes a unit with the start code before it. */
  #take(coded: Buffer): CodedPicture[] {
    if (!coded.subarray(0, startCode.length).equals(startCode)) return [];
    let end = coded.length;
    // The zero of a longer start code behind it, and padding.
    while (end > startCode.length && coded[end - 1] === 0) end--;
    const unit = coded.subarray(startCode.length, end);
    const { headerBytes, typeOf, aggregate, fragment } = this.#codec;
    // Types that only packets have are none here.
    const isNone = unit.length > headerBytes && [aggregate, fragment].includes(typeOf(unit));
    if (unit.length <= headerBytes || isNone) return [];
    const isNext = this.#hasPicture && this.#codec.beginsNext(unit);
    const pictures = isNext ? this.#finish() : [];
    this.#hasPicture ||= this.#codec.isPicture(this.#codec.typeOf(unit));
    // A copy: what it was cut from can go.
    this.#picture.add(Buffer.from(unit));
    return pictures;
  }

  #finish(): CodedPicture[] {
    this.#hasPicture = false;
    const picture = this.#picture.take();
    if (picture === null || (this.#waitsForRandomAccess && !picture.randomAccess)) return [];
    this.#waitsForRandomAccess = false;
    return [picture];
  }
}
