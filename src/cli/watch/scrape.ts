import { SegmentationError } from '../../frame/errors.ts';

/** One sample of Prometheus' text format. */
export type Sample = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
};

/** All samples of one look at a server. */
export type Scrape = { readonly atMs: number; readonly samples: readonly Sample[] };

/** Longest that a server may take to answer. */
const timeoutMs = 5000;

/**
 * Asks a server's metrics port. Throws `unhealthy` where nobody answers or something else
 * does.
 */
export async function scrape(address: string, signal: AbortSignal): Promise<Scrape> {
  const url = `http://${address}/metrics`;
  let text: string;
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const response = await fetch(url, { signal: limit });
    text = await response.text();
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
  } catch (cause) {
    signal.throwIfAborted();
    const reason = cause instanceof Error ? reasonOf(cause) : String(cause);
    const message = `expected the metrics of a server at ${url}, got ${reason}`;
    throw new SegmentationError('unhealthy', message, { cause });
  }
  const samples = readSamples(text);
  if (!samples.some(({ name }) => name === 'maskstream_ready')) {
    throw new SegmentationError('unhealthy', `expected a maskstream server at ${url}, got another`);
  }
  return { atMs: performance.now(), samples };
}

/** What fetch hides below "fetch failed". */
function reasonOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}

/** Reads Prometheus' text format (version 0.0.4), comments left out. */
export function readSamples(text: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] =
      /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/.exec(line) ?? [];
    if (name === undefined || value === undefined) return [];
    return [{ name, labels: readLabels(labels), value: readNumber(value) }];
  });
}

function readLabels(text: string): Record<string, string> {
  const pairs = text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g);
  return Object.fromEntries(
    [...pairs].map(([, name = '', value = '']) => [
      name,
      value.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped)),
    ]),
  );
}

function readNumber(text: string): number {
  if (text === '+Inf') return Infinity;
  return text === '-Inf' ? -Infinity : Number(text);
}

/** Sum of the samples of one name that have these labels. */
export function sum(
  { samples }: Scrape,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const wanted = Object.entries(labels);
  let total = 0;
  for (const sample of samples) {
    const fits = wanted.every(([label, value]) => sample.labels[label] === value);
    if (sample.name === name && fits) total += sample.value;
  }
  return total;
}
