import { render } from 'lit-html';
import type { FromWorker, PagePrompt, SourceRequest, ToWorker } from './messages.ts';
import { type Actions, sidePanel, timelines, topBar } from './panels.ts';
import { openCamera } from './camera.ts';
import { OverlayRecorder } from './overlay-recorder.ts';
import { Stage, type StageGesture } from './stage.ts';
import {
  addFrame,
  addObject,
  addProblem,
  forgetSource,
  initialState,
  liveObjects,
  nameOf,
  nextObjectId,
} from './state.ts';
import { drawTrack, frameAt } from './timeline.ts';

const state = initialState();
const worker = new Worker('worker.js', { type: 'module' });
const picture = element('picture') as HTMLCanvasElement;
const marks = element('marks') as HTMLCanvasElement;
const recorder = new OverlayRecorder(picture, save);
/** Objects whose prompt is not answered yet, by request. */
const asked = new Map<number, PagePrompt>();
let stopCamera: (() => void) | null = null;
let lastRequestId = 0;
let drawing = false;

const stage = new Stage({
  canvas: marks,
  tool: () => state.tool,
  negative: () => state.negative,
  onGesture: (gesture) => act(gesture),
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
  remove,
  undo,
  find: (phrase) => send({ ...emptyPrompt(nextObjectId(state)), text: { phrase, maxObjects: 8 } }),
  pause: (paused) =>
    change(() => {
      state.paused = paused;
      tell({ kind: 'pause', paused });
      if (!paused) followNewest();
    }),
  followNewest: () => change(followNewest),
  lookAt: (ratio) => change(() => lookAt(ratio)),
  download: (format) => {
    const labels = [...state.objects.values()].map(
      (object) => [object.id, nameOf(object)] as const,
    );
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

worker.onmessage = ({ data }: MessageEvent<FromWorker>) => receive(data);
worker.onerror = ({ message }) =>
  change(() => addProblem(state, `the page's worker failed: ${message}`));
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
      acknowledge(message.requestId, message.objectIds);
      break;
    case 'refused':
      refuse(message.requestId, `${message.code}: ${message.message}`);
      break;
    case 'problem':
      addProblem(state, message.message);
      break;
    case 'statistics':
      state.statistics = message.statistics;
      break;
    case 'exported':
      save(message.name, message.blob);
      break;
  }
  changed();
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

/** A gesture on the picture: refines the selected object, or makes a new one. */
function act(gesture: StageGesture): void {
  if (state.source === null) return;
  const selected = state.selected === null ? undefined : state.objects.get(state.selected);
  const isNew = selected === undefined || selected.removed;
  if (gesture.kind === 'click' && gesture.negative && isNew) {
    change(() =>
      addProblem(state, 'Choose an object to refine before saying what is not part of it.'),
    );
    return;
  }
  const base = {
    ...emptyPrompt(isNew ? nextObjectId(state) : selected.id),
    action: isNew ? 'add' : 'refine',
  } as const;
  if (gesture.kind === 'click') {
    send({ ...base, points: [{ ...gesture.point, positive: !gesture.negative }] });
  } else if (gesture.kind === 'box') send({ ...base, box: gesture.box });
  else send({ ...base, mask: gesture.mask });
}

/** A prompt for the frame that the user sees. */
function emptyPrompt(objectId: number): PagePrompt {
  return {
    objectId,
    action: 'add',
    frameIndex: state.source?.kind === 'image' ? null : state.shown,
    points: [],
    box: null,
    mask: null,
    text: null,
    label: null,
  };
}

function send(prompt: PagePrompt): void {
  const requestId = ++lastRequestId;
  change(() => {
    asked.set(requestId, prompt);
    if (prompt.text === null && prompt.action === 'add') {
      addObject(state, prompt.objectId);
      state.selected = prompt.objectId;
    }
    tell({ kind: 'prompt', requestId, prompt });
    // A correction is watched from its frame on.
    if (state.chosen !== null && !state.paused) followNewest();
  });
}

function acknowledge(requestId: number, objectIds: readonly number[]): void {
  const prompt = asked.get(requestId);
  asked.delete(requestId);
  if (prompt === undefined) return;
  if (prompt.text !== null && objectIds.length === 0) {
    addProblem(state, `Nothing was found for "${prompt.text.phrase}".`);
  }
  for (const id of objectIds) {
    const object = state.objects.get(id) ?? addObject(state, id);
    if (prompt.action === 'add' || prompt.action === 'refine') object.prompts.push(prompt);
  }
}

function refuse(requestId: number, message: string): void {
  const prompt = asked.get(requestId);
  asked.delete(requestId);
  addProblem(state, message);
  if (prompt?.action !== 'add') return;
  state.objects.delete(prompt.objectId);
  if (state.selected === prompt.objectId) state.selected = null;
}

function remove(id: number): void {
  change(() => {
    const object = state.objects.get(id)!;
    object.removed = true;
    if (state.selected === id) state.selected = null;
    send({ ...emptyPrompt(id), action: 'remove', frameIndex: null });
  });
}

/** Takes back the newest prompt: of one that made an object, the object goes; else what is left of its prompts stands again. */
function undo(): void {
  const objects = liveObjects(state).filter(({ prompts }) => prompts.length > 0);
  const object = objects.find(({ id }) => id === state.selected) ?? objects.at(-1);
  if (object === undefined) return;
  const undone = object.prompts.pop();
  const rest = [...object.prompts];
  if (rest.length === 0 || undone === undefined) {
    remove(object.id);
    return;
  }
  send({
    ...rest[0]!,
    action: 'replace',
    frameIndex: undone.frameIndex,
    points: rest.flatMap(({ points }) => points),
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
  state.chosen = frame.frameIndex;
  tell({ kind: 'show', frameIndex: frame.frameIndex });
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
    for (const track of document.querySelectorAll<HTMLCanvasElement>('canvas[data-track]')) {
      drawTrack(track, state, Number(track.dataset.track));
    }
  });
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
