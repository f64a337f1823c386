import { execFile } from 'node:child_process';
import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { connect } from '../../../clients/typescript/index.ts';
import { errorCodes } from '../../../src/frame/errors.ts';
import { SegmentVideoResponse } from '../../../src/gen/maskstream/v1/video_response.ts';
import type { FfmpegBinary } from '../../../src/video/index.ts';
import { demuxers } from '../../../src/video/stream-format.ts';
import { readProcessState } from '../process-state.ts';
import { randomNumbers } from '../random-numbers.ts';
import { methods, openRaw, over } from '../raw-calls.ts';
import type { FuzzClip } from './corpus.ts';
import { fuzzCase, type FuzzCase } from './fuzz-case.ts';

/** What a fuzz run is given. */
export type FuzzRun = {
  readonly server: { readonly address: string; readonly pid: number };
  readonly clips: readonly FuzzClip[];
  readonly ffmpeg: FfmpegBinary;
  /** The first case's; the others count on from it. */
  readonly seed: number;
  readonly seconds: number;
  /** Conversations at the same time. */
  readonly side: number;
  /** Called with every case that is over. */
  readonly onCase?: (result: FuzzResult) => void;
};

/** How one conversation went. */
export type FuzzResult = {
  readonly seed: number;
  readonly case: FuzzCase;
  /** Error code of ours, `ok`, or what the transport said. */
  readonly outcome: string;
  readonly frames: number;
  /** What no conversation may bring about; null: all is well. */
  readonly fault: string | null;
};

/** Longest that a conversation may go on after its last message, and a neighbour may wait. */
const longestEndMs = 30_000;
const longestAnswerMs = 10_000;

/** Time for decoders to be gone when the last conversation is over. */
const settleMs = 10_000;

/** These say that something of ours broke, whatever a client sent. */
const ourFaults: ReadonlySet<string> = new Set([
  'internal',
  'decoder-failed',
  'model-failed',
  'worker-died',
]);

/** These leave a video that could be decoded without an answer, and say why. */
const refusals: ReadonlySet<string> = new Set([
  'unsupported-codec',
  'frame-too-large',
  'spool-too-large',
  'invalid-config',
  'invalid-prompt',
  'size-mismatch',
]);

/**
 * Holds conversations with a server until the time is over; every case is made from its own seed, so
 * that one can be tried again alone. A case with a fault is, in the end: what comes again is a fault, and
 * one more is a server that did not come to rest; what does not come again had to do with its moment, such
 * as a machine that was too busy, and is told apart.
 */
export async function runFuzz(run: FuzzRun): Promise<{
  readonly cases: number;
  readonly outcomes: ReadonlyMap<string, number>;
  readonly faults: readonly string[];
  readonly passing: readonly string[];
}> {
  const endMs = performance.now() + run.seconds * 1000;
  const outcomes = new Map<string, number>();
  const suspects: FuzzResult[] = [];
  let next = run.seed;
  const lane = async () => {
    while (performance.now() < endMs) {
      const result = await tryCase(run, next++);
      outcomes.set(result.outcome, (outcomes.get(result.outcome) ?? 0) + 1);
      if (result.fault !== null) suspects.push(result);
      run.onCase?.(result);
    }
  };
  await Promise.all(Array.from({ length: run.side }, lane));
  const faults: string[] = [];
  const passing: string[] = [];
  for (const suspect of suspects) {
    const again = await tryCase(run, suspect.seed);
    if (again.fault === null) passing.push(described(suspect));
    else faults.push(described(again));
  }
  const unrest = await restOf(run);
  if (unrest !== null) faults.push(unrest);
  return { cases: next - run.seed, outcomes, faults, passing };
}

/** One case, by its seed. */
export async function tryCase(run: FuzzRun, seed: number): Promise<FuzzResult> {
  const chosen = fuzzCase(run.clips, randomNumbers(seed));
  const { outcome, frames } = await converse(run.server.address, chosen);
  const fault = (await faultOf(run, chosen, { outcome, frames })) ?? (await neighbourFault(run));
  return { seed, case: chosen, outcome, frames, fault };
}

