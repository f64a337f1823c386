import type { SegmentationClient } from '../../../clients/typescript/index.ts';
import type { Arguments, CommandIo } from '../command.ts';
import type { PlannedPrompt } from '../../calls/planned-prompt.ts';

/** What every input of one command line shares. */
export type SegmentJob = {
  readonly args: Arguments;
  readonly io: CommandIo;
  readonly prompts: readonly PlannedPrompt[];
  /** Frames a second from the command line; null where it does not say. */
  readonly frameRate: number | null;
  readonly client: SegmentationClient;
};
