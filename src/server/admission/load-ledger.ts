import { SegmentationError } from '../../frame/errors.ts';
import { anyone, type Principal } from './identity.ts';

/** What one stream asks of the server. */
export type Demand = {
  /** Predicted work in cores: CPU seconds in a second. */
  readonly load: number;
  readonly pixelsPerSecond: number;
};

/** Bounds of all streams together, and of those of one name; null: none. */
export type LoadLimits = {
  readonly maxLoad: number | null;
  readonly maxPixelsPerSecond: number | null;
  /** Of one name, where its token says nothing else. */
  readonly maxLoadPerClient: number | null;
  readonly maxPixelsPerSecondPerClient: number | null;
};

/** The part of the server that one stream holds; dispose it when the stream is over. */
export type LoadShare = Disposable & {
  /**
   * The stream asks for this from now on.
   *
   * @throws SegmentationError `no-capacity` where it does not fit; what it held before stays
   */
  take(demand: Demand): void;
  /** As `take`, whether it fits or not: what runs is not ended for having grown. */
  count(demand: Demand): void;
  /** What is left for this stream beside all others. */
  room(): Demand;
};

/** Streams of an hour end seldom, those of a page every minute: nothing better is known. */
const retryAfterMs = 5_000;

/** Sums what the streams of a server ask for, per server and per name. */
export class LoadLedger {
  readonly #limits: LoadLimits;
  readonly #shares = new Map<object, { readonly name: string; demand: Demand }>();

  constructor(limits: LoadLimits) {
    this.#limits = limits;
  }

  /** What all streams ask for. */
  get total(): Demand {
    return sum([...this.#shares.values()]);
  }

  /** A share that holds nothing yet. */
  open(principal: Principal): LoadShare {
    const key = {};
    const share = { name: principal.name, demand: { load: 0, pixelsPerSecond: 0 } };
    this.#shares.set(key, share);
    return {
      take: (demand) => {
        this.#check(key, principal, demand);
        share.demand = demand;
      },
      count: (demand) => void (share.demand = demand),
      room: () => {
        const bounds = this.#bounds(key, principal);
        return {
          load: Math.min(...bounds.map(({ load }) => load)),
          pixelsPerSecond: Math.min(...bounds.map(({ pixelsPerSecond }) => pixelsPerSecond)),
        };
      },
      [Symbol.dispose]: () => void this.#shares.delete(key),
    };
  }

  #check(key: object, principal: Principal, demand: Demand): void {
    for (const { whose, load, pixelsPerSecond } of this.#bounds(key, principal)) {
      if (demand.load > load) {
        throw refusal(`take ${cores(demand.load)}`, `${cores(load)} are left ${whose}`);
      }
      if (demand.pixelsPerSecond > pixelsPerSecond) {
        const left = `${megapixels(pixelsPerSecond)} are left ${whose}`;
        throw refusal(`bring ${megapixels(demand.pixelsPerSecond)}`, left);
      }
    }
  }

  /** What is left beside the other shares, by who bounds it. Those without a name share nothing. */
  #bounds(key: object, principal: Principal): (Demand & { readonly whose: string })[] {
    const limits = this.#limits;
    const others = [...this.#shares].filter(([other]) => other !== key).map(([, share]) => share);
    const server = rest(others, limits.maxLoad, limits.maxPixelsPerSecond);
    const bounds = [{ ...server, whose: 'on this server' }];
    if (principal === anyone) return bounds;
    const load = principal.maxLoad ?? limits.maxLoadPerClient;
    const pixels = principal.maxPixelsPerSecond ?? limits.maxPixelsPerSecondPerClient;
    const own = rest(
      others.filter(({ name }) => name === principal.name),
      load,
      pixels,
    );
    return [...bounds, { ...own, whose: `for ${principal.name}` }];
  }
}

function rest(
  taken: readonly { readonly demand: Demand }[],
  maxLoad: number | null,
  maxPixelsPerSecond: number | null,
): Demand {
  const { load, pixelsPerSecond } = sum(taken);
  return {
    load: Math.max(0, (maxLoad ?? Infinity) - load),
    pixelsPerSecond: Math.max(0, (maxPixelsPerSecond ?? Infinity) - pixelsPerSecond),
  };
}

function sum(shares: readonly { readonly demand: Demand }[]): Demand {
  return {
    load: shares.reduce((all, { demand }) => all + demand.load, 0),
    pixelsPerSecond: shares.reduce((all, { demand }) => all + demand.pixelsPerSecond, 0),
  };
}

function refusal(wanted: string, leftOver: string): SegmentationError {
  const message = `this stream would ${wanted}, ${leftOver}`;
  return new SegmentationError('no-capacity', message, { retryAfterMs });
}

function cores(load: number): string {
  return `${load.toFixed(2)} cores`;
}

function megapixels(pixelsPerSecond: number): string {
  return `${(pixelsPerSecond / 1e6).toFixed(1)} million pixels a second`;
}
