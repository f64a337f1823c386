import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { usageError } from '../frame/errors.ts';
import { contentError } from './content-error.ts';
import type { PromptTarget } from '../frame/prompt.ts';
import { readObjectMasks } from './object-masks.ts';
import type { PlannedPrompt } from '../calls/planned-prompt.ts';
import { plannedPrompt } from '../calls/planned-prompt.ts';
import { maxCliObjectId } from './object-id.ts';

const coordinate = z.number();
const side = z.number().positive();
const box = z.tuple([coordinate, coordinate, side, side], {
  error: 'expected [x, y, width, height]',
});
const point = z.union(
  [
    z.tuple([coordinate, coordinate]),
    z.tuple([coordinate, coordinate, z.union([z.literal(0), z.literal(1)])]),
  ],
  { error: 'expected [x, y], [x, y, 1] or [x, y, 0]' },
);

const entry = z
  .strictObject({
    frame_index: z.int().min(0).optional(),
    timestamp_us: z.int().optional(),
    object_id: z.int().min(1).max(maxCliObjectId),
    action: z.enum(['add', 'refine', 'replace', 'remove']).optional(),
    box: box.optional(),
    points: z.array(point).min(1).optional(),
    mask: z.string().min(1).optional(),
    text: z.string().min(1).optional(),
    max_objects: z.int().min(1).max(maxCliObjectId).optional(),
    threshold: z.number().min(0).max(1).optional(),
    label: z.string().optional(),
  })
  .refine((fields) => fields.frame_index === undefined || fields.timestamp_us === undefined, {
    error: 'expected frame_index or timestamp_us, got both',
  })
  .refine(
    (fields) =>
      fields.action === 'remove' ||
      [fields.box, fields.points, fields.mask, fields.text].some((value) => value !== undefined),
    { error: 'expected box, points, mask or text, got none' },
  );

const schema = z.strictObject({ version: z.literal(1), prompts: z.array(entry).min(1) });

/** Names that a typing error is compared with. */
const fieldNames = [...Object.keys(schema.shape), ...Object.keys(entry.shape)];

type Entry = z.infer<typeof entry>;

/**
 * The prompts of a prompts file, in the order of their frames. An entry without `action` adds its
 * object, or refines it where an earlier one (or `known`) has it. Mask files are sought beside the prompts file.
 *
 * Throws `unreadable-file` for a missing mask and `usage` for other content, naming the place.
 */
export async function planPrompts(
  content: unknown,
  file: string,
  known: Iterable<number> = [],
): Promise<PlannedPrompt[]> {
  const result = schema.safeParse(content);
  if (!result.success) {
    throw contentError(file, result.error, { content, fields: fieldNames });
  }
  const seen = new Set(known);
  const prompts: PlannedPrompt[] = [];
  for (const fields of inOrderOfFrames(result.data.prompts)) {
    const action = fields.action ?? (seen.has(fields.object_id) ? 'refine' : 'add');
    seen.add(fields.object_id);
    prompts.push(await plan(fields, action, dirname(file)));
  }
  return prompts;
}

/** As they stand in the file where some name times: which of these is earlier only the video knows. */
function inOrderOfFrames(entries: readonly Entry[]): readonly Entry[] {
  if (entries.some((fields) => fields.timestamp_us !== undefined)) return entries;
  return entries.toSorted((a, b) => (a.frame_index ?? 0) - (b.frame_index ?? 0));
}

async function plan(
  fields: Entry,
  action: PlannedPrompt['action'],
  folder: string,
): Promise<PlannedPrompt> {
  const at: PromptTarget =
    fields.timestamp_us === undefined
      ? { kind: 'frame', frameIndex: fields.frame_index ?? 0 }
      : { kind: 'timestamp', timestampUs: fields.timestamp_us };
  const [x = 0, y = 0, width = 0, height = 0] = fields.box ?? [];
  return plannedPrompt(fields.object_id, 0, {
    action,
    at,
    label: fields.label ?? null,
    text:
      fields.text === undefined
        ? null
        : {
            phrase: fields.text,
            firstObjectId: fields.object_id,
            maxObjects: fields.max_objects ?? 1,
            ...(fields.threshold === undefined ? {} : { minScore: fields.threshold }),
          },
    prompts: {
      box: fields.box === undefined ? null : { x, y, width, height },
      points: (fields.points ?? []).map(([px, py, label = 1]) => ({
        x: px,
        y: py,
        label: label === 1 ? 'positive' : 'negative',
      })),
      mask: fields.mask === undefined ? null : await maskOf(resolve(folder, fields.mask), fields),
    },
  });
}

async function maskOf(file: string, fields: Entry) {
  const mask = (await readObjectMasks(file)).get(fields.object_id);
  if (mask === undefined) {
    throw usageError(`${file}: expected pixels of object ${fields.object_id}, got none`);
  }
  return mask;
}
