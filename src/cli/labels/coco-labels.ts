import { z } from 'zod';
import { unnamed } from '../../formats/categories.ts';
import { usageError } from '../../frame/errors.ts';
import { cocoBox, cocoSegmentation, cocoShape } from './label-shape.ts';
import type { LabelledObject, LabelledPicture } from './labelled-picture.ts';

const category = z.object({ id: z.int(), name: z.string() });

/** What is read of a COCO file; tools add more. */
export const cocoSchema = z.object({
  images: z.array(
    z.object({
      id: z.int(),
      file_name: z.string().min(1),
      width: z.int().min(1),
      height: z.int().min(1),
    }),
  ),
  annotations: z.array(
    z.object({
      id: z.int().optional(),
      image_id: z.int(),
      category_id: z.int(),
      segmentation: cocoSegmentation.nullish(),
      bbox: cocoBox.nullish(),
      iscrowd: z.union([z.literal(0), z.literal(1), z.boolean()]).optional(),
      track_id: z.int().nullish(),
      /** Where CVAT keeps it. */
      attributes: z.object({ track_id: z.int().nullish() }).optional(),
    }),
  ),
  categories: z.array(category),
});

/**
 * The pictures of a COCO file. `track_id` (or CVAT's `attributes.track_id`) is the object's id.
 *
 * Throws `usage` for crowd regions, masks of another size than their picture's, and what refers to
 * nothing.
 */
export function cocoLabels(content: z.infer<typeof cocoSchema>, file: string): LabelledPicture[] {
  const labelOf = labels(content.categories, file);
  const images = new Map(content.images.map((image) => [image.id, image]));
  const objects = new Map<number, LabelledObject[]>(content.images.map(({ id }) => [id, []]));
  for (const [index, annotation] of content.annotations.entries()) {
    const where = `${file}: annotation ${annotation.id ?? index}`;
    const image = images.get(annotation.image_id);
    if (image === undefined) {
      throw usageError(`${where}: expected a picture of the file, got ${annotation.image_id}`);
    }
    refuseCrowd(annotation.iscrowd, where);
    const shape = cocoShape(annotation.segmentation ?? null, annotation.bbox ?? null, {
      size: { width: image.width, height: image.height },
      where,
    });
    if (shape === null) continue;
    objects.get(image.id)?.push({
      id: annotation.track_id ?? annotation.attributes?.track_id ?? null,
      label: labelOf(annotation.category_id, where),
      prompts: shape,
    });
  }
  return content.images.map(({ id, file_name: fileName, width, height }) => ({
    fileName,
    size: { width, height },
    objects: objects.get(id) ?? [],
  }));
}

/** Names of classes by their number; the class of objects without a name has none. */
export function labels(
  categories: readonly z.infer<typeof category>[],
  file: string,
): (id: number, where: string) => string | null {
  const names = new Map(categories.map(({ id, name }) => [id, name]));
  return (id, where) => {
    const name = names.get(id);
    if (name === undefined) {
      throw usageError(`${where}: expected a category of ${file}, got ${id}`);
    }
    return name === unnamed ? null : name;
  };
}

/** Throws `usage` for a region of many things: it is nobody's mask. */
export function refuseCrowd(isCrowd: boolean | number | undefined, where: string): void {
  if (isCrowd !== 1 && isCrowd !== true) return;
  throw usageError(
    `${where}: expected one object, got a crowd region (iscrowd 1): leave it out, or draw its members`,
  );
}
