// From `npm pack` to a ten-line client in an empty project with an empty home, for each package
// manager: the server's package with its program, and the client's alone. Needs a package registry.
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
