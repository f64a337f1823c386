import { SegmentationError } from '../frame/errors.ts';
import type { SessionEvent, SessionSummary } from '../pipeline/session-types.ts';
import type { Principal } from './admission/identity.ts';
import type { LoadShare } from './admission/load-ledger.ts';
import { StreamDemand } from './admission/stream-demand.ts';
import { type CallSignal, linkCallSignal } from './call-signal.ts';
import { type DecodedConfig, decodeConfig } from './requests/config-decoder.ts';
import { CallRecord } from './call-record.ts';
import { statusOfError } from './error-status.ts';
import { ClientPatience } from './requests/client-patience.ts';
import { MessagePace } from './requests/message-pace.ts';
import { PendingRequests } from './requests/pending-requests.ts';
import { decodeRequests, takeConfig } from './requests/request-decoder.ts';
import { readRequests } from './requests/request-reader.ts';
import { limitReadAhead } from './responses/reset-stream.ts';
import { readClientMask } from './mask-workers/read-mask.ts';
import type { ReadMask } from './requests/prompt-decoder.ts';
import { encodeFrameResponse, type MaskWriting } from './responses/encoded-masks.ts';
import { encodeEvent, encodePromptError } from './responses/response-encoder.ts';
import { ResponseWriter } from './responses/response-writer.ts';
import { limitsOf } from './server-limits.ts';
import type { ServerContext } from './server-options.ts';
import type { VideoCall } from './video-service.ts';

// Two requests of the largest size in memory per stream, besides the one being worked on.
const readAheadMessages = 2;

/** Serves one SegmentVideo call; never throws. */
export async function segmentVideo(call: VideoCall, context: ServerContext): Promise<void> {
  limitReadAhead(call, readAheadMessages);
  try {
    using callSignal = linkCallSignal(call, context.calls.shutdown);
    const peer = call.getPeer();
    const { metadata } = call;
    const principal = context.principalOf(metadata);
    const end = (reason: SegmentationError) => callSignal.abort(reason);
    using record = new CallRecord({ kind: 'video', peer, principal, metadata, end }, context);
    using connection = context.connections.keep(peer);
    void connection;
    const own = { ...context, limits: limitsOf(principal, context.limits) };
    await new VideoStream(call, { callSignal, record, principal, context: own }).run();
  } catch (reason) {
    call.emit('error', statusOfError(reason));
  }
}

/** What one stream is served with. */
type StreamParts = {
  readonly callSignal: CallSignal;
  readonly record: CallRecord;
  readonly principal: Principal;
  /** With the limits of this call. */
  readonly context: ServerContext;
};

/** One SegmentVideo call: requests in, session, responses out, summary, status. */
class VideoStream {
  readonly #call: VideoCall;
  readonly #parts: StreamParts;
  readonly #writer: ResponseWriter;
  readonly #pendingRequests: PendingRequests;
  /** What the stream asked for, for the log. */
  #asked: object = {};
  #framesOut = 0;
  #counted = { framesReceived: 0, framesDropped: 0 };
  #summary: SessionSummary | null = null;
  #demand: StreamDemand | null = null;
  readonly #patience: ClientPatience;

  constructor(call: VideoCall, parts: StreamParts) {
    const { limits } = parts.context;
    this.#call = call;
    this.#parts = parts;
    this.#writer = new ResponseWriter(call, parts.callSignal, limits);
    this.#pendingRequests = new PendingRequests(limits.maxPendingPrompts);
    this.#patience = new ClientPatience(limits);
  }

