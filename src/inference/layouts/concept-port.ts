import type { Box } from '../../frame/geometry.ts';
import { boundsOfCells } from '../../frame/connected-parts.ts';
import { sigmoid } from '../../frame/sigmoid.ts';
import { floatTensor, tensorOf, type Tensor } from '../engine/onnxruntime.ts';
import type { GraphPort as Graph } from '../engine/graph-port.ts';
import { agreement } from './agreement.ts';
import type { Candidates } from './candidate.ts';
import type { ClipTokenizer } from './clip-tokenizer.ts';
import type { ConceptPort, FoundInstance, Graphs, LayoutFeatures, LayoutItem } from './layout.ts';
import { floats } from '../engine/float-tensors.ts';
import { stabilityScore } from './mask-stability.ts';
import { fromPadded } from './padded-square.ts';
import type { Manifest } from '../manifest.ts';

/** Side of the box that stands for a click, in fractions of the region: the model takes no points. */
const clickSide = 0.01;

/** Logit of a mask that the graph gives as true and false. */
const surely = 10;

/** Phrases whose text features are kept. */
const keptPhrases = 16;

/** One instance before anything is chosen. */
type Instance = { readonly logits: Float32Array; readonly score: number };

/** Opens a model that finds all instances of a phrase, or of what a box shows. */
export function openConcepts(
  graphs: Graphs,
  manifest: Manifest,
  tokenizer: ClipTokenizer,
): ConceptPort {
  return new Concepts(graphs, manifest, tokenizer);
}

class Concepts implements ConceptPort {
  readonly #graphs: Graphs;
  readonly #manifest: Manifest;
  readonly #tokenizer: ClipTokenizer;
  readonly #texts = new Map<string, Record<string, Tensor>>();

  constructor(graphs: Graphs, manifest: Manifest, tokenizer: ClipTokenizer) {
    this.#graphs = graphs;
    this.#manifest = manifest;
    this.#tokenizer = tokenizer;
  }

