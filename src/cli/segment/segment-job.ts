import type { SegmentationClient } from '../../../clients/typescript/index.ts';
import type { Arguments, CommandIo } from '../command.ts';
import type { InputProgress } from './batch/batch-progress.ts';
import type { InputPrompts } from './input-prompts.ts';

/** What every input of one command line shares. */
export type SegmentJob = {
  readonly args: Arguments;
  readonly io: CommandIo;
  /** Frames a second from the command line; null where it does not say. */
  readonly frameRate: number | null;
  readonly client: SegmentationClient;
};

/** The same with what one input has of its own. */
export type InputJob = SegmentJob & InputPrompts & { readonly progress: InputProgress };
