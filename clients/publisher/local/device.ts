import { MaskstreamError } from '../../core/maskstream-error.ts';
import type { CameraReader } from '../access-unit.ts';
import { chooseForm, deviceArguments, listArguments } from './device-arguments.ts';
import { ffmpegName, findLocalFfmpeg } from './find-ffmpeg.ts';
import { readPictures } from './read-pictures.ts';
import { linesOf, runFfmpeg } from './run-ffmpeg.ts';

/**
 * Reads a camera of this machine (V4L2) through ffmpeg, in the form of its own that costs least; ends by
 * throwing `camera-unreachable`, `camera-lost`, or `invalid-config` where there is no ffmpeg.
 *
 * @param frameRate that the camera is asked for; null leaves it to the camera
 */
export function deviceReader(device: string, frameRate: number | null): CameraReader {
  return async (events, { silenceMs, signal }) => {
    const ffmpeg = await findLocalFfmpeg();
    if (ffmpeg === null) {
      const message = `${device} is read through ffmpeg: expected one (FFMPEG_PATH, or on the PATH), found none`;
      throw new MaskstreamError('invalid-config', message);
    }
    const { lines, last } = await linesOf(ffmpeg, listArguments(device), { signal });
    const form = chooseForm(lines);
    if (form === null) {
      const message = `expected a camera at ${device}, ffmpeg says: ${last}`;
      throw new MaskstreamError('camera-unreachable', message);
    }
    if (form.encodes !== null) {
      events.onEncoded?.({ codec: form.encodes, encoder: ffmpegName(ffmpeg) });
    }
    const silent = new AbortController();
    const timer = setTimeout(() => silent.abort(), silenceMs);
    const args = deviceArguments(device, form, frameRate);
    await using child = runFfmpeg(ffmpeg, args, {
      signal: AbortSignal.any([signal, silent.signal]),
    });
    const onUnit: typeof events.onUnit = (unit) => {
      timer.refresh();
      events.onUnit(unit);
    };
    try {
      await readPictures(child.process.stdout, form.container, { ...events, onUnit });
    } catch {
      // A pipe that was cut: how the child ended says why.
    } finally {
      clearTimeout(timer);
    }
    if (silent.signal.aborted) {
      const message = `the camera was lost: no picture for ${silenceMs / 1000} s`;
      throw new MaskstreamError('camera-lost', message);
    }
    await child.process.exited;
    throw new MaskstreamError(
      'camera-lost',
      `the camera was lost, ffmpeg says: ${child.lastLine()}`,
    );
  };
}
