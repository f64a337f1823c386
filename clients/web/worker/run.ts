import type { PagePrompt } from '../messages.ts';

/** One source on its way through the server, until it ends or is stopped. */
export type Run = {
  /** Sends a prompt; its answer comes as `acknowledged` or `refused`. */
  prompt(requestId: number, prompt: PagePrompt): void;
  /** Holds sending, and so answers, until it is taken back. */
  pause(paused: boolean): void;
  /** Ends it at once. */
  stop(): void;
};
