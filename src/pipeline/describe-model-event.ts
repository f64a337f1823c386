import { assertNever } from '../frame/errors.ts';
import type { Delivery } from '../frame/prompt.ts';
import type { ModelEvent } from './session-types.ts';

/** What a model's event means for a stream, as one sentence for its client. */
export function describeModelEvent(
  event: ModelEvent,
  stream: {
    readonly delivery: Delivery;
    /** Whether its calls of the model are answered all the same. */
    readonly isReachable: boolean;
  },
): string {
  switch (event.kind) {
    case 'worker-restarted':
      return 'a model worker was restarted; no frame is lost';
    case 'inference-back':
      return 'an inference server answers again';
    case 'inference-lost': {
      const lost = 'no inference server answers';
      if (stream.isReachable) return `${lost}; the model runs on this server until one does`;
      const waits = `for ${event.waitSeconds} s at most`;
      return stream.delivery === 'latest'
        ? `${lost}; masks are propagated until one does, and prompts wait ${waits}`
        : `${lost}; frames that need the model wait ${waits}`;
    }
    default:
      return assertNever(event);
  }
}
