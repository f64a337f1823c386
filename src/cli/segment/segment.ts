import { once } from 'node:events';
import { SegmentationError, usageError } from '../../frame/errors.ts';
import type { Arguments, Command, CommandIo } from '../command.ts';
import { clientOptions, openClient } from '../open-client.ts';
import type { Output } from '../../formats/answered-frame.ts';
import { createJsonLines } from '../../formats/json-lines.ts';
import { createSampledOutput } from '../../formats/sampled-output.ts';
import { outputFormat, outputFormats } from '../output/output-format.ts';
import { overlayStyle, overlayStyles } from '../output/overlay-style.ts';
import { parseCount, promptOptions, readPrompts } from '../prompt-flags.ts';
import type { Input } from './inputs.ts';
import { findInputs } from './inputs.ts';
import type { OutputSet } from './output-set.ts';
import { createOutputSet, noOutputSet } from './output-set.ts';
import { openVideo } from './open-video.ts';
import { segmentImage } from './segment-image.ts';
import { segmentVideo } from './segment-video.ts';
import type { SegmentJob } from './segment-job.ts';
import { readVideoConfig, videoOptions } from './video-config.ts';
import { watchPhrases } from './watch-phrases.ts';

/** `maskstream segment` */
export const segmentCommand: Command = {
  name: 'segment',
  summary:
    'Segments videos or images into masks/NNNNN.png + frames.json, a .zip of them, or an overlay .mp4.',
  usage: ['maskstream segment INPUT... --box x,y,w,h --out PATH [options]'],
  maxPositionals: Infinity,
  options: {
    out: {
      kind: 'text',
      placeholder: 'PATH',
      help: 'A folder, NAME.zip, NAME.mp4 or NAME.webm for an overlay, or what --format says. Required, but not with --json.',
    },
    format: {
      kind: 'text',
      placeholder: 'NAME',
      values: outputFormats,
      help: `One of ${outputFormats.join(', ')}. Default: by the ending of PATH.`,
    },
    overlay: {
      kind: 'text',
      placeholder: 'STYLE',
      values: overlayStyles,
      help: `What .mp4 and .webm show: ${overlayStyles.join(', ')}. Default: labels.`,
    },
    fps: {
      kind: 'text',
      placeholder: 'N',
      help: 'Write only the first frame at or after each 1/N s; the others are tracked.',
    },
    json: {
      kind: 'flag',
      help: 'Each frame as a line of JSON on stdout, as it comes; nothing else on stdout.',
    },
    ...promptOptions,
    ...videoOptions,
    sequence: {
      kind: 'flag',
      help: 'A folder of images is one video, in the order of their names.',
    },
    'frame-rate': {
      kind: 'text',
      placeholder: 'N',
      help: 'Frames a second of --sequence, and of raw video without timing of its own. Default: 24 for --sequence.',
    },
    ...clientOptions,
  },
  epilogue: `INPUT is a video, a JPEG, PNG or WebP image, or a folder of images. With several, each gets a
subfolder of PATH. Coordinates are pixels of the picture as displayed.

Examples:
  maskstream segment cat.mp4 --box 120,80,200,160 --out cat
  maskstream segment cat.mp4 --point 220,160 --point 20,20,0 --out overlay.mp4
  maskstream segment photos --text "red car" --out masks.zip

Exit codes: 0 every frame is written, 1 the run failed or --text found nothing at all, 2 the command
line is wrong.`,
  run: segment,
};

