import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SegmentationError } from '../../frame/errors.ts';
import type { ConceptConventions } from './family-signature.ts';
import type { Recognised } from './recognise.ts';

/** The tokenizer's file, as `transformers` writes it. */
export const tokenizerFile = 'tokenizer.json';

/** CLIP's tokens around a phrase, and SAM 3's length of one where the graph leaves it open. */
const startToken = { text: '<|startoftext|>', id: 49_406 };
const endToken = { text: '<|endoftext|>', id: 49_407 };
const usualLength = 32;

const half = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };

/** What a manifest says of colours and scores. */
export function conceptConventions({ colours, scores }: ConceptConventions): {
  readonly colours: object;
  readonly activation: 'none' | 'sigmoid';
} {
  return {
    colours:
      colours === 'normalised'
        ? { range: '0-1', ...half }
        : { range: '0-255', mean: null, std: null },
    activation: scores === 'logits' ? 'sigmoid' : 'none',
  };
}

/** How the detector is asked: boxes of their own input, and phrases. */
export const conceptPrompts = {
  kinds: ['points', 'box', 'mask', 'text'],
  coordinates: 'normalised',
  points: { slots: 64, positiveLabel: 1, negativeLabel: 0, paddingLabel: -10 },
  box: { route: 'own-input' },
} as const;

/**
 * How phrases become tokens. Throws `model-load-failed` without a tokenizer beside the graphs.
 *
 * @param stored the tokenizer's file as the manifest lists it
 */
export async function phraseRules(
  directory: string,
  { graphs }: Pick<Recognised, 'graphs'>,
  stored: object,
): Promise<object> {
  const [, length] = graphs.textEncoder?.inputs['tokens']?.shape ?? [];
  const ids = await tokenIds(join(directory, tokenizerFile));
  return {
    tokenizer: stored,
    contextLength: typeof length === 'number' ? length : usualLength,
    startId: ids.get(startToken.text) ?? startToken.id,
    endId: ids.get(endToken.text) ?? endToken.id,
    paddingId: 0,
    anything: 'visual',
    minScore: 0.5,
  };
}

async function tokenIds(path: string): Promise<Map<string, number>> {
  let file: { readonly added_tokens?: readonly { content: string; id: number }[] };
  try {
    file = JSON.parse(await readFile(path, 'utf8')) as typeof file;
  } catch (cause) {
    const message = `expected ${path}, the tokenizer of its phrases, got none that can be read`;
    throw new SegmentationError('model-load-failed', message, { cause });
  }
  return new Map((file.added_tokens ?? []).map(({ content, id }) => [content, id]));
}