function described({ seed, case: { kind, clip, container }, outcome, fault }: FuzzResult): string {
  return `seed ${seed} (${kind}, ${clip.name} as ${container}): ${fault}; it ended with ${outcome}`;
}

async function converse(
  address: string,
  { steps, end }: FuzzCase,
): Promise<{ readonly outcome: string; readonly frames: number }> {
  using connection = openRaw(address);
  const call = connection.open(methods.video);
  let status = 'no status';
  const isStatus = (headers: IncomingHttpHeaders) => {
    const { 'maskstream-error-code': code, 'grpc-status': number } = headers;
    if (typeof number !== 'string') return;
    const plain = number === '0' ? 'ok' : `status ${number}`;
    status = typeof code === 'string' ? code : plain;
  };
  call.on('trailers', isStatus);
  call.on('response', isStatus);
  const frames = countFrames(call);
  for (const step of steps) {
    if (step.kind === 'wait') await wait(step.ms);
    else if (!call.destroyed && !call.writableEnded) call.write(step.bytes);
  }
  if (end === 'disconnect') return { outcome: 'gone', frames: frames() };
  if (end === 'cancel') {
    call.close();
    return { outcome: 'cancelled by the client', frames: frames() };
  }
  call.end();
  await over(call, longestEndMs);
  return { outcome: call.closed ? status : 'no end', frames: frames() };
}

/** Counts the frames among a call's answers. */
function countFrames(call: ClientHttp2Stream): () => number {
  let pending = Buffer.alloc(0);
  let frames = 0;
  call.on('data', (data: Buffer) => {
    pending = Buffer.concat([pending, data]);
    while (pending.length >= 5) {
      const end = 5 + pending.readUInt32BE(1);
      if (pending.length < end) break;
      const { message } = SegmentVideoResponse.decode(pending.subarray(5, end));
      if (message?.$case === 'masks') frames++;
      pending = pending.subarray(end);
    }
  });
  return () => frames;
}

async function faultOf(
  run: FuzzRun,
  { video, container }: FuzzCase,
  { outcome, frames }: { readonly outcome: string; readonly frames: number },
): Promise<string | null> {
  if (outcome === 'no end') return `expected an end within ${longestEndMs / 1000} s, got none`;
  const isOurs = (errorCodes as readonly string[]).includes(outcome);
  const isKnown = isOurs || ['ok', 'gone', 'cancelled by the client'].includes(outcome);
  if (!isKnown) return 'expected a documented code, got none';
  if (ourFaults.has(outcome)) return 'expected a fault of the client to be named';
  if (video === null || frames > 0 || refusals.has(outcome)) return null;
  const plain = await plainFrames(run.ffmpeg, video, demuxers[container]);
  return plain === 0 ? null : `plain ffmpeg decodes ${plain} frames of it, got none`;
}

/** Frames that ffmpeg decodes by itself. */
async function plainFrames(ffmpeg: FfmpegBinary, video: Buffer, demuxer: string): Promise<number> {
  const words = `-hide_banner -loglevel quiet -f ${demuxer} -i pipe:0 -map 0:v:0 -f framecrc pipe:1`;
  const running = promisify(execFile)(ffmpeg.path, words.split(' '), { timeout: longestEndMs });
  running.child.stdin?.on('error', () => undefined).end(video);
  const text = await running.then(
    ({ stdout }) => stdout,
    (reason: { stdout?: string }) => reason.stdout ?? '',
  );
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
}

/** Others are answered all the while. */
async function neighbourFault({ server }: FuzzRun): Promise<string | null> {
  using client = connect(server.address);
  const signal = AbortSignal.timeout(longestAnswerMs);
  try {
    await client.listModels({ signal });
    return null;
  } catch (reason) {
    return `a neighbour was not answered: ${String(reason)}`;
  }
}

/** The server lives, and its decoders are gone. */
async function restOf({ server }: FuzzRun): Promise<string | null> {
  const endMs = performance.now() + settleMs;
  for (;;) {
    const { children } = readProcessState(server.pid);
    if (children === 0) return null;
    if (Number.isNaN(children)) return 'the server is gone';
    if (performance.now() > endMs) return `expected no child to be left, got ${children}`;
    await wait(200);
  }
}
