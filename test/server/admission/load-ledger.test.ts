import { expect, test } from 'vitest';
import { anyone, usualAllowance } from '../../../src/server/admission/identity.ts';
import { type LoadLimits, LoadLedger } from '../../../src/server/admission/load-ledger.ts';

const none: LoadLimits = {
  maxLoad: null,
  maxPixelsPerSecond: null,
  maxLoadPerClient: null,
  maxPixelsPerSecondPerClient: null,
};
const gate = { ...usualAllowance, name: 'gate' };
const demand = (load: number, pixelsPerSecond = 0) => ({ load, pixelsPerSecond });

test('without bounds everything fits', () => {
  const ledger = new LoadLedger(none);
  ledger.open(anyone).take(demand(1e6, 1e12));
  ledger.open(gate).take(demand(1e6, 1e12));
  expect(ledger.total).toEqual(demand(2e6, 2e12));
});

test('what is over the bound of the server is refused, with what is left and when to come again', () => {
  const ledger = new LoadLedger({ ...none, maxLoad: 1 });
  ledger.open(gate).take(demand(0.75));
  const share = ledger.open(anyone);
  expect(() => share.take(demand(0.5))).toThrow(
    expect.objectContaining({
      code: 'no-capacity',
      message: 'this stream would take 0.50 cores, 0.25 cores are left on this server',
      retryAfterMs: 5000,
    }),
  );
  expect(ledger.total.load).toBe(0.75);
  share.take(demand(0.25));
  expect(ledger.total.load).toBe(1);
});

test('a share that ends gives its room back, and one that changes keeps what it had where that fails', () => {
  const ledger = new LoadLedger({ ...none, maxPixelsPerSecond: 100 });
  const first = ledger.open(gate);
  first.take(demand(0, 60));
  const second = ledger.open(gate);
  second.take(demand(0, 40));
  expect(() => second.take(demand(0, 41))).toThrow('0.0 million pixels a second are left');
  expect(ledger.total.pixelsPerSecond).toBe(100);
  first[Symbol.dispose]();
  second.take(demand(0, 41));
  expect(second.room()).toEqual({ load: Infinity, pixelsPerSecond: 100 });
});

test('what has grown while it runs is counted, and others find no room', () => {
  const ledger = new LoadLedger({ ...none, maxLoad: 1 });
  const share = ledger.open(gate);
  share.take(demand(0.5));
  share.count(demand(1.5));
  expect(() => ledger.open(gate).take(demand(0.1))).toThrow('0.00 cores are left');
});

test('a name has its own bound, by its token or as all have it; those without a name have none', () => {
  const ledger = new LoadLedger({ ...none, maxLoadPerClient: 1 });
  ledger.open(gate).take(demand(0.75));
  expect(() => ledger.open(gate).take(demand(0.5))).toThrow('0.25 cores are left for gate');
  ledger.open({ ...usualAllowance, name: 'lab' }).take(demand(0.5));
  ledger.open(anyone).take(demand(4));
  ledger.open({ ...gate, maxLoad: 2 }).take(demand(1.25));
  expect(() => ledger.open({ ...gate, maxLoad: 2 }).take(demand(0.1))).toThrow('for gate');
});
