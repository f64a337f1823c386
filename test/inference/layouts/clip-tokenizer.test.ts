import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  ClipTokenizer,
  type TokenizerFile,
} from '../../../src/inference/layouts/clip-tokenizer.ts';

/** A vocabulary of 700 tokens, and what the `tokenizers` library makes of some phrases with it. */
const { tokenizer, golden } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../fixtures/clip-tokenizer.json'), 'utf8'),
) as { readonly tokenizer: TokenizerFile; readonly golden: Record<string, number[]> };

const frame = { contextLength: 32, startId: 0, endId: 1, paddingId: 0 };

test.each(Object.entries(golden))('"%s" has the tokens of the reference', (phrase, wanted) => {
  const { ids, length } = new ClipTokenizer(tokenizer, frame).encode(phrase);
  expect(ids.slice(0, length)).toEqual([0, ...wanted, 1]);
  expect(ids).toHaveLength(32);
  expect(ids.slice(length).every((id) => id === 0)).toBe(true);
});

test('a phrase that is longer than the context is cut, and still ends', () => {
  const tokens = new ClipTokenizer(tokenizer, { ...frame, contextLength: 5 }).encode('a b c d e f');
  expect(tokens.ids).toHaveLength(5);
  expect(tokens.ids.at(-1)).toBe(1);
});

test('an empty phrase is its frame', () => {
  expect(new ClipTokenizer(tokenizer, frame).encode('').length).toBe(2);
});
