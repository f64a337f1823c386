import type { Config } from '../../config.ts';
import { SegmentationError, usageError } from '../../frame/errors.ts';
import { parsePlacement, type Agreement, type Placement, type Precision } from '../../inference/index.ts';
import { modelDirectory } from '../../models/model-folders.ts';
import type { Arguments, CommandIo } from '../command.ts';

/** What every action of `maskstream models` gets. */
export type ModelAction = {
  readonly args: Arguments;
  readonly io: CommandIo;
  /** The word after the action's. */
  readonly subject: string | null;
  readonly config: Config;
};

/** The folder of the model that was named, or of the one that a server would serve. */
export function chosenModel({ subject, config }: ModelAction): string {
  return modelDirectory(subject ?? config.model, config.modelCache);
}

/** Where a model is to be tried: a provider, and which parts go elsewhere. */
export type Place = { readonly provider: string; readonly placement?: Placement };

/**
 * Providers that were asked for, or the one that a server would use. A placement is one place, on top
 * of a single provider. Throws `usage`.
 */
export function chosenPlaces({ args, config }: ModelAction): readonly Place[] {
  const providers = args.lists.get('provider') ?? [config.provider];
  const text = args.texts.get('placement') ?? config.placement;
  if (text === null) return providers.map((provider) => ({ provider }));
  if (providers.length > 1) throw usageError('--placement: expected one --provider beside it');
  return [{ provider: providers[0]!, placement: parsePlacement(text) }];
}

/**
 * Precisions to try a model in at a place: those that were asked for, or all that it has; 8-bit
 * integers unasked on the CPU alone, which has the kernels. Throws `usage`.
 */
export function chosenPrecisions(
  { args }: ModelAction,
  { provider, placement }: Place,
  there: readonly Precision[],
): readonly Precision[] {
  const asked = args.lists.get('precision');
  if (asked === undefined) {
    const isCpu = provider === 'cpu' && placement === undefined;
    return there.filter((name) => isCpu || name !== 'int8');
  }
  return asked.map((name) => {
    const found = there.find((precision) => precision === name);
    if (found !== undefined) return found;
    throw usageError(`--precision: expected one that the model has (${there.join(', ')}), got "${name}"`);
  });
}

/** Whether an error says only that a provider is not here. */
export function isAbsent(reason: unknown): reason is SegmentationError {
  return reason instanceof SegmentationError && reason.code === 'provider-unavailable';
}

/** A whole number of an option. */
export function countOption(args: Arguments, name: string, fallback: number): number {
  const text = args.texts.get(name);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 10_000) {
    throw usageError(`--${name}: expected a number from 1 to 10000, got "${text}"`);
  }
  return value;
}

/** How far an answer agrees with the one it was compared with; `reference` where it is that one. */
export function agreementText(agreement: Agreement | null, reference: string): string {
  if (agreement === null) return reference;
  const { memory } = agreement;
  const own = figures(agreement);
  return memory ? `${own}; memory: ${figures(memory)}` : own;
}

function figures({ relativeError, iou }: Omit<Agreement, 'memory'>): string {
  return `error ${relativeError.toExponential(1)}, IoU ${iou.toFixed(4)}`;
}

/** For JSON: logits are for comparing, not for reports. */
export function withoutLogits(key: string, value: unknown): unknown {
  return key === 'logits' ? undefined : value;
}

/** Rows under a header, in columns as wide as their longest cell. */
export function textTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, i) => Math.max(...all.map((row) => (row[i] ?? '').length)));
  return all
    .map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join('  ').trimEnd())
    .join('\n')
    .concat('\n');
}
