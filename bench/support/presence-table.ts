import { cell, markdownTable } from './markdown-table.ts';

/** What the service said of one object's presence on one frame, and the truth. */
export type PresenceFrame = {
  readonly presence: number;
  /** In pixels; 0 where the object is not in sight. */
  readonly trueArea: number;
  /** The answer has a mask. */
  readonly isAnswered: boolean;
};

/** Presence up to which it says "not there" with .95. */
const absentPresence = 0.05;

/** Shares of frames on which `presence` says "not there", over those where it is true and where not. */
export function presenceTable(frames: readonly PresenceFrame[]): string {
  const hidden = frames.filter(({ trueArea }) => trueArea === 0);
  const visible = frames.filter(({ trueArea }) => trueArea > 0);
  const says = (all: readonly PresenceFrame[]) =>
    all.filter(({ presence }) => presence <= absentPresence).length;
  const said = says(hidden) + says(visible);
  const bins = [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.01].slice(1).map((to, i, tops) => {
    const from = tops[i - 1] ?? -1;
    const inside = frames.filter(({ presence }) => presence > from && presence <= to);
    const there = inside.filter(({ trueArea }) => trueArea > 0).length;
    return [`up to ${Math.min(1, to)}`, String(inside.length), share(there, inside.length)];
  });
  const columns = ['hidden frames', '"not there" on', 'of them', 'wrong, of all said'];
  const row = [
    String(hidden.length),
    String(says(hidden)),
    share(says(hidden), hidden.length),
    share(says(visible), said),
  ];
  return `${markdownTable(columns, [row])}\n\n${markdownTable(['presence', 'frames', 'in sight'], bins)}`;
}

function share(part: number, whole: number): string {
  return whole === 0 ? '–' : cell(part / whole, 3);
}
