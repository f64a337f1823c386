import type { Decode, DecodeEvent } from '../../../src/frame/ports.ts';
import { decoderWeight } from '../capacity/weights.ts';
import { Thread } from '../capacity/thread.ts';
import { frameOf, type Film } from './film.ts';
import type { SimulatedMachine } from './simulated-machine.ts';

/** Encoded bytes that the pipe to ffmpeg holds, and what Node buffers before it. */
const pipeBytes = 64 * 1024 + 16 * 1024;

/** A decoder whose pictures are there already and whose time is simulated. One chunk is one frame. */
export function simulatedDecode(film: Film, machine: SimulatedMachine): Decode {
  return (chunks, { framesSkippedBefore = () => 0 }) => {
    const { costs, replica, nowMs } = machine;
    const { frameRate } = costs;
    const thread = new Thread(replica.processor, { weight: decoderWeight, cap: 1 });
    const ready: DecodeEvent[] = [];
    const pipe = { bytes: 0, isOver: false };
    let changed: (() => void)[] = [];
    const change = (): Promise<void> => new Promise((resolve) => changed.push(resolve));
    const notify = (): void => {
      const all = changed;
      changed = [];
      for (const resolve of all) resolve();
    };
    let decoded = 0;
    const decodeOne = async (bytes: number): Promise<void> => {
      await machine.spend(thread, costs.decodeMs);
      pipe.bytes -= bytes;
      notify();
      const index = decoded + framesSkippedBefore(decoded, null);
      decoded++;
      await machine.spend(replica.main, costs.mainMs / 3);
      const timestampUs = Math.round((index * 1e6) / frameRate);
      const frame = frameOf(film, { index, timestampUs, decodedAtMs: nowMs() });
      ready.push({ kind: 'frame', frame });
      notify();
    };
    const feed = async (): Promise<void> => {
      const running: Promise<void>[] = [];
      for await (const chunk of chunks) {
        pipe.bytes += chunk.length;
        running.push(decodeOne(chunk.length));
        while (pipe.bytes > pipeBytes && !pipe.isOver) await change();
      }
      await Promise.all(running);
      pipe.isOver = true;
      notify();
    };
    return (async function* (): AsyncGenerator<DecodeEvent, void, undefined> {
      const { analysis, display } = film;
      const format = { fromFrameIndex: 0, display, analysis, frameRate, codec: 'h264' };
      void feed();
      yield { kind: 'format', format };
      try {
        for (;;) {
          const next = ready.shift();
          if (next !== undefined) yield next;
          else if (pipe.isOver) return;
          else await change();
        }
      } finally {
        pipe.isOver = true;
        notify();
      }
    })();
  };
}
