// First: it must stand before anything loads the model runtime.
import './inference/engine/no-telemetry.ts';
import { runCli } from './cli/run-cli.ts';

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // A second one means it: the default action ends the process.
    if (stopping.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143);
    stopping.abort(signal);
  });
}
// A closed pipe (`maskstream eval | head`) or a full disk ends the output, not the program with a stack
// trace.
let outputFailed = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  stopping.abort(error.code);
  if (error.code === 'EPIPE' || outputFailed) return;
  outputFailed = true;
  process.exitCode = 1;
  process.stderr.write(`maskstream: standard output: ${error.message}\n`);
});

// Nor does a log that nobody reads any more, or for which there is no room: its lines are lost.
process.stderr.on('error', () => undefined);

const exitCode = await runCli(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: stopping.signal,
});
process.exitCode = outputFailed ? 1 : exitCode;

/** Between two looks at whether what was said has left, before a process ends that was asked to. */
const lingerMs = 250;

// All that is ours is closed: what a library still waits for, such as a collector of traces that never
// answers, keeps nobody who asked for the end.
if (stopping.signal.aborted) {
  setInterval(() => {
    if (process.stdout.writableLength + process.stderr.writableLength === 0) process.exit();
  }, lingerMs).unref();
}
