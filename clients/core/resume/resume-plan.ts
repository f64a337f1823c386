import { ResumeState } from '../../../src/gen/maskstream/v1/video_request.ts';
import type { ResumeSearch, VideoChunk } from '../../../src/gen/maskstream/v1/video_request.ts';
import type { KeptObjects } from './kept-objects.ts';
import type { KeptVideo, VideoAgain } from './kept-video.ts';

/** What the next call begins with. */
export type ResumePlan = {
  readonly state: ResumeState;
  readonly chunks: readonly VideoChunk[];
  /** What is added to the call's frame indices; null: known with its first answer only. */
  readonly offset: number | null;
  /** The offset is what answers said: the call's first answer cannot tell it better. */
  readonly isExact: boolean;
};

/** What a plan is made from. */
export type ResumeParts = {
  readonly video: KeptVideo;
  readonly objects: KeptObjects;
  readonly removedObjectIds: number[];
  /** Phrases that are still looked for. */
  readonly searches: ResumeSearch[];
};

/** A video that its owner sends again from its start: only the frames that were answered are known. */
export function planRewind(parts: ResumeParts): ResumePlan | null {
  const { objects, removedObjectIds, searches } = parts;
  const again = objects.again();
  if (again === null) return null;
  const { newest } = objects;
  const at = newest && ({ $case: 'frameIndex', value: newest.frameIndex } as const);
  const state = { objects: again.objects, removedObjectIds, searches, at: at ?? undefined };
  return { state: ResumeState.fromPartial(state), chunks: [], offset: 0, isExact: true };
}

/**
 * A live video goes on from the random-access point that is kept; null where nothing can. Frames that
 * were answered are named to the server, by their index where access units are marked, else by their
 * time. Where neither tells them, what was sent already is not sent again, so that no frame comes twice.
 */
export function planContinuation(parts: ResumeParts): ResumePlan | null {
  const { video, objects, removedObjectIds, searches } = parts;
  const again = objects.again();
  const kept = video.again();
  if (again === null || kept === null) return null;
  const { newest } = objects;
  const firstFrame = firstFrameOf(kept, newest);
  // Each picture is to be one frame of the call.
  const pictures = firstFrame !== null && kept.areUnitsFrames ? again.pictures : [];
  const live =
    pictures.length > 0
      ? again.objects
      : again.objects.map((object) => ({ ...object, reference: undefined }));
  const offset = firstFrame === null ? null : firstFrame - pictures.length;
  const at = newest && frameOf(newest, offset, pictures.length);
  const state = ResumeState.fromPartial({
    objects: live,
    removedObjectIds,
    searches,
    at: at ?? undefined,
  });
  const isTold = newest === null || offset !== null || at !== null;
  const [header, rest] = [
    kept.chunks.slice(0, kept.headerChunks),
    kept.chunks.slice(kept.headerChunks),
  ];
  const chunks = [...header, ...pictures.flat(), ...(isTold ? rest : [])];
  return { state, chunks, offset, isExact: kept.isExact };
}

/** Where units give several frames each, time tells better how many were lost, if the video has its own. */
function firstFrameOf(
  { firstFrame, isExact, areUnitsFrames }: VideoAgain,
  newest: KeptObjects['newest'],
): number | null {
  const hasTimes = newest?.timestampSynthetic === false;
  return hasTimes && !isExact && !areUnitsFrames ? null : firstFrame;
}

/** The newest answered frame as the next call names it; null: before its first, or not to be told. */
function frameOf(
  { frameIndex, timestampUs, timestampSynthetic }: NonNullable<KeptObjects['newest']>,
  offset: number | null,
  pictures: number,
): ResumeState['at'] | null {
  if (offset === null) {
    return timestampSynthetic ? null : { $case: 'timestampUs', value: timestampUs };
  }
  const value = frameIndex - offset;
  return value < pictures ? null : { $case: 'frameIndex', value };
}
