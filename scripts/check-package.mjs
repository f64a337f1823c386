// From `npm pack` to a ten-line client in an empty project with an empty home, for each package
// manager: the server's package with its program, the client's alone, and the publisher's, which must
// stay small, start, and take a video to the server. Needs a package registry.
//
//   node scripts/check-package.mjs [npm npm@10 npm@11 pnpm@10 yarn@1 ...]     (default: npm)

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const work = mkdtempSync(join(tmpdir(), 'maskstream-package-'));
const managers = process.argv.slice(2);

/** What the publisher may take of the machine beside a camera, with all that it pulls in. */
const maxPublisherBytes = 30e6;

/** A video of three pictures, so that nothing has to be encoded here. */
const clip = join(root, 'test/fixtures/three-pictures.mjpeg');

const program = (name) => `import { readFile } from 'node:fs/promises';
import { connect, decodeMask } from '${name}';

const [address, file] = process.argv.slice(2);
const client = connect(address);
const box = { x: 40, y: 40, width: 120, height: 90 };
const prompts = [{ objectId: 1, box }];
const { objects } = await client.segmentImage({ image: await readFile(file), prompts });
for (const { objectId, confidence, mask } of objects)
  console.log(objectId, confidence.toFixed(2), mask && decodeMask(mask).data.length);
client.close();
`;

try {
  const tarballs = {
    maskstream: pack('.'),
    'maskstream-client': pack('./clients/typescript'),
    'maskstream-publisher': pack('./clients/publisher'),
  };
  for (const manager of managers.length === 0 ? ['npm'] : managers) await check(manager, tarballs);
} finally {
  rmSync(work, { recursive: true, force: true });
}

function pack(folder) {
  const words = ['pack', folder, '--json', '--pack-destination', work];
  const { stdout } = run('npm', words, { cwd: root, env: process.env });
  const [{ filename, size }] = JSON.parse(stdout.slice(stdout.indexOf('[\n')));
  say(`npm pack ${folder}: ${filename}, ${megabytes(size)}`);
  return join(work, filename);
}

async function check(manager, tarballs) {
  const projects = Object.keys(tarballs).map((name) => [name, install(manager, name, tarballs)]);
  const [[, project]] = projects;
  const words = [join(project, 'node_modules/maskstream/bin/maskstream'), 'serve'];
  const server = spawn(process.execPath, [...words, '--listen=127.0.0.1:0', '--log-level=error'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = await once(createInterface({ input: server.stdout }), 'line');
    const picture = join(project, 'node_modules/maskstream/docs/demo.jpg');
    const inputs = [line.replace('listening on ', ''), picture];
    for (const [name, folder] of projects) talk(manager, name, folder, inputs);
    checkPublisher(projects.at(-1)[1], inputs[0]);
  } finally {
    server.kill('SIGTERM');
    await once(server, 'exit');
  }
}

function install(manager, name, tarballs) {
  const folder = join(work, `${manager}-${name}`.replaceAll(/[^\w-]/g, '_'));
  const home = join(folder, 'home');
  const project = join(folder, 'project');
  for (const place of [home, project]) mkdirSync(place, { recursive: true });
  writeFileSync(join(project, 'package.json'), '{ "private": true }\n');
  const verb = manager.startsWith('npm') ? 'install' : 'add';
  const [tool] = manager.split('@');
  // npx brings another version than the one at hand; its own home is not the project's.
  const [command, ...words] =
    manager === 'npm' ? ['npm'] : ['npx', '--yes', '--package', manager, '--', tool];
  const started = performance.now();
  run(command, [...words, verb, tarballs[name]], { cwd: project, env: cleanEnvironment(home) });
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  const size = megabytes(folderBytes(join(project, 'node_modules')));
  say(`${manager} ${verb} ${name}: ok in ${seconds} s, ${size} in node_modules`);
  return project;
}

/** As a new user has it: no settings of npm, none of the runtime's install script. */
function cleanEnvironment(home) {
  const { PATH, NODE_EXTRA_CA_CERTS, HTTPS_PROXY } = process.env;
  const kept = Object.entries({ PATH, NODE_EXTRA_CA_CERTS, HTTPS_PROXY });
  return { ...Object.fromEntries(kept.filter(([, value]) => value !== undefined)), HOME: home };
}

function talk(manager, name, project, inputs) {
  writeFileSync(join(project, 'client.mjs'), program(name));
  const { stdout } = run(process.execPath, ['client.mjs', ...inputs], { cwd: project });
  if (!/^1 [01]\.\d\d \d+\n$/.test(stdout)) throw new Error(`expected a mask, got ${stdout}`);
  const required = `console.log(typeof require('${name}').connect)`;
  const { stdout: type, stderr } = run(process.execPath, ['-e', required], { cwd: project });
  if (type !== 'function\n') throw new Error(`expected a function, got ${type}`);
  const warned = stderr === '' ? '' : ` (${stderr.split('\n')[0]})`;
  say(`${manager} ${name}: ten-line client prints "${stdout.trim()}"; require() works${warned}`);
}

/** Its size, its files, and its program from a video to lines of masks. */
function checkPublisher(project, address) {
  const modules = join(project, 'node_modules');
  const bytes = folderBytes(modules);
  if (bytes > maxPublisherBytes) {
    const most = megabytes(maxPublisherBytes);
    throw new Error(`expected the publisher to take at most ${most}, got ${megabytes(bytes)}`);
  }
  const native = readdirSync(modules, { recursive: true }).filter((file) => file.endsWith('.node'));
  if (native.length > 0) throw new Error(`expected no native parts, got ${native.join(', ')}`);
  for (const file of ['cameras.schema.json', 'LICENSE', 'dist/clients/publisher/index.d.ts']) {
    statSync(join(modules, 'maskstream-publisher', file));
  }
  const publisher = join(modules, '.bin/maskstream-publish');
  const { stdout: help } = run(publisher, ['--help'], { cwd: project });
  if (!help.includes('maskstream-publish --input')) throw new Error(`expected help, got ${help}`);
  const prompts = join(project, 'prompts.json');
  writeFileSync(
    prompts,
    JSON.stringify({ version: 1, prompts: [{ object_id: 1, box: [40, 40, 120, 90] }] }),
  );
  const words = ['--input', clip, '--frame-rate', '10', '--to', address, '--prompts', prompts];
  const { stdout } = run(publisher, words, { cwd: project });
  const frames = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  if (frames.length !== 3 || frames.some(({ objects }) => objects[0]?.object_id !== 1)) {
    throw new Error(`expected three lines with object 1, got ${stdout}`);
  }
  say(
    `maskstream-publish: three pictures followed; ${megabytes(bytes)} of ${megabytes(maxPublisherBytes)}, no native parts`,
  );
}

function run(command, words, options) {
  const result = spawnSync(command, words, { encoding: 'utf8', maxBuffer: 1e8, ...options });
  if (result.status === 0) return result;
  const said = `${result.stdout}${result.stderr}${result.error ?? ''}`.slice(-4000);
  throw new Error(`${command} ${words.join(' ')}: exit ${result.status}\n${said}`);
}

function folderBytes(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function say(line) {
  console.log(line);
}
