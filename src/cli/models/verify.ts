import { SegmentationError } from '../../frame/errors.ts';
import {
  goldenMemoryFrames,
  loadManifest,
  precisionsOf,
  verifyModel,
  type Precision,
  type Verification,
} from '../../inference/index.ts';
import { createProgressLine } from '../progress.ts';
import {
  chosenModel,
  chosenPlaces,
  chosenPrecisions,
  agreementText,
  withoutLogits,
  isAbsent,
  textTable,
  type ModelAction,
  type Place,
} from './action.ts';

/** One provider and precision: what came of it. */
type Outcome =
  | { readonly kind: 'passed'; readonly verification: Verification }
  | {
      readonly kind: 'absent' | 'failed' | 'no kernels';
      readonly provider: string;
      readonly precision: Precision;
      readonly message: string;
    };

/** How the runtime says that a provider has an operator, but not in this arithmetic. */
const lacksKernels = /Could not find an implementation|NOT_IMPLEMENTED/;

/**
 * `maskstream models verify`: the golden self-test on every provider and in every precision, float32 on
 * the CPU first, which the others are compared with.
 */
export async function verifyModels(action: ModelAction): Promise<void> {
  const { args, io } = action;
  const directory = chosenModel(action);
  const there = precisionsOf(await loadManifest(directory));
  const outcomes: Outcome[] = [];
  let reference: Verification | undefined;
  const exact: Trial = { place: { provider: 'cpu' }, precision: there[0]! };
  for (const trial of [exact, ...trialsOf(action, there).filter((one) => !isSame(one, exact))]) {
    const outcome = await attempt({ directory, ...trial, reference, action });
    if (outcome.kind === 'passed') reference ??= outcome.verification;
    outcomes.push(outcome);
  }
  if (args.flags.has('json')) {
    io.stdout.write(`${JSON.stringify({ version: 1, directory, outcomes }, withoutLogits, 2)}\n`);
  } else print(outcomes, io);
  const isAsked = args.lists.has('precision');
  const first = outcomes.find(({ kind }) => kind !== 'passed' && (isAsked || kind !== 'no kernels'));
  if (first === undefined || first.kind === 'passed') return;
  throw new SegmentationError(
    first.kind === 'absent' ? 'provider-unavailable' : 'model-load-failed',
    first.message,
  );
}

/** A place and a precision to try a model in. */
type Trial = { readonly place: Place; readonly precision: Precision };

function trialsOf(action: ModelAction, there: readonly Precision[]): Trial[] {
  return chosenPlaces(action).flatMap((place) =>
    chosenPrecisions(action, place, there).map((precision) => ({ place, precision })),
  );
}

function isSame(one: Trial, other: Trial): boolean {
  return (
    one.precision === other.precision &&
    one.place.placement === undefined &&
    one.place.provider === other.place.provider
  );
}

async function attempt(what: {
  readonly directory: string;
  readonly place: Place;
  readonly precision: Precision;
  readonly reference: Verification | undefined;
  readonly action: ModelAction;
}): Promise<Outcome> {
  const { directory, place, precision, reference, action } = what;
  const { args, io } = action;
  const { signal } = io;
  const line = createProgressLine(io);
  const label = `${nameOf(place)} ${precision}`;
  try {
    const verification = await verifyModel({
      directory,
      ...place,
      precision,
      signal,
      // On the CPU alone all operators run there, and only --json says so.
      countsPlaces: place.provider !== 'cpu' || !!place.placement || args.flags.has('json'),
      onStep: (step) => line.draw({ label, ...step, detail: step.what, unit: 'steps' }),
      ...(reference === undefined ? {} : { reference }),
    });
    return { kind: 'passed', verification };
  } catch (reason) {
    signal.throwIfAborted();
    const message = reason instanceof Error ? reason.message : String(reason);
    const kind = lacksKernels.test(message)
      ? 'no kernels'
      : isAbsent(reason)
        ? 'absent'
        : 'failed';
    return { kind, provider: nameOf(place), precision, message };
  } finally {
    line.clear();
  }
}

function nameOf({ provider, placement }: Place): string {
  return placement === undefined ? provider : `${provider} with a placement`;
}

function print(outcomes: readonly Outcome[], io: ModelAction['io']): void {
  const rows = outcomes.map((outcome) => {
    if (outcome.kind !== 'passed') return [outcome.provider, outcome.precision, outcome.kind];
    const { provider, precision, selfTestIou, loadMs, answerMs, agreement } = outcome.verification;
    return [
      provider,
      precision,
      selfTestIou.toFixed(3),
      `${loadMs.toFixed(0)} ms`,
      `${answerMs.toFixed(0)} ms`,
      agreementText(agreement, 'the reference'),
    ];
  });
  const header = ['provider', 'precision', 'self-test IoU', 'load', 'answer', 'against the reference'];
  io.stdout.write(textTable(header, rows));
  for (const outcome of outcomes) {
    if (outcome.kind === 'passed') printMemory(outcome.verification, io);
    if (outcome.kind === 'passed') printPlaces(outcome.verification, io);
    else io.stdout.write(`\n${outcome.provider}: ${outcome.kind}: ${outcome.message}\n`);
  }
}

/** How a memory follows the generated object: frame by frame, the box's first. */
function printMemory({ provider, precision, memory }: Verification, io: ModelAction['io']): void {
  if (!memory) return;
  const ious = memory.map(({ iou }) => iou.toFixed(2)).join(' ');
  const isShort = memory.length < goldenMemoryFrames;
  const of = isShort ? ` of ${goldenMemoryFrames}, since an answer takes long` : '';
  io.stdout.write(`\nmemory over ${memory.length} frames${of}, ${provider}, ${precision}: IoU ${ious}\n`);
}

/** Where operators ran: only of interest where a provider could leave some to the CPU. */
function printPlaces({ provider, places }: Verification, io: ModelAction['io']): void {
  if (provider === 'cpu') return;
  io.stdout.write(`\noperators of ${provider}\n`);
  for (const [role, counts] of Object.entries(places)) {
    const text =
      'error' in counts
        ? `not counted: ${String(counts.error)}`
        : Object.entries(counts)
            .map(([place, count]) => `${place} ${count}`)
            .join(', ');
    io.stdout.write(`  ${role}: ${text}\n`);
  }
}
