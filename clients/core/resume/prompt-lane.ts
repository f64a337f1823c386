import type { PromptUpdate } from '../../../src/gen/maskstream/v1/video_request.ts';
import type { PromptAck } from '../../../src/gen/maskstream/v1/video_response.ts';
import type { VideoCall } from '../video-call.ts';
import type { FrameAlignment } from './frame-alignment.ts';

/** Updates that are sent again at once; servers let 256 wait for their frame. */
const promptsAtOnce = 128;

/** The way of updates to one call, in its count of frames. */
export class PromptLane {
  readonly #call: Pick<VideoCall, 'send'>;
  readonly #alignment: FrameAlignment;
  readonly #refuse: (ack: PromptAck) => void;
  /** Updates that wait until their frame can be named. */
  #unnamed: PromptUpdate[] = [];
  /** Updates of before that wait until others are acknowledged. */
  #repeated: PromptUpdate[] = [];

  /** @param refuse answers an update whose frame went down with the server that held it */
  constructor(
    call: Pick<VideoCall, 'send'>,
    alignment: FrameAlignment,
    refuse: (ack: PromptAck) => void,
  ) {
    this.#call = call;
    this.#alignment = alignment;
    this.#refuse = refuse;
  }

  /** Sends updates of an earlier call again, in order. */
  repeat(updates: readonly PromptUpdate[]): void {
    for (const update of updates.slice(0, promptsAtOnce)) this.send(update);
    this.#repeated = updates.slice(promptsAtOnce);
  }

  send(update: PromptUpdate): void {
    if (!this.#alignment.canSend(update)) {
      this.#unnamed.push(update);
      return;
    }
    const value = this.#alignment.prompt(update);
    if (value !== null) this.#call.send({ message: { $case: 'prompt', value } });
    else this.#refuse(notHeld(update, this.#alignment.offset ?? 0));
  }

  /** The call acknowledged an update: there is room for another one. */
  acknowledged(): void {
    const next = this.#repeated.shift();
    if (next !== undefined) this.send(next);
  }

  /** The frames of the call are aligned now. */
  aligned(): void {
    for (const update of this.#unnamed.splice(0)) this.send(update);
  }
}

function notHeld({ requestId, at }: PromptUpdate, offset: number): PromptAck {
  const wanted = at?.$case === 'frameIndex' ? at.value : 'an earlier one';
  const message = `frames from ${offset + 1} on are held, got ${wanted}`;
  return { requestId, objectIds: [], error: { code: 'frame-not-held', message } };
}
