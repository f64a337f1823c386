import { SegmentationError, assertNever } from '../../frame/errors.ts';
import { freeMemory } from '../../frame/free-memory.ts';
import { chooseCandidate, promptShape } from '../layouts/candidate.ts';
import { cpu, deviceName, type Device } from '../engine/device.ts';
import { freeTensors } from '../engine/float-tensors.ts';
import type { GraphPort } from '../engine/graph-port.ts';
import { FallBackGraph } from '../engine/kserve/fall-back-graph.ts';
import { type JobContext, jobContext } from '../engine/kserve/job-context.ts';
import { RemoteGraph } from '../engine/kserve/remote-graph.ts';
import { ServerList, type ServerListEvents } from '../engine/kserve/server-list.ts';
import { Graph } from '../engine/graph.ts';
import type {
  ClassMaps,
  ConceptPort,
  Graphs,
  LayoutFeatures,
  LayoutItem,
  MemoryPort,
} from '../layouts/layout.ts';
import { layoutOf } from '../layouts/layout-of.ts';
import { readConstants } from './constants.ts';
import { GuardedGraph, type NativeGuard } from './guarded-graph.ts';
import { readTokenizer } from './tokenizer.ts';
import { openFeatures, shareFeatures } from './shared-features.ts';
import type { TileMaps } from '../text/merge-tiles.ts';
import { nounMap } from '../text/noun-map.ts';
import { requireDevice } from '../engine/provider.ts';
import type { Picture } from '../picture.ts';
import { refineObjects } from '../layouts/refiner.ts';
import type { Segmented, TextInstance } from '../../frame/ports.ts';
import { findInstances } from '../text/instances.ts';
import type {
  DecodeItem,
  FeatureReference,
  GraphPlaces,
  PhraseItem,
  SharedFeatures,
  TextItem,
  WorkerJob,
  WorkerResults,
  WorkerSetup,
} from './messages.ts';

/** The part of a model that one worker holds: opened graphs and the features of live frames. */
export type Runner = {
  /** Runs one job. Default: it waits for other machines, and cannot be given up. */
  run(job: WorkerJob, context?: JobContext): Promise<WorkerResults[keyof WorkerResults]>;
  /** Frees features that no job reads; an unknown id is ignored. */
  release(id: number): void;
};

/** What a runner tells its owner. */
export type RunnerEvents = ServerListEvents & {
  /** Told when native code begins and ends to run. */
  readonly guard?: NativeGuard;
};

/** Opens the graphs of `setup.roles`. Throws `model-load-failed` or `provider-unavailable`. */
export async function openRunner(setup: WorkerSetup, events: RunnerEvents = {}): Promise<Runner> {
  const { guard } = events;
  const { kserve, roles } = setup;
  const remote = roles.filter((role) => setup.devices[role]?.provider === 'kserve');
  const servers =
    kserve !== null && remote.length > 0
      ? await ServerList.open(setup.manifest, { ...kserve, roles: remote }, events)
      : null;
  const graphs: Graphs = {};
  const found = new Set<string>();
  for (const role of setup.roles) {
    const manifest = setup.manifest.graphs[role];
    const device = setup.devices[role];
    if (manifest === undefined || device === undefined) {
      throw new SegmentationError('model-load-failed', `the manifest names no ${role}`);
    }
    const openHere = async (where: Device): Promise<GraphPort> => {
      if (!found.has(deviceName(where))) await requireDevice(where);
      found.add(deviceName(where));
      const graph = await Graph.open(manifest, { ...setup, role, device: where });
      return guard === undefined ? graph : new GuardedGraph(graph, guard);
    };
    if (servers === null || !remote.includes(role)) {
      graphs[role] = await openHere(device);
      continue;
    }
    const there = new RemoteGraph(role, manifest, servers);
    graphs[role] = kserve?.fallsBack ? new FallBackGraph(there, await openHere(cpu)) : there;
  }
  return new GraphRunner(setup, graphs, await openPorts(setup, graphs));
}

/** What some layouts keep for as long as the worker lives. */
type Ports = { readonly memory: MemoryPort | null; readonly concepts: ConceptPort | null };

async function openPorts({ manifest, directory }: WorkerSetup, graphs: Graphs): Promise<Ports> {
  const layout = layoutOf(manifest);
  if (layout.openMemory !== undefined && graphs.memoryEncoder !== undefined) {
    const constants = await readConstants(manifest, directory);
    return { memory: await layout.openMemory(graphs, manifest, constants), concepts: null };
  }
  if (layout.openConcepts !== undefined && graphs.textEncoder !== undefined) {
    const tokenizer = await readTokenizer(manifest, directory);
    return { memory: null, concepts: layout.openConcepts(graphs, manifest, tokenizer) };
  }
  return { memory: null, concepts: null };
}

class GraphRunner implements Runner {
  readonly #setup: WorkerSetup;
  readonly #graphs: Graphs;
  readonly #ports: Ports;
  /** Jobs may overlap: whoever comes second waits for the features that the first one makes. */
  readonly #features = new Map<number, Promise<LayoutFeatures>>();

  constructor(setup: WorkerSetup, graphs: Graphs, ports: Ports) {
    this.#setup = setup;
    this.#graphs = graphs;
    this.#ports = ports;
  }

