import type { AnsweredFrame, Output } from '../../formats/answered-frame.ts';
import type { PlannedPrompt } from '../../calls/planned-prompt.ts';

/** Which phrases found something in one input. */
export type PhraseWatch = {
  /** The output, watched. */
  readonly output: Output;
  /** Phrases that found nothing so far, as they were asked. */
  unanswered(): string[];
};

/** Watches what goes to `output` for the objects of each phrase. */
export function watchPhrases(output: Output, prompts: readonly PlannedPrompt[]): PhraseWatch {
  const waiting = new Set(prompts.flatMap(({ text }) => (text === null ? [] : [text])));
  const see = (frame: AnsweredFrame): void => {
    for (const text of waiting) {
      const end = text.firstObjectId + text.maxObjects;
      const found = frame.objects.some(
        ({ objectId, area }) => objectId >= text.firstObjectId && objectId < end && area > 0,
      );
      if (found) waiting.delete(text);
    }
  };
  return {
    output: {
      open: (header) => output.open(header),
      write: async (frame) => {
        see(frame);
        await output.write(frame);
      },
      close: () => output.close(),
      discard: () => output.discard(),
    },
    unanswered: () => [...waiting].map(({ phrase }) => phrase),
  };
}
