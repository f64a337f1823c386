import type { Segmenter } from '../../../src/frame/ports.ts';
import type { Box } from '../../../src/frame/geometry.ts';
import {
  type FrameResult,
  runSession,
  type SessionInput,
  type SessionOptions,
  type TrackerPool,
} from '../../../src/pipeline/index.ts';
import { decodeKeyframes } from '../../../src/server/requests/config-decoder.ts';
import { resolveServerLimits, sessionLimits } from '../../../src/server/server-limits.ts';
import type { StreamCosts } from '../capacity/costs.ts';
import { logNormal } from '../capacity/log-normal.ts';
import { randomNumbers } from '../random-numbers.ts';
import type { Film } from './film.ts';
import { InputQueue } from './input-queue.ts';
import { simulatedDecode } from './simulated-decoder.ts';
import { SimulatedMachine } from './simulated-machine.ts';
import { simulatedSegmenter } from './simulated-segmenter.ts';
import { simulatedTrackers } from './simulated-trackers.ts';

/** A camera: what it films, and a box for each object of its first frame. */
export type SimulatedCamera = {
  readonly film: Film;
  readonly boxes: readonly Box[];
  readonly onAnswer?: (result: FrameResult) => void;
};

/** An answer in simulated time. */
export type SimulatedAnswer = {
  readonly frameIndex: number;
  readonly latencyMs: number;
  readonly result: Omit<FrameResult, 'objects'>;
};

/** What a simulated server is made of. */
export type SimulationOptions = {
  readonly model: Segmenter;
  readonly trackers: TrackerPool;
  /** Of one camera with as many objects. */
  readonly costs: StreamCosts;
  readonly cores: number;
  readonly seconds: number;
  readonly seed: number;
};

/** After the last frame: answers come for so long, and everything has ended by then. */
const lastAnswersMs = 1500;
const windUpMs = 60_000;

/**
 * Plays cameras to real sessions with the real model in simulated time, and gives the answers of each.
 * The same from run to run, however busy this machine is.
 */
export async function simulateServer(
  cameras: readonly SimulatedCamera[],
  options: SimulationOptions,
): Promise<{ readonly answers: readonly SimulatedAnswer[][]; readonly coresBusy: number }> {
  const { costs, cores, seconds, seed } = options;
  const machine = new SimulatedMachine(
    cores,
    costs,
    logNormal(randomNumbers(seed), costs.variation),
  );
  const objects = Math.max(...cameras.map(({ boxes }) => boxes.length));
  const segmenter = simulatedSegmenter(options.model, machine, objects);
  const trackers = simulatedTrackers(options.trackers, machine);
  const stop = new AbortController();
  const { signal } = stop;
  const played = cameras.map((camera, k) => {
    const startMs = (k * 1000) / costs.frameRate / cameras.length;
    return play(camera, { machine, segmenter, trackers, options, startMs, signal });
  });
  await machine.time.runUntil(seconds * 1000 + lastAnswersMs);
  const coresBusy = machine.replica.processor.busyMs / machine.nowMs();
  stop.abort();
  await machine.time.runUntil(seconds * 1000 + windUpMs);
  return { answers: await Promise.all(played), coresBusy };
}

type Running = {
  readonly machine: SimulatedMachine;
  readonly segmenter: Segmenter;
  readonly trackers: TrackerPool;
  readonly options: SimulationOptions;
  readonly startMs: number;
  readonly signal: AbortSignal;
};

async function play(camera: SimulatedCamera, running: Running): Promise<SimulatedAnswer[]> {
  const { machine, segmenter, trackers, options, startMs } = running;
  const { costs } = options;
  const { main, client } = machine.replica;
  const inputs = new InputQueue();
  send(camera, inputs, running);
  const answers: SimulatedAnswer[] = [];
  const deliver = async (all: FrameResult): Promise<void> => {
    await machine.spend(main, costs.mainMs / 3);
    await machine.spend(client, costs.clientMs / 2);
    const { objects: _, ...result } = all;
    const { frameIndex } = result;
    const latencyMs = machine.nowMs() - startMs - (frameIndex * 1000) / costs.frameRate;
    answers.push({ frameIndex, latencyMs, result });
    camera.onAnswer?.(all);
  };
  const events = runSession(inputs, sessionOptions(segmenter, running), {
    decode: simulatedDecode(camera.film, machine),
    segmenter,
    trackers,
    nowMs: machine.nowMs,
    budget: machine.replica.budget,
  });
  try {
    for await (const event of events) {
      if (event.kind !== 'masks') continue;
      void deliver(event.result);
    }
  } catch (reason) {
    if (!running.signal.aborted) throw reason;
  }
  return answers;
}

/** One frame after the other at the camera's pace. */
function send(camera: SimulatedCamera, inputs: InputQueue, running: Running): void {
  const { machine, options, startMs } = running;
  const { costs, seconds } = options;
  const { frameRate, framesPerGroup } = costs;
  const { main, client } = machine.replica;
  const data = new Uint8Array(Math.round(costs.bytesIn));
  const frames = Math.round(seconds * frameRate);
  camera.boxes.forEach((box, i) => inputs.push(promptOf(i + 1, box)));
  for (let index = 0; index < frames; index++) {
    const atMs = startMs + (index * 1000) / frameRate;
    const captureTimestampUs = Math.round(atMs * 1000);
    const randomAccess = index % Math.round(framesPerGroup) === 0;
    const capture = async (): Promise<void> => {
      await machine.spend(client, costs.clientMs / 2);
      await machine.spend(main, costs.mainMs / 3);
      inputs.push({ kind: 'chunk', data, captureTimestampUs, randomAccess });
    };
    machine.time.timeline.after(atMs, () => void capture());
  }
}

function promptOf(objectId: number, box: Box): SessionInput {
  const prompts = { points: [], box, mask: null };
  const at = { kind: 'frame', frameIndex: 0 } as const;
  const update = { requestId: objectId, objectId, action: 'add', at, prompts } as const;
  return { kind: 'prompt', update: { ...update, text: null, label: null } };
}

function sessionOptions({ info }: Segmenter, { options, signal }: Running): SessionOptions {
  return {
    container: 'h264-annex-b',
    delivery: 'latest',
    overlap: 'disjoint',
    keyframes: decodeKeyframes(undefined, info),
    frameRate: options.costs.frameRate,
    expectedSize: { width: null, height: null },
    maskLongSide: null,
    maskForm: 'coco-rle',
    resume: null,
    limits: sessionLimits(resolveServerLimits()),
    signal,
    goingAway: null,
  };
}
