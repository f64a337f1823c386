import { publishCommand } from '../../clients/publisher/publish-command.ts';
import { CallFailed } from '../../clients/typescript/index.ts';
import { SegmentationError, usageError } from '../frame/errors.ts';
import type { Command, CommandIo } from './command.ts';
import { helpText, parseArguments } from './command.ts';
import { packageVersion } from '../package-root.ts';
import { completionCommand } from './completion.ts';
import { withConfigFile } from './config-file/with-config-file.ts';
import { describeError } from './describe-error.ts';
import { doctorCommand } from './doctor/doctor.ts';
import { demoCommand } from './demo/demo.ts';
import { evalCommand } from './eval.ts';
import { segmentCommand } from './segment/segment.ts';
import { modelsCommand } from './models/models.ts';
import { serveCommand } from './serve.ts';
import { watchCommand } from './watch/watch.ts';

/** Every word of the command line. */
export const commands: readonly Command[] = [
  serveCommand,
  segmentCommand,
  evalCommand,
  demoCommand,
  doctorCommand,
  watchCommand,
  modelsCommand,
  publishCommand,
  completionCommand(() => commands),
];

/** How a process of `maskstream` ends. */
const exitCodes = { ok: 0, failed: 1, usage: 2 } as const;

/** Runs one command line and returns the exit code; errors are one line on stderr. */
export async function runCli(words: readonly string[], io: CommandIo): Promise<number> {
  try {
    await dispatch(words, io);
    return exitCodes.ok;
  } catch (reason) {
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
  const command = commands.find((candidate) => candidate.name === name);
  if (command === undefined) {
    const names = commands.map((candidate) => candidate.name).join(', ');
    throw usageError(
      name === undefined
        ? `expected a command (${names}), got none`
        : `expected a command (${names}), got "${name}"`,
    );
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    io.stdout.write(helpText(command));
    return;
  }
  await command.run(await withConfigFile(parseArguments(command, rest), command, commands), io);
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

function isCancellation(reason: unknown): boolean {
  if (reason instanceof SegmentationError) {
    return reason.code === 'cancelled' || reason.code === 'shutting-down';
  }
  if (reason instanceof CallFailed) return reason.status === 'CANCELLED';
  return reason instanceof Error && reason.name === 'AbortError';
}
