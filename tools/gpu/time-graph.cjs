// time-graph.cjs '{"runtime":DIR,"model":FILE,"providers":["cuda"],...}': loads one graph in a process of
// its own, runs it and prints one line of JSON. Inputs are random from a seed; integers are labels.
const { readFileSync, writeFileSync } = require('node:fs');
const config = JSON.parse(process.argv[2]);
process.env.ORT_DISABLE_TELEMETRY = '1';
const ort = require(config.runtime);
const now = () => performance.now();
const round = (x) => Math.round(x * 100) / 100;
const at = (values, share) =>
  round(
    values.toSorted((a, b) => a - b)[
      Math.min(values.length - 1, Math.floor(share * values.length))
    ],
  );
const hostMb = (field) =>
  Math.round(
    Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))[1]) /
      1024,
  );

function halfOf(value) {
  const [bits] = new Uint32Array(new Float32Array([value]).buffer);
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 255) - 112;
  if (exponent <= 0) return sign;
  return sign | (exponent << 10) | ((bits >>> 13) & 1023);
}

function noise(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 3;
  };
}

function tensorFor(metadata, k) {
  const length = metadata.shape.reduce((a, b) => a * b, 1);
  const next = noise(12345 + k);
  const { type } = metadata;
  let data;
  if (type === 'uint8')
    data = Uint8Array.from({ length }, () => Math.max(0, Math.min(255, 128 + 60 * next())));
  else if (type === 'float16') {
    // 2048 values made, then repeated: halves are slow to make one by one.
    const some = Uint16Array.from({ length: 2048 }, () => halfOf(next()));
    data = new Uint16Array(length);
    for (let i = 0; i < length; i++) data[i] = some[i & 2047];
  } else if (type === 'int32') data = Int32Array.from([2, 3, 1].slice(0, length));
  else {
    data = new Float32Array(length);
    for (let i = 0; i < length; i++) data[i] = next();
  }
  return new ort.Tensor(type, data, metadata.shape);
}

async function main() {
  const result = { id: config.id };
  try {
    const before = hostMb('VmRSS');
    let start = now();
    const source = config.fromBytes ? readFileSync(config.model) : config.model;
    const session = await ort.InferenceSession.create(source, {
      executionProviders: config.providers,
      logSeverityLevel: 3,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      extra: { session: { intra_op: { allow_spinning: '0' } } },
      ...(config.threads ? { intraOpNumThreads: config.threads } : {}),
      ...config.options,
    });
    result.loadMs = Math.round(now() - start);
    result.hostPeakLoadMb = hostMb('VmHWM') - before;
    const feeds = Object.fromEntries(
      session.inputNames.map((name, k) => [name, tensorFor(session.inputMetadata[k], k)]),
    );
    start = now();
    let outputs = await session.run(feeds);
    result.firstMs = Math.round(now() - start);
    result.firstAnswerMs = result.loadMs + result.firstMs;
    result.outputs = Object.fromEntries(
      session.outputNames.map((n) => [n, `${outputs[n].type} ${outputs[n].dims.join('x')}`]),
    );
    if (config.dump) {
      const { data } = outputs[session.outputNames[0]];
      writeFileSync(config.dump, Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    }
    for (let i = 0; i < (config.warm ?? 4); i++) await session.run(feeds);
    const times = [];
    const kept = [];
    const begin = now();
    const cpu = process.cpuUsage();
    for (
      let i = 0;
      i < (config.runs ?? 30) && (i < 3 || now() - begin < (config.maxMs ?? 12000));
      i++
    ) {
      const each = now();
      outputs = await session.run(feeds, ...(config.only ? [config.only] : []));
      times.push(now() - each);
      if (config.keep) kept.push(outputs);
    }
    const used = process.cpuUsage(cpu);
    Object.assign(result, { runs: times.length, p50: at(times, 0.5), p95: at(times, 0.95) });
    result.cpuMsPerRun = round((used.user + used.system) / 1000 / times.length);
    result.hostMb = hostMb('VmRSS');
    result.hostPeakMb = hostMb('VmHWM');
    if (config.options?.enableProfiling) session.endProfiling();
  } catch (error) {
    result.error = String(error.message ?? error).slice(0, 400);
  }
  console.log(`@@${JSON.stringify(result)}`);
  process.exit(0);
}
void main();
