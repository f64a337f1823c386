import { SegmentationError } from '../../frame/errors.ts';
import { Mask } from '../../gen/maskstream/v1/common.ts';
import { ImagePrompt, SegmentImageRequest } from '../../gen/maskstream/v1/image.ts';
import {
  FramesSeen,
  PromptUpdate,
  ResumeObject,
  ResumeReference,
  ResumeState,
  StreamConfig,
  VideoChunk,
} from '../../gen/maskstream/v1/video_request.ts';
import type { EncodedMask } from '../mask-workers/messages.ts';
import { scanMessage } from '../wire-scan/scan-message.ts';
import { takeFields } from '../wire-scan/take-fields.ts';
import { fieldNumber, type WireSchema, type WireSchemas } from '../wire-scan/wire-schema.ts';

/** Something with a mask, which stays encoded: `value` is without it. */
export type Masked<T> = { readonly value: T; readonly mask: EncodedMask | null };

/** An object of a resume state, with the mask that it has and the one on its reference. */
export type ReceivedResumeObject = Masked<ResumeObject> & {
  readonly reference: Masked<ResumeReference> | null;
};

/** A resume state; `state` is without its objects. */
export type ReceivedResume = {
  readonly state: ResumeState;
  readonly objects: readonly ReceivedResumeObject[];
};

/** One message of a SegmentVideo call. */
export type VideoMessage =
  | {
      readonly kind: 'config';
      readonly config: StreamConfig;
      /** Null where the config has none. */
      readonly resume: ReceivedResume | null;
    }
  | { readonly kind: 'video_chunk'; readonly chunk: VideoChunk }
  | { readonly kind: 'prompt_update'; readonly prompt: Masked<PromptUpdate> }
  /** A prompt that is wrong, and says whom to answer: no end of its stream. */
  | {
      readonly kind: 'refused_prompt';
      readonly requestId: number;
      readonly error: SegmentationError;
    }
  | { readonly kind: 'frames_seen'; readonly frameIndex: number }
  | { readonly kind: 'end_of_video' }
  | { readonly kind: 'none' };

/** A SegmentImage request. */
export type ImageMessage = {
  readonly request: SegmentImageRequest;
  readonly image: Uint8Array;
  readonly prompts: readonly Masked<ImagePrompt>[];
};

/** A request as it came: what is wrong with it is the call's error, not gRPC's. */
export type Received<T> =
  | { readonly kind: 'request'; readonly message: T }
  | { readonly kind: 'refused'; readonly error: SegmentationError };

/**
 * Turns bytes into requests: looks over them first, then has the generated code decode all but the
 * masks, which a worker reads once their size is known to be allowed.
 */
export class RequestParser {
  readonly #schemas: WireSchemas;
  readonly #maxElements: number;

  constructor(schemas: WireSchemas, maxElements: number) {
    this.#schemas = schemas;
    this.#maxElements = maxElements;
  }

  /** A SegmentVideoRequest; never throws. */
  video(bytes: Uint8Array): Received<VideoMessage> {
    const received = this.#parse(bytes, 'SegmentVideoRequest', () => this.#videoMessage(bytes));
    if (received.kind === 'request') return received;
    return this.#refusedPrompt(bytes, received.error) ?? received;
  }

  /** A SegmentImageRequest; never throws. */
  image(bytes: Uint8Array): Received<ImageMessage> {
    return this.#parse(bytes, 'SegmentImageRequest', () => this.#imageMessage(bytes));
  }

  /** A request that says nothing; never throws. */
  empty(bytes: Uint8Array, name: string): Received<null> {
    return this.#parse(bytes, name, () => null);
  }

  #parse<T>(bytes: Uint8Array, name: string, decode: () => T): Received<T> {
    try {
      scanMessage(bytes, this.#schemas.get(name), this.#maxElements);
      return { kind: 'request', message: decode() };
    } catch (cause) {
      if (cause instanceof SegmentationError) return { kind: 'refused', error: cause };
      const message = `message must be a ${name}, got bytes that do not decode as one`;
      const error = new SegmentationError('malformed-message', message, { cause });
      return { kind: 'refused', error };
    }
  }

