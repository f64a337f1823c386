import type { Frame } from '../../frame/frame.ts';
import type { ResumeState } from '../session-types.ts';
import { discardItem, type ResumedFrame, type ScheduledItem } from './schedule-frames.ts';

/**
 * The frames of a resumed stream that are answered: those after the one that the resume state belongs
 * to. The first of them carries the frames before it that are needed: those that show how objects
 * look, and that one. The others are freed: an earlier stream answered them.
 */
export async function* resumeAfter(
  items: AsyncIterable<ScheduledItem>,
  state: ResumeState,
): AsyncGenerator<ScheduledItem, void, undefined> {
  const references = new Set(state.objects.map(({ reference }) => reference?.frameIndex));
  let earlier: readonly ResumedFrame[] = [];
  let format: Extract<ScheduledItem, { kind: 'frame' }>['format'] = null;
  let resumed = false;
  try {
    for await (const item of items) {
      if (resumed || item.kind !== 'frame') {
        yield item;
        continue;
      }
      const holdsMasks = isUpTo(state, item.frame);
      const isReference = references.has(item.frame.index);
      if (holdsMasks || isReference) {
        format = item.format ?? format;
        earlier = [...withoutLast(earlier, references, holdsMasks), { item, holdsMasks }];
        continue;
      }
      resumed = true;
      const first = { ...item, format: item.format ?? format, resumedFrom: earlier };
      earlier = [];
      yield first;
    }
    if (earlier.length === 0) return;
    const last = { kind: 'resume', resumedFrom: earlier } as const;
    earlier = [];
    yield last;
  } finally {
    discardItem({ kind: 'resume', resumedFrom: earlier });
  }
}

function isUpTo({ at }: ResumeState, frame: Frame): boolean {
  switch (at.kind) {
    case 'next':
      return false;
    case 'frame':
      return frame.index <= at.frameIndex;
    case 'timestamp':
      return frame.timestampUs <= at.timestampUs;
  }
}

/** Of the frames up to the one that holds the masks, only that one does, and references stay. */
function withoutLast(
  earlier: readonly ResumedFrame[],
  references: ReadonlySet<number | undefined>,
  isReplaced: boolean,
): readonly ResumedFrame[] {
  const last = earlier.at(-1);
  if (!isReplaced || last?.holdsMasks !== true) return earlier;
  const before = earlier.slice(0, -1);
  if (references.has(last.item.frame.index)) return [...before, { ...last, holdsMasks: false }];
  last.item.frame.close();
  return before;
}
