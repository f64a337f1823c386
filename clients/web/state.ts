import type { DescribedObject } from '../../src/formats/answered-frame.ts';
import type { Size } from '../../src/frame/geometry.ts';
import type { ModelSummary, PagePrompt, Phase } from './messages.ts';
import type { FrameSummary, Statistics, ViewMode } from './summaries.ts';

/** What a pointer on the picture does. */
export type Tool = 'click' | 'box' | 'brush';

/** An object as the user knows it. */
export type PageObject = {
  readonly id: number;
  /** The user's name; empty: "Object N". */
  name: string;
  hidden: boolean;
  removed: boolean;
  /** Prompts that made it, newest last: what undo takes back. */
  readonly prompts: PagePrompt[];
  latest: DescribedObject | null;
};

/** Everything that the page shows; panels are drawn anew from it after each change. */
export type State = {
  phase: Phase;
  message: string;
  /** What is being segmented; null before the first choice. */
  source: { readonly kind: 'camera' | 'sample' | 'file' | 'image'; readonly name: string } | null;
  model: ModelSummary | null;
  needsToken: boolean;
  size: Size;
  tool: Tool;
  /** Clicks say what does not belong to the object. */
  negative: boolean;
  view: ViewMode;
  /** The object that clicks refine; null: the next click makes a new one. */
  selected: number | null;
  readonly objects: Map<number, PageObject>;
  /** Words that are still looked for may use ids up to this one. */
  lastReservedId: number;
  /** Answered frames, newest last, in their newest revision; bounded. */
  readonly history: FrameSummary[];
  shown: number | null;
  /** The held frame that the user looks at; null: the newest. */
  chosen: number | null;
  held: { readonly first: number; readonly last: number } | null;
  paused: boolean;
  recording: boolean;
  statistics: Statistics | null;
  readonly problems: string[];
};

/** Frames that the timelines go back. */
export const maxHistory = 600;

/** Problems that are shown at a time. */
const maxProblems = 3;

/** A page that has just been opened. */
export function initialState(): State {
  return {
    phase: 'loading',
    message: 'Connecting…',
    source: null,
    model: null,
    needsToken: false,
    size: { width: 640, height: 360 },
    tool: 'click',
    negative: false,
    view: 'overlay',
    selected: null,
    objects: new Map(),
    lastReservedId: 0,
    history: [],
    shown: null,
    chosen: null,
    held: null,
    paused: false,
    recording: false,
    statistics: null,
    problems: [],
  };
}

/** Forgets what belongs to a source, before another one. */
export function forgetSource(state: State): void {
  state.objects.clear();
  state.lastReservedId = 0;
  state.history.length = 0;
  state.selected = null;
  state.shown = null;
  state.chosen = null;
  state.held = null;
  state.paused = false;
  state.statistics = null;
  state.problems.length = 0;
}

/** Takes an answered frame: the history, and what is known of each object. */
export function addFrame(state: State, frame: FrameSummary): void {
  const { history } = state;
  const at = history.findLastIndex(({ frameIndex }) => frameIndex <= frame.frameIndex);
  if (history[at]?.frameIndex === frame.frameIndex) history[at] = frame;
  else history.splice(at + 1, 0, frame);
  if (history.length > maxHistory) history.shift();
  for (const summary of frame.objects) {
    const object = state.objects.get(summary.objectId) ?? addObject(state, summary.objectId);
    if (history.at(-1) === frame) object.latest = summary;
    if (object.name === '' && summary.label !== null) object.name = summary.label;
  }
}

/** Adds an object under an id. */
export function addObject(state: State, id: number): PageObject {
  const object: PageObject = {
    id,
    name: '',
    hidden: false,
    removed: false,
    prompts: [],
    latest: null,
  };
  state.objects.set(id, object);
  return object;
}

/** The next id that no object has had, or may get. */
export function nextObjectId(state: State): number {
  return Math.max(state.lastReservedId, ...state.objects.keys()) + 1;
}

/** Objects that are still followed, by id. */
export function liveObjects(state: State): PageObject[] {
  return [...state.objects.values()]
    .filter(({ removed }) => !removed)
    .toSorted((a, b) => a.id - b.id);
}

/** What the user calls an object. */
export function nameOf(object: PageObject): string {
  return object.name === '' ? `Object ${object.id}` : object.name;
}

/** Shows a problem no more. */
export function removeProblem(state: State, message: string): void {
  const at = state.problems.indexOf(message);
  if (at >= 0) state.problems.splice(at, 1);
}

/** Shows a problem; the newest are kept. */
export function addProblem(state: State, message: string): void {
  if (state.problems.includes(message)) return;
  state.problems.push(message);
  if (state.problems.length > maxProblems) state.problems.shift();
}
