import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SegmentationError } from '../frame/errors.ts';
import { upgradeManifest } from './manifest-upgrade.ts';
import { manifestSchema, type Manifest } from './manifest.ts';

/** File name of the manifest inside a model's folder. */
const manifestFile = 'manifest.json';

/**
 * Reads and checks `manifest.json` of a model's folder; the graphs it names are checked where they
 * are opened. Throws `model-load-failed`, naming the field that is wrong.
 */
export async function loadManifest(directory: string): Promise<Manifest> {
  const path = join(directory, manifestFile);
  const parsed = manifestSchema.safeParse(upgradeManifest(parseJson(await readText(path), path)));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const where = issue?.path.join('.') ?? '';
    throw new SegmentationError(
      'model-load-failed',
      `${path}: ${where === '' ? 'manifest' : where}: ${issue?.message ?? 'invalid'}`,
    );
  }
  checkAgreement(parsed.data, path);
  return parsed.data;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new SegmentationError('model-load-failed', `cannot read ${path}`, { cause });
  }
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SegmentationError('model-load-failed', `${path} is not JSON`, { cause });
  }
}

/** Sections that depend on each other, which a schema of single fields cannot say. */
function checkAgreement(manifest: Manifest, path: string): void {
  const { graphs, prompts, masks } = manifest;
  const problems = [
    (graphs.refiner === undefined) !== (manifest.refiner === null) &&
      'refiner: the graph and its section must come together',
    (graphs.text === undefined) !== (manifest.text === null) &&
      'text: the graph and its section must come together',
    prompts.kinds.includes('text') !== (manifest.text !== null || manifest.phrases !== null) &&
      'prompts.kinds: text needs the section text or phrases, and either section the kind',
    (graphs.textEncoder === undefined) !== (manifest.phrases === null) &&
      'phrases: the graph textEncoder and the section must come together',
    prompts.kinds.includes('box') !== (prompts.box.route !== 'none') &&
      'prompts.box: a route is needed exactly where boxes are understood',
    masks.unambiguousPromptCandidate >= masks.candidates &&
      `masks.unambiguousPromptCandidate: expected less than ${masks.candidates}`,
    manifest.text?.vocabulary.some(({ channel }) => channel >= textChannels(manifest)) &&
      'text.vocabulary: a channel is beyond the text graph',
    (manifest.text?.border?.channel ?? 0) >= textChannels(manifest) &&
      'text.border: the channel is beyond the text graph',
    manifest.keyframes.minInterval > manifest.keyframes.maxInterval &&
      'keyframes: minInterval is above maxInterval',
  ].filter((problem) => typeof problem === 'string');
  if (problems.length > 0) {
    throw new SegmentationError('model-load-failed', `${path}: ${problems.join('; ')}`);
  }
}

/** Channels of the text graph's `classes`; unlimited where the manifest leaves them open. */
function textChannels({ graphs }: Manifest): number {
  const channels = graphs.text?.outputs['classes']?.shape[1];
  return typeof channels === 'number' ? channels : Number.POSITIVE_INFINITY;
}
