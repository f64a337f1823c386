import { createReadStream } from 'node:fs';
import type { Size } from '../frame/geometry.ts';
import type { FlowField, FlowImage } from '../tracking/flow/types.ts';
import { createDisFlow } from '../tracking/flow/dis.ts';
import {
  createFlowField,
  createFlowImage,
  flowGrid,
  prepareFlowImage,
} from '../tracking/flow/image.ts';
import type { Decode } from '../frame/ports.ts';
import { processCpuMs } from '../process-tree.ts';

/** What a decoding of the clip by itself costs. */
export type DecodeCost = {
  readonly frames: number;
  readonly display: Size;
  readonly cpuMs: number | null;
};

/** Decodes a clip and nothing else; CPU of this process and ffmpeg, in milliseconds. */
export async function measureDecoding(
  file: string,
  decode: Decode,
  signal: AbortSignal,
): Promise<DecodeCost> {
  const before = processCpuMs(process.pid);
  let frames = 0;
  let display: Size = { width: 0, height: 0 };
  for await (const event of decodeFile(file, decode, signal)) {
    if (event.kind !== 'frame') continue;
    display = event.frame.display;
    event.frame.close();
    frames++;
  }
  const after = processCpuMs(process.pid);
  return { frames, display, cpuMs: before === null || after === null ? null : after - before };
}

/**
 * Backward flow of every frame to the one before; null for the first. The evaluation's own flow, so
 * that stability is judged alike whatever the server does.
 */
export async function measureFlow(
  file: string,
  decode: Decode,
  signal: AbortSignal,
): Promise<(FlowField | null)[]> {
  const engine = createDisFlow();
  const fields: (FlowField | null)[] = [];
  let previous: FlowImage | null = null;
  let spare: FlowImage | null = null;
  for await (const event of decodeFile(file, decode, signal)) {
    if (event.kind !== 'frame') continue;
    using frame = event.frame;
    const current: FlowImage = spare ?? createFlowImage(flowGrid(frame.analysis));
    prepareFlowImage(frame.data, frame.analysis, current);
    const field = previous === null ? null : createFlowField(current.grid);
    if (previous !== null && field !== null) engine.compute(previous, current, field);
    fields.push(field);
    spare = previous;
    previous = current;
  }
  engine.close();
  return fields;
}

function decodeFile(file: string, decode: Decode, signal: AbortSignal) {
  return decode(createReadStream(file), { container: 'mp4', frameRate: null, signal });
}
