// Checks who may import whom (the table of DESIGN.md, in docs/architecture.md) and that no import
// cycle exists. Reads import statements only, so it needs no parser that knows the newest TypeScript.
//
//   node scripts/import-table.mjs [ROOT]

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mayImport } from './import-rooms.mjs';

/** Packages and built-in modules that have only these homes, folders or single files. */
const onlyHomes = {
  // One door, which turns telemetry off before it opens; nobody else opens another.
  'onnxruntime-node': ['src/inference/engine/onnxruntime.ts'],
  'opencv-wasm': ['src/tracking/flow'],
  jose: ['src/server/admission'],
  ws: ['src/server/gateway'],
  // Loaded only where OpenTelemetry's variables ask for it.
  '@opentelemetry/api': ['src/server/telemetry'],
  '@opentelemetry/sdk-node': ['src/server/telemetry'],
  // Loaded only where a port for metrics is asked for.
  'prom-client': ['src/server/metrics'],
  'lit-html': ['clients/web'],
  mediabunny: ['clients/web/worker'],
  rxjs: ['src/pipeline', 'src/pipeline/intake'],
  '@grpc/grpc-js': [
    'src/server',
    'src/server/admission',
    'src/server/responses',
    'src/server/gateway',
    'src/inference/engine/kserve',
    'src/gen',
    'clients/typescript',
  ],
  zod: ['src', 'src/inference', 'clients/publisher'],
  'sdp-transform': ['clients/publisher/rtsp'],
  'node:child_process': ['src/video/ffmpeg', 'src/video/encode', 'src/evaluation', 'src'],
};

/** The only files that read or write the environment. */
const environmentFiles = ['src/config.ts', 'src/inference/engine/no-telemetry.ts'];

/** Folders outside the rooms; they may import what they like, but come through the same doors. */
const outside = ['bench', 'tools', 'examples', 'test'];
const doors = ['onnxruntime-node'];

/** Folders that use no package at all, and no I/O. */
const pure = {
  'src/frame': [],
  'src/tracking': [],
  'src/tracking/object': [],
  'src/tracking/mask': [],
  'src/tracking/flow': ['opencv-wasm'],
  'src/tracking/kernel': [],
};

/** The rows as a graph of rooms; single files that a row names are its rooms' shared types. */
const roomGraph = new Map(
  Object.entries(mayImport).map(([room, allowed]) => [
    room,
    allowed === 'all' ? [] : allowed.filter((name) => name in mayImport),
  ]),
);

/** Fewest modules of the whole project: a check that reads nothing passes everything. */
const fewestModules = 300;

const statement = /^[ \t]*(?:import|export)\b[^;'"`]*?\bfrom\s*['"]([^'"]+)['"]/gm;
const bare = /^[ \t]*import\s*['"]([^'"]+)['"]/gm;
const call = /\b(?:import|require)\(\s*['"]([^'"]+)['"]\s*\)/g;

/**
 * Reads all modules below `src` and `clients` and returns what breaks the rules.
 *
 * @param {string} root folder of the repository
 * @param {{ fewest?: number }} [options]
 */
export function checkImports(root, options = {}) {
  const files = ['src', 'clients'].flatMap((folder) => sources(join(root, folder)));
  const problems = [];
  const graph = new Map();
  let imports = 0;
  for (const file of files) {
    const name = relative(root, file).split(sep).join('/');
    const text = readFileSync(file, 'utf8');
    const targets = [];
    for (const specifier of specifiers(text)) {
      imports++;
      if (!specifier.startsWith('.')) {
        problems.push(...packageProblems(name, specifier));
        continue;
      }
      const path = resolve(dirname(file), specifier);
      const target = relative(root, path).split(sep).join('/');
      if (!existsSync(path)) problems.push(`${name}: imports ${specifier}, which does not exist`);
      else targets.push(target);
      problems.push(...folderProblems(name, target));
    }
    if (/\bprocess\.env\b/.test(withoutComments(text)) && !environmentFiles.includes(name)) {
      problems.push(`${name}: reads process.env; src/config.ts is its only reader`);
    }
    graph.set(name, targets);
  }
  problems.push(...outside.flatMap((folder) => doorProblems(root, folder)));
  problems.push(...cycles(graph));
  problems.push(...cycles(roomGraph).map((cycle) => `between rooms: ${cycle}`));
  const fewest = options.fewest ?? fewestModules;
  if (files.length < fewest) {
    problems.push(`expected at least ${fewest} modules, read ${files.length}`);
  }
  if (imports < files.length) {
    problems.push(`expected at least one import a module, read ${imports} of ${files.length}`);
  }
  return { modules: files.length, imports, problems };
}

function sources(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((file) => !file.includes(`${sep}node_modules${sep}`))
    .toSorted();
}

function specifiers(text) {
  return [statement, bare, call].flatMap((pattern) =>
    [...withoutComments(text).matchAll(pattern)].map((match) => match[1]),
  );
}

/** Block comments and whole-line comments: examples in them import nothing. */
function withoutComments(text) {
  return text.replace(/^[ \t]*\/\*[\s\S]*?\*\//gm, '').replace(/^[ \t]*\/\/.*$/gm, '');
}

function homeOf(name) {
  const folders = Object.keys(mayImport).filter((folder) => name.startsWith(`${folder}/`));
  return folders.toSorted((a, b) => b.length - a.length)[0];
}

function folderProblems(name, target) {
  const from = homeOf(name);
  const to = homeOf(target);
  const allowed = mayImport[from];
  if (allowed === 'all' || from === to || allowed.includes(to) || allowed.includes(target))
    return [];
  return [`${name}: ${from} may import ${allowed.join(', ') || 'nothing'}, got ${target}`];
}

/** Packages with a door that files outside the rooms import beside it. */
function doorProblems(root, folder) {
  return sources(join(root, folder)).flatMap((file) => {
    const name = relative(root, file).split(sep).join('/');
    return specifiers(readFileSync(file, 'utf8'))
      .filter((specifier) => doors.includes(specifier))
      .map((specifier) => `${name}: ${specifier} belongs in ${onlyHomes[specifier]} only`);
  });
}

function packageProblems(name, specifier) {
  const home = homeOf(name);
  const found = [];
  const owner = Object.keys(onlyHomes).find(
    (known) => specifier === known || specifier.startsWith(`${known}/`),
  );
  if (owner !== undefined && !onlyHomes[owner].some((place) => place === home || place === name)) {
    found.push(`${name}: ${owner} belongs in ${onlyHomes[owner].join(', ')} only`);
  }
  if (home in pure && !pure[home].includes(specifier)) {
    found.push(`${name}: ${home} is pure and may not import ${specifier}`);
  }
  return found;
}

/** Depth-first search; each cycle is named once, at the edge that closes it. */
function cycles(graph) {
  const found = [];
  const state = new Map();
  const trail = [];
  const visit = (name) => {
    state.set(name, 'open');
    trail.push(name);
    for (const target of graph.get(name) ?? []) {
      if (state.get(target) === 'open') {
        const loop = trail.slice(trail.indexOf(target));
        found.push(`import cycle: ${[...loop, target].join(' -> ')}`);
      } else if (!state.has(target)) visit(target);
    }
    trail.pop();
    state.set(name, 'done');
  };
  for (const name of graph.keys()) if (!state.has(name)) visit(name);
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = resolve(process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '..'));
  const { modules, imports, problems } = checkImports(root);
  for (const problem of problems) console.error(problem);
  console.log(`${modules} modules, ${imports} imports, ${problems.length} problems`);
  if (problems.length > 0) process.exitCode = 1;
}
