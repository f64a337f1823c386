/** What a codec of NAL units says of them. */
export type NalCodec = {
  /** Bytes of the header of a unit. */
  readonly headerBytes: number;
  /** Type of a unit, from its header. */
  readonly typeOf: (unit: Buffer) => number;
  /** Types of packets that hold several units, and parts of one. */
  readonly aggregate: number;
  readonly fragment: number;
  /** Header of the unit that a fragment is part of. */
  readonly wholeHeader: (payload: Buffer) => Buffer;
  /** Types of parameter sets, in the order in which a decoder wants them. */
  readonly parameterSets: readonly number[];
  readonly isPicture: (type: number) => boolean;
  readonly isRandomAccess: (type: number) => boolean;
  /** Whether a unit that comes behind slices of a picture begins the next one. */
  readonly beginsNext: (unit: Buffer) => boolean;
};

/** H.264 in RTP, non-interleaved (RFC 6184). */
export const h264: NalCodec = {
  headerBytes: 1,
  typeOf: (unit) => unit[0]! & 0x1f,
  aggregate: 24,
  fragment: 28,
  wholeHeader: (payload) => Buffer.from([(payload[0]! & 0xe0) | (payload[1]! & 0x1f)]),
  // Sequence, picture.
  parameterSets: [7, 8],
  isPicture: (type) => type >= 1 && type <= 5,
  isRandomAccess: (type) => type === 5,
  // ITU-T H.264, 7.4.1.2.3; a slice whose first macroblock is the first begins with a set bit.
  beginsNext(unit) {
    const type = h264.typeOf(unit);
    if (h264.isPicture(type)) return (unit[1]! & 0x80) !== 0;
    return (type >= 6 && type <= 9) || (type >= 14 && type <= 18);
  },
};

/** H.265 in RTP, without decoding order numbers (RFC 7798). */
export const hevc: NalCodec = {
  headerBytes: 2,
  typeOf: (unit) => (unit[0]! >> 1) & 0x3f,
  aggregate: 48,
  fragment: 49,
  wholeHeader: (payload) =>
    Buffer.from([(payload[0]! & 0x81) | ((payload[2]! & 0x3f) << 1), payload[1]!]),
  // Video, sequence, picture.
  parameterSets: [32, 33, 34],
  isPicture: (type) => type < 32,
  isRandomAccess: (type) => type >= 16 && type <= 21,
  // ITU-T H.265, 7.4.2.4.4; first_slice_segment_in_pic_flag stands behind the header.
  beginsNext(unit) {
    const type = hevc.typeOf(unit);
    if (hevc.isPicture(type)) return (unit[2]! & 0x80) !== 0;
    return type <= 35 || type === 39 || (type >= 41 && type <= 44) || (type >= 48 && type <= 55);
  },
};
