import { publishSummary } from '../../clients/publisher/publish-summary.ts';
import type { Command, NamedCommand } from './command.ts';

/** One word of the command line: `maskstream NAME`. */
export type CommandEntry = {
  readonly name: string;
  /** One sentence for the overview. */
  readonly summary: string;
  /** Its modules are loaded when it is asked for: the overview needs none of them. */
  readonly load: () => Promise<Command>;
};

/** Every word of the command line, in the order of the overview. */
export const commands: readonly CommandEntry[] = [
  {
    name: 'serve',
    summary: 'Serves the gRPC service until SIGTERM, then drains.',
    load: async () => (await import('./serve.ts')).serveCommand,
  },
  {
    name: 'segment',
    summary:
      'Segments videos or images into masks/NNNNN.png + frames.json, a .zip of them, or an overlay .mp4.',
    load: async () => (await import('./segment/segment.ts')).segmentCommand,
  },
  {
    name: 'eval',
    summary:
      'Measures accuracy, calibration and cost on clips with true masks, through a real server.',
    load: async () => (await import('./eval.ts')).evalCommand,
  },
  {
    name: 'demo',
    summary:
      'Films a made-up scene whose true masks are known, streams it live and shows what came back.',
    load: async () => (await import('./demo/demo.ts')).demoCommand,
  },
  {
    name: 'doctor',
    summary: 'Says what is here, what a server would use of it, and what is wrong.',
    load: async () => (await import('./doctor/doctor.ts')).doctorCommand,
  },
  {
    name: 'watch',
    summary: 'Shows what a server does, from its metrics, until it is interrupted.',
    load: async () => (await import('./watch/watch.ts')).watchCommand,
  },
  {
    name: 'models',
    summary: 'Lists, fetches, checks and measures models.',
    load: async () => (await import('./models/models.ts')).modelsCommand,
  },
  {
    name: 'publish',
    summary: publishSummary,
    load: async () => (await import('../../clients/publisher/publish-command.ts')).publishCommand,
  },
  {
    name: 'completion',
    summary: 'Prints a script with which a shell completes commands, options and their values.',
    load: async () => (await import('./completion.ts')).completionCommand(loadCommands),
  },
];

/** Loads all commands, for what speaks of the options of each. */
export function loadCommands(): Promise<readonly NamedCommand[]> {
  return Promise.all(commands.map(async ({ name, load }) => ({ name, ...(await load()) })));
}
