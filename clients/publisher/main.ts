import { helpText, parseArguments } from '../../src/cli/command.ts';
import { describeError } from '../../src/cli/describe-error.ts';
import { SegmentationError } from '../../src/frame/errors.ts';
import { publishCommand } from './publish-command.ts';
import { publishSummary } from './publish-summary.ts';

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // A second one means it: the default action ends the process.
    if (stopping.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143);
    stopping.abort(signal);
  });
}
// A closed pipe ends the output, not the program with a stack trace.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') stopping.abort('EPIPE');
  else throw error;
});

/** `maskstream-publish`, for machines that have cameras and no server. */
const words = process.argv.slice(2);
if (words.includes('--help') || words.includes('-h')) {
  process.stdout.write(
    helpText(publishSummary, publishCommand).replaceAll('maskstream publish', 'maskstream-publish'),
  );
} else {
  try {
    const { stdin, stdout, stderr } = process;
    const io = { stdin, stdout, stderr, signal: stopping.signal };
    await publishCommand.run(parseArguments(publishCommand, words), io);
  } catch (reason) {
    const isUsage = reason instanceof SegmentationError && reason.code === 'usage';
    process.stderr.write(`maskstream-publish: ${describeError(reason)}\n`);
    process.exitCode = isUsage ? 2 : 1;
  }
}
