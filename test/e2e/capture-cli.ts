import { Writable } from 'node:stream';
import { runCli } from '../../src/cli/run-cli.ts';

/** How a command line ended. */
export type CliRun = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs a command line inside this process, without a terminal. */
export async function captureCli(
  words: readonly string[],
  signal: AbortSignal = new AbortController().signal,
): Promise<CliRun> {
  const stdout = sink();
  const stderr = sink();
  const code = await runCli(words, { stdout: stdout.stream, stderr: stderr.stream, signal });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

function sink(): { readonly stream: Writable; text(): string } {
  const parts: Buffer[] = [];
  const stream = new Writable({
    write(part: Buffer, _encoding, done) {
      parts.push(part);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(parts).toString() };
}
