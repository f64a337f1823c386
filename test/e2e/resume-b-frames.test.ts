import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { connect, type FrameMasks, type Resumed } from '../../clients/typescript/index.ts';
import { type AccessUnit, accessUnits } from '../fixtures/curtain-clip.ts';
import { startDoomedServers } from '../fixtures/doomed-servers.ts';
import { encoders, ffmpeg, makeClip } from '../fixtures/encoded-clips.ts';

const frames = 40;
const groupFrames = 15;

/** Three B-frames between two others. */
const encode = `${encoders.h264Reordered} -g ${groupFrames} -x264-params aud=1:scenecut=0`;

type Unit = AccessUnit & { readonly captureTimestampUs: number };

/** Access units in the order in which an encoder gives them out, with when their frames are shown. */
async function makeUnits(): Promise<Unit[]> {
  const clip = { encode, size: '160x120', frames };
  const raw = await makeClip({ ...clip, extension: 'h264' });
  // Raw H.264 says no times: those of the same pictures in MP4.
  const file = await makeClip({ ...clip, extension: 'mp4' });
  const packets = (await ffmpeg(['-i', file, '-c', 'copy', '-f', 'framecrc', '-'])).toString();
  const times = packets.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return accessUnits(await readFile(raw)).map((unit, at) => {
    // Stream, decoding time, presentation time, ...
    return { ...unit, captureTimestampUs: 5_000_000 + Number(times[at]?.split(',')[2]) };
  });
}

/** Sends all of it as a camera that is ahead; `onFrame` hears of each answer. */
async function runThrough(
  addresses: readonly string[],
  units: readonly Unit[],
  onFrame: (masks: FrameMasks) => void = () => {},
): Promise<{ readonly frames: FrameMasks[]; readonly resumed: Resumed[] }> {
  using client = connect(addresses);
  const config = { container: 'h264-annex-b', delivery: 'every-frame', frameRate: 30 } as const;
  const stream = client.segmentVideo(config, { maxWaitingResults: 2 });
  const box = { x: 40, y: 30, width: 60, height: 50 };
  void stream.prompt({ objectId: 1, box, at: { frameIndex: 0 } });
  const sent = (async () => {
    for (const { data, ...marks } of units) {
      await stream.sendChunk(data, { ...marks, endsAccessUnit: true });
    }
    stream.end();
  })();
  const came: FrameMasks[] = [];
  const resumed: Resumed[] = [];
  for await (const result of stream) {
    if (result.kind === 'resumed') resumed.push(result);
    if (result.kind !== 'masks') continue;
    came.push(result.masks);
    onFrame(result.masks);
  }
  await sent;
  return { frames: came, resumed };
}

const counted = (masks: FrameMasks) => ({
  frameIndex: masks.frameIndex,
  timestampUs: masks.timestampUs,
  captureTimestampUs: masks.captureTimestampUs,
  framesDroppedBefore: masks.framesDroppedBefore,
  objectIds: masks.objects.map(({ objectId }) => objectId),
});

test('frames of a stream with B-frames are counted as if no server had been lost', async () => {
  const units = await makeUnits();
  expect(units).toHaveLength(frames);
  const times = units.map(({ captureTimestampUs }) => captureTimestampUs);
  const shown = times.toSorted((a, b) => a - b);
  expect(times).not.toEqual(shown);

  await using servers = await startDoomedServers();
  const undisturbed = await runThrough([servers.addresses[1]], units);
  expect(undisturbed.frames.map(({ captureTimestampUs }) => captureTimestampUs)).toEqual(shown);

  let killed = false;
  const disturbed = await runThrough(servers.addresses, units, ({ frameIndex }) => {
    if (killed || frameIndex < groupFrames + 2) return;
    killed = true;
    servers.kill('SIGKILL');
  });
  expect(disturbed.resumed).toMatchObject([{ gapFrames: 0 }]);
  expect(disturbed.frames.map(counted)).toEqual(undisturbed.frames.map(counted));
});
