import '../src/inference/engine/no-telemetry.ts';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SegmentationError } from '../src/frame/errors.ts';

/** Every program of `bench/programs`, with what it measures. */
export const programs: Readonly<Record<string, string>> = {
  'admission-cost': 'Predicted load of a stream against what it really costs, by size and model.',
  batch: 'Frames a second of `segment` on a batch of videos, with --jobs side by side.',
  'camera-quality': 'What masks lose on a busy server, against one camera alone.',
  cameras: 'Live 720p30 cameras side by side: drops, latency, keyframes, CPU.',
  capacity: 'What one live camera costs, by picture size and objects; input of `simulate`.',
  'come-back': 'Objects that leave the picture for seconds: found again, false frames, presence.',
  confinement: 'Milliseconds that a sandbox and limits add to the start of a decoder.',
  corrections: 'What one click on a held frame brings, there and later.',
  'decode-delay': 'Frames and milliseconds that decoding adds, per container.',
  'every-frame': 'Keyframes with propagation against the backbone on every frame: CPU and J&F.',
  flow: 'Optical flow engines side by side: end-point error, warped masks, scene cuts, evidence of loss.',
  fuzz: 'Conversations that nobody meant: crashes, codes that blame the server, decoders left.',
  gateway: 'What the page’s WebSocket gateway costs against gRPC: latency and CPU a frame.',
  hostile: 'Small messages that ask for much: silence of the server, and memory.',
  inference: 'Milliseconds of the model’s parts through the worker, fp32 and quantised.',
  kinds:
    'Growing, crossing, thin, foggy and other hard clips: J&F, wrongly hidden frames, switches.',
  latency: 'Latency of LATEST with an encoder that was slowed down.',
  neighbours: 'One live camera beside clients that behave badly: p95 and memory.',
  occlusion: 'Objects that pass behind a wall: found again, false frames, encoder runs.',
  page: 'The live page in Chromium: capture to mask, where the time goes, drawing, CPU.',
  publisher: 'A camera through `maskstream publish`: CPU, age of masks, error of capture times.',
  'reliability-plot':
    'Draws confidence against true IoU from a report of `maskstream eval --json`.',
  remote: 'The encoder here, on Triton and on MLServer: milliseconds and bytes, in turns.',
  simulate:
    'Cameras on servers, simulated from measured costs: latency and drops as things go wrong.',
  'simulated-quality':
    'What masks lose on a server with too many cameras, in simulated time: any machine will do.',
  'single-frame': 'IoU of single frames for a box and one to three clicks.',
  soak: '10,000 frames of one camera: memory, threads, handles, children.',
  'soak-plot': 'Draws memory and handles of a server from the samples of `bench soak --minutes`.',
  throughput: 'Frames a second of several streams at once: what workers and cards bring.',
  'tuning-plot': 'Draws J&F against CPU a frame from a report of `maskstream eval --json`.',
};

const [name, ...options] = process.argv.slice(2);
if (process.argv[1] === fileURLToPath(import.meta.url)) await run(name, options);

/** Runs one program in this process, which reads its own options, or lists all of them. */
async function run(program: string | undefined, words: readonly string[]): Promise<void> {
  if (program === undefined || !Object.hasOwn(programs, program)) {
    const width = Math.max(...Object.keys(programs).map((known) => known.length)) + 2;
    const lines = Object.entries(programs).map(
      ([known, what]) => `  ${known.padEnd(width)}${what}`,
    );
    const problem = program === undefined ? '' : `no program "${program}"\n\n`;
    console.error(`${problem}npm run bench NAME -- options\n\n${lines.join('\n')}`);
    process.exitCode = 2;
    return;
  }
  if (words.includes('--help') || words.includes('-h')) {
    console.log(helpOf(readFileSync(programUrl(program), 'utf8')));
    return;
  }
  process.argv.splice(1, process.argv.length, fileURLToPath(programUrl(program)), ...words);
  try {
    await import(programUrl(program).href);
  } catch (reason) {
    if (!(reason instanceof SegmentationError) || reason.code !== 'usage') throw reason;
    console.error(`bench ${program}: ${reason.message}`);
    // What the program has opened until here keeps nobody waiting.
    process.exit(2);
  }
}

/** The comment at the top of a program, which says what it measures and lists its options. */
export function helpOf(source: string): string {
  const comment = /^\/\*\n(.*?)^ \*\/$/ms.exec(source)?.[1] ?? '';
  return comment.replaceAll(/^ \* ?/gm, '').trimEnd();
}

function programUrl(program: string): URL {
  return new URL(`./programs/${program}.js`, import.meta.url);
}
