import type { FrameMasks, SegmentationClient } from '../../clients/typescript/index.ts';
import { decodeFrame } from '../../src/calls/decode-answer.ts';
import { toPrompt } from '../../src/calls/run-video.ts';
import { encodeCamera } from '../../src/cli/demo/encode-camera.ts';
import type { Scene } from '../../src/cli/demo/scene.ts';
import type { TrueMasks } from '../../src/evaluation/clips.ts';
import type { EvalPrompt } from '../../src/evaluation/true-prompts.ts';
import { promptsFromTruths } from '../../src/evaluation/true-prompts.ts';
import type { AnsweredFrame } from '../../src/formats/answered-frame.ts';
import type { Size } from '../../src/frame/geometry.ts';
import type { FfmpegBinary } from '../../src/video/index.ts';

/** An encoded clip and the true masks of its frames. */
export type TrueClip = {
  readonly name: string;
  readonly video: Uint8Array;
  readonly truths: ReadonlyMap<number, TrueMasks>;
};

/** Encodes a scene as a camera would, and keeps the true masks of every frame. */
export async function filmScene(
  scene: Scene,
  {
    name,
    ffmpeg,
    signal,
  }: { readonly name: string; readonly ffmpeg: FfmpegBinary; readonly signal: AbortSignal },
): Promise<TrueClip> {
  const truths = new Map<number, TrueMasks>();
  const recorded = {
    ...scene,
    render: (index: number) => {
      const frame = scene.render(index);
      truths.set(index, { size: scene.size, objects: frame.masks });
      return frame;
    },
  };
  const video = await encodeCamera(recorded, { ffmpeg, onFrame: () => undefined, signal });
  return { name, video, truths };
}

/** Sends a clip with prompts from its first true masks in EVERY_FRAME, and hands on every answer. */
export async function answerClip(
  client: SegmentationClient,
  {
    clip: { video, truths },
    kind,
    signal,
  }: { readonly clip: TrueClip; readonly kind: EvalPrompt; readonly signal: AbortSignal },
  onFrame: (frame: AnsweredFrame, masks: FrameMasks) => void,
): Promise<void> {
  const [truth] = truths.values();
  let display: Size = truth?.size ?? { width: 0, height: 0 };
  using stream = client.segmentVideo({ container: 'mp4', delivery: 'every-frame' }, { signal });
  const acks = promptsFromTruths(truths, kind).map((planned) => stream.prompt(toPrompt(planned)));
  const receive = async () => {
    for await (const result of stream) {
      if (result.kind === 'info') display = result.info;
      if (result.kind === 'masks') onFrame(decodeFrame(result.masks, display), result.masks);
    }
  };
  const send = async () => {
    await stream.sendChunk(video);
    stream.end();
  };
  await Promise.all([send(), receive(), ...acks]);
}
