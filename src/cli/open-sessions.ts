import type { LoadedModel } from '../inference/index.ts';
import {
  KeyframeBudget,
  type ObjectMemoryPool,
  runSession,
  type SessionOptions,
  type TrackerPool,
} from '../pipeline/index.ts';
import type { Sessions } from '../server/index.ts';
import { createDecoder, createImageDecoder, type FfmpegBinary } from '../video/index.ts';
import type { ModelWatch } from './model-watch.ts';

/** What all streams of a server share. */
export type SharedParts = {
  readonly ffmpeg: FfmpegBinary;
  readonly model: LoadedModel;
  readonly trackers: TrackerPool;
  readonly objectMemory: ObjectMemoryPool;
  readonly watch: ModelWatch;
};

const nowMs = (): number => performance.now();

/** Sessions that decode, segment and track with what a server's streams share; it closes nothing. */
export function openSessions(shared: SharedParts): Sessions {
  const { ffmpeg, model, trackers, objectMemory, watch } = shared;
  const budget = new KeyframeBudget(nowMs, () => model.keyframesAtATime());
  const common = { trackers, nowMs, budget, objectMemory, watchModel: watch.watchModel };
  const partsOf = ({ owner = '', delivery }: SessionOptions) => ({
    ...common,
    // EVERY_FRAME promises the same bits, whoever runs the model.
    segmenter: model.forUser({ owner, mayFallBack: delivery === 'latest' }),
  });
  const decode = createDecoder({ ffmpeg });
  const decodeImage = createImageDecoder({ ffmpeg });
  return {
    openVideo: (inputs, session) => runSession(inputs, session, { ...partsOf(session), decode }),
    openImage: (inputs, session) =>
      runSession(inputs, session, { ...partsOf(session), decode: decodeImage }),
  };
}
