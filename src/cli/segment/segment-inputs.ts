import { CallFailed, PromptRejected } from '../../../clients/typescript/index.ts';
import { SegmentationError } from '../../frame/errors.ts';
import type { Output } from '../../formats/answered-frame.ts';
import { describeError } from '../describe-error.ts';
import type { Batch } from './batch/batch.ts';
import { createBatchProgress } from './batch/batch-progress.ts';
import { runSideBySide } from './batch/run-side-by-side.ts';
import type { Input } from './inputs.ts';
import { openVideo } from './open-video.ts';
import type { OutputSet } from './output-set.ts';
import type { InputPrompts } from './input-prompts.ts';
import type { InputJob, SegmentJob } from './segment-job.ts';
import { segmentImage } from './segment-image.ts';
import { segmentVideo } from './segment-video.ts';
import { watchPhrases } from './watch-phrases.ts';

/** How the inputs of a command line are worked on. */
export type SegmentInputsOptions = {
  /** Most of them at a time. */
  readonly jobs: number;
  /** An input that fails does not stop the others. */
  readonly keepGoing: boolean;
  /** Aborts the job's signal. */
  readonly stopOthers: () => void;
};

const nothing: InputPrompts = { prompts: [], size: null };

/** What the inputs of a command line share, and what each has of its own. */
type SegmentParts = {
  readonly outputs: OutputSet;
  readonly prompts: ReadonlyMap<Input, InputPrompts>;
  readonly job: SegmentJob;
};

/** Codes of failures that come of an input, so that the next one may fare better. */
const ofInput: ReadonlySet<string> = new Set([
  'unreadable-file',
  'undecodable-video',
  'undecodable-image',
  'unsupported-codec',
  'empty-stream',
  'frame-too-large',
  'size-mismatch',
  'frame-dropped',
  'decoder-failed',
  'decoder-stalled',
  'spool-too-large',
]);

/**
 * Segments all inputs of a batch that wait, and resolves with whether anything was found.
 *
 * Throws the first failure; with `keepGoing` those of single inputs are said, and `batch-incomplete` is
 * thrown at the end.
 */
export async function segmentInputs(
  { waiting, foundBefore, finished }: Pick<Batch, 'waiting' | 'foundBefore' | 'finished'>,
  { outputs, prompts, job }: SegmentParts,
  options: SegmentInputsOptions,
): Promise<boolean> {
  const progress = await createBatchProgress(job.io, waiting);
  let anythingFound = foundBefore;
  let failures = 0;
  const work = async (input: Input) => {
    const part = progress.begin(input);
    try {
      const own = { ...job, ...(prompts.get(input) ?? nothing), progress: part };
      const unanswered = await segmentInput(input, outputs, own);
      for (const phrase of unanswered) part.say(`nothing found for "${phrase}"`);
      anythingFound ||= unanswered.length === 0;
      finished(input, unanswered.length === 0);
    } catch (reason) {
      if (!options.keepGoing || !isOfInput(reason)) throw reason;
      failures++;
      part.say(describeError(reason));
    }
  };
  try {
    await runSideBySide(waiting, work, options);
  } finally {
    progress.finish();
  }
  if (failures > 0) {
    const message = `expected all ${waiting.length} inputs to be done, got ${failures} that failed: the same command tries them again`;
    throw new SegmentationError('batch-incomplete', message);
  }
  return anythingFound;
}

/** Resolves with the phrases that found nothing in this input. */
async function segmentInput(input: Input, outputs: OutputSet, job: InputJob): Promise<string[]> {
  if (input.kind === 'refused') throw input.error;
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

async function writeThrough(output: Output, work: (output: Output) => Promise<void>) {
  try {
    await work(output);
    await output.close();
  } catch (reason) {
    await output.discard();
    throw reason;
  }
}

function isOfInput(reason: unknown): boolean {
  if (reason instanceof PromptRejected) return true;
  return (
    (reason instanceof SegmentationError || reason instanceof CallFailed) &&
    ofInput.has(reason.code)
  );
}