  async run(
    job: WorkerJob,
    context: JobContext = { signal: new AbortController().signal, mayFallBack: false },
  ): Promise<WorkerResults[keyof WorkerResults]> {
    return await jobContext.run(context, () => this.#run(job));
  }

  async #run(job: WorkerJob): Promise<WorkerResults[keyof WorkerResults]> {
    const { manifest } = this.#setup;
    const checksOutputs = 'checksOutputs' in job ? (job.checksOutputs ?? false) : false;
    for (const graph of Object.values(this.#graphs)) graph.checksOutputs = checksOutputs;
    switch (job.kind) {
      case 'encode':
        return await this.#encode(job.id, job.picture);
      case 'decode':
        return await this.#decode(job.features, job.items);
      case 'refine':
        return await refineObjects(job.items, this.#graphs, manifest);
      case 'count-nodes':
        return await this.#countNodes();
      case 'find-text':
        return await this.#findText(job.features, job.query);
      case 'find-phrase':
        return await this.#findPhrase(job.features, job.query);
      default:
        return assertNever(job);
    }
  }

  release(id: number): void {
    const held = this.#features.get(id);
    this.#features.delete(id);
    held?.then(freeTensors, () => undefined);
  }

  async #encode(id: number, picture: Picture): Promise<SharedFeatures | null> {
    const made = await this.#resolve({ id, rebuild: picture });
    if (!this.#setup.sharesFeatures) return null;
    const shared = shareFeatures(made);
    this.release(id);
    return shared;
  }

  async #countNodes(): Promise<GraphPlaces[]> {
    const counted: GraphPlaces[] = [];
    for (const role of this.#setup.roles) {
      const places = await this.#graphs[role]!.nodePlaces();
      const device = deviceName(this.#setup.devices[role]!);
      if (places !== null) counted.push({ role, device, places });
    }
    return counted;
  }

  async #decode(reference: FeatureReference, items: readonly DecodeItem[]): Promise<Segmented[]> {
    const { manifest } = this.#setup;
    const features = await this.#resolve(reference);
    const { memory: recalling, concepts } = this.#ports;
    if (recalling !== null) return await this.#recall(recalling, features, items);
    const resolved: LayoutItem[] = [];
    for (const item of items) {
      const memory = [];
      for (const { features: earlier, mask } of item.memory) {
        memory.push({ features: await this.#resolve(earlier), mask });
      }
      resolved.push({ ...item, memory });
    }
    const layout = layoutOf(manifest);
    const candidates =
      concepts === null
        ? await layout.decode(features, resolved, this.#graphs, manifest)
        : await concepts.decode(features, resolved);
    const chosen = candidates.map((found, i) =>
      chooseCandidate(found, promptShape(items[i]!), manifest),
    );
    for (const { logits } of candidates) freeMemory(logits);
    return chosen;
  }

  /** Objects one by one, each with the memory that the model keeps of it. */
  async #recall(
    memory: MemoryPort,
    features: LayoutFeatures,
    items: readonly DecodeItem[],
  ): Promise<Segmented[]> {
    const { manifest } = this.#setup;
    const results: Segmented[] = [];
    for (const item of items) {
      const { objectMemory: known = null, isGiven = false } = item;
      const asked = { ...item, objectMemory: known, isGiven };
      const { found, objectMemory } = await memory.recall(features, asked);
      const shape = promptShape({ ...item, memory: known?.traces ?? [] });
      results.push({ ...chooseCandidate(found, shape, manifest), objectMemory });
    }
    return results;
  }

  async #findPhrase(reference: FeatureReference, query: PhraseItem): Promise<TextInstance[]> {
    const { concepts } = this.#ports;
    if (concepts === null) throw new Error('the model understands no phrases');
    const found = await concepts.find(await this.#resolve(reference), query);
    return found.map((instance) => ({ ...instance, noun: query.phrase }));
  }

  async #findText(reference: FeatureReference, query: TextItem): Promise<TextInstance[]> {
    const { manifest } = this.#setup;
    if (manifest.text === null) throw new Error('the model understands no text');
    const layout = layoutOf(manifest);
    const classify = async (features: LayoutFeatures): Promise<ClassMaps> => {
      if (layout.classify !== undefined) return await layout.classify(features, this.#graphs);
      throw new Error('the layout understands no text');
    };
    const whole = await classify(await this.#resolve(reference));
    const tiles: TileMaps[] = [];
    for (const { region, features } of query.tiles ?? []) {
      tiles.push({ region, maps: await classify(await this.#resolve(features)) });
    }
    const unmade = query.entry.tiled && query.tiles === null ? manifest.text.tiles : [];
    for (const region of unmade) {
      const picture = { ...query.picture, region };
      const features = await layout.encode(picture, this.#graphs, manifest);
      tiles.push({ region, maps: await classify(features) });
    }
    const found = findInstances(nounMap(query.entry, manifest.text, { whole, tiles }), query);
    return found.slice(0, query.maxObjects);
  }

  /** Features by id, opened or made from the picture where this worker does not hold them yet. */
  async #resolve({ id, rebuild, shared }: FeatureReference): Promise<LayoutFeatures> {
    const held = this.#features.get(id);
    if (held !== undefined) return await held;
    if (shared !== undefined) {
      const opened = openFeatures(shared);
      this.#features.set(id, Promise.resolve(opened));
      return opened;
    }
    if (rebuild === null) throw new Error(`features ${id} are not held`);
    const { manifest } = this.#setup;
    const made = layoutOf(manifest).encode(rebuild, this.#graphs, manifest);
    this.#features.set(id, made);
    try {
      return await made;
    } catch (reason) {
      this.#features.delete(id);
      throw reason;
    }
  }
}
