import { readConfig } from '../../config.ts';
import { packageVersion } from '../../package-root.ts';
import { SegmentationError, usageError } from '../../frame/errors.ts';
import type { Output } from '../../formats/answered-frame.ts';
import type { Arguments, Command, CommandIo } from '../command.ts';
import { configOption } from '../config-file/config-option.ts';
import { clientOptions, openClient } from '../open-client.ts';
import { outputFormats } from '../output/output-format.ts';
import { overlayStyles } from '../output/overlay-style.ts';
import type { GivenPrompts } from '../prompt-flags.ts';
import { parseCount, promptOptions, readPrompts } from '../prompt-flags.ts';
import { serviceOverrides } from '../serve.ts';
import type { Batch } from './batch/batch.ts';
import { openBatch } from './batch/batch.ts';
import { batchOptions, batchOptionsOf } from './batch/batch-options.ts';
import { promptsByInput } from './input-prompts.ts';
import type { Input } from './inputs.ts';
import { findInputs } from './inputs.ts';
import type { OutputForm } from './output-form.ts';
import { parseRate, readForm, readSampling } from './output-form.ts';
import type { OutputSet } from './output-set.ts';
import { createOutputSet, noOutputSet } from './output-set.ts';
import { segmentInputs } from './segment-inputs.ts';
import { readVideoConfig, videoOptions } from './video-config.ts';

/** `maskstream segment` */
export const segmentCommand: Command = {
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
    ...batchOptions,
    ...clientOptions,
    ...configOption,
  },
  epilogue: `INPUT is a video, a JPEG, PNG or WebP image, a folder of them, or a pattern such as 'clips/*.mp4'.
With several, each gets a subfolder of PATH, and a run that was interrupted goes on where it stopped
when the same command is given again. Coordinates are pixels of the picture as displayed.

Examples:
  maskstream segment cat.mp4 --box 120,80,200,160 --out cat
  maskstream segment cat.mp4 --point 220,160 --point 20,20,0 --out overlay.mp4
  maskstream segment photos --text "red car" --out masks.zip
  maskstream segment clips --text person --overlay blur --format mp4 --out blurred --jobs 2

Exit codes: 0 every frame is written, 1 the run failed or --text found nothing at all, 2 the command
line is wrong.`,
  run: segment,
};

async function segment(args: Arguments, io: CommandIo): Promise<void> {
  if (args.positionals.length === 0) throw usageError('expected an INPUT, got none');
  const frameRate = parseRate(args, 'frame-rate');
  const wrap = readSampling(args, io);
  const form = readForm(args);
  const jobs = parseCount(args.texts.get('jobs') ?? '1', '--jobs', 1);
  // Checked before anything is started or written.
  readVideoConfig(args, { container: 'mp4', frameRate });
  const given = await readPrompts(args);
  const asSequence = args.flags.has('sequence');
  const keepGoing = args.flags.has('keep-going');
  const found = await findInputs(args.positionals, { asSequence, frameRate, keepGoing, io });
  const prompts = promptsByInput(given, found, io);
  const inputs = found.filter((input) => prompts.has(input));
  // One that fails stops those beside it.
  const failed = new AbortController();
  const signal = AbortSignal.any([io.signal, failed.signal]);
  const batch = await openOutputs(args, form, { inputs, given, signal });
  sayWhatIsDone(batch, inputs, io);
  const outputs = wrapped(batch.outputs, (output, input) =>
    wrap(output, inputs.length > 1 ? input.name : undefined),
  );
  let anything = false;
  try {
    await using service = await openClient(args, io, { streams: jobs });
    const stdout = args.flags.has('json') ? io.stderr : io.stdout;
    const work = { ...io, stdout, signal };
    const job = { args, io: work, frameRate, client: service.client };
    anything = await segmentInputs(
      batch,
      { outputs, prompts, job },
      {
        jobs,
        keepGoing,
        stopOthers: () => failed.abort(),
      },
    );
    await outputs.close();
  } catch (reason) {
    await outputs.discard();
    if (batch.goesOn()) {
      io.stderr.write('maskstream: what is done is kept: the same command goes on from there\n');
    }
    throw reason;
  }
  if (!anything) throw nothingFound();
}

/** Nothing is kept of a run that is interrupted. */
const notABatch = { foundBefore: false, goesOn: () => false, finished: () => undefined };

/** Several inputs that are written are a batch, which an earlier run may have begun. */
async function openOutputs(
  args: Arguments,
  form: OutputForm | null,
  work: {
    readonly inputs: readonly Input[];
    readonly given: GivenPrompts;
    readonly signal: AbortSignal;
  },
): Promise<Batch> {
  const { inputs, given, signal } = work;
  const outputs =
    form === null ? noOutputSet : createOutputSet(form.out, inputs, { ...form, signal });
  if (form === null || inputs.length === 1) {
    return { ...notABatch, outputs, waiting: inputs };
  }
  const { model } = readConfig(serviceOverrides(args), undefined, args.settings);
  const asked = batchOptionsOf(args, { given, model, program: packageVersion() });
  try {
    const restart = args.flags.has('restart');
    return await openBatch(outputs, inputs, { ...form, asked, restart });
  } catch (reason) {
    await outputs.discard();
    throw reason;
  }
}

function sayWhatIsDone({ waiting }: Batch, inputs: readonly Input[], { stderr }: CommandIo): void {
  const done = inputs.length - waiting.length;
  if (done === 0) return;
  stderr.write(
    `maskstream: going on with an interrupted batch: ${done} of ${inputs.length} inputs are done\n`,
  );
}

/** What was asked for is written, and empty: a script must not take that for success. */
function nothingFound(): SegmentationError {
  return new SegmentationError(
    'nothing-found',
    'expected something to follow, got nothing: another phrase, or a lower --threshold',
  );
}

function wrapped(outputs: OutputSet, wrap: (output: Output, input: Input) => Output): OutputSet {
  return {
    ...outputs,
    output: (input) => wrap(outputs.output(input), input),
    video: (input, video) => wrap(outputs.video(input, video), input),
  };
}