  async find(
    features: LayoutFeatures,
    query: { readonly phrase: string; readonly maxObjects: number; readonly minScore?: number },
  ): Promise<FoundInstance[]> {
    const { minScore = this.#manifest.phrases!.minScore } = query;
    const instances = await this.#detect(features, query.phrase, null);
    return instances
      .filter(({ score }) => score >= minScore)
      .toSorted((a, b) => b.score - a.score)
      .flatMap(({ logits, score }) => {
        const box = boundsOf(logits);
        return box === null ? [] : [{ box, score }];
      })
      .slice(0, query.maxObjects);
  }

  /** An object by its box, or that of its prior, or one around its first click. */
  async decode(features: LayoutFeatures, items: readonly LayoutItem[]): Promise<Candidates[]> {
    const results: Candidates[] = [];
    for (const item of items) {
      const box =
        item.box ?? (item.prior && boundsOf(item.prior.map((p) => p - 0.5))) ?? around(item);
      const found = box ? await this.#detect(features, this.#manifest.phrases!.anything, box) : [];
      results.push(this.#best(found, { ...item, box }));
    }
    return results;
  }

  /** The instance that agrees best with what was asked; an empty mask where there is none. */
  #best(instances: readonly Instance[], asked: LayoutItem): Candidates {
    const { masks, presence, iou } = this.#manifest;
    const merit = ({ logits }: Instance): number =>
      agreement(logits, stabilityScore(logits), asked);
    const best = instances.toSorted((a, b) => merit(b) - merit(a))[0];
    const score = best?.score ?? 0;
    const area = masks.side * masks.side;
    return {
      logits: best?.logits ?? new Float32Array(area).fill(-surely),
      scores: Float32Array.of(beforeActivation(score, iou.activation)),
      presence: presence === null ? null : beforeActivation(score, presence.activation),
    };
  }

  async #detect(features: LayoutFeatures, phrase: string, box: Box | null): Promise<Instance[]> {
    const decoder = this.#graphs.decoder!;
    const { masks } = this.#manifest;
    const given = { ...features, ...(await this.#text(phrase)), ...this.#boxTensors(box, decoder) };
    for (const meaning of ['pictureHeight', 'pictureWidth']) {
      const input = decoder.inputOf(meaning);
      if (input)
        given[meaning] = tensorOf(
          input.type,
          [masks.side],
          input.shape.map(() => 1),
        );
    }
    const feeds = Object.entries(given).filter(([meaning]) => decoder.hasInput(meaning));
    const outputs = await decoder.run(Object.fromEntries(feeds));
    return instancesOf(outputs, this.#manifest);
  }

  #boxTensors(box: Box | null, decoder: Graph): Record<string, Tensor> {
    const { positiveLabel, paddingLabel } = this.#manifest.prompts.points;
    const { x, y, width, height } = box ?? { x: 0, y: 0, width: 0, height: 0 };
    const centred = [x + width / 2, y + height / 2, width, height];
    const label = decoder.inputOf('boxLabels');
    return {
      box: floatTensor(Float32Array.from(centred), [1, 1, 4]),
      ...(label
        ? { boxLabels: tensorOf(label.type, [box ? positiveLabel : paddingLabel], [1, 1]) }
        : {}),
      // True: the box is not one.
      boxMask: tensorOf('bool', [box ? 0 : 1], [1, 1]),
    };
  }

  async #text(phrase: string): Promise<Record<string, Tensor>> {
    const known = this.#texts.get(phrase);
    if (known !== undefined) return known;
    const encoder = this.#graphs.textEncoder!;
    const { ids, length } = this.#tokenizer.encode(phrase);
    const tokens = encoder.inputOf('tokens')!;
    const mask = encoder.inputOf('tokenMask');
    const made = await encoder.run({
      tokens: tensorOf(tokens.type, ids, [1, ids.length]),
      ...(mask
        ? {
            tokenMask: tensorOf(
              mask.type,
              ids.map((_, i) => (i < length ? 1 : 0)),
              [1, ids.length],
            ),
          }
        : {}),
    });
    const [oldest] = this.#texts.keys();
    if (this.#texts.size >= keptPhrases && oldest !== undefined) this.#texts.delete(oldest);
    this.#texts.set(phrase, made);
    return made;
  }
}

// logits: float32 or bool[…, N, rows, columns]; scores: float32[…, N]; presence: one value
function instancesOf(
  outputs: Record<string, Tensor>,
  { masks, iou, presence }: Manifest,
): Instance[] {
  const tensor = outputs['logits']!;
  const [height, width] = [tensor.dims.at(-2)!, tensor.dims.at(-1)!];
  const plane = height * width;
  const values =
    tensor.type === 'bool'
      ? Float32Array.from(tensor.data as Uint8Array, (value) => (value === 0 ? -surely : surely))
      : floats(tensor);
  const isThere =
    outputs['presence'] === undefined || presence === null
      ? 1
      : activate(floats(outputs['presence'])[0]!, presence.activation);
  return Array.from(floats(outputs['scores']!), (score, i) => ({
    logits: fromPadded(
      values.subarray(i * plane, (i + 1) * plane),
      { width, height },
      { width: 1, height: 1 },
      masks.side,
    ).slice(),
    score: activate(score, iou.activation) * isThere,
  }));
}

/** A raw value as a probability. */
function activate(value: number, activation: string): number {
  return activation === 'sigmoid' ? sigmoid(value) : Math.min(1, Math.max(0, value));
}

/** What an activation makes this probability of: candidates are activated when one is chosen. */
function beforeActivation(probability: number, activation: string): number {
  return activation === 'sigmoid' ? Math.log(probability / (1 - probability)) : probability;
}

function around({ clicks }: LayoutItem): Box | null {
  const click = clicks.find(({ label }) => label === 'positive');
  if (click === undefined) return null;
  const half = clickSide / 2;
  return { x: click.x - half, y: click.y - half, width: clickSide, height: clickSide };
}

/** Bounds of what is above 0, in fractions; null where nothing is. */
function boundsOf(values: Float32Array): Box | null {
  const side = Math.sqrt(values.length);
  const cells = [...values.keys()].filter((cell) => values[cell]! > 0);
  if (cells.length === 0) return null;
  const { x, y, width, height } = boundsOfCells(cells, side);
  return { x: x / side, y: y / side, width: width / side, height: height / side };
}
