import type { VideoPieces } from '../../../clients/typescript/index.ts';
import { SegmentationError } from '../../frame/errors.ts';
import type { AnsweredFrame, Output } from '../../formats/answered-frame.ts';
import type { OpenVideo } from './open-video.ts';
import { picturePieces, runVideo } from '../../calls/run-video.ts';
import type { InputJob } from './segment-job.ts';
import { noPictureOf } from './sequence.ts';
import { readVideoConfig } from './video-config.ts';

/**
 * Segments one video or image sequence into `output`, which the caller closes.
 *
 * Throws `frame-dropped` where `latest` skipped frames: then not every frame is written; and
 * `undecodable-image` where a file of a sequence gave no frame: its masks would shift.
 */
export async function segmentVideo(
  video: OpenVideo,
  output: Output,
  { args, io, client, prompts, size, progress }: InputJob,
): Promise<void> {
  let written = 0;
  const summary = await runVideo({
    client,
    // The server says so where labels were drawn on another size.
    config: { ...readVideoConfig(args, video), ...size },
    prompts,
    video: piecesOf(video),
    onHeader: (header) =>
      output.open({ ...header, frameRate: header.frameRate ?? video.frameRate }),
    onFrame: async (frame) => {
      checkPicture(video, frame, written);
      await output.write(frame);
      written++;
      progress.frame();
    },
    onNotice: (message) => progress.say(message),
    signal: io.signal,
  });
  if (summary.framesDropped > 0 || written !== summary.framesIn) {
    throw new SegmentationError(
      'frame-dropped',
      `${video.name}: expected all ${summary.framesIn} frames, got ${written}: the server fell behind, and --delivery latest does not wait for it; every-frame does`,
    );
  }
  const missing = video.files?.[written];
  if (missing !== undefined) throw noPictureOf(missing);
  progress.end(`${written} frames, ${summary.keyframes} keyframes`);
}

/** A pipe can be read once: what is kept of it is what the client keeps. */
function piecesOf(video: OpenVideo): VideoPieces | (() => VideoPieces) {
  const open = () => (video.files === null ? video.chunks() : picturePieces(video.chunks()));
  return video.readsAgain ? open : open();
}

/** Servers echo the number of a picture as its capture time; a gap names the picture without a frame. */
function checkPicture({ files }: OpenVideo, frame: AnsweredFrame, written: number): void {
  const number = frame.captureTimestampUs;
  const missing = files?.[written];
  if (missing === undefined || number === null || frame.framesDroppedBefore > 0) return;
  if (number > written) throw noPictureOf(missing);
}
