import type { VideoFormat } from '../access-unit.ts';
import { h264, hevc } from '../rtp/nal-codecs.ts';
import { JpegCutter } from './jpeg-cutter.ts';
import { NalCutter } from './nal-cutter.ts';
import type { PictureCutter } from './picture-cutter.ts';

/** The cutter of a container. */
export function createPictureCutter(container: VideoFormat['container']): PictureCutter {
  switch (container) {
    case 'h264-annex-b':
      return new NalCutter(h264);
    case 'hevc-annex-b':
      return new NalCutter(hevc);
    case 'mjpeg':
      return new JpegCutter();
  }
}
