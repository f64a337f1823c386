import { expect, test } from 'vitest';
import { cutAtBorders } from '../../../src/inference/text/cut-at-borders.ts';

/** A square grid in rows: `#` of the part, `|` of the part where a border is likely, `.` outside. */
function cut(...rows: string[]) {
  const text = rows.join('');
  const cells = Array.from(text).flatMap((cell, at) => (cell === '.' ? [] : [at]));
  const probabilities = Float32Array.from(text, (cell) => (cell === '|' ? 0.6 : 0.1));
  const things = cutAtBorders(cells, { probabilities, minProbability: 0.5 }, rows.length);
  // Every cell of the part belongs to exactly one thing.
  expect(things.flat().toSorted((a, b) => a - b)).toEqual(cells);
  return rows.map((row, y) =>
    Array.from(row, (_, x) => {
      const owner = things.findIndex((thing) => thing.includes(y * rows.length + x));
      return owner < 0 ? '.' : String(owner);
    }).join(''),
  );
}

test('two things that touch are cut where the border runs, and share its cells', () => {
  expect(cut('##|##', '##|##', '##|##', '.....', '.....')).toEqual([
    expect.stringMatching(/^00[01]11$/),
    expect.stringMatching(/^00[01]11$/),
    expect.stringMatching(/^00[01]11$/),
    '.....',
    '.....',
  ]);
});

test('a cell of a wide border goes to the thing that is nearer', () => {
  expect(cut('##||||#', '##||||#', '.......', '.......', '.......', '.......', '.......')).toEqual([
    '0000111',
    '0000111',
    ...Array<string>(5).fill('.......'),
  ]);
});

test('a border that does not reach through leaves one thing', () => {
  expect(cut('####', '#||#', '####', '....')).toEqual(['0000', '0000', '0000', '....']);
});

test('what is cut off and small is no thing of its own', () => {
  // One cell of 16 is less than a tenth.
  expect(cut('####', '####', '###|', '##|#')).toEqual(['0000', '0000', '0000', '0000']);
});

test('a part that is all border stays whole', () => {
  expect(cut('||', '||')).toEqual(['00', '00']);
});
