import { html, type TemplateResult } from 'lit-html';
import type { Actions } from './panels.ts';
import type { FrameSummary } from './summaries.ts';
import { liveObjects, maxHistory, nameOf, type State } from './state.ts';
import { objectColour } from './worker/paint-masks.ts';

/** Pixels of a track's canvas; it is scaled to the width that it has. */
export const trackSize = { width: maxHistory, height: 34 } as const;

/**
 * Draws one object's confidence over the newest frames, one pixel a frame: grey where it was not
 * seen, a tick below where the model ran, a line at the frame that is shown.
 */
export function drawTrack(canvas: HTMLCanvasElement, state: State, objectId: number): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  const { width, height } = trackSize;
  const { history, shown, held } = state;
  const style = getComputedStyle(canvas);
  const [red, green, blue] = objectColour(objectId);
  context.clearRect(0, 0, width, height);
  history.forEach((frame, x) => {
    const object = frame.objects.find((candidate) => candidate.objectId === objectId);
    if (object === undefined) return;
    if (object.state !== 'visible') {
      context.fillStyle = 'rgb(128 128 128 / 0.45)';
      context.fillRect(x, 0, 1, height - 5);
    } else {
      const top = (height - 6) * (1 - object.confidence);
      context.fillStyle = `rgb(${red} ${green} ${blue} / 0.35)`;
      context.fillRect(x, top, 1, height - 5 - top);
      context.fillStyle = `rgb(${red} ${green} ${blue})`;
      context.fillRect(x, top, 1, 2);
    }
    if (frame.keyframe) {
      context.fillStyle = style.color;
      context.fillRect(x, height - 4, 1, 4);
    }
  });
  if (held !== null) {
    const from = history.findIndex(({ frameIndex }) => frameIndex >= held.first);
    context.fillStyle = 'rgb(128 128 128 / 0.18)';
    if (from >= 0) context.fillRect(from, 0, history.length - from, height);
  }
  const at = history.findIndex(({ frameIndex }) => frameIndex === shown);
  if (at >= 0) {
    context.fillStyle = style.color;
    context.fillRect(at, 0, 1, height);
  }
}

/** The frame under a position of a track, 0..1 from its left; null where there is none. */
export function frameAt(state: State, ratio: number): FrameSummary | null {
  return state.history[Math.floor(ratio * trackSize.width)] ?? state.history.at(-1) ?? null;
}

/** Frames that a key moves along a timeline. */
const steps: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowRight: 1,
  PageUp: -10,
  PageDown: 10,
};

/** Confidence over time, a track an object; a click or the arrow keys show a frame. */
export function timelines(state: State, actions: Actions): TemplateResult {
  const key = (event: KeyboardEvent) => {
    const step = steps[event.key];
    if (step !== undefined) actions.step(step);
    else if (event.key === 'End') actions.followNewest();
    else return;
    event.preventDefault();
  };
  const press = (event: MouseEvent) => {
    const { left, width } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    actions.lookAt((event.clientX - left) / width);
  };
  return html`${liveObjects(state).map(
    (object) => html`
      <div class="track">
        <span>${nameOf(object)}</span>
        <canvas
          width=${trackSize.width}
          height=${trackSize.height}
          data-track=${object.id}
          role="slider"
          tabindex="0"
          aria-label="Timeline of ${nameOf(object)}: arrow keys choose a held frame, End the newest"
          aria-valuemin=${state.held?.first ?? 0}
          aria-valuemax=${state.held?.last ?? 0}
          aria-valuenow=${state.shown ?? 0}
          aria-valuetext="frame ${state.shown ?? 0}"
          @click=${press}
          @keydown=${key}
        ></canvas>
      </div>
    `,
  )}`;
}