  #videoMessage(bytes: Uint8Array): VideoMessage {
    const schema = this.#schemas.get('SegmentVideoRequest');
    const { taken } = takeFields(bytes, [...schema.fields.keys()]);
    // Of a oneof, the last one counts.
    const last = taken.at(-1);
    if (last === undefined) return { kind: 'none' };
    const { value } = last;
    switch (schema.fields.get(last.number)?.name) {
      case 'config':
        return this.#config(value);
      case 'chunk':
        return { kind: 'video_chunk', chunk: VideoChunk.decode(value) };
      case 'prompt':
        return { kind: 'prompt_update', prompt: this.#masked(PromptUpdate, 'PromptUpdate', value) };
      case 'seen':
        return { kind: 'frames_seen', frameIndex: FramesSeen.decode(value).frameIndex };
      case undefined:
      default:
        return { kind: 'end_of_video' };
    }
  }

  /**
   * What was refused, as a prompt whose frame or time is beyond what a number holds; null where
   * anything else is wrong too.
   */
  #refusedPrompt(bytes: Uint8Array, { message }: SegmentationError): Received<VideoMessage> | null {
    const schema = this.#schemas.get('PromptUpdate');
    const at = [fieldNumber(schema, 'frameIndex'), fieldNumber(schema, 'timestampUs')];
    try {
      const { rest: others, last } = this.#take(bytes, 'SegmentVideoRequest', 'prompt');
      if (last === null || others.length > 0) return null;
      const { rest } = takeFields(last, at);
      scanMessage(rest, schema, this.#maxElements);
      const { requestId } = this.#masked(PromptUpdate, 'PromptUpdate', rest).value;
      const error = new SegmentationError('invalid-prompt', message);
      return { kind: 'request', message: { kind: 'refused_prompt', requestId, error } };
    } catch {
      return null;
    }
  }

  #config(bytes: Uint8Array): VideoMessage {
    const { rest, last } = this.#take(bytes, 'StreamConfig', 'resume');
    const resume = last === null ? null : this.#resume(last);
    return { kind: 'config', config: StreamConfig.decode(rest), resume };
  }

  #resume(bytes: Uint8Array): ReceivedResume {
    const { rest, all } = this.#take(bytes, 'ResumeState', 'objects');
    const objects = all.map((object) => {
      const parts = this.#take(object, 'ResumeObject', 'reference');
      const reference = parts.last && this.#masked(ResumeReference, 'ResumeReference', parts.last);
      return { ...this.#masked(ResumeObject, 'ResumeObject', parts.rest), reference };
    });
    return { state: ResumeState.decode(rest), objects };
  }

  #imageMessage(bytes: Uint8Array): ImageMessage {
    const picture = this.#take(bytes, 'SegmentImageRequest', 'image');
    const prompts = this.#take(picture.rest, 'SegmentImageRequest', 'prompts');
    return {
      request: SegmentImageRequest.decode(prompts.rest),
      image: picture.last ?? new Uint8Array(0),
      prompts: prompts.all.map((value) => this.#masked(ImagePrompt, 'ImagePrompt', value)),
    };
  }

  #masked<T>(
    decoder: { decode(bytes: Uint8Array): T },
    name: string,
    bytes: Uint8Array,
  ): Masked<T> {
    const { rest, last } = this.#take(bytes, name, 'mask');
    return { value: decoder.decode(rest), mask: last === null ? null : this.#encodedMask(last) };
  }

  #encodedMask(bytes: Uint8Array): EncodedMask {
    const schema = this.#schemas.get('Mask');
    const forms = [...schema.fields].flatMap(([number, { name }]) =>
      name === 'width' || name === 'height' ? [] : [number],
    );
    const { width, height } = Mask.decode(takeFields(bytes, forms).rest);
    return { width, height, bytes };
  }

  #take(bytes: Uint8Array, name: string, field: string) {
    const schema: WireSchema = this.#schemas.get(name);
    const { rest, taken } = takeFields(bytes, [fieldNumber(schema, field)]);
    const all = taken.map(({ value }) => value);
    return { rest, all, last: all.at(-1) ?? null };
  }
}
