import type { GraphRole } from '../../manifest.ts';
import type { CallBytes } from './kserve-client.ts';
import type { Verdict } from './retry-rule.ts';

/** How a call of an inference server ended: answered, given up here, or what its failure says. */
export type CallOutcome = 'ok' | 'cancelled' | Verdict;

/** One call of an inference server that is over. */
export type ServerCall = Readonly<CallBytes> & {
  /** `HOST:PORT`. */
  readonly server: string;
  readonly graph: GraphRole;
  readonly outcome: CallOutcome;
  /** From its sending to its end, in milliseconds. */
  readonly ms: number;
};

/** How an inference server stands. */
export type ServerState = {
  /** `HOST:PORT`. */
  readonly server: string;
  /** Its circuit is open: it gets probes instead of calls. */
  readonly isOut: boolean;
  readonly callsUnderWay: number;
};

/**
 * One state for each server of what several workers see of them. Calls add up, and a server that is out
 * for one of them is out: the others have not asked it since.
 */
export function mergeStates(
  addresses: readonly string[],
  states: readonly ServerState[],
): ServerState[] {
  return [...new Set(addresses)].map((server) => {
    const seen = states.filter((state) => state.server === server);
    return {
      server,
      isOut: seen.some(({ isOut }) => isOut),
      callsUnderWay: seen.reduce((sum, { callsUnderWay }) => sum + callsUnderWay, 0),
    };
  });
}
