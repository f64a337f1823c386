import { status } from '@grpc/grpc-js';
import { SegmentationError } from '../frame/errors.ts';
import type { SessionEvent, SessionSummary } from '../pipeline/session-types.ts';
import { type CallSignal, linkCallSignal } from './call-signal.ts';
import { decodeConfig } from './requests/config-decoder.ts';
import { statusOfError, statusOfErrorCode } from './error-status.ts';
import type { Logger } from './logger.ts';
import { PendingRequests } from './requests/pending-requests.ts';
import { decodeRequests, takeConfig } from './requests/request-decoder.ts';
import { readRequests } from './requests/request-reader.ts';
import { limitReadAhead } from './responses/reset-stream.ts';
import { readClientMask } from './mask-workers/read-mask.ts';
import type { ReadMask } from './requests/prompt-decoder.ts';
import { encodeFrameResponse, type MaskWriting } from './responses/encoded-masks.ts';
import { encodeEvent, encodePromptError } from './responses/response-encoder.ts';
import { ResponseWriter } from './responses/response-writer.ts';
import type { Place, ServerContext } from './server-options.ts';
import type { VideoCall } from './video-service.ts';

// Two requests of the largest size in memory per stream, besides the one being worked on.
const readAheadMessages = 2;

/** How one stream ended, for the log. */
type Outcome = { readonly error: SegmentationError | null; readonly summary: SessionSummary };

/** Serves one SegmentVideo call; never throws. */
export async function segmentVideo(call: VideoCall, context: ServerContext): Promise<void> {
  limitReadAhead(call, readAheadMessages);
  const { calls, log } = context;
  try {
    using callSignal = linkCallSignal(call, calls.shutdown);
    using place = calls.enter((reason) => callSignal.abort(reason));
    using connection = context.connections.keep(call.getPeer());
    void connection;
    const startedMs = performance.now();
    log.info({ stream: place.id, peer: call.getPeer() }, 'stream opened');
    const outcome = await new VideoStream(call, { callSignal, place, context }).run();
    logOutcome(outcome, { log, stream: place.id, durationMs: performance.now() - startedMs });
  } catch (reason) {
    // Refused at the door, or its last messages could not be sent.
    const error = SegmentationError.from(reason);
    log[isOurFault(error) ? 'error' : 'warn']({ code: error.code, err: error }, 'stream refused');
    call.emit('error', statusOfError(error));
  }
}

function logOutcome(
  { error, summary }: Outcome,
  { log, stream, durationMs }: { log: Logger; stream: number; durationMs: number },
): void {
  const { framesIn, framesOut, framesDropped } = summary;
  const fields = { stream, durationMs: Math.round(durationMs), framesIn, framesOut, framesDropped };
  if (error === null) log.info({ ...fields, code: 'ok' }, 'stream ended');
  else if (isOurFault(error))
    log.error({ ...fields, code: error.code, err: error }, 'stream failed');
  else log.info({ ...fields, code: error.code, message: error.message }, 'stream ended');
}

function isOurFault(error: SegmentationError): boolean {
  return statusOfErrorCode[error.code] === status.INTERNAL;
}

/** What one stream is served with. */
type StreamParts = {
  readonly callSignal: CallSignal;
  readonly place: Place;
  readonly context: ServerContext;
};

/** One SegmentVideo call: requests in, session, responses out, summary, status. */
class VideoStream {
  readonly #call: VideoCall;
  readonly #parts: StreamParts;
  readonly #writer: ResponseWriter;
  readonly #pendingRequests: PendingRequests;
  #framesOut = 0;
  #summary: SessionSummary | null = null;

  constructor(call: VideoCall, parts: StreamParts) {
    const { limits } = parts.context;
    this.#call = call;
    this.#parts = parts;
    this.#writer = new ResponseWriter(call, parts.callSignal, limits);
    this.#pendingRequests = new PendingRequests(limits.maxPendingPrompts);
  }

  async run(): Promise<Outcome> {
    const { signal } = this.#parts.callSignal;
    let error: SegmentationError | null = null;
    try {
      await this.#serve();
    } catch (reason) {
      // What the session throws once it was told to stop says less than why it was.
      error = SegmentationError.from(signal.aborted ? signal.reason : reason);
    }
    // A session that could not even start has no summary; clients rely on the last message.
    const summary = this.#summary ?? { ...emptySummary, framesOut: this.#framesOut };
    await this.#finish(summary, error);
    return { error, summary };
  }

  async #serve(): Promise<void> {
    const { callSignal, place, context } = this.#parts;
    const { signal } = callSignal;
    const { models, limits, sessions, masks: workers } = context;
    // Masks of one call wait for each other, not those of other calls for them.
    const job = { owner: this, signal, workers };
    const readMask: ReadMask = (mask, maxPixels) => readClientMask(mask, maxPixels, job);
    const requests = readRequests(this.#call, {
      callSignal,
      idleTimeoutMs: limits.idleTimeoutMs,
    });
    const config = await decodeConfig(await takeConfig(requests), { models, limits, readMask });
    const inputs = decodeRequests(requests, {
      model: config.model,
      container: config.session.container,
      limits,
      pendingRequests: this.#pendingRequests,
      readMask,
      refuse: (requestId, error) =>
        this.#writer.write({ message: encodePromptError(requestId, error) }),
    });
    const options = { ...config.session, signal, goingAway: place.goingAway };
    const maxBytes = limits.maxResponseBytes;
    for await (const event of sessions.openVideo(inputs, options, config.model)) {
      if (event.kind === 'summary') this.#summary = event.summary;
      else await this.#send(event, { ...job, encoding: config.maskEncoding, maxBytes });
    }
  }

  async #send(event: SessionEvent, writing: MaskWriting): Promise<void> {
    if (event.kind === 'ack' || event.kind === 'prompt-error') {
      this.#pendingRequests.settle(event.requestId);
    }
    if (event.kind !== 'masks') {
      await this.#writer.write(encodeEvent(event, this.#parts.context.limits));
      return;
    }
    this.#parts.place.progress();
    const encoded = await encodeFrameResponse(event.result, writing);
    if (event.result.revision === 0) this.#framesOut++;
    await this.#writer.writeEncoded(encoded);
  }

  /** Answers every update that is still open, then sends summary and status. */
  async #finish(summary: SessionSummary, error: SegmentationError | null): Promise<void> {
    const never = new SegmentationError('frame-never-came', 'the stream ended before its frame');
    const left = this.#pendingRequests
      .drain()
      .map((requestId) => encodePromptError(requestId, never));
    const { limits } = this.#parts.context;
    const last = encodeEvent({ kind: 'summary', summary }, limits);
    const failure = error === null ? null : statusOfError(error);
    await this.#writer.finish([...left.map((message) => ({ message })), last], failure);
  }
}

const emptySummary: SessionSummary = {
  framesIn: 0,
  framesOut: 0,
  framesDropped: 0,
  keyframes: 0,
  encoderRuns: 0,
  truncated: false,
  stages: [],
};
