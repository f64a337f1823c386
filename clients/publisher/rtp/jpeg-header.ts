/*
 * Tables of RFC 2435, appendices A and B, which are those of the JPEG standard (ITU-T T.81, K.1 and
 * K.3): senders over RTP leave them out.
 */

/** Luminance, then chrominance, in zigzag order, for Q = 50. */
const baseQuantizers = Buffer.from([
  16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37,
  29, 40, 58, 51, 61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87,
  95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99, 17, 18, 18, 24, 21, 24,
  47, 26, 26, 47, 99, 66, 56, 66, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
]);

const dcValues = Buffer.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
const luminanceDc = Buffer.from([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
const chrominanceDc = Buffer.from([0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
const luminanceAc = Buffer.from([0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d]);
const chrominanceAc = Buffer.from([0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77]);
const luminanceAcValues = Buffer.from(
  '0102030004110512213141061351610722711432' +
    '8191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738393a434445464748494a535455' +
    '565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2' +
    'b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa',
  'hex',
);
const chrominanceAcValues = Buffer.from(
  '0001020311040521310612415107617113223281' +
    '08144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a35363738393a434445464748494a5354' +
    '55565758595a636465666768696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5a6a7a8a9' +
    'aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa',
  'hex',
);

/** Both quantization tables of a Q from 1 to 99 (RFC 2435, 4.2). */
export function quantizersOf(q: number): Buffer {
  const factor = q < 50 ? Math.floor(5000 / q) : 200 - q * 2;
  return Buffer.from(
    baseQuantizers.map((base) =>
      Math.min(255, Math.max(1, Math.floor((base * factor + 50) / 100))),
    ),
  );
}

/** All that comes before the entropy-coded data of a baseline JPEG. */
export function jpegHeader(parameters: {
  /** 0: 4:2:2, 1: 4:2:0. */
  readonly sampling: 0 | 1;
  readonly width: number;
  readonly height: number;
  /** Two tables of 64 bytes each, in zigzag order. */
  readonly quantizers: Buffer;
  /** Units between restart markers; 0: none. */
  readonly restartInterval: number;
}): Buffer {
  const { sampling, width, height, quantizers, restartInterval } = parameters;
  const size = [height >> 8, height & 0xff, width >> 8, width & 0xff];
  const luminance = [0, sampling === 0 ? 0x21 : 0x22, 0];
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xdb, Buffer.from([0]), quantizers.subarray(0, 64)),
    segment(0xdb, Buffer.from([1]), quantizers.subarray(64, 128)),
    ...(restartInterval === 0
      ? []
      : [segment(0xdd, Buffer.from([restartInterval >> 8, restartInterval & 0xff]))]),
    segment(0xc0, Buffer.from([8, ...size, 3, ...luminance, 1, 0x11, 1, 2, 0x11, 1])),
    segment(0xc4, Buffer.from([0x00]), luminanceDc, dcValues),
    segment(0xc4, Buffer.from([0x10]), luminanceAc, luminanceAcValues),
    segment(0xc4, Buffer.from([0x01]), chrominanceDc, dcValues),
    segment(0xc4, Buffer.from([0x11]), chrominanceAc, chrominanceAcValues),
    segment(0xda, Buffer.from([3, 0, 0x00, 1, 0x11, 2, 0x11, 0, 63, 0])),
  ]);
}

function segment(marker: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length = body.length + 2;
  return Buffer.concat([Buffer.from([0xff, marker, length >> 8, length & 0xff]), body]);
}
