import { expect, test } from 'vitest';
import { anyone, usualAllowance } from '../../../src/server/admission/identity.ts';
import { ObjectLedger } from '../../../src/server/admission/object-ledger.ts';

const gate = { ...usualAllowance, name: 'gate' };
const lab = { ...usualAllowance, name: 'lab', maxObjects: 3 };

test('streams of one name share its bound; a refusal says how many fit and books nothing', () => {
  const ledger = new ObjectLedger({ maxObjectsPerClient: null });
  const [first, second] = [ledger.open(lab), ledger.open(lab)];
  first.require(2);
  first.book(2);
  expect(() => second.require(2)).toThrow(
    expect.objectContaining({
      code: 'too-many-objects',
      message: expect.stringContaining(
        'lab may have 3 objects in all of its streams: expected at most 1 more, got 2',
      ),
    }),
  );
  expect(ledger.taken('lab')).toBe(2);
  second.require(1);
  second.book(1);
  // What a stream has already is not asked for again.
  first.require(2);
  expect(() => first.require(3)).toThrow('at most 0 more, got 1');
});

test('objects and streams that end make room; closing twice gives back once', () => {
  const ledger = new ObjectLedger({ maxObjectsPerClient: 3 });
  const [first, second] = [ledger.open(gate), ledger.open(gate)];
  first.book(3);
  first.book(1);
  second.require(2);
  second.book(2);
  first.close();
  first.close();
  expect(ledger.taken('gate')).toBe(2);
  second.close();
  expect(ledger.taken('gate')).toBe(0);
});

test('names have nothing to do with each other, and who has none shares nothing', () => {
  const ledger = new ObjectLedger({ maxObjectsPerClient: 1 });
  ledger.open(gate).book(1);
  expect(() => ledger.open(lab).require(3)).not.toThrow();
  ledger.open(anyone).book(100);
  expect(() => ledger.open(anyone).require(100)).not.toThrow();
});

test('what a token gives wins over what all names have, zero too', () => {
  const ledger = new ObjectLedger({ maxObjectsPerClient: 1 });
  expect(() => ledger.open(lab).require(3)).not.toThrow();
  expect(() => ledger.open({ ...lab, maxObjects: 0 }).require(1)).toThrow('0 objects');
});
