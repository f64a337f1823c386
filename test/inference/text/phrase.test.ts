import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SegmentationError } from '../../../src/frame/errors.ts';
import { loadManifest } from '../../../src/inference/manifest-loader.ts';
import type { VocabularyEntry } from '../../../src/inference/manifest.ts';
import { parsePhrase } from '../../../src/inference/text/phrase.ts';

const vocabulary: VocabularyEntry[] = [
  { noun: 'person', channel: 0, alsoKnownAs: ['people', 'pedestrian', 'man', 'men'] },
  { noun: 'car', channel: 1, alsoKnownAs: ['automobile'] },
  { noun: 'sign', channel: 2, alsoKnownAs: ['traffic sign'] },
  { noun: 'body', channel: 3, alsoKnownAs: [] },
  { noun: 'dress', channel: 4, alsoKnownAs: [] },
].map((entry) => ({ ...entry, tiled: false, separable: false }));

test.each([
  ['car', 'car', []],
  ['The red car', 'car', ['red']],
  ['all  people!', 'person', []],
  ['pedestrians', 'person', []],
  ['gray and white automobiles', 'car', ['grey', 'white']],
  ['traffic signs', 'sign', []],
  ['bodies', 'body', []],
  ['dresses', 'dress', []],
  ['dress', 'dress', []],
  ['red red car', 'car', ['red']],
  ['traffic-sign', 'sign', []],
  ['these men in black', 'person', ['black']],
])('"%s" asks for %s with colours %j', (phrase, noun, colours) => {
  const parsed = parsePhrase(phrase, vocabulary);
  expect(parsed.entry.noun).toBe(noun);
  expect(parsed.colours).toEqual(colours);
});

test('an unknown word is named and the vocabulary listed', () => {
  const error = catchError(() => parsePhrase('red zebra', vocabulary));
  expect(error.code).toBe('unknown-word');
  expect(error.message).toContain('unknown word "zebra"');
  expect(error.message).toContain('person, car, sign, body, dress');
  expect(error.message).toContain('purple');
});

test('an unknown word is answered with the nearest known ones', () => {
  expect(message('a persn')).toContain('unknown word "persn" (did you mean person?)');
  expect(message('red xylophone')).not.toContain('did you mean');
});

test.each(['', 'red', 'the', '...', 'traffic', 'car person'])(
  'a phrase that names no single noun, "%s", is unknown as a whole',
  (phrase) => {
    const error = catchError(() => parsePhrase(phrase, vocabulary));
    expect(error.code).toBe('unknown-word');
    expect(error.message).toContain(`phrase "${phrase}"`);
  },
);

test('every name in the shipped vocabulary finds its own noun', async () => {
  const directory = join(import.meta.dirname, '../../../models/maskstream-tiny');
  const shipped = (await loadManifest(directory)).text?.vocabulary ?? [];
  expect(shipped).toHaveLength(33);
  for (const { noun, alsoKnownAs } of shipped) {
    for (const name of [noun, ...alsoKnownAs]) {
      expect([name, parsePhrase(`the red ${name}`, shipped).entry.noun]).toEqual([name, noun]);
    }
  }
});

function message(phrase: string): string {
  return catchError(() => parsePhrase(phrase, vocabulary)).message;
}

function catchError(action: () => unknown): SegmentationError {
  try {
    action();
  } catch (reason) {
    if (reason instanceof SegmentationError) return reason;
  }
  throw new Error('expected a SegmentationError');
}
