import { html, nothing, type TemplateResult } from 'lit-html';
import type { ViewMode } from './summaries.ts';
import { figures } from './figures.ts';
import { liveObjects, nameOf, type PageObject, type State, type Tool } from './state.ts';

/** What the panels let the user do. */
export type Actions = {
  readonly startCamera: () => void;
  readonly startSample: () => void;
  readonly openFile: (file: File) => void;
  readonly stop: () => void;
  readonly setTool: (tool: Tool) => void;
  readonly setNegative: (negative: boolean) => void;
  readonly setView: (view: ViewMode) => void;
  readonly select: (id: number | null) => void;
  readonly rename: (id: number, name: string) => void;
  readonly toggleHidden: (id: number) => void;
  readonly remove: (id: number) => void;
  readonly undo: () => void;
  readonly find: (phrase: string) => void;
  readonly pause: (paused: boolean) => void;
  readonly followNewest: () => void;
  readonly lookAt: (ratio: number) => void;
  /** Looks at a held frame so many after the one that is shown. */
  readonly step: (frames: number) => void;
  readonly download: (kind: 'zip' | 'coco') => void;
  readonly record: () => void;
  readonly giveToken: (token: string) => void;
  readonly dismiss: (index: number) => void;
};

/** The bar at the top: sources, and where things stand. */
export function topBar(state: State, actions: Actions): TemplateResult {
  const ready = state.model !== null;
  const running = state.source !== null && state.phase !== 'ready';
  return html`
    <h1>maskstream</h1>
    <div class="group" role="group" aria-label="Source">
      <button
        class=${state.source === null ? 'primary' : ''}
        ?disabled=${!ready}
        @click=${actions.startCamera}
      >
        Camera
      </button>
      <label class=${ready ? 'file' : 'file disabled'}>
        Video or image file
        <input
          type="file"
          accept="video/*,image/*,.mkv,.ts,.h264,.hevc,.ivf,.flv,.m1v,.mjpeg"
          ?disabled=${!ready}
          @change=${(event: Event) => pickFile(event, actions)}
        />
      </label>
      <button ?disabled=${!ready} @click=${actions.startSample}>Sample</button>
      ${running ? html`<button @click=${actions.stop}>Stop</button>` : nothing}
    </div>
    <p class="phase" data-phase=${state.phase}>
      ${state.message}${state.model === null ? nothing : html` · ${state.model.name}`}
    </p>
  `;
}

function pickFile(event: Event, actions: Actions): void {
  const input = event.target as HTMLInputElement;
  const file = input.files?.[0];
  if (file !== undefined) actions.openFile(file);
  // The same file can be chosen again.
  input.value = '';
}

/** The side panel: tools, objects, figures, downloads. */
export function sidePanel(state: State, actions: Actions): TemplateResult {
  return html`
    ${state.problems.map(
      (problem, index) =>
        html`<p class="problem" role="alert">
          <span>${problem}</span>
          <button aria-label="Dismiss" @click=${() => actions.dismiss(index)}>✕</button>
        </p>`,
    )}
    ${state.needsToken ? tokenForm(actions) : nothing}
    <h2>Prompt</h2>
    ${toolGroup(state, actions)} ${state.model?.text === true ? textForm(state, actions) : nothing}
    <p class="hint">${hintFor(state)}</p>
    <h2>View</h2>
    ${viewGroup(state, actions)}
    <h2>Objects</h2>
    ${objectTable(state, actions)}
    <h2>Pace</h2>
    ${figures(state)}
    <h2>Download</h2>
    <div class="group" role="group" aria-label="Download">
      <button @click=${() => actions.download('zip')}>Masks (ZIP)</button>
      <button @click=${() => actions.download('coco')}>COCO JSON</button>
      <button aria-pressed=${state.recording} @click=${actions.record}>
        ${state.recording ? 'Stop and save video' : 'Record overlay'}
      </button>
    </div>
  `;
}

function tokenForm(actions: Actions): TemplateResult {
  const submit = (event: Event) => {
    event.preventDefault();
    const data = new FormData(event.target as HTMLFormElement);
    actions.giveToken(textOf(data, 'token'));
  };
  return html`<form class="group" @submit=${submit}>
    <label>Token <input type="text" name="token" autocomplete="off" required /></label>
    <button class="primary">Use it</button>
  </form>`;
}

function toolGroup(state: State, actions: Actions): TemplateResult {
  const tool = (name: Tool, label: string) =>
    html`<button aria-pressed=${state.tool === name} @click=${() => actions.setTool(name)}>
      ${label}
    </button>`;
  return html`
    <div class="group" role="group" aria-label="Tool">
      ${tool('click', 'Click')} ${tool('box', 'Box')} ${tool('brush', 'Brush')}
      <button aria-pressed=${state.negative} @click=${() => actions.setNegative(!state.negative)}>
        Not the object
      </button>
      <button ?disabled=${!canUndo(state)} @click=${actions.undo}>Undo</button>
    </div>
  `;
}

