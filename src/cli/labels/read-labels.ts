import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { usageError } from '../../frame/errors.ts';
import { byName } from '../segment/input-folder.ts';
import { contentError } from '../content-error.ts';
import { readJson } from '../read-json.ts';
import { cocoLabels, cocoSchema } from './coco-labels.ts';
import { labelmeLabels, labelmeSchema } from './labelme-labels.ts';
import type { Labels } from './labelled-picture.ts';
import { ytvisLabels, ytvisSchema } from './ytvis-labels.ts';

/** What `--prompts` got: label files are told by what they contain. */
export type PromptFile =
  | { readonly kind: 'labels'; readonly labels: Labels }
  /** Of no labelling tool: the prompts file of docs/cli.md, or nothing that is known. */
  | { readonly kind: 'json'; readonly content: unknown };

/**
 * Reads a COCO, YouTube-VIS or labelme file, or a folder of labelme files.
 *
 * Throws `unreadable-file`, and `usage` naming the place that is wrong.
 */
export async function readPromptFile(path: string): Promise<PromptFile> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory()) return { kind: 'labels', labels: await labelmeFolder(path) };
  const content = await readJson(path, 'prompts or labels');
  const keys = typeof content === 'object' && content !== null ? Object.keys(content) : [];
  const has = (...names: string[]) => names.every((name) => keys.includes(name));
  const labels = (pictures: Labels['pictures']): PromptFile => ({
    kind: 'labels',
    labels: { file: path, pictures },
  });
  if (has('videos', 'annotations')) {
    return labels(ytvisLabels(checked(ytvisSchema, content, path), path));
  }
  if (has('images', 'annotations')) {
    return labels(cocoLabels(checked(cocoSchema, content, path), path));
  }
  if (has('shapes')) return labels([labelmeLabels(checked(labelmeSchema, content, path), path)]);
  return { kind: 'json', content };
}

async function labelmeFolder(folder: string): Promise<Labels> {
  const names = (await readdir(folder)).filter((name) => /^[^.].*\.json$/i.test(name));
  const pictures: Labels['pictures'][number][] = [];
  for (const name of names.toSorted(byName)) {
    const file = join(folder, name);
    const content = await readJson(file, 'labels');
    pictures.push(labelmeLabels(checked(labelmeSchema, content, file), file));
  }
  if (pictures.length === 0) {
    throw usageError(`${folder}: expected a folder with labelme's .json files, got none in it`);
  }
  return { file: folder, pictures };
}

function checked<Content>(schema: z.ZodType<Content>, content: unknown, file: string): Content {
  const result = schema.safeParse(content);
  if (result.success) return result.data;
  throw contentError(file, result.error, { content, fields: [] });
}
