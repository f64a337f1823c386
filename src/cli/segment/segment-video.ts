import { SegmentationError } from '../../frame/errors.ts';
import type { Output } from '../../formats/answered-frame.ts';
import { createProgress } from '../progress.ts';
import type { OpenVideo } from './open-video.ts';
import { runVideo, sendChunks } from '../../calls/run-video.ts';
import type { SegmentJob } from './segment-job.ts';
import { readVideoConfig } from './video-config.ts';

/**
 * Segments one video or image sequence into `output`, which the caller closes.
 *
 * Throws `frame-dropped` where `latest` skipped frames: then not every frame is written.
 */
export async function segmentVideo(
  video: OpenVideo,
  output: Output,
  job: SegmentJob,
): Promise<void> {
  const { io, client, prompts } = job;
  const progress = createProgress(io, video.name, video.frameCount);
  let written = 0;
  let keyframes = 0;
  try {
    const summary = await runVideo({
      client,
      config: readVideoConfig(job.args, video),
      prompts,
      send: (stream) => sendChunks(stream, video.chunks()),
      onHeader: (header) =>
        output.open({ ...header, frameRate: header.frameRate ?? video.frameRate }),
      onFrame: async (frame) => {
        await output.write(frame);
        if (frame.source === 'keyframe') keyframes++;
        progress.update(++written, `${keyframes} keyframes`);
      },
      onNotice: (message) => {
        progress.finish();
        io.stderr.write(`maskstream: ${video.name}: ${message}\n`);
      },
      signal: io.signal,
    });
    if (summary.framesDropped > 0 || written !== summary.framesIn) {
      throw new SegmentationError(
        'frame-dropped',
        `${video.name}: expected all ${summary.framesIn} frames, got ${written}: the server fell behind (delivery latest)`,
      );
    }
    progress.finish();
    io.stdout.write(`${video.name}: ${written} frames, ${summary.keyframes} keyframes\n`);
  } finally {
    progress.finish();
  }
}
