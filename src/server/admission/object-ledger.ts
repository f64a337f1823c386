import { ObjectShare } from '../../pipeline/prompts/object-share.ts';
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
    return new ObjectShare({
      room: () => (most === null ? Number.POSITIVE_INFINITY : most - this.taken(name)),
      take: (objects) => {
        const taken = this.taken(name) + objects;
        if (taken > 0) this.#taken.set(name, taken);
        else this.#taken.delete(name);
      },
      refusal: (room, more) =>
        `${name} may have ${most} objects in all of its streams: expected at most ${room} more, ` +
        `got ${more}; objects and streams that end make room`,
    });
  }
}

/** Most objects of a name: what its token gives, else what every name has. */
export function objectsOf(
  { maxObjects }: { readonly maxObjects: number | null },
  { maxObjectsPerClient }: ObjectLimits,
): number | null {
  return maxObjects ?? maxObjectsPerClient;
}
