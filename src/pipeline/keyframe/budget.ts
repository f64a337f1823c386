import { FairTurns } from '../../frame/fair-turns.ts';
import { FlightLimit } from './flight-limit.ts';
import { FrameGate, type Schedule } from './frame-gate.ts';

/** Lowest rate; see `rateRatio`. */
const minRate = 0.05;

/** Multiplicative decrease: what is left of the rate after a late frame; late frames within one interval count once. */
const decreaseRatio = 0.8;
const decreaseIntervalMs = 200;

/** Additive increase of the rate in a second without late frames. */
const increasePerSecond = 0.2;

/**
 * Frames that are analysed from the begin of one keyframe to that of the next at half the rate, at least,
 * and at the lowest one: masks that nothing corrects drift, and a frame with a drifted mask is worth less
 * than one that is dropped. That no more are analysed is seen to by {@link FrameGate}.
 */
const framesBetweenAtHalf = 4;
const mostFramesBetween = 16;

/** Prompts that wait let no keyframe begin that can wait, for so long at most: clients may send many. */
const longestDeferralMs = 1000;

/** A waiter that has not asked again for so long loses its place in the queue. */
const waiterLifeMs = 500;

/** The server counts as busy for so long after a slow answer. */
const busyMs = 2000;

/** A keyframe under way. */
type Running = { readonly owner: string; readonly beganMs: number; chargedMs: number };

/** Node's timers; none keeps the process alive. */
const realSchedule: Schedule = (ms, happen) => {
  const timer = setTimeout(happen, ms).unref();
  return () => clearTimeout(timer);
};

/** A stream that waits for its turn. */
type Waiter = {
  readonly owner: string;
  readonly sinceMs: number;
  readonly askedMs: number;
  /** See `tryBegin`. */
  readonly need: number;
};

/**
 * Shares the model's time between the live streams of a server (LATEST only). As many asynchronous
 * keyframes run at a time as the engine takes (one for each worker of the encoder), each on the frame
 * that is current when its turn comes: a queue before the encoder would make every result late. While
 * frames are late anywhere, some frames are analysed between keyframes (the rate follows AIMD, additive
 * increase and multiplicative decrease, as TCP's congestion control); beyond a bound frames wait for
 * keyframes, and are dropped, so that what is delivered stays right.
 */
export class KeyframeBudget {
  readonly #nowMs: () => number;
  readonly #waiters = new Map<object, Waiter>();
  readonly #turns = new FairTurns<string>();
  readonly #running = new Map<object, Running>();
  readonly #flight: FlightLimit;
  #rate = 1;
  #observedMs: number;
  #decreasedMs = Number.NEGATIVE_INFINITY;
  #framesSinceBegin = Number.POSITIVE_INFINITY;
  #slowMs = Number.NEGATIVE_INFINITY;
  #refining = 0;
  #prompted = 0;
  #beganMs = Number.NEGATIVE_INFINITY;
  readonly #gate: FrameGate;

