import type { PlannedPrompt } from '../../../src/calls/planned-prompt.ts';
import { toPrompt } from '../../../src/calls/run-video.ts';
import { PromptRejected, type StatusName, type VideoStream } from '../../typescript/index.ts';
import type { ServerEvent } from './receive-answers.ts';

/** Trying again changes nothing. */
export const hopeless: ReadonlySet<StatusName> = new Set<StatusName>([
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'FAILED_PRECONDITION',
  'PERMISSION_DENIED',
  'UNAUTHENTICATED',
  'UNIMPLEMENTED',
]);

/** What one stream at a server is made of. */
export type StreamParts<T> = {
  readonly prompts: readonly PlannedPrompt[];
  readonly onEvent: (event: ServerEvent) => void;
  /** Sends the video; `bounds` ends with the stream. */
  readonly send: (bounds: AbortSignal) => Promise<T>;
  /** Takes the answers. */
  readonly receive: () => Promise<void>;
  readonly signal: AbortSignal;
};

/**
 * Runs one stream to its end: prompts first, then video and answers side by side, of which the first to
 * fail ends the other. Resolves with what sending resolved with; rejects too where every prompt is
 * refused, since masks of nothing are no result.
 */
export async function runStream<T>(
  stream: VideoStream,
  { prompts, onEvent, send, receive, signal }: StreamParts<T>,
): Promise<T | null> {
  const over = new AbortController();
  let failure: unknown = null;
  const guard = async <R>(work: Promise<R>): Promise<R | null> => {
    try {
      return await work;
    } catch (reason) {
      failure ??= reason;
      over.abort(reason);
      stream.cancel();
      return null;
    }
  };
  let refused = 0;
  for (const prompt of prompts) {
    stream.prompt(toPrompt(prompt)).catch((reason: unknown) => {
      if (!(reason instanceof PromptRejected)) return;
      onEvent({ kind: 'prompt-refused', objectId: prompt.objectId, reason });
      if (++refused === prompts.length) void guard(Promise.reject(reason));
    });
  }
  const bounds = AbortSignal.any([over.signal, signal]);
  const [sent] = await Promise.all([guard(send(bounds)), guard(receive())]);
  if (failure !== null) throw failure;
  return sent;
}
