import { html, type TemplateResult } from 'lit-html';
import type { State } from './state.ts';
import type { Statistics } from './summaries.ts';

function ms(value: number | null | undefined): string {
  return value == null ? '–' : `${value.toFixed(0)} ms`;
}

function row(name: string, value: string): TemplateResult {
  return html`<dt>${name}</dt>
    <dd>${value}</dd>`;
}

/** Speed and loss, as a list. */
export function figures({ statistics, shown, history }: State): TemplateResult {
  const newest = history.at(-1);
  return html`<dl id="figures">
    ${row('Frame', shown === null ? '–' : String(shown))}
    ${row('Frames a second', statistics === null ? '–' : statistics.framesPerSecond.toFixed(1))}
    ${row('Capture to mask, median', ms(statistics?.p50Ms))}
    ${row('Capture to mask, 95 %', ms(statistics?.p95Ms))}
    ${row('Encoding, way, server, drawing', partsOf(statistics))}
    ${row('Dropped here, by the server', `${statistics?.droppedHere ?? 0}, ${statistics?.droppedThere ?? 0}`)}
    ${row('Newest is a keyframe', newest === undefined ? '–' : newest.keyframe ? (newest.reason ?? 'yes') : 'no')}
  </dl>`;
}

/** Medians of where the time went. */
function partsOf(statistics: Statistics | null): string {
  if (statistics === null) return '–';
  const { parts, drawP50Ms } = statistics;
  if (parts === null) return `–, –, –, ${drawP50Ms.toFixed(1)} ms`;
  const { encodeMs, wayMs, serverMs, drawMs } = parts;
  return `${[encodeMs, wayMs, serverMs].map((value) => value.toFixed(0)).join(', ')}, ${drawMs.toFixed(1)} ms`;
}
