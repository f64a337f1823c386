import {
  ListModelsRequest,
  ListModelsResponse,
  PromptKind,
} from '../../../src/gen/maskstream/v1/model.ts';
import type { FromWorker, SourceRequest, ToWorker } from '../messages.ts';
import { Display } from './display.ts';
import { framesOfPort } from './frames-of-port.ts';
import type { Run } from './run.ts';
import { CallFailure, callOnce, openSocketCall, type ServerAccess } from './socket-call.ts';

declare const self: {
  addEventListener(type: 'message', listener: (event: MessageEvent<ToWorker>) => void): void;
  postMessage(message: FromWorker): void;
};

/** Time between questions to a server that is not there yet. */
const askAgainMs = 500;

const post = (message: FromWorker) => self.postMessage(message);
const display = new Display(post);
let access: ServerAccess = { address: '', token: null };
let run: Run | null = null;
let ending = new AbortController();
let model = 'maskstream';
let asking = new AbortController();

self.addEventListener('message', ({ data }) => {
  handle(data).catch((error: unknown) =>
    post({ kind: 'problem', message: error instanceof Error ? error.message : String(error) }),
  );
});

async function handle(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case 'canvas':
      display.canvas = message.canvas;
      access = { ...access, address: message.address };
      await askForModel();
      break;
    case 'token':
      access = { ...access, token: message.token };
      await askForModel();
      break;
    case 'start':
      await start(message);
      break;
    case 'prompt':
      run?.prompt(message.requestId, message.prompt);
      break;
    case 'view':
      display.setView(message.mode, new Set(message.hidden));
      break;
    case 'show':
      display.choose(message.frameIndex);
      break;
    case 'pause':
      run?.pause(message.paused);
      break;
    case 'export':
      await download(message);
      break;
    case 'stop':
      stop();
      post({ kind: 'phase', phase: 'ready', message: 'Stopped' });
      break;
  }
}

/** Asks until the server answers: it may still be loading its model, or be away. */
async function askForModel(): Promise<void> {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  while (!signal.aborted) {
    try {
      const request = ListModelsRequest.encode({}).finish();
      const { models } = ListModelsResponse.decode(await callOnce(access, 'ListModels', request));
      const [first] = models;
      model = first?.name ?? model;
      post({
        kind: 'model',
        model: {
          name: model,
          text: first?.promptKinds.includes(PromptKind.PROMPT_KIND_TEXT) ?? false,
          vocabulary: first?.vocabulary ?? [],
        },
      });
      post({ kind: 'phase', phase: 'ready', message: 'Ready' });
      return;
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      const { errorCode } = error.end;
      if (errorCode === 'unauthenticated') {
        post({ kind: 'phase', phase: 'idle', message: 'This server asks for a token.' });
        return;
      }
      const loading = errorCode === 'loading';
      const said = loading ? 'The model is being loaded…' : 'The server is away; trying again…';
      post({ kind: 'phase', phase: 'loading', message: said });
      await new Promise((resolve) => setTimeout(resolve, askAgainMs));
    }
  }
}

async function start({ source }: Extract<ToWorker, { kind: 'start' }>): Promise<void> {
  stop();
  const { signal } = ending;
  display.clear();
  post({ kind: 'phase', phase: 'starting', message: 'Starting…' });
  try {
    const opened = await open(source, signal);
    if (signal.aborted) {
      opened.stop();
      return;
    }
    run = opened;
    // A server that is gone by then gives no more files.
    loadDownloads().catch(() => undefined);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    post({ kind: 'phase', phase: 'ended', message });
  }
}

/** Loads what a source needs: a first view does without. A source that draws itself ends by the signal. */
async function open(source: SourceRequest, signal: AbortSignal): Promise<Run> {
  // A run that was stopped while it was being opened says nothing.
  const tell = (message: FromWorker) => {
    if (!signal.aborted) post(message);
  };
  const parts = { display, post: tell, open: openSocketCall(access) };
  switch (source.kind) {
    case 'camera': {
      const { size, frames: given } = source;
      const frames = given instanceof MessagePort ? framesOfPort(given) : given;
      const { startLiveRun } = await loaded(import('./live-run.ts'));
      return await startLiveRun({ ...parts, frames, size });
    }
    case 'sample': {
      const [{ startLiveRun }, { sampleFrames, sampleSize }] = await loaded(
        Promise.all([import('./live-run.ts'), import('./sample-scene.ts')]),
      );
      const frames = sampleFrames(signal);
      return await startLiveRun({ ...parts, frames, size: sampleSize });
    }
    case 'image': {
      const { startImageRun } = await loaded(import('./image-run.ts'));
      return await startImageRun({ ...parts, access, file: source.file });
    }
    case 'file': {
      const { startFileRun } = await loaded(import('./file-run.ts'));
      return await startFileRun({ ...parts, file: source.file });
    }
  }
}

/** A part of the page; rejects with what a user can do where the server does not give it. */
async function loaded<Part>(part: Promise<Part>): Promise<Part> {
  return await part.catch((cause: unknown) => {
    throw new Error('The server is away; choose again when it is back.', { cause });
  });
}

function stop(): void {
  run?.stop();
  run = null;
  ending.abort();
  ending = new AbortController();
}

async function download(message: Extract<ToWorker, { kind: 'export' }>): Promise<void> {
  const { format, labels } = message;
  const frames = display.frames.all();
  if (frames.length === 0 || display.size === null) {
    post({ kind: 'problem', message: 'Nothing to download yet: no frame has been answered.' });
    return;
  }
  const made = { frames, size: display.size, model, labels: new Map(labels) };
  const { cocoDownload, zipDownload } = await loadDownloads();
  if (format === 'zip') post({ kind: 'exported', name: 'masks.zip', blob: zipDownload(made) });
  else post({ kind: 'exported', name: 'coco.json', blob: cocoDownload(made) });
}

function loadDownloads() {
  return import('./downloads.ts');
}
