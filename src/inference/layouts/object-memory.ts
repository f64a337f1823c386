import type { MemoryTrace, ObjectMemory } from '../../frame/ports.ts';
import type { ObjectMemoryManifest } from '../manifest.ts';
import { fromBfloat16, toBfloat16 } from './bfloat16.ts';

/*
 * The rules of the memory bank of SAM 2.1, SAM 3's tracker and EdgeTAM, as their authors' trackers
 * have them ("SAM 2: Segment Anything in Images and Videos", Ravi et al. 2024), with keyframes
 * in the place of frames: what lies between them was never seen by the model.
 */

/** A map that attention sees, and its row of the temporal table. */
export type BankMap = { readonly map: Uint16Array | Float32Array; readonly row: number };

/** A pointer that attention sees, and how many keyframes ago it was made. */
export type BankPointer = { readonly pointer: Float32Array; readonly age: number };

/** What attention sees on an object's next keyframe. */
export type Bank = { readonly maps: readonly BankMap[]; readonly pointers: readonly BankPointer[] };

type Rules = Pick<
  ObjectMemoryManifest,
  'maps' | 'conditioningFrames' | 'maxPointers' | 'tokensPerMap' | 'dim' | 'values'
>;

/**
 * The bank on the keyframe after `memory`: every prompted keyframe with the last temporal row, then
 * the six before this one, where k keyframes ago has row k - 1; pointers reach fifteen back.
 */
export function bankOf({ traces, keyframes }: ObjectMemory, { maps }: Rules): Bank {
  const ageOf = ({ keyframe }: MemoryTrace): number => keyframes - keyframe;
  const prompted = traces.filter((trace) => trace.prompted);
  const others = traces.filter((trace) => !trace.prompted);
  const withRow = (trace: MemoryTrace): BankMap[] => {
    const row = trace.prompted ? maps - 1 : ageOf(trace) - 1;
    return trace.map === null ? [] : [{ map: trace.map, row }];
  };
  return {
    maps: [...prompted, ...others].flatMap(withRow),
    pointers: [...prompted, ...others.toReversed()].map((trace) => ({
      pointer: trace.pointer,
      age: ageOf(trace),
    })),
  };
}

/** The memory after one more keyframe; what no later keyframe can see is dropped. */
export function remember(
  memory: ObjectMemory | null,
  seen: { readonly prompted: boolean; readonly map: Float32Array; readonly pointer: Float32Array },
  rules: Rules,
): ObjectMemory {
  const { keyframes: keyframe, traces } = memory ?? { keyframes: 0, traces: [] };
  const trace: MemoryTrace = {
    keyframe,
    prompted: seen.prompted,
    map: storedMap(seen.map, rules.values),
    pointer: sharedFloats(seen.pointer),
  };
  return pruned({ keyframes: keyframe + 1, traces: [...traces, trace] }, rules);
}

/** Most bytes of one object's memory. */
export function maxMemoryBytes(
  rules: Rules & Pick<ObjectMemoryManifest, 'tokensPerPointer'>,
): number {
  const { maps, conditioningFrames, maxPointers, tokensPerMap, dim, values } = rules;
  const mapBytes = tokensPerMap * dim * (values === 'bfloat16' ? 2 : 4);
  const pointerBytes = dim * rules.tokensPerPointer * 4;
  return (conditioningFrames + maps - 1) * mapBytes + (2 * maxPointers - 1) * pointerBytes;
}

/** Bytes that a memory holds. */
export function memoryBytes({ traces }: ObjectMemory): number {
  return traces.reduce(
    (sum, { map, pointer }) => sum + (map?.byteLength ?? 0) + pointer.byteLength,
    0,
  );
}

/** Writes a stored map as float32 values. */
export function readMap(map: BankMap['map'], out: Float32Array): void {
  if (map instanceof Uint16Array) fromBfloat16(map, out);
  else out.set(map);
}

function pruned({ keyframes, traces }: ObjectMemory, rules: Rules): ObjectMemory {
  const { maps, maxPointers, conditioningFrames } = rules;
  const prompted = traces.filter((trace) => trace.prompted);
  const shownPrompted = new Set(prompted.slice(-conditioningFrames));
  const keptPrompted = new Set(prompted.slice(-maxPointers));
  const kept = traces.flatMap((trace): MemoryTrace[] => {
    const age = keyframes - trace.keyframe;
    const isKept = trace.prompted ? keptPrompted.has(trace) : age < maxPointers;
    if (!isKept) return [];
    const isShown = trace.prompted ? shownPrompted.has(trace) : age < maps;
    return [isShown || trace.map === null ? trace : { ...trace, map: null }];
  });
  return { keyframes, traces: kept };
}

function storedMap(map: Float32Array, values: Rules['values']): Uint16Array | Float32Array {
  if (values === 'float32') return sharedFloats(map);
  const memory = new SharedArrayBuffer(map.length * Uint16Array.BYTES_PER_ELEMENT);
  return toBfloat16(map, new Uint16Array(memory));
}

function sharedFloats(values: Float32Array): Float32Array {
  const memory = new SharedArrayBuffer(values.byteLength);
  const shared = new Float32Array(memory);
  shared.set(values);
  return shared;
}
