import { containers } from '../../../clients/core/requests.ts';
import type { Container } from '../../../src/frame/container.ts';
import {
  Delivery,
  PromptUpdate,
  SegmentVideoRequest,
  StreamConfig,
  VideoChunk,
} from '../../../src/gen/maskstream/v1/video_request.ts';
import { frame } from '../raw-calls.ts';
import type { FuzzClip } from './corpus.ts';
import { below, mutate, oneOf, type Random } from './mutate.ts';

type Message = NonNullable<SegmentVideoRequest['message']>;

/** One step of a conversation. */
export type FuzzStep =
  | { readonly kind: 'send'; readonly bytes: Buffer }
  | { readonly kind: 'wait'; readonly ms: number };

/** How a conversation ends: the client has no more to say, goes back on it, or is gone. */
export type FuzzEnd = 'half-close' | 'cancel' | 'disconnect';

/** One conversation, decided before it begins, so that its seed tells all of it. */
export type FuzzCase = {
  readonly kind: 'video' | 'bytes' | 'order';
  readonly clip: FuzzClip;
  /** What was declared. */
  readonly container: Container;
  /** The video as it is sent; null where it need not arrive whole and in order. */
  readonly video: Buffer | null;
  readonly steps: readonly FuzzStep[];
  readonly end: FuzzEnd;
};

/** Longest pause between two messages of one conversation. */
const longestPauseMs = 20;

/** Mutated videos, mutated messages, and valid messages in an order that nobody meant. */
export function fuzzCase(clips: readonly FuzzClip[], random: Random): FuzzCase {
  const clip = oneOf(random, clips);
  const kind = oneOf(random, ['video', 'video', 'bytes', 'order'] as const);
  const isTrue = kind !== 'video' || random() < 0.9;
  const container = isTrue ? clip.container : oneOf(random, clips).container;
  const about = { kind, clip, container };
  switch (kind) {
    case 'video': {
      const video = mutate(clip.bytes, random);
      const sent = conversation(video, container, random).map(encode);
      return { ...about, video, steps: paced(sent, random, 0.05), end: 'half-close' };
    }
    case 'bytes': {
      const sent = conversation(clip.bytes, container, random).map(encode);
      const broken = sent.map((bytes) => (random() < 0.3 ? mutatedFrame(bytes, random) : bytes));
      const end = oneOf(random, ['half-close', 'half-close', 'disconnect'] as const);
      return { ...about, video: null, steps: paced(broken, random, 0.1), end };
    }
    case 'order': {
      const sent = disordered(conversation(clip.bytes, container, random), random).map(encode);
      const end = oneOf(random, ['half-close', 'cancel', 'disconnect'] as const);
      return { ...about, video: null, steps: paced(sent, random, 0.4), end };
    }
  }
}

/** Config, prompts and the video in chunks of any size, as a client would send them. */
function conversation(video: Buffer, container: Container, random: Random): Message[] {
  const delivery = oneOf(random, [Delivery.DELIVERY_EVERY_FRAME, Delivery.DELIVERY_LATEST]);
  const chunkBytes = 64 + below(random, video.length + 1);
  const messages: Message[] = [];
  for (let at = 0; at < video.length; at += chunkBytes) {
    messages.push(chunkOf(video.subarray(at, at + chunkBytes), random));
    if (random() < 0.2) messages.push({ $case: 'prompt', value: promptOf(random) });
  }
  const config = StreamConfig.fromPartial({
    container: containers[container],
    delivery,
    ...(random() < 0.3 ? { maskLongSide: below(random, 200) } : {}),
    ...(random() < 0.7 ? { frameRate: 24 } : {}),
  });
  return [
    { $case: 'config', value: config },
    { $case: 'prompt', value: promptOf(random) },
    ...messages,
    { $case: 'endOfVideo', value: {} },
  ];
}

function chunkOf(data: Buffer, random: Random): Message {
  const marks = random() < 0.3 ? { captureTimestampUs: below(random, 1e6) } : {};
  const randomAccess = random() < 0.3;
  return { $case: 'chunk', value: VideoChunk.fromPartial({ data, randomAccess, ...marks }) };
}

/** A prompt that a client may send, though not always at a good moment. */
function promptOf(random: Random): PromptUpdate {
  const x = below(random, 128);
  const y = below(random, 96);
  const what = oneOf(random, [
    { points: [{ point: { x, y }, label: oneOf(random, [1, 2]) }] },
    { box: { x, y, width: 1 + below(random, 60), height: 1 + below(random, 60) } },
    { text: { phrase: oneOf(random, ['person', 'red car', 'sofa', '']), maxObjects: 2 } },
  ]);
  return PromptUpdate.fromPartial({
    requestId: below(random, 100),
    objectId: below(random, 5),
    action: below(random, 5),
    at: { $case: 'frameIndex', value: below(random, 16) },
    ...what,
  });
}

/** The messages shuffled, some of them twice, some not at all; half of the time the first stays first. */
function disordered(messages: readonly Message[], random: Random): Message[] {
  const [first, ...rest] = messages;
  const kept = rest.flatMap((one) => {
    const chance = random();
    if (chance < 0.1) return [];
    return chance > 0.9 ? [one, one] : [one];
  });
  for (let i = kept.length - 1; i > 0; i--) {
    if (random() < 0.5) continue;
    const j = below(random, i + 1);
    [kept[i], kept[j]] = [kept[j]!, kept[i]!];
  }
  if (first === undefined) return kept;
  const at = random() < 0.5 ? 0 : below(random, kept.length + 1);
  return kept.toSpliced(at, 0, first);
}

/** A message whose content is mutated; one in ten is also said to be of another length. */
function mutatedFrame(bytes: Buffer, random: Random): Buffer {
  const content = mutate(bytes.subarray(5), random);
  return random() < 0.1
    ? frame(content, { length: below(random, 2 * content.length + 2) })
    : frame(content);
}

function paced(messages: readonly Buffer[], random: Random, pauses: number): FuzzStep[] {
  return messages.flatMap((bytes): FuzzStep[] => {
    const send = { kind: 'send', bytes } as const;
    if (random() >= pauses) return [send];
    return [{ kind: 'wait', ms: below(random, longestPauseMs) }, send];
  });
}

function encode(one: Message): Buffer {
  return frame(SegmentVideoRequest.encode({ message: one }).finish());
}
