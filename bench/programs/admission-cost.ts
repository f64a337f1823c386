import { connect, type SegmentationClient } from '../../clients/typescript/index.ts';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { startServerProcess } from '../../src/evaluation/server-process.ts';
import { readBenchOptions } from '../support/bench-options.ts';
import { type CameraClip, cameraClipFrom, readPieces } from '../support/camera-clip.ts';
import { cameraFrameRate } from '../support/camera-clip.ts';
import { floatModel } from '../support/float-model.ts';
import { cell, machineName, markdownTable } from '../support/markdown-table.ts';
import { freePort } from '../support/free-port.ts';

/*
 * What admission predicts of a stream beside what it costs: the server's own `maskstream_load` after
 * the first answer (from the config and the decoder's word) and after 60 answers (rate and objects as
 * seen), and the CPU time of server and decoder. Frames come as fast as they are answered; cores are
 * those of a camera's 30 frames a second. Every row has a server of its own.
 *
 *   npm run bench admission-cost -- [options]
 *
 *   --sizes LIST     Default: 640x360,1280x720
 *   --models LIST    integers: the embedded model; floats: the same in float32. Default: both
 *   --objects LIST   most objects of a stream. Default: 1,2
 *   --frames N       Default: 450, after 60 that are left out
 *   --source FOLDER  clip.mp4 and masks/00000.png, scaled. Default: the demo's scene
 */

const warmUpFrames = 60;

const options = readBenchOptions({
  sizes: '640x360,1280x720',
  models: 'integers,floats',
  objects: '1,2',
  frames: '450',
  'bit-rate': '0',
  source: '',
});
const { signal } = new AbortController();
const ffmpeg = await findConfiguredFfmpeg();
const rows: string[][] = [];
for (const size of options.list('sizes')) {
  for (const objects of options.list('objects')) {
    const texts: Readonly<Record<string, string>> = { size, objects };
    const ofRow = {
      ...options,
      text: (name: string) => texts[name] ?? options.text(name),
      number: (name: string) => Number(texts[name] ?? options.text(name)),
    };
    await using clip = await cameraClipFrom(ofRow, { ffmpeg, signal });
    const frames = warmUpFrames + options.number('frames');
    const pieces = await readPieces(clip, { ffmpeg, frames, signal });
    for (const model of options.list('models')) {
      const cost = await measure(model, { clip, pieces });
      rows.push([
        `${model}, ${size}, ${clip.boxes.length}`,
        cell(cost.expected, 3),
        cell(cost.seen, 3),
        cell(cost.real, 3),
        cell(cost.seen / cost.real, 2),
      ]);
      console.error(rows.at(-1)?.join('  '));
    }
  }
}
console.log(`${machineName()}; ${cameraFrameRate} frames a second\n`);
const columns = 'model; size; objects,predicted at first,after 60 frames,measured cores,ratio';
console.log(markdownTable(columns.split(','), rows));

type Video = { readonly clip: CameraClip; readonly pieces: readonly Buffer[] };

async function measure(model: string, video: Video) {
  await using folder = model === 'floats' ? await floatModel() : null;
  const metricsPort = await freePort();
  const words = folder === null ? [] : ['--model', folder.directory];
  await using server = await startServerProcess([...words, '--metrics-port', `${metricsPort}`]);
  using client = connect(server.address);
  const load = async (): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
    return Number(/^maskstream_load (\S+)$/m.exec(await answer.text())?.[1]);
  };
  let expected = 0;
  let seen = 0;
  let fromMs = 0;
  const answered = await play(client, video, async (answers) => {
    if (answers === 1) expected = await load();
    if (answers !== warmUpFrames) return;
    seen = await load();
    fromMs = server.cpuMs() ?? Number.NaN;
  });
  const perFrameMs = ((server.cpuMs() ?? Number.NaN) - fromMs) / (answered - warmUpFrames);
  return { expected, seen, real: (perFrameMs * cameraFrameRate) / 1000 };
}

/** Plays the clip as fast as it is answered, and returns how many answers came. */
async function play(
  client: SegmentationClient,
  { clip, pieces }: Video,
  onAnswer: (answers: number) => Promise<void>,
): Promise<number> {
  const { width, height } = clip.size;
  const stated = { width, height, frameRate: cameraFrameRate };
  using stream = client.segmentVideo({ container: 'mp4', delivery: 'every-frame', ...stated });
  const acks = clip.boxes.map((box, index) =>
    stream.prompt({ objectId: index + 1, box, at: { frameIndex: 0 } }),
  );
  const send = async () => {
    for (const piece of pieces) await stream.sendChunk(piece);
    stream.end();
  };
  let answers = 0;
  const receive = async () => {
    for await (const result of stream) if (result.kind === 'masks') await onAnswer(++answers);
  };
  await Promise.all([send(), receive(), ...acks]);
  return answers;
}
