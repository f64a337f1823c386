import { SegmentationError, usageError } from '../frame/errors.ts';
import { packageVersion } from '../package-root.ts';
import type { CommandIo } from './command.ts';
import { helpText, parseArguments } from './command.ts';
import { commands, loadCommands } from './commands.ts';

/** How a process of `maskstream` ends. */
const exitCodes = { ok: 0, failed: 1, usage: 2 } as const;

/** Runs one command line and returns the exit code; errors are one line on stderr. */
export async function runCli(words: readonly string[], io: CommandIo): Promise<number> {
  try {
    await dispatch(words, io);
    return exitCodes.ok;
  } catch (reason) {
    // It knows the errors of the client library, which is large: only a run that fails loads it.
    const { describeError, isCancellation } = await import('./describe-error.ts');
    if (io.signal.aborted && isCancellation(reason)) {
      io.stderr.write('maskstream: stopped\n');
      return exitCodes.failed;
    }
    const usage = reason instanceof SegmentationError && reason.code === 'usage';
    io.stderr.write(`maskstream: ${describeError(reason)}\n`);
    if (usage) io.stderr.write('Run maskstream --help, or maskstream COMMAND --help.\n');
    return usage ? exitCodes.usage : exitCodes.failed;
  }
}

async function dispatch(words: readonly string[], io: CommandIo): Promise<void> {
  const [name, ...rest] = words;
  if (name === '--version') {
    io.stdout.write(`${packageVersion()}\n`);
    return;
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    io.stdout.write(overview());
    return;
  }
  const entry = commands.find((candidate) => candidate.name === name);
  if (entry === undefined) {
    const names = commands.map((candidate) => candidate.name).join(', ');
    throw usageError(
      name === undefined
        ? `expected a command (${names}), got none`
        : `expected a command (${names}), got "${name}"`,
    );
  }
  const command = await entry.load();
  if (rest.includes('--help') || rest.includes('-h')) {
    io.stdout.write(helpText(entry.summary, command));
    return;
  }
  const args = parseArguments(command, rest);
  const { withConfigFile } = await import('./config-file/with-config-file.ts');
  await command.run(await withConfigFile(args, command, loadCommands), io);
}

function overview(): string {
  return [
    'Encoded video and prompts in, one mask per object and frame out, with a calibrated confidence.',
    '',
    'Usage:',
    '  maskstream COMMAND [options]',
    '',
    'Commands:',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(10)}${summary}`),
    '',
    'maskstream COMMAND --help lists the options of a command; maskstream --version the version.',
    'Exit codes: 0 done, 1 the run failed, 2 the command line is wrong.',
    '',
  ].join('\n');
}
