import type { AnsweredFrame } from './answered-frame.ts';
import { createCategories } from './categories.ts';
import { type CompressedMask, compressedMask } from './compressed-mask.ts';

/** One YouTube-VIS file of any number of videos. */
export type YtvisJson = {
  /** What follows is another video. */
  nextInput(): void;
  /** Adds a frame to the newest video. */
  add(frame: AnsweredFrame, fileName: string): void;
  /** The file. */
  text(): string;
};

type Track = {
  readonly categoryId: number;
  readonly segmentations: (CompressedMask | null)[];
  readonly boxes: (readonly number[] | null)[];
  readonly areas: (number | null)[];
  readonly scores: number[];
};

type Video = {
  readonly fileNames: string[];
  readonly tracks: Map<number, Track>;
  width: number;
  height: number;
};

/** Starts an empty file: an annotation for each object of a video, with one entry for each frame. */
export function createYtvisJson(): YtvisJson {
  const categories = createCategories();
  const videos: Video[] = [];
  return {
    nextInput() {
      videos.push({ fileNames: [], tracks: new Map(), width: 0, height: 0 });
    },
    add(frame, fileName) {
      const video = videos.at(-1);
      if (video === undefined) throw new Error('frame added before its video');
      if (video.fileNames.length === 0) Object.assign(video, frame.size);
      const before = video.fileNames.length;
      video.fileNames.push(fileName);
      for (const { objectId, label, mask, box, area, confidence } of frame.objects) {
        if (box === null || area === 0) continue;
        const track = video.tracks.get(objectId) ?? newTrack(categories.idOf(label));
        video.tracks.set(objectId, track);
        padTo(track, before);
        track.segmentations.push(compressedMask(mask));
        track.boxes.push([box.x, box.y, box.width, box.height]);
        track.areas.push(area);
        track.scores.push(confidence);
      }
    },
    text() {
      const annotations = videos.flatMap((video, index) => annotationsOf(video, index + 1));
      const numbered = annotations.map((entry, index) =>
        JSON.stringify({ id: index + 1, ...entry }),
      );
      const listed = videos.map(({ fileNames, width, height }, index) =>
        JSON.stringify({
          id: index + 1,
          width,
          height,
          length: fileNames.length,
          file_names: fileNames,
        }),
      );
      return (
        `{"videos":[${listed.join(',\n')}],\n"annotations":[${numbered.join(',\n')}],\n` +
        `"categories":${JSON.stringify(categories.list)}}\n`
      );
    },
  };
}

function newTrack(categoryId: number): Track {
  return { categoryId, segmentations: [], boxes: [], areas: [], scores: [] };
}

/** Null on each frame without a mask. */
function padTo(track: Track, frames: number): void {
  while (track.segmentations.length < frames) {
    track.segmentations.push(null);
    track.boxes.push(null);
    track.areas.push(null);
  }
}

function annotationsOf({ fileNames, tracks, width, height }: Video, videoId: number) {
  return [...tracks].map(([objectId, track]) => {
    padTo(track, fileNames.length);
    const { categoryId, segmentations, boxes, areas, scores } = track;
    return {
      video_id: videoId,
      category_id: categoryId,
      segmentations,
      bboxes: boxes,
      areas,
      iscrowd: 0,
      width,
      height,
      length: fileNames.length,
      score: scores.reduce((sum, score) => sum + score, 0) / scores.length,
      track_id: objectId,
    };
  });
}