async function segment(args: Arguments, io: CommandIo): Promise<void> {
  if (args.positionals.length === 0) throw usageError('expected an INPUT, got none');
  const frameRate = parseRate(args, 'frame-rate');
  const wrap = readSampling(args, io);
  const form = readForm(args);
  // Checked before anything is started or written.
  readVideoConfig(args, { container: 'mp4', frameRate });
  const prompts = await readPrompts(args);
  const inputs = await findInputs(args.positionals, {
    asSequence: args.flags.has('sequence'),
    frameRate,
    io,
  });
  const outputs = sampled(
    form === null ? noOutputSet : createOutputSet(form.out, inputs, { ...form, signal: io.signal }),
    (output, input) => wrap(output, inputs.length > 1 ? input.name : undefined),
  );
  let anythingFound = false;
  try {
    await using service = await openClient(args, io);
    const lines = args.flags.has('json') ? { ...io, stdout: io.stderr } : io;
    const job = { args, io: lines, prompts, frameRate, client: service.client };
    for (const input of inputs) {
      const nothing = await segmentInput(input, outputs, job);
      for (const phrase of nothing) {
        io.stderr.write(`maskstream: ${input.name}: nothing found for "${phrase}"\n`);
      }
      anythingFound ||= nothing.length === 0;
    }
    await outputs.close();
  } catch (reason) {
    await outputs.discard();
    throw reason;
  }
  if (!anythingFound) throw nothingFound();
}

/** Resolves with the phrases that found nothing in this input. */
async function segmentInput(input: Input, outputs: OutputSet, job: SegmentJob): Promise<string[]> {
  if (input.kind === 'image') {
    const watch = watchPhrases(outputs.output(input), job.prompts);
    await writeThrough(watch.output, (output) => segmentImage(input, output, job));
    return watch.unanswered();
  }
  await using video = await openVideo(input, job, { again: outputs.readsAgain });
  const watch = watchPhrases(outputs.video(input, video), job.prompts);
  await writeThrough(watch.output, (output) => segmentVideo(video, output, job));
  return watch.unanswered();
}

/** What was asked for is written, and empty: a script must not take that for success. */
function nothingFound(): SegmentationError {
  return new SegmentationError(
    'nothing-found',
    'expected something to follow, got nothing: another phrase, or a lower --threshold',
  );
}

async function writeThrough(output: Output, work: (output: Output) => Promise<void>) {
  try {
    await work(output);
    await output.close();
  } catch (reason) {
    await output.discard();
    throw reason;
  }
}

/** Null: `--json` alone. Throws `usage`. */
function readForm(args: Arguments) {
  const out = args.texts.get('out');
  const style = overlayStyle(args.texts.get('overlay'));
  if (out !== undefined && out !== '') {
    return { out, style, format: outputFormat(out, args.texts.get('format')) };
  }
  if (!args.flags.has('json')) throw usageError('expected --out PATH, got none');
  if (args.texts.has('format')) throw usageError('--format: expected --out PATH with it, got none');
  return null;
}

/** What `--fps` and `--json` put before an output. */
function readSampling(args: Arguments, io: CommandIo): (output: Output, input?: string) => Output {
  const framesPerSecond = parseRate(args, 'fps');
  const writeLine = async (line: string): Promise<void> => {
    if (!io.stdout.write(line)) await once(io.stdout, 'drain', { signal: io.signal });
  };
  return (output, input) => {
    const named = input === undefined ? {} : { input };
    const lines = args.flags.has('json')
      ? createJsonLines(output, { writeLine, ...named })
      : output;
    return framesPerSecond === null ? lines : createSampledOutput(lines, framesPerSecond);
  };
}

function sampled(outputs: OutputSet, wrap: (output: Output, input: Input) => Output): OutputSet {
  return {
    ...outputs,
    output: (input) => wrap(outputs.output(input), input),
    video: (input, video) => wrap(outputs.video(input, video), input),
  };
}

/** Frames a second; null where the option is not given. */
function parseRate(args: Arguments, option: 'frame-rate' | 'fps'): number | null {
  const text = args.texts.get(option);
  if (text === undefined) return null;
  if (/^\d+$/.test(text)) return parseCount(text, `--${option}`, 1);
  const rate = Number(text);
  if (!(rate > 0 && rate <= 1000)) {
    throw usageError(`--${option}: expected frames a second above 0, got "${text}"`);
  }
  return rate;
}
