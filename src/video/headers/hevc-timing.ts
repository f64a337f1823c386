import { BitReader } from './bit-reader.ts';
import { skipVuiHead } from './vui-head.ts';

/** Frames a second from the VUI of an HEVC sequence parameter set; null where it has none. */
export function hevcFrameRate(unit: Uint8Array): number | null {
  const reader = new BitReader(unit.subarray(2));
  skipToVui(reader);
  if (reader.bit() === 0 || reader.overrun) return null;
  skipVuiHead(reader);
  // neutral_chroma_indication, field_seq, frame_field_info_present
  reader.skip(3);
  if (reader.bit() === 1) for (let side = 0; side < 4; side++) reader.ue();
  return readTiming(reader);
}

/** A flag, then num_units_in_tick and time_scale: a tick is one frame. */
function readTiming(reader: BitReader): number | null {
  if (reader.bit() === 0) return null;
  const unitsInTick = reader.bits(32);
  const timeScale = reader.bits(32);
  if (reader.overrun || unitsInTick === 0) return null;
  return timeScale / unitsInTick;
}

/**
 * Frames a second from an HEVC video parameter set (7.3.2.1); null where it has none. Some encoders
 * write their timing here only.
 */
export function hevcVideoFrameRate(unit: Uint8Array): number | null {
  const reader = new BitReader(unit.subarray(2));
  // vps_video_parameter_set_id, base layer flags, vps_max_layers_minus1
  reader.skip(4 + 2 + 6);
  const maxSubLayers = reader.bits(3) + 1;
  // vps_temporal_id_nesting_flag, vps_reserved_0xffff_16bits
  reader.skip(1 + 16);
  skipProfileTierLevel(reader, maxSubLayers);
  skipOrdering(reader, maxSubLayers);
  const layerIdBits = reader.bits(6) + 1;
  const layerSets = Math.min(reader.ue(), 1023);
  reader.skip(layerSets * layerIdBits);
  return readTiming(reader);
}

/** Rec. ITU-T H.265, 7.3.2.2.1, up to vui_parameters_present_flag. */
function skipToVui(reader: BitReader): void {
  reader.skip(4);
  const maxSubLayers = reader.bits(3) + 1;
  reader.skip(1);
  skipProfileTierLevel(reader, maxSubLayers);
  reader.ue();
  if (reader.ue() === 3) reader.skip(1);
  reader.ue();
  reader.ue();
  if (reader.bit() === 1) for (let side = 0; side < 4; side++) reader.ue();
  reader.ue();
  reader.ue();
  const orderCountBits = reader.ue() + 4;
  skipOrdering(reader, maxSubLayers);
  for (let field = 0; field < 6; field++) reader.ue();
  if (reader.bit() === 1 && reader.bit() === 1) skipScalingLists(reader);
  reader.skip(2);
  if (reader.bit() === 1) {
    reader.skip(8);
    reader.ue();
    reader.ue();
    reader.skip(1);
  }
  skipReferenceSets(reader);
  if (reader.bit() === 1) {
    const count = Math.min(reader.ue(), 32);
    for (let i = 0; i < count; i++) reader.skip(orderCountBits + 1);
  }
  reader.skip(2);
}

/** sub_layer_ordering_info_present_flag and the three numbers of each layer. */
function skipOrdering(reader: BitReader, maxSubLayers: number): void {
  const firstLayer = reader.bit() === 1 ? 0 : maxSubLayers - 1;
  for (let layer = firstLayer; layer < maxSubLayers; layer++) {
    reader.ue();
    reader.ue();
    reader.ue();
  }
}

function skipProfileTierLevel(reader: BitReader, maxSubLayers: number): void {
  reader.skip(88 + 8);
  const present: [boolean, boolean][] = [];
  for (let i = 0; i < maxSubLayers - 1; i++) present.push([reader.bit() === 1, reader.bit() === 1]);
  if (maxSubLayers > 1) reader.skip(2 * (9 - maxSubLayers));
  for (const [profile, level] of present) reader.skip((profile ? 88 : 0) + (level ? 8 : 0));
}

function skipScalingLists(reader: BitReader): void {
  for (let size = 0; size < 4; size++) {
    for (let matrix = 0; matrix < 6; matrix += size === 3 ? 3 : 1) {
      if (reader.bit() === 0) {
        reader.ue();
        continue;
      }
      if (size > 1) reader.se();
      const count = Math.min(64, 1 << (4 + (size << 1)));
      for (let i = 0; i < count; i++) reader.se();
    }
  }
}

/** Short-term reference picture sets, which are coded as differences to each other (7.3.7). */
function skipReferenceSets(reader: BitReader): void {
  const count = Math.min(reader.ue(), 64);
  const sizes: number[] = [];
  for (let set = 0; set < count && !reader.overrun; set++) {
    const predicted = set > 0 && reader.bit() === 1;
    if (predicted) {
      reader.skip(1);
      reader.ue();
      let size = 0;
      for (let i = 0; i <= (sizes[set - 1] ?? 0); i++) {
        const used = reader.bit() === 1;
        if (used || reader.bit() === 1) size++;
      }
      sizes.push(size);
      continue;
    }
    const size = Math.min(reader.ue(), 16) + Math.min(reader.ue(), 16);
    for (let i = 0; i < size; i++) {
      reader.ue();
      reader.skip(1);
    }
    sizes.push(size);
  }
}
