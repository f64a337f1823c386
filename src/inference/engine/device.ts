import type { InferenceSession } from './onnxruntime.ts';

/** Where sessions run: an execution provider, and which of its devices; null: the provider's first. */
export type Device = { readonly provider: string; readonly index: number | null };

/** Providers whose devices the runtime's binding can tell apart. */
const numbered: ReadonlySet<string> = new Set(['cuda', 'tensorrt', 'dml']);

/** The CPU. */
export const cpu: Device = { provider: 'cpu', index: null };

/**
 * A device by its name, `cuda` or `cuda:1`. A string where it is none: what is wrong with it, for the
 * caller's error.
 */
export function parseDevice(name: string): Device | string {
  const match = /^([a-z]+)(?::(\d{1,3}))?$/.exec(name);
  if (match === null) return `expected a device such as cpu or cuda:1, got "${name}"`;
  const [, provider = '', digits] = match;
  if (digits === undefined) return { provider, index: null };
  if (numbered.has(provider)) return { provider, index: Number(digits) };
  return `expected a number only behind ${[...numbered].join(', ')}, got "${name}"`;
}

/** The name that {@link parseDevice} reads. */
export function deviceName({ provider, index }: Device): string {
  return index === null ? provider : `${provider}:${index}`;
}

/** One provider a session: with two GPU providers the runtime makes a session that cannot run. */
export function executionProviders({
  provider,
  index,
}: Device): InferenceSession.ExecutionProviderConfig[] {
  if (index === null) return [provider];
  const placed: InferenceSession.CudaExecutionProviderOption = {
    // The types know each provider by its own name; all that are numbered take the same option.
    name: provider as 'cuda',
    deviceId: index,
  };
  return [placed];
}
