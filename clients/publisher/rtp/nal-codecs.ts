import type { NalCodec } from './nal-depacketizer.ts';

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
};