  /**
   * @param nowMs monotonic milliseconds
   * @param capacity keyframes that the engine can have under way, now. Default: one
   * @param schedule in the same time. Default: Node's timers
   */
  constructor(
    nowMs: () => number,
    capacity: () => number = () => 1,
    schedule: Schedule = realSchedule,
  ) {
    this.#nowMs = nowMs;
    this.#flight = new FlightLimit(capacity);
    this.#observedMs = nowMs();
    this.#gate = new FrameGate(nowMs, schedule, () => ({
      isKeyframeRunning: this.#isFull,
      prompted: this.#prompted,
    }));
  }

  /**
   * Calls `begin` when the next frame of `stream` may begin; see {@link FrameGate}. Returns whether it has
   * to wait. `leave` calls it at once.
   */
  enter(stream: object, begin: () => void): boolean {
    return this.#gate.enter(stream, begin);
  }

  /** The stream is over: none of its frames waits any more. Idempotent. */
  leave(stream: object): void {
    this.#gate.leave(stream);
  }

  /** How much may be spent beyond what every frame needs, 0..1: 1 while no frame is late. */
  get rateRatio(): number {
    return this.#rate;
  }

  /** Whether frames were answered slowly of late, though perhaps not late. */
  get isBusy(): boolean {
    return this.#nowMs() - this.#slowMs < busyMs;
  }

  /** Whether masks of a live stream are being refined; learning an appearance after a keyframe is not that. */
  get isRefining(): boolean {
    return this.#refining > 0;
  }

  /** The refining of one frame begins, so that other streams know of it; disposed of when it is over. */
  beginRefining(): Disposable {
    this.#refining++;
    return { [Symbol.dispose]: () => this.#refining-- };
  }

  /** Whether prompts of several live streams wait for the model: each answer delays the others. */
  get isContended(): boolean {
    return this.#prompted > 1;
  }

  /** One frame's prompts go to the model, so that other streams know of it; disposed of when they are answered. */
  beginPrompted(): Disposable {
    this.#prompted++;
    return {
      [Symbol.dispose]: () => {
        this.#prompted--;
        this.#gate.onKeyframe();
      },
    };
  }

  /**
   * Learns how a frame was answered.
   *
   * @param pace `late` also where others were dropped before it, unless they waited for a keyframe
   */
  observe(pace: 'in-time' | 'slow' | 'late'): void {
    const nowMs = this.#nowMs();
    if (pace === 'late') this.#gate.onLate();
    this.#framesSinceBegin++;
    if (pace !== 'in-time') this.#slowMs = nowMs;
    if (pace !== 'late') {
      const increase = ((nowMs - this.#observedMs) / 1000) * increasePerSecond;
      this.#rate = Math.min(1, this.#rate + increase);
    } else if (nowMs - this.#decreasedMs >= decreaseIntervalMs) {
      this.#rate = Math.max(minRate, this.#rate * decreaseRatio);
      this.#decreasedMs = nowMs;
    }
    this.#observedMs = nowMs;
  }

  /**
   * Whether `stream` may start a keyframe now; then it must call `end`. To be asked again if not.
   *
   * @param owner whose stream it is: owners take turns. Default: everybody's
   * @param need of an owner's streams, the one goes first that needs it most; a second of waiting counts as 1
   *   more. Default: 0
   */
  tryBegin(stream: object, owner = '', need = 0): boolean {
    if (this.#running.has(stream)) return false;
    const nowMs = this.#nowMs();
    const waiter = this.#waiters.get(stream);
    const sinceMs = waiter?.sinceMs ?? nowMs;
    this.#waiters.set(stream, { owner, sinceMs, askedMs: nowMs, need });
    if (this.#isFull || this.#framesSinceBegin < this.#framesBetween()) return false;
    // First masks before better ones.
    if (this.#prompted > 0 && nowMs - this.#beganMs < longestDeferralMs) return false;
    // Whoever has several under way pays for them before the next one is given away.
    for (const running of this.#running.values()) this.#charge(running);
    if (this.#firstInRow(nowMs) !== stream) return false;
    this.#waiters.delete(stream);
    this.#running.set(stream, { owner, beganMs: nowMs, chargedMs: nowMs });
    this.#beganMs = nowMs;
    this.#framesSinceBegin = 0;
    this.#gate.onKeyframe();
    return true;
  }

  /**
   * The keyframe that `stream` began is over, or the stream is; idempotent.
   *
   * @param isAnswered the model made it, so that its time says how busy the model is. Default: false
   */
  end(stream: object, isAnswered = false): void {
    this.#waiters.delete(stream);
    const running = this.#running.get(stream);
    if (running === undefined) return;
    this.#running.delete(stream);
    this.#charge(running);
    if (isAnswered) this.#flight.learn(running.chargedMs - running.beganMs);
    this.#gate.onKeyframe();
  }

  /** Whether as many keyframes are under way as may be. */
  get #isFull(): boolean {
    return this.#running.size >= this.#flight.current;
  }

  #charge(running: Running): void {
    const nowMs = this.#nowMs();
    this.#turns.spend(running.owner, nowMs - running.chargedMs);
    running.chargedMs = nowMs;
  }

  /** Frames of all streams that are analysed from the begin of one keyframe to that of the next. */
  #framesBetween(): number {
    return Math.min(mostFramesBetween, framesBetweenAtHalf * (1 / this.#rate - 1));
  }

  /** Of the owner whose turn it is, the stream that needs it most and still asks. */
  #firstInRow(nowMs: number): object | undefined {
    for (const [stream, { askedMs }] of this.#waiters) {
      if (nowMs - askedMs > waiterLifeMs) this.#waiters.delete(stream);
    }
    const urgencyOf = ({ need, sinceMs }: Waiter): number => need + (nowMs - sinceMs) / 1000;
    const waiting = [...this.#waiters].toSorted(([, a], [, b]) => urgencyOf(b) - urgencyOf(a));
    const owner = this.#turns.next(waiting.map(([, waiter]) => waiter.owner));
    return waiting.find(([, waiter]) => waiter.owner === owner)?.[0];
  }
}