  async run(): Promise<void> {
    const { callSignal, record, context } = this.#parts;
    let error: SegmentationError | null = null;
    try {
      await this.#serve();
    } catch (reason) {
      // What the session throws once it was told to stop says less than why it was.
      error = SegmentationError.from(callSignal.signal.aborted ? callSignal.signal.reason : reason);
    }
    // A session that could not even start has no summary; clients rely on the last message.
    const summary = this.#summary ?? { ...emptySummary, framesOut: this.#framesOut };
    context.metrics.summary(summary, this.#counted);
    try {
      await this.#finish(summary, error);
    } catch (reason) {
      error ??= SegmentationError.from(reason);
      this.#call.emit('error', statusOfError(reason));
    }
    const { framesIn, framesOut, framesDropped, keyframes } = summary;
    const end = context.refusalOf(this.#call.metadata) ?? error;
    record.end(end, { ...this.#asked, framesIn, framesOut, framesDropped, keyframes });
  }

  async #serve(): Promise<void> {
    const { callSignal, record, principal, context } = this.#parts;
    const { place } = record;
    const { signal } = callSignal;
    const { models, limits, sessions, masks: workers } = context;
    // Masks of one call wait for each other, not those of other calls for them.
    const job = { owner: this, signal, workers };
    const readMask: ReadMask = (mask, maxPixels) => readClientMask(mask, maxPixels, job);
    const requests = readRequests(this.#call, {
      callSignal,
      patience: this.#patience,
      pace: new MessagePace(limits.maxMessagesPerSecond),
      onWait: (isWaiting) => place.waits(isWaiting),
    });
    const config = await decodeConfig(await takeConfig(requests), { models, limits, readMask });
    const { container, delivery } = config.session;
    this.#asked = { model: config.model.name, container, delivery };
    using share = context.load.open(principal);
    this.#demand = this.#admit(config, share);
    const inputs = decodeRequests(requests, {
      model: config.model,
      container,
      limits,
      boundsUnseen: config.session.maxUnseenFrames !== 0,
      pendingRequests: this.#pendingRequests,
      readMask,
      refuse: (requestId, error) => {
        context.metrics.prompt(error.code);
        return this.#writer.write({ message: encodePromptError(requestId, error) });
      },
    });
    const owner = principal.name;
    const objectShare = context.objects.open(principal);
    const own = { owner, objectShare, signal, goingAway: place.goingAway };
    const options = { ...config.session, ...own };
    const maxBytes = limits.maxResponseBytes;
    for await (const event of sessions.openVideo(inputs, options, config.model)) {
      if (event.kind === 'summary') this.#summary = event.summary;
      else await this.#send(event, { ...job, encoding: config.maskEncoding, maxBytes });
    }
  }

  #admit({ session }: DecodedConfig, share: LoadShare): StreamDemand {
    const { metrics, predictLoad } = this.#parts.context;
    const { expectedSize, frameRate, keyframes, delivery, resume } = session;
    const objects = resume?.objects.length ?? 0;
    try {
      return new StreamDemand(
        { ...expectedSize, frameRate },
        { keyframes, delivery, objects },
        { share, predict: predictLoad },
      );
    } catch (reason) {
      metrics.refused(SegmentationError.from(reason).code);
      throw reason;
    }
  }

  async #send(event: SessionEvent, writing: MaskWriting): Promise<void> {
    const { limits, metrics } = this.#parts.context;
    if (event.kind === 'ack' || event.kind === 'prompt-error') {
      this.#pendingRequests.settle(event.requestId);
      metrics.prompt(event.kind === 'ack' ? 'accepted' : event.code);
    }
    if (event.kind === 'notice') metrics.notice(event.notice);
    if (event.kind === 'info') {
      this.#demand?.begin(event.format.display, event.format.frameRate);
    }
    if (event.kind !== 'masks') {
      await this.#writer.write(encodeEvent(event, limits));
      return;
    }
    const { result } = event;
    this.#parts.record.place.progress();
    this.#patience.answered(result);
    const encoded = await encodeFrameResponse(result, writing);
    if (result.revision === 0) {
      this.#framesOut++;
      this.#counted.framesReceived += 1 + result.framesDroppedBefore;
      this.#counted.framesDropped += result.framesDroppedBefore;
      metrics.frame(result);
      if (result.source === 'keyframe' || result.timings.encode > 0) {
        this.#parts.record.span.keyframe(result);
      }
    }
    await this.#writer.writeEncoded(encoded);
    if (result.revision === 0) {
      const isKeyframe = result.source === 'keyframe';
      this.#demand?.answered({ ...result, objects: result.objects.length, isKeyframe });
    }
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
