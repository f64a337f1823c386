import { expect, test } from 'vitest';
import { drawableText } from '../../../src/cli/output/drawable-text.ts';

test.each([
  ['dog', 'dog'],
  ['Café crème', 'Cafe creme'],
  ['Zwölf Füße, Straßenbahn', 'Zwolf Fusse, Strassenbahn'],
  ['Ærø, Łódź, Đorđe', 'AEro, Lodz, Dorde'],
  ['ｄｏｇ ①', 'dog 1'],
  ['犬 2', '? 2'],
  ['犬', null],
  ['собака', null],
  ['🐕', null],
  ['', null],
])('%j is drawn as %j', (label, drawn) => {
  expect(drawableText(label)).toBe(drawn);
});