function canUndo(state: State): boolean {
  return liveObjects(state).some(({ prompts }) => prompts.length > 0);
}

function textForm(state: State, actions: Actions): TemplateResult {
  const submit = (event: Event) => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const phrase = textOf(new FormData(form), 'phrase').trim();
    if (phrase !== '') actions.find(phrase);
  };
  const vocabulary = state.model?.vocabulary ?? [];
  return html`<form class="group" @submit=${submit}>
    <label>
      Find
      <input
        type="text"
        name="phrase"
        list="vocabulary"
        placeholder=${vocabulary[0] ?? 'a word'}
        required
      />
    </label>
    <datalist id="vocabulary">
      ${vocabulary.map((word) => html`<option value=${word}></option>`)}
    </datalist>
    <button>Find</button>
  </form>`;
}

function hintFor(state: State): string {
  const selected = state.selected === null ? undefined : state.objects.get(state.selected);
  if (state.source === null) return 'Choose a camera, a file or the sample to begin.';
  if (state.chosen !== null)
    return `Frame ${state.chosen} is held: a click here corrects it and all later ones.`;
  if (selected === undefined) return 'Click, drag a box or brush over something to follow it.';
  return `Clicks refine ${nameOf(selected)}; right-click, Shift, N or “Not the object” says what does not belong to it.`;
}

function viewGroup(state: State, actions: Actions): TemplateResult {
  const view = (mode: ViewMode, label: string) =>
    html`<button aria-pressed=${state.view === mode} @click=${() => actions.setView(mode)}>
      ${label}
    </button>`;
  return html`
    <div class="group" role="group" aria-label="View">
      ${view('overlay', 'Overlay')} ${view('mask', 'Mask only')} ${view('cut-out', 'Cut-out')}
      ${
        state.source === null || state.source.kind === 'image'
          ? nothing
          : html`<button aria-pressed=${state.paused} @click=${() => actions.pause(!state.paused)}>
              ${pauseLabel(state)}
            </button>`
      }
      ${
        state.chosen === null
          ? nothing
          : html`<button class="primary" @click=${actions.followNewest}>Back to newest</button>`
      }
    </div>
  `;
}

function objectTable(state: State, actions: Actions): TemplateResult {
  const objects = liveObjects(state);
  if (objects.length === 0) return html`<p class="hint">None yet.</p>`;
  return html`
    <table>
      <thead>
        <tr>
          <th scope="col">Object</th>
          <th scope="col">Box</th>
          <th scope="col">Area</th>
          <th scope="col">IoU</th>
          <th scope="col">Confidence</th>
        </tr>
      </thead>
      <tbody>
        ${objects.map((object) => objectRows(object, state, actions))}
      </tbody>
    </table>
    <div class="actions">
      <button aria-pressed=${state.selected === null} @click=${() => actions.select(null)}>
        New object
      </button>
    </div>
  `;
}

function objectRows(object: PageObject, state: State, actions: Actions): TemplateResult {
  const { id, latest } = object;
  const box = latest?.box;
  const name = nameOf(object);
  return html`
    <tr
      data-object=${id}
      data-state=${latest?.state ?? 'pending'}
      aria-selected=${state.selected === id}
    >
      <td>
        <span class="swatch swatch-${(id - 1) % 8}"></span>
        <input
          class="name"
          type="text"
          aria-label="Name of object ${id}"
          .value=${name}
          @change=${(event: Event) => actions.rename(id, (event.target as HTMLInputElement).value)}
        />
      </td>
      <td>
        ${
          box
            ? html`<span>${box.x}, ${box.y}</span> <span>${box.width}×${box.height}</span>`
            : (latest?.state ?? 'pending')
        }
      </td>
      <td>${latest?.area ?? ''}</td>
      <td>${latest?.predictedIou?.toFixed(2) ?? '–'}</td>
      <td>${latest === null ? '' : latest.confidence.toFixed(2)}</td>
    </tr>
    <tr>
      <td colspan="5">
        <div class="actions">
          <button
            aria-pressed=${state.selected === id}
            aria-label="Refine ${name}"
            @click=${() => actions.select(id)}
          >
            Refine
          </button>
          <button
            aria-pressed=${object.hidden}
            aria-label="Hide ${name}"
            @click=${() => actions.toggleHidden(id)}
          >
            Hide
          </button>
          <button aria-label="Remove ${name}" @click=${() => actions.remove(id)}>Remove</button>
        </div>
      </td>
    </tr>
  `;
}

function textOf(data: FormData, name: string): string {
  const value = data.get(name);
  return typeof value === 'string' ? value : '';
}

function pauseLabel({ phase, paused }: State): string {
  if (phase === 'waiting') return 'Start';
  return paused ? 'Go on' : 'Pause';
}
