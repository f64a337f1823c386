/*
 * Follows one object through an MP4: build, start a server, then
 *   node dist/examples/segment-file.js localhost:50051 video.mp4 120,80,200,160
 */
import { createReadStream } from 'node:fs';
import { connect } from '../clients/typescript/index.ts';

const [address = 'localhost:50051', path = 'video.mp4', box = '0,0,100,100'] =
  process.argv.slice(2);
const [x = 0, y = 0, width = 0, height = 0] = box.split(',').map(Number);

using client = connect(address);
const stream = client.segmentVideo({ container: 'mp4', delivery: 'every-frame' });

async function send(): Promise<void> {
  const ack = stream.prompt({ objectId: 1, at: { frameIndex: 0 }, box: { x, y, width, height } });
  for await (const bytes of createReadStream(path)) await stream.sendChunk(bytes as Buffer);
  stream.end();
  await ack;
}

async function receive(): Promise<void> {
  for await (const result of stream) {
    if (result.kind !== 'masks') continue;
    const [object] = result.masks.objects;
    console.log(result.masks.frameIndex, object?.area, object?.confidence.toFixed(2));
  }
}

await Promise.all([send(), receive()]);
