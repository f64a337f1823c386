import { SegmentationError } from '../../frame/errors.ts';
import { nearestWords } from '../../frame/nearest-words.ts';
import { colours, type Colour } from './colour.ts';
import type { VocabularyEntry } from '../manifest.ts';

/** A phrase as the model understands it: one noun and the colours that it must show. */
export type Phrase = { readonly entry: VocabularyEntry; readonly colours: readonly Colour[] };

/** Words that change nothing. */
const fillers = new Set(
  'a an the all any every each some and in this that these those coloured colored'.split(' '),
);
const colourWords = new Map<string, Colour>([
  ...colours.map((colour) => [colour, colour] as const),
  ['gray', 'grey'],
  ['silver', 'grey'],
  ['violet', 'purple'],
]);

/**
 * Reads a phrase such as `red car`, `the people` or `women in white`. Throws `unknown-word`, naming the word and
 * the nearest known ones, and listing the vocabulary.
 */
export function parsePhrase(phrase: string, vocabulary: readonly VocabularyEntry[]): Phrase {
  const words = phrase.toLowerCase().match(/[\p{L}\p{N}-]+/gu) ?? [];
  const meant = words.filter((word) => !fillers.has(word));
  const named = meant.flatMap((word) => colourWords.get(word) ?? []);
  const rest = meant.filter((word) => !colourWords.has(word));
  const entry = vocabulary.find((candidate) => isCalled(candidate, rest.join(' ')));
  if (entry === undefined) throw unknownWord(phrase, rest, vocabulary);
  return { entry, colours: [...new Set(named)] };
}

function isCalled(entry: VocabularyEntry, name: string): boolean {
  const names = [entry.noun, ...entry.alsoKnownAs];
  const spaced = name.replaceAll('-', ' ');
  return [...singulars(name), ...singulars(spaced)].some((form) => names.includes(form));
}

/** The name itself and what it may be the regular plural of. */
function singulars(name: string): string[] {
  const forms = [name];
  if (name.endsWith('ies')) forms.push(`${name.slice(0, -3)}y`);
  if (name.endsWith('es')) forms.push(name.slice(0, -2));
  if (name.endsWith('s')) forms.push(name.slice(0, -1));
  return forms;
}

function unknownWord(
  phrase: string,
  rest: readonly string[],
  vocabulary: readonly VocabularyEntry[],
): SegmentationError {
  const known = new Set(
    vocabulary.flatMap((entry) => [entry.noun, ...entry.alsoKnownAs].join(' ').split(' ')),
  );
  const stranger = rest.find((word) => !singulars(word).some((form) => known.has(form)));
  const what = stranger === undefined ? `phrase "${phrase}"` : `word "${stranger}"`;
  const nouns = vocabulary.map((entry) => entry.noun).join(', ');
  const names = vocabulary.flatMap((entry) => [entry.noun, ...entry.alsoKnownAs]);
  const meant = stranger === undefined ? [] : nearestWords(stranger, names);
  const nearest = meant.length === 0 ? '' : ` (did you mean ${meant.join(', ')}?)`;
  return new SegmentationError(
    'unknown-word',
    `unknown ${what}${nearest}: expected one of ${nouns}; a colour may stand before it (${colours.join(', ')})`,
  );
}
