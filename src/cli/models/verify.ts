import { SegmentationError } from '../../frame/errors.ts';
import { loadManifest, verifyModel, type Precision, type Verification } from '../../inference/index.ts';
import {
  chosenModel,
  chosenPlaces,
  isAbsent,
  textTable,
  type ModelAction,
  type Place,
} from './action.ts';

/** One provider and precision: what came of it. */
type Outcome =
  | { readonly kind: 'passed'; readonly verification: Verification }
  | {
      readonly kind: 'absent' | 'failed';
      readonly provider: string;
      readonly precision: Precision;
      readonly message: string;
    };

/**
 * `maskstream models verify`: the golden self-test on every provider, float32 on the CPU first, which
 * the others are compared with.
 */
export async function verifyModels(action: ModelAction): Promise<void> {
  const { args, io } = action;
  const directory = chosenModel(action);
  const places = chosenPlaces(action);
  const { graphs } = await loadManifest(directory);
  const hasQuantised = Object.values(graphs).some((graph) => graph?.quantised !== undefined);
  const outcomes: Outcome[] = [];
  let reference: Verification | undefined;
  const others = places.filter(({ provider, placement }) => provider !== 'cpu' || placement);
  for (const place of [{ provider: 'cpu' } satisfies Place, ...others]) {
    const isReference = place.provider === 'cpu' && place.placement === undefined;
    const precisions: Precision[] =
      isReference && hasQuantised ? ['float32', 'quantised'] : ['float32'];
    for (const precision of precisions) {
      const outcome = await attempt({ directory, place, precision, reference, action });
      if (outcome.kind === 'passed') reference ??= outcome.verification;
      outcomes.push(outcome);
    }
  }
  if (args.flags.has('json')) {
    io.stdout.write(`${JSON.stringify({ version: 1, directory, outcomes }, asPlain, 2)}\n`);
  } else print(outcomes, io);
  const first = outcomes.find((outcome) => outcome.kind !== 'passed');
  if (first === undefined) return;
  throw new SegmentationError(
    first.kind === 'absent' ? 'provider-unavailable' : 'model-load-failed',
    first.message,
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
  const { signal } = action.io;
  try {
    const verification = await verifyModel({
      directory,
      ...place,
      precision,
      signal,
      ...(reference === undefined ? {} : { reference }),
    });
    return { kind: 'passed', verification };
  } catch (reason) {
    signal.throwIfAborted();
    const message = reason instanceof Error ? reason.message : String(reason);
    return { kind: isAbsent(reason) ? 'absent' : 'failed', provider: nameOf(place), precision, message };
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
      agreement === null
        ? 'the reference'
        : `error ${agreement.relativeError.toExponential(1)}, IoU ${agreement.iou.toFixed(4)}`,
    ];
  });
  const header = ['provider', 'precision', 'self-test IoU', 'load', 'answer', 'against the reference'];
  io.stdout.write(textTable(header, rows));
  for (const outcome of outcomes) {
    if (outcome.kind === 'passed') printPlaces(outcome.verification, io);
    else io.stdout.write(`\n${outcome.provider}: ${outcome.kind}: ${outcome.message}\n`);
  }
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

/** Logits are for comparing, not for reports. */
function asPlain(key: string, value: unknown): unknown {
  return key === 'logits' ? undefined : value;
}
