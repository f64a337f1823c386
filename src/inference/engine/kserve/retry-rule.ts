import { status } from '@grpc/grpc-js';
import { CallFailure } from './kserve-client.ts';

/**
 * What a failed run says of its server. `gone`: it ends or has ended. `slow`: it did not answer in
 * time. `odd`: its answer was wrong or an error without a reason, as servers send while they end.
 * `refused`: it will answer the same again.
 */
export type Verdict = 'gone' | 'slow' | 'odd' | 'refused';

const verdicts: ReadonlyMap<status, Verdict> = new Map([
  [status.UNAVAILABLE, 'gone'],
  [status.NOT_FOUND, 'gone'],
  [status.DEADLINE_EXCEEDED, 'slow'],
  [status.INTERNAL, 'odd'],
  [status.UNKNOWN, 'odd'],
  [status.ABORTED, 'odd'],
  // By the server or a proxy: a call that we gave up is not judged.
  [status.CANCELLED, 'odd'],
]);

/** An answer that is not what the model gives. */
export class BadAnswer extends Error {}

/**
 * Judges a failed run of a model that was ready before. Triton says NOT_FOUND for its models while it
 * drains, MLServer INTERNAL for whatever is under way when it ends.
 */
export function judge(reason: unknown): Verdict {
  if (reason instanceof BadAnswer) return 'odd';
  if (!(reason instanceof CallFailure)) return 'refused';
  return verdicts.get(reason.code) ?? 'refused';
}
