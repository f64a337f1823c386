import { expect } from 'vitest';
import {
  CallFailed,
  type FrameMasks,
  type Notice,
  type PromptOptions,
  type StreamSummary,
  type VideoConfig,
  type VideoStream,
} from '../../clients/typescript/index.ts';
import type { TestServer } from './start-server.ts';

/** All that came of one stream. */
export type StreamOutcome = {
  readonly frames: FrameMasks[];
  readonly notices: Notice[];
  readonly summary: StreamSummary | null;
  /** Null where the status was OK. */
  readonly failure: CallFailed | null;
};

/** Reads a stream to its end, whatever that is. */
export async function readToEnd(stream: VideoStream): Promise<StreamOutcome> {
  const frames: FrameMasks[] = [];
  const notices: Notice[] = [];
  let summary: StreamSummary | null = null;
  let failure: CallFailed | null = null;
  try {
    for await (const result of stream) {
      if (result.kind === 'masks') frames.push(result.masks);
      if (result.kind === 'notice') notices.push(result.notice);
      if (result.kind === 'summary') summary = result.summary;
    }
  } catch (reason) {
    if (!(reason instanceof CallFailed)) throw reason;
    failure = reason;
  }
  return { frames, notices, summary, failure };
}

/** Sends prompts, then a whole video, and reads to the end. */
export async function runStream(
  stream: VideoStream,
  video: Uint8Array,
  prompts: readonly PromptOptions[] = [],
): Promise<StreamOutcome & { readonly acks: PromiseSettledResult<unknown>[] }> {
  const outcome = readToEnd(stream);
  const acks = Promise.allSettled(prompts.map((prompt) => stream.prompt(prompt)));
  try {
    await stream.sendChunk(video);
    stream.end();
  } catch {
    // The stream ended first; the outcome says how.
  }
  return { ...(await outcome), acks: await acks };
}

/** Nothing is left of the streams before, and the next one is served in full. */
export async function expectIntact(
  system: TestServer,
  config: VideoConfig,
  { video, frames }: { readonly video: Uint8Array; readonly frames: number },
): Promise<void> {
  await system.settled();
  const { summary, failure } = await runStream(system.client.segmentVideo(config), video);
  expect(failure).toBeNull();
  expect(summary).toMatchObject({ framesIn: frames, framesOut: frames, framesDropped: 0 });
  await system.settled();
}
