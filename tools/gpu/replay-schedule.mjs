// replay-schedule.mjs '{"runtime":DIR,"compiled":DIR,"graphs":{...},...}': what a 720p clip costs, in one
// process, step after step: preprocessing, flow and refiner are maskstream's own code and graphs; the
// encoder, memory and decoder are graphs of real size with random weights, so masks mean nothing and the
// keyframes are those that the embedded model chose. Prints one line of JSON.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

process.env.ORT_DISABLE_TELEMETRY = '1';
const config = JSON.parse(process.argv[2]);
const ort = createRequire(import.meta.url)(config.runtime);
const load = (path) => import(pathToFileURL(`${config.compiled}/${path}`).href);
const { createDisFlow } = await load('tracking/flow/dis.js');
const { createFlowImage, prepareFlowImage } = await load('tracking/flow/image.js');
const { fillInput } = await load('inference/layouts/preprocess.js');

const size = { width: 1280, height: 720 };
const spent = {};
async function timed(stage, work) {
  const start = performance.now();
  const result = await work();
  spent[stage] = (spent[stage] ?? 0) + performance.now() - start;
  return result;
}

async function open(model, providers, threads) {
  return await ort.InferenceSession.create(model, {
    executionProviders: providers,
    logSeverityLevel: 3,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    ...(threads ? { intraOpNumThreads: threads } : {}),
  });
}

/** A textured yuv420p picture that moves with the frame index. */
function picture(index) {
  const data = new Uint8Array((size.width * size.height * 3) / 2).fill(128);
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const at = x + 2 * index;
      data[y * size.width + x] =
        120 + 50 * Math.sin(at / 17) * Math.cos(y / 23) + 30 * Math.sin((at + y) / 5);
    }
  }
  return data;
}

const fill = (metadata) => {
  const length = metadata.shape.reduce(
    (a, b) => a * (typeof b === 'number' ? b : config.objects),
    1,
  );
  const dims = metadata.shape.map((side) => (typeof side === 'number' ? side : config.objects));
  const { type } = metadata;
  const data =
    type === 'float16'
      ? new Uint16Array(length).fill(0x2e66)
      : type === 'uint8'
        ? new Uint8Array(length)
        : type === 'int32'
          ? Int32Array.from([2, 3, 1].slice(0, length))
          : new Float32Array(length).fill(0.1);
  return new ort.Tensor(type, data, dims);
};

const sessions = {};
for (const [part, model] of Object.entries(config.graphs))
  sessions[part] = await open(model, config.providers, config.threads);
const refiner = await open(config.refiner, ['cpu'], 1);
const feedsOf = (session) =>
  Object.fromEntries(session.inputNames.map((name, k) => [name, fill(session.inputMetadata[k])]));
const fixed = Object.fromEntries(Object.entries(sessions).map(([part, s]) => [part, feedsOf(s)]));
const refinerFeeds = feedsOf(refiner);
const side = sessions.encoder.inputMetadata[0].shape.at(-1);
const takesBytes = sessions.encoder.inputMetadata[0].type === 'uint8';
const settings = { fit: 'stretch', colour: 'rgb', range: '0-255', mean: null, std: null };
const target = { width: side, height: side, ...settings };
const pictures = Array.from({ length: 4 }, (_, i) => picture(i));

async function keyframe(data) {
  const image = await timed('preprocess', () => {
    const view = { size, data, region: { x: 0, y: 0, width: 1, height: 1 }, flipped: false };
    const Values = takesBytes ? Uint8Array : Float32Array;
    const input = fillInput(view, target, new Values(3 * side * side));
    return new ort.Tensor(takesBytes ? 'uint8' : 'float32', input, [1, 3, side, side]);
  });
  const features = await timed('encoder', () => sessions.encoder.run({ image }));
  for (let i = 0; i < config.objects; i++) {
    const { conditioned } = await timed('attention', () =>
      sessions.attention.run({ ...fixed.attention, feats2: features.embed }),
    );
    const seen = { feats2: conditioned, feats0: features.hr0, feats1: features.hr1 };
    await timed('decoder', () => sessions.decoder.run({ ...fixed.decoder, ...seen }));
    await timed('memory', () => sessions.memory.run({ ...fixed.memory, feats2: features.embed }));
  }
}

const grid = { width: 256, height: 144 };
const images = [createFlowImage(grid), createFlowImage(grid)];
const flow = createDisFlow();
const cells = grid.width * grid.height;
const field = { ...grid, u: new Float32Array(cells), v: new Float32Array(cells) };
const frames = config.schedule.slice(0, config.frames ?? config.schedule.length);
// Warm: each graph has run before the clock starts, as the service does before it says that it serves.
await keyframe(pictures[0]);
await refiner.run(refinerFeeds);
for (const stage of Object.keys(spent)) spent[stage] = 0;

const cpu = process.cpuUsage();
const start = performance.now();
let keyframes = 0;
for (const [index, isKeyframe] of frames.entries()) {
  const data = pictures[index % pictures.length];
  if (config.policy === 'keyframes')
    await timed('flow', () => {
      const current = images[index % 2];
      prepareFlowImage(data.subarray(0, size.width * size.height), size, current);
      if (index > 0) flow.compute(images[(index + 1) % 2], current, field, field);
    });
  if (config.policy === 'every' || isKeyframe) {
    keyframes++;
    await keyframe(data);
  } else {
    await timed('refiner', () => refiner.run(refinerFeeds));
  }
}
const seconds = (performance.now() - start) / 1000;
const used = process.cpuUsage(cpu);
const perFrame = (ms) => Math.round((ms / frames.length) * 100) / 100;
const result = {
  id: config.id,
  policy: config.policy,
  frames: frames.length,
  keyframes,
  seconds: Math.round(seconds * 100) / 100,
  msPerFrame: perFrame(seconds * 1000),
  cpuMsPerFrame: perFrame((used.user + used.system) / 1000),
  stagesMsPerFrame: Object.fromEntries(Object.entries(spent).map(([k, ms]) => [k, perFrame(ms)])),
  hostMb: Math.round(
    Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024,
  ),
};
console.log(`@@${JSON.stringify(result)}`);
process.exit(0);
