import type { Output, StreamHeader } from '../../formats/answered-frame.ts';

/**
 * The same output, opened when the first frame comes: one that replaces what was there leaves it
 * alone where a run fails before that, as with a box outside the picture.
 */
export function openAtFirstFrame(output: Output): Output {
  let waiting: StreamHeader | undefined;
  const begin = async () => {
    if (waiting === undefined) return;
    const header = waiting;
    waiting = undefined;
    await output.open(header);
  };
  return {
    async open(header) {
      waiting = header;
    },
    async write(frame) {
      await begin();
      await output.write(frame);
    },
    async close() {
      await begin();
      await output.close();
    },
    discard: () => output.discard(),
  };
}
