import { SegmentationError } from '../../frame/errors.ts';
import { readStoredFile } from '../engine/graph.ts';
import { ClipTokenizer, type TokenizerFile } from '../layouts/clip-tokenizer.ts';
import type { Manifest } from '../manifest.ts';

/** The tokenizer that a model's manifest names. Throws `model-load-failed`. */
export async function readTokenizer(
  { phrases }: Manifest,
  directory: string,
): Promise<ClipTokenizer> {
  if (phrases === null) throw failed('the manifest names no tokenizer');
  const { tokenizer } = phrases;
  const bytes = await readStoredFile(tokenizer, directory);
  let stored: Partial<TokenizerFile>;
  try {
    stored = JSON.parse(bytes.toString('utf8')) as Partial<TokenizerFile>;
  } catch (cause) {
    throw new SegmentationError('model-load-failed', `${tokenizer.file} is not JSON`, { cause });
  }
  const { model } = stored;
  if (typeof model?.vocab !== 'object' || !Array.isArray(model.merges)) {
    throw failed(`${tokenizer.file}: expected a BPE model with vocab and merges`);
  }
  return new ClipTokenizer({ model }, phrases);
}

function failed(message: string): SegmentationError {
  return new SegmentationError('model-load-failed', message);
}
