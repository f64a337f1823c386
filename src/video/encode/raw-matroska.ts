/**
 * rgb24 pictures with their times as Matroska (RFC 9559), for ffmpeg's standard input: raw video of
 * other forms has a constant rate, or none.
 */

/** A byte string in front of everything. `frameRate` is a hint; times hold. */
export function matroskaHead(options: {
  readonly width: number;
  readonly height: number;
  readonly frameRate: number | null;
}): Buffer {
  const { width, height, frameRate } = options;
  const video = element(ids.video, [
    element(ids.pixelWidth, [unsigned(width)]),
    element(ids.pixelHeight, [unsigned(height)]),
    // ffmpeg's tag for 24 bits of R, G and B.
    element(ids.uncompressedFourCc, [Buffer.from('RGB\x18', 'latin1')]),
  ]);
  const duration = frameRate === null ? [] : [unsigned(Math.round(1e9 / frameRate))];
  const track = element(ids.trackEntry, [
    element(ids.trackNumber, [unsigned(1)]),
    element(ids.trackUid, [unsigned(1)]),
    element(ids.trackType, [unsigned(1)]),
    element(ids.codecId, [Buffer.from('V_UNCOMPRESSED')]),
    ...duration.map((value) => element(ids.defaultDuration, [value])),
    video,
  ]);
  return Buffer.concat([
    element(ids.ebml, [
      element(ids.docType, [Buffer.from('matroska')]),
      element(ids.docTypeVersion, [unsigned(4)]),
      element(ids.docTypeReadVersion, [unsigned(2)]),
    ]),
    Buffer.from(ids.segment, 'hex'),
    unknownLength,
    // Ticks of one microsecond.
    element(ids.info, [element(ids.timestampScale, [unsigned(1000)])]),
    element(ids.tracks, [track]),
  ]);
}

/** What stands before each picture: a cluster of its own, so that any time fits. */
export function matroskaPictureHead(timestampUs: number, pictureBytes: number): Buffer {
  const time = element(ids.timestamp, [unsigned(timestampUs)]);
  // Track 1, no time after the cluster's, a keyframe.
  const block = Buffer.from([0x81, 0, 0, 0x80]);
  const blockLength = block.length + pictureBytes;
  const blockHead = Buffer.concat([
    Buffer.from(ids.simpleBlock, 'hex'),
    length(blockLength),
    block,
  ]);
  const clusterBytes = time.length + blockHead.length + pictureBytes;
  return Buffer.concat([Buffer.from(ids.cluster, 'hex'), length(clusterBytes), time, blockHead]);
}

const ids = {
  ebml: '1a45dfa3',
  docType: '4282',
  docTypeVersion: '4287',
  docTypeReadVersion: '4285',
  segment: '18538067',
  info: '1549a966',
  timestampScale: '2ad7b1',
  tracks: '1654ae6b',
  trackEntry: 'ae',
  trackNumber: 'd7',
  trackUid: '73c5',
  trackType: '83',
  codecId: '86',
  defaultDuration: '23e383',
  video: 'e0',
  pixelWidth: 'b0',
  pixelHeight: 'ba',
  uncompressedFourCc: '2eb524',
  cluster: '1f43b675',
  timestamp: 'e7',
  simpleBlock: 'a3',
} as const;

const unknownLength = Buffer.from('01ffffffffffffff', 'hex');

function element(id: string, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(id, 'hex'), length(body.length), body]);
}

/** Always eight bytes long: 01, then 56 bits. */
function length(bytes: number): Buffer {
  const buffer = unsigned(bytes);
  buffer[0] = 1;
  return buffer;
}

function unsigned(value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64BE(BigInt(value));
  return buffer;
}
