import { render } from 'lit-html';
import type { FromWorker, SourceRequest, ToWorker } from './messages.ts';
import { type Actions, sidePanel, topBar } from './panels.ts';
import { openCamera } from './camera.ts';
import { OverlayRecorder } from './overlay-recorder.ts';
import { Prompter } from './prompter.ts';
import { Stage } from './stage.ts';
import { addFrame, addProblem, forgetSource, initialState, removeProblem } from './state.ts';
import { drawTrack, frameAt, timelines } from './timeline.ts';

const state = initialState();
const worker = new Worker('worker.js', { type: 'module' });
const picture = element('picture') as HTMLCanvasElement;
const marks = element('marks') as HTMLCanvasElement;
const recorder = new OverlayRecorder(picture, save);
const prompter = new Prompter(state, tell);
let stopCamera: (() => void) | null = null;
let drawing = false;
let waiting = false;

/** Time between two drawings of the panels while frames come; drawing them takes from the masks. */
const figuresMs = 100;

/** Messages that come with every frame. */
const perFrame: ReadonlySet<FromWorker['kind']> = new Set(['frame', 'held', 'shown']);

const stage = new Stage({
  canvas: marks,
  tool: () => state.tool,
  negative: () => state.negative,
  onGesture: (gesture) =>
    change(() => {
      prompter.act(gesture);
      // A correction is watched from its frame on.
      if (state.chosen !== null && !state.paused) followNewest();
    }),
});

const actions: Actions = {
  startCamera: () => void startCamera(),
  startSample: () => start({ kind: 'sample' }, 'sample', 'Sample'),
  openFile: (file) => {
    const kind = file.type.startsWith('image/') ? 'image' : 'file';
    start({ kind, file }, kind, file.name);
  },
  stop: () => {
    endCamera();
    tell({ kind: 'stop' });
    state.source = null;
    changed();
  },
  setTool: (tool) => change(() => (state.tool = tool)),
  setNegative: (negative) => change(() => (state.negative = negative)),
  setView: (view) => change(() => ((state.view = view), tellView())),
  select: (id) => change(() => (state.selected = id)),
  rename: (id, name) => change(() => (state.objects.get(id)!.name = name.trim())),
  toggleHidden: (id) =>
    change(() => {
      const object = state.objects.get(id)!;
      object.hidden = !object.hidden;
      tellView();
    }),
  remove: (id) => change(() => prompter.remove(id)),
  undo: () => change(() => prompter.undo()),
  find: (phrase) => change(() => prompter.find(phrase)),
  pause: (paused) =>
    change(() => {
      state.paused = paused;
      tell({ kind: 'pause', paused });
      if (!paused) followNewest();
    }),
  followNewest: () => change(followNewest),
  lookAt: (ratio) => change(() => lookAt(ratio)),
  step: (frames) => change(() => step(frames)),
  download: (format) => {
    const labels = [...state.objects.values()]
      .filter(({ name }) => name !== '')
      .map(({ id, name }) => [id, name] as const);
    tell({ kind: 'export', format, labels });
  },
  record: () => change(() => (state.recording = recorder.toggle())),
  giveToken: (token) =>
    change(() => {
      state.needsToken = false;
      tell({ kind: 'token', token });
    }),
  dismiss: (index) => change(() => state.problems.splice(index, 1)),
};

worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => receive(data));
worker.addEventListener('error', ({ message }) =>
  change(() => addProblem(state, `the page's worker failed: ${message}`)),
);
const canvas = picture.transferControlToOffscreen();
const address = `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}`;
worker.postMessage({ kind: 'canvas', canvas, address } satisfies ToWorker, [canvas]);
changed();

function receive(message: FromWorker): void {
  switch (message.kind) {
    case 'phase':
      state.phase = message.phase;
      state.message = message.message;
      state.needsToken = message.phase === 'idle';
      if (message.phase === 'ended') endCamera();
      announce(message.message);
      break;
    case 'model':
      state.model = message.model;
      break;
    case 'size':
      state.size = message.size;
      stage.resize(message.size);
      break;
    case 'frame':
      addFrame(state, message.frame);
      break;
    case 'held':
      state.held = message;
      break;
    case 'shown':
      state.shown = message.frameIndex;
      break;
    case 'acknowledged':
      prompter.acknowledge(message.requestId, message.objectIds);
      break;
    case 'refused':
      prompter.refuse(message.requestId, message.message);
      break;
    case 'problem':
      addProblem(state, message.message);
      break;
    case 'solved':
      removeProblem(state, message.message);
      break;
    case 'statistics':
      state.statistics = message.statistics;
      break;
    case 'exported':
      save(message.name, message.blob);
      break;
  }
  if (perFrame.has(message.kind)) changedSoon();
  else changed();
}

async function startCamera(): Promise<void> {
  endCamera();
  try {
    const camera = await openCamera();
    stopCamera = camera.stop;
    const { frames, size } = camera;
    forgetSource(state);
    state.source = { kind: 'camera', name: 'Camera' };
    const message: ToWorker = { kind: 'start', source: { kind: 'camera', frames, size } };
    worker.postMessage(message, [frames]);
  } catch (error) {
    addProblem(state, error instanceof Error ? error.message : String(error));
  }
  changed();
}

function endCamera(): void {
  stopCamera?.();
  stopCamera = null;
}

function start(source: SourceRequest, kind: 'sample' | 'file' | 'image', name: string): void {
  endCamera();
  change(() => {
    forgetSource(state);
    state.source = { kind, name };
    state.paused = kind === 'file';
    tell({ kind: 'start', source });
  });
}

function followNewest(): void {
  state.chosen = null;
  tell({ kind: 'show', frameIndex: null });
}

function lookAt(ratio: number): void {
  const frame = frameAt(state, ratio);
  const { held } = state;
  if (frame === null || held === null) return;
  if (frame.frameIndex < held.first) {
    addProblem(
      state,
      `Frame ${frame.frameIndex} is no longer held; frames ${held.first} to ${held.last} are.`,
    );
    return;
  }
  choose(frame.frameIndex);
}

function step(frames: number): void {
  const { chosen, held, shown } = state;
  const from = chosen ?? shown;
  if (held === null || from === null) return;
  choose(Math.min(Math.max(from + frames, held.first), held.last));
}

function choose(frameIndex: number): void {
  state.chosen = frameIndex;
  tell({ kind: 'show', frameIndex });
}

function tellView(): void {
  const hidden = [...state.objects.values()].filter((object) => object.hidden).map(({ id }) => id);
  tell({ kind: 'view', mode: state.view, hidden });
}

function tell(message: ToWorker): void {
  worker.postMessage(message);
}

function change(make: () => unknown): void {
  make();
  changed();
}

/** Draws the panels anew, once for all changes of a turn of the display. */
function changed(): void {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    render(topBar(state, actions), element('top'));
    render(sidePanel(state, actions), element('panel'));
    render(timelines(state, actions), element('timeline'));
    element('frame').classList.toggle('empty', state.source === null && state.history.length === 0);
    for (const track of document.querySelectorAll<HTMLCanvasElement>('canvas[data-track]')) {
      drawTrack(track, state, Number(track.dataset.track));
    }
  });
}

/** For what comes with every frame: nobody reads figures that change more often. */
function changedSoon(): void {
  if (waiting) return;
  waiting = true;
  setTimeout(() => {
    waiting = false;
    changed();
  }, figuresMs);
}

function announce(text: string): void {
  element('announcer').textContent = text;
}

function save(name: string, blob: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`expected an element #${id}, got none`);
  return found;
}
