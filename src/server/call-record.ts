import { type Metadata, status } from '@grpc/grpc-js';
import { SegmentationError } from '../frame/errors.ts';
import { statusOfErrorCode } from './error-status.ts';
import type { Principal } from './admission/identity.ts';
import type { CallKind } from './server-metrics.ts';
import type { Place, ServerContext } from './server-options.ts';
import type { CallSpan } from './server-tracing.ts';

/** Who calls and what for. */
type CallOpening = {
  readonly kind: CallKind;
  /** Address of the client, as grpc-js names it. */
  readonly peer: string;
  readonly principal: Principal;
  /** What came with the call; only the headers of its trace are looked at. */
  readonly metadata: Metadata;
  /** Ends the call where another one needs its place. */
  readonly end: (reason: SegmentationError) => void;
};

type Books = Pick<ServerContext, 'calls' | 'log' | 'metrics' | 'tracer'>;

/**
 * The books of one call: its place, its metrics, and the one line in the log that says how it ended.
 * No line holds pixels, prompts or what came as credentials.
 */
export class CallRecord implements Disposable {
  readonly place: Place;
  readonly span: CallSpan;
  readonly #opening: CallOpening;
  readonly #books: Books;
  readonly #startedMs = performance.now();
  #ended = false;

  /** Throws what the registry refuses the call with, once that is logged and counted. */
  constructor(opening: CallOpening, books: Books) {
    this.#opening = opening;
    this.#books = books;
    const { kind, peer, principal, metadata, end } = opening;
    const who = { kind, peer, principal: principal.name };
    const header = (name: string) => metadata.get(name)[0]?.toString();
    this.span = books.tracer.openCall({ ...who, header });
    try {
      this.place = books.calls.enter(end, principal);
    } catch (reason) {
      const { code, message } = SegmentationError.from(reason);
      books.metrics.refused(code);
      this.span.end({ code, isFault: false, fields: {} });
      books.log.warn({ ...who, code, reason: message }, 'call refused');
      throw reason;
    }
    books.metrics.callOpened(kind);
    books.log.info({ call: this.place.id, ...who }, 'call opened');
  }

  /** The call is over; `fields` say what it was about. */
  end(error: SegmentationError | null, fields: object): void {
    if (this.#ended) return;
    this.#ended = true;
    const { kind, peer, principal } = this.#opening;
    const code = error?.code ?? 'ok';
    const ms = performance.now() - this.#startedMs;
    this.#books.metrics.callEnded(kind, { code, ms });
    const isFault = error !== null && isOurFault(error);
    this.span.end({ code, isFault, fields });
    const durationMs = Math.round(ms);
    const who = { call: this.place.id, kind, peer, principal: principal.name };
    const line = { ...who, code, durationMs, ...fields };
    if (error === null) this.#books.log.info(line, 'call ended');
    else if (isFault) this.#books.log.error({ ...line, err: error }, 'call failed');
    else this.#books.log.info({ ...line, reason: error.message }, 'call ended');
  }

  [Symbol.dispose](): void {
    this.end(new SegmentationError('internal', 'the call was left without an end'), {});
    this.place[Symbol.dispose]();
  }
}

function isOurFault(error: SegmentationError): boolean {
  return statusOfErrorCode[error.code] === status.INTERNAL;
}
