import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SegmentationError } from '../../src/frame/errors.ts';
import { linkCallSignal } from '../../src/server/call-signal.ts';

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => {
  const left = vi.getTimerCount();
  vi.useRealTimers();
  if (left > 0) throw new Error(`${left} timers were left`);
});

/** What a handler sees of its call. */
class FakeCall extends EventEmitter {
  cancelled = false;
  readonly #deadline: Date | number;

  constructor(deadline: Date | number = Infinity) {
    super();
    this.#deadline = deadline;
  }

  getDeadline(): Date | number {
    return this.#deadline;
  }
}

function codeOf(signal: AbortSignal): string | null {
  return signal.aborted ? (signal.reason as SegmentationError).code : null;
}

const never = new AbortController().signal;
const goingAway = new SegmentationError('shutting-down', 'the server is going away');

test('a hang-up aborts, whenever it came', () => {
  const call = new FakeCall();
  using later = linkCallSignal(call, never);
  expect(codeOf(later.signal)).toBeNull();
  call.emit('cancelled');
  expect(codeOf(later.signal)).toBe('cancelled');

  const gone = new FakeCall();
  gone.cancelled = true;
  using before = linkCallSignal(gone, never);
  expect(codeOf(before.signal)).toBe('cancelled');
});

test('the shutdown of the server aborts with its reason, whenever it came', () => {
  const shutdown = new AbortController();
  using later = linkCallSignal(new FakeCall(), shutdown.signal);
  shutdown.abort(goingAway);
  using after = linkCallSignal(new FakeCall(), shutdown.signal);
  expect(later.signal.reason).toBe(goingAway);
  expect(after.signal.reason).toBe(goingAway);
});

test.each([
  ['a date', new Date(1_000_500)],
  ['a number', 1_000_500],
])('a deadline that is %s aborts when it has passed', (_, deadline) => {
  using linked = linkCallSignal(new FakeCall(deadline), never);
  vi.advanceTimersByTime(499);
  expect(codeOf(linked.signal)).toBeNull();
  vi.advanceTimersByTime(1);
  expect(codeOf(linked.signal)).toBe('deadline-exceeded');
});

test('a deadline that passed before the call came aborts at once', () => {
  using linked = linkCallSignal(new FakeCall(5), never);
  vi.advanceTimersByTime(0);
  expect(codeOf(linked.signal)).toBe('deadline-exceeded');
});

test.each([
  ['none', Infinity],
  ['one that no timer can wait for', 1_000_000 + 2 ** 31],
  ['one that is no time', Number.NaN],
])('%s never aborts', (_, deadline) => {
  using linked = linkCallSignal(new FakeCall(deadline), never);
  expect(vi.getTimerCount()).toBe(0);
  expect(codeOf(linked.signal)).toBeNull();
});

test('the first reason stays', () => {
  const shutdown = new AbortController();
  const call = new FakeCall(1_000_010);
  using linked = linkCallSignal(call, shutdown.signal);
  linked.abort(new SegmentationError('invalid-config', 'first'));
  call.emit('cancelled');
  shutdown.abort(goingAway);
  vi.advanceTimersByTime(20);
  expect(codeOf(linked.signal)).toBe('invalid-config');
});

test('a call that is over hears nothing more, and nothing of it stays with the server', () => {
  const shutdown = new AbortController();
  const linked = linkCallSignal(new FakeCall(1_000_500), shutdown.signal);
  linked[Symbol.dispose]();
  shutdown.abort(goingAway);
  vi.advanceTimersByTime(1000);
  expect(codeOf(linked.signal)).toBeNull();
});
