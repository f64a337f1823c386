import { SegmentationError } from '../../frame/errors.ts';
import type { ObjectShare } from '../../pipeline/session-types.ts';
import { anyone, type Principal } from './identity.ts';

/** Objects of all streams of one name, where its token says nothing else; null: no bound. */
export type ObjectLimits = { readonly maxObjectsPerClient: number | null };

/** Counts the objects of the streams of each name. */
export class ObjectLedger {
  readonly #limits: ObjectLimits;
  readonly #taken = new Map<string, number>();

  constructor(limits: ObjectLimits) {
    this.#limits = limits;
  }

  /** Objects that a name has. */
  taken(name: string): number {
    return this.#taken.get(name) ?? 0;
  }

  /** One stream's share, which closes it. Those without a name share nothing. */
  open(principal: Principal): ObjectShare {
    const { name } = principal;
    const most = principal === anyone ? null : objectsOf(principal, this.#limits);
    let own = 0;
    const book = (objects: number): void => {
      const taken = this.taken(name) + objects - own;
      own = objects;
      if (taken > 0) this.#taken.set(name, taken);
      else this.#taken.delete(name);
    };
    return {
      require: (objects) => {
        const more = objects - own;
        if (more <= 0 || most === null) return;
        const room = Math.max(0, most - this.taken(name));
        if (more <= room) return;
        throw new SegmentationError(
          'too-many-objects',
          `${name} may have ${most} objects in all of its streams: expected at most ${room} more, ` +
            `got ${more}; objects and streams that end make room`,
        );
      },
      book,
      close: () => book(0),
    };
  }
}

/** Most objects of a name: what its token gives, else what every name has. */
export function objectsOf(
  { maxObjects }: { readonly maxObjects: number | null },
  { maxObjectsPerClient }: ObjectLimits,
): number | null {
  return maxObjects ?? maxObjectsPerClient;
}
