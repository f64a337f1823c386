import { walkJpeg } from '../../../src/video/headers/jpeg-walk.ts';
import type { CodedPicture } from '../rtp/depacketizer.ts';
import type { PictureCutter } from './picture-cutter.ts';

const startOfImage = Buffer.from([0xff, 0xd8, 0xff]);
const endOfImage = Buffer.from([0xff, 0xd9]);

/** More is no picture of a camera. */
const maxPictureBytes = 16 * 1024 * 1024;

/** MJPEG: a picture is whole with its end marker. Bytes between pictures are left out. */
export class JpegCutter implements PictureCutter {
  #rest: Buffer = Buffer.alloc(0);

  push(bytes: Buffer): CodedPicture[] {
    // A picture is not walked again for every piece of it.
    const lookFrom = Math.max(0, this.#rest.length - 1);
    this.#rest = Buffer.concat([this.#rest, bytes]);
    if (this.#rest.indexOf(endOfImage, lookFrom) < 0 && this.#rest.length < maxPictureBytes) {
      return [];
    }
    const pictures: CodedPicture[] = [];
    for (;;) {
      const start = this.#rest.indexOf(startOfImage);
      if (start < 0) break;
      const { end, ending } = walkJpeg(this.#rest, start);
      if (ending === 'cut') {
        this.#rest = this.#rest.length < maxPictureBytes ? this.#rest.subarray(start) : nothing;
        break;
      }
      // One that another begins within is damaged.
      if (ending === 'whole') {
        pictures.push({ bytes: this.#rest.subarray(start, end), randomAccess: true });
      }
      this.#rest = this.#rest.subarray(end);
    }
    return pictures;
  }

  end(): CodedPicture[] {
    return [];
  }
}

const nothing = Buffer.alloc(0);
