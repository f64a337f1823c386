import { z } from 'zod';
import { usageError } from '../../frame/errors.ts';
import type { Size } from '../../frame/geometry.ts';
import { maskOfOutlines } from './label-shape.ts';
import type { LabelledObject, LabelledPicture } from './labelled-picture.ts';

const shapeSchema = z.object({
  label: z.string(),
  points: z.array(z.tuple([z.number(), z.number()])),
  group_id: z.int().nullish(),
  shape_type: z.string().default('polygon'),
});

/** What is read of a labelme file; it holds one picture. */
export const labelmeSchema = z.object({
  shapes: z.array(shapeSchema),
  imagePath: z.string().min(1),
  imageHeight: z.int().min(1),
  imageWidth: z.int().min(1),
});

type Shape = z.infer<typeof shapeSchema>;

/**
 * The picture of a labelme file. `group_id` is the object's id: polygons of one group are one object.
 * Rectangles are boxes, points are clicks.
 *
 * Throws `usage` for other shapes.
 */
export function labelmeLabels(
  content: z.infer<typeof labelmeSchema>,
  file: string,
): LabelledPicture {
  const size = { width: content.imageWidth, height: content.imageHeight };
  const groups = new Map<number, Shape[]>();
  const alone: Shape[][] = [];
  for (const shape of content.shapes) {
    const id = shape.group_id ?? null;
    if (id === null) alone.push([shape]);
    else groups.set(id, [...(groups.get(id) ?? []), shape]);
  }
  const objects = [...groups.values(), ...alone].map((shapes) => objectOf(shapes, { size, file }));
  return {
    // labelme writes the path of the machine that it ran on, backslashes too.
    fileName: content.imagePath.replaceAll('\\', '/'),
    size,
    objects,
  };
}

function objectOf(
  shapes: readonly Shape[],
  { size, file }: { readonly size: Size; readonly file: string },
): LabelledObject {
  const [first] = shapes;
  const { label = '', group_id: id = null } = first ?? {};
  const where = `${file}: "${label}"`;
  const other = shapes.find((shape) => shape.shape_type !== first?.shape_type);
  if (other !== undefined || first === undefined) {
    const types = `${first?.shape_type} and ${other?.shape_type}`;
    throw usageError(`${where}: expected shapes of one type in group ${id}, got ${types}`);
  }
  return {
    id,
    // The name that `--format labelme` gives an object without one.
    label: label === `object ${id}` ? null : label,
    prompts: promptsOf(shapes, first, { size, where }),
  };
}

function promptsOf(
  shapes: readonly Shape[],
  first: Shape,
  { size, where }: { readonly size: Size; readonly where: string },
): LabelledObject['prompts'] {
  switch (first.shape_type) {
    case 'polygon': {
      const outlines = shapes.map(({ points }) => points.flat());
      return { mask: maskOfOutlines(outlines, { size, where }) };
    }
    case 'rectangle': {
      const [from, to] = first.points;
      if (shapes.length > 1 || from === undefined || to === undefined) {
        throw usageError(`${where}: expected one rectangle of two corners, got another`);
      }
      const [x, y] = [Math.min(from[0], to[0]), Math.min(from[1], to[1])];
      const [width, height] = [Math.abs(from[0] - to[0]), Math.abs(from[1] - to[1])];
      return { box: { x, y, width, height } };
    }
    case 'point': {
      const clicks = shapes.flatMap(({ points }) => points);
      return { points: clicks.map(([x, y]) => ({ x, y, label: 'positive' as const })) };
    }
    default:
      throw usageError(
        `${where}: expected a polygon, rectangle or point, got a ${first.shape_type}`,
      );
  }
}
