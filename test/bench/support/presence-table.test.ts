import { expect, test } from 'vitest';
import { presenceTable } from '../../../bench/support/presence-table.ts';

test('counts what was said of hidden frames, and how often that was wrong', () => {
  const hidden = { trueArea: 0, isAnswered: false };
  const visible = { trueArea: 50, isAnswered: true };
  const table = presenceTable([
    { ...hidden, presence: 0.01 },
    { ...hidden, presence: 0.05 },
    { ...hidden, presence: 0.05 },
    { ...hidden, presence: 0.3 },
    { ...visible, presence: 0.02 },
    { ...visible, presence: 0.99 },
  ]);
  expect(table).toContain('| 4 | 3 | 0.750 | 0.250 |');
  expect(table).toContain('| up to 0.05 | 4 | 0.250 |');
  expect(table).toContain('| up to 1 | 1 | 1.000 |');
});

test('without a frame there is no share', () => {
  expect(presenceTable([])).toContain('| 0 | 0 | – | – |');
});
