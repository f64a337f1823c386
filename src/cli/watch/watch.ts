import { setTimeout as pause } from 'node:timers/promises';
import { usageError } from '../../frame/errors.ts';
import type { Command, CommandIo } from '../command.ts';
import { type Overview, overviewOf, rowsOf } from './overview.ts';
import { type Scrape, scrape } from './scrape.ts';

const defaultAddress = '127.0.0.1:9464';

const clearScreen = '\u001B[H\u001B[J';

/** `maskstream watch` */
export const watchCommand: Command = {
  usage: ['maskstream watch [HOST:PORT] [options]'],
  maxPositionals: 1,
  options: {
    interval: { kind: 'text', placeholder: 'SECONDS', help: 'Time between looks. Default: 2.' },
    count: { kind: 'text', placeholder: 'N', help: 'End after so many looks. Default: never.' },
    json: { kind: 'flag', help: 'One JSON object a look on stdout, instead of the table.' },
  },
  epilogue: `HOST:PORT is the server's metrics port (serve --metrics-port). Default: ${defaultAddress}.
On a terminal the table is drawn over; elsewhere one follows the other. A server that does not
answer is asked again. Exit code 1 where it never did.`,
  run: async (args, io) => {
    const address = args.positionals[0] ?? defaultAddress;
    const intervalMs = 1000 * numberOf(args.texts.get('interval') ?? '2', 'interval');
    const count = numberOf(args.texts.get('count') ?? 'Infinity', 'count');
    const isJson = args.flags.has('json');
    let before = await scrape(address, io.signal);
    for (let looks = 0; looks < count; looks++) {
      if (!(await wait(intervalMs, io.signal))) return;
      const now = await scrapeAgain(address, io);
      if (now === null) continue;
      const overview = overviewOf(before, now);
      before = now;
      if (isJson) io.stdout.write(`${JSON.stringify(overview)}\n`);
      else draw(address, overview, io);
    }
  },
};

function numberOf(text: string, option: string): number {
  const value = Number(text);
  if (value > 0) return value;
  throw usageError(`--${option}: expected a number above 0, got ${JSON.stringify(text)}`);
}

/** False where it was interrupted: that is how a watch ends. */
async function wait(ms: number, signal: AbortSignal): Promise<boolean> {
  return await pause(ms, true, { signal }).catch(() => false);
}

/** Null where the server does not answer now: it may be starting again. */
async function scrapeAgain(address: string, io: CommandIo): Promise<Scrape | null> {
  try {
    return await scrape(address, io.signal);
  } catch (reason) {
    if (!io.signal.aborted && reason instanceof Error) io.stderr.write(`${reason.message}\n`);
    return null;
  }
}

function draw(address: string, overview: Overview, io: CommandIo): void {
  const rows = rowsOf(overview);
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = [
    `${address}  ${new Date().toISOString()}`,
    ...rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`),
  ];
  io.stdout.write(`${io.stdout.isTTY === true ? clearScreen : ''}${lines.join('\n')}\n`);
}
