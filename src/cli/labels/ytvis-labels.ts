import { z } from 'zod';
import { usageError } from '../../frame/errors.ts';
import { labels, refuseCrowd } from './coco-labels.ts';
import { cocoBox, cocoSegmentation, cocoShape } from './label-shape.ts';
import type { LabelledObject, LabelledPicture } from './labelled-picture.ts';

/** What is read of a YouTube-VIS file; tools add more. */
export const ytvisSchema = z.object({
  videos: z.array(
    z.object({
      id: z.int(),
      width: z.int().min(1),
      height: z.int().min(1),
      file_names: z.array(z.string().min(1)),
    }),
  ),
  annotations: z.array(
    z.object({
      id: z.int().optional(),
      video_id: z.int(),
      category_id: z.int(),
      segmentations: z.array(cocoSegmentation.nullable()),
      bboxes: z.array(cocoBox.nullable()).optional(),
      iscrowd: z.union([z.literal(0), z.literal(1), z.boolean()]).optional(),
      track_id: z.int().nullish(),
    }),
  ),
  categories: z.array(z.object({ id: z.int(), name: z.string() })),
});

/**
 * The pictures of a YouTube-VIS file. An annotation is an object on all frames; its id is `track_id`,
 * or its number within its video where the file has none.
 *
 * Throws `usage` as {@link cocoLabels}, and for an annotation of another length than its video.
 */
export function ytvisLabels(content: z.infer<typeof ytvisSchema>, file: string): LabelledPicture[] {
  const labelOf = labels(content.categories, file);
  const videos = new Map(
    content.videos.map((video) => [
      video.id,
      { video, seen: 0, frames: video.file_names.map((): LabelledObject[] => []) },
    ]),
  );
  for (const [index, annotation] of content.annotations.entries()) {
    const where = `${file}: annotation ${annotation.id ?? index}`;
    const known = videos.get(annotation.video_id);
    if (known === undefined) {
      throw usageError(`${where}: expected a video of the file, got ${annotation.video_id}`);
    }
    refuseCrowd(annotation.iscrowd, where);
    const { segmentations, bboxes } = annotation;
    if (segmentations.length !== known.frames.length) {
      throw usageError(
        `${where}: expected a segmentation for each of the ${known.frames.length} frames, got ${segmentations.length}`,
      );
    }
    const id = annotation.track_id ?? ++known.seen;
    const size = { width: known.video.width, height: known.video.height };
    const label = labelOf(annotation.category_id, where);
    for (const [frame, segmentation] of segmentations.entries()) {
      const at = { size, where: `${where}, frame ${frame}` };
      const shape = cocoShape(segmentation, bboxes?.[frame] ?? null, at);
      if (shape !== null) known.frames[frame]?.push({ id, label, prompts: shape });
    }
  }
  return [...videos.values()].flatMap(({ video, frames }) =>
    video.file_names.map((fileName, frame) => ({
      fileName,
      size: { width: video.width, height: video.height },
      objects: frames[frame] ?? [],
    })),
  );
}
