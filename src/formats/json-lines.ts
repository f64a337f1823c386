import type { Output, StreamHeader } from './answered-frame.ts';
import { framesJsonEntry } from './frames-json.ts';

/**
 * Writes each frame as a line of JSON as it comes, as it stands in `frames.json`, and passes it on.
 *
 * @param options.input name that each line gets, where there are several inputs
 */
export function createJsonLines(
  output: Output,
  options: { readonly writeLine: (line: string) => Promise<void>; readonly input?: string },
): Output {
  let header: StreamHeader | null = null;
  const { input, writeLine } = options;
  const prefix = input === undefined ? '{' : `{"input":${JSON.stringify(input)},`;
  return {
    async open(streamHeader) {
      header = streamHeader;
      await output.open(streamHeader);
    },
    async write(frame) {
      const entry = framesJsonEntry(frame, header ?? frame.size);
      await writeLine(`${prefix}${entry.slice(1)}\n`);
      await output.write(frame);
    },
    close: () => output.close(),
    discard: () => output.discard(),
  };
}

/** Goes nowhere. */
export const noOutput: Output = {
  open: nothing,
  write: nothing,
  close: nothing,
  discard: nothing,
};

async function nothing(): Promise<void> {}
