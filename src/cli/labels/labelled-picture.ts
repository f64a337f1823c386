import type { Size } from '../../frame/geometry.ts';
import type { PlannedPrompt } from '../../calls/planned-prompt.ts';

/** One object as a label file draws it. */
export type LabelledObject = {
  /** What it is called on all pictures of its video; null where the file does not say. */
  readonly id: number | null;
  readonly label: string | null;
  readonly prompts: Partial<PlannedPrompt['prompts']>;
};

/** One picture of a label file, which may show nothing. */
export type LabelledPicture = {
  /** As the file has it, folders included. */
  readonly fileName: string;
  readonly size: Size;
  readonly objects: readonly LabelledObject[];
};

/** What labelling tools and `segment --format` write. */
export type Labels = {
  /** The file or folder, for messages. */
  readonly file: string;
  readonly pictures: readonly LabelledPicture[];
};
