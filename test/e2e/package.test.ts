import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

type Manifest = {
  readonly version: string;
  readonly engines: { readonly node: string };
  readonly dependencies: Record<string, string>;
  readonly scripts: Record<string, string>;
  readonly exports: Record<string, unknown>;
};

const manifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest;

/** Paths of the files that `npm pack` takes. */
function packed(folder: string): string[] {
  const words = ['pack', folder, '--dry-run', '--json', '--ignore-scripts'];
  const output = execFileSync('npm', words, { cwd: root, encoding: 'utf8', stdio: 'pipe' });
  const [{ files }] = JSON.parse(output) as [{ files: { path: string }[] }];
  return files.map(({ path }) => path);
}

/** Relative links and images of a text, without their anchors. */
function links(text: string): string[] {
  return [...text.matchAll(/\]\(([^)#\s]+)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

describe('the package', () => {
  const files = packed('.');

  test('holds every file that one of its documents links to', () => {
    const documents = files.filter((path) => path.endsWith('.md'));
    expect(documents).toEqual(expect.arrayContaining(['README.md', 'docs/cli.md']));
    const dead = documents.flatMap((path) =>
      links(readFileSync(join(root, path), 'utf8'))
        .map((target) => posix.join(dirname(path), target).replace(/\/$/, ''))
        .filter((target) => !files.some((file) => file === target || file.startsWith(`${target}/`)))
        .map((target) => `${path} -> ${target}`),
    );
    expect(dead).toEqual([]);
  });

  test('holds what it runs on, and nothing that only its makers need', () => {
    expect(files).toEqual(
      expect.arrayContaining([
        'bin/maskstream',
        'models/maskstream-tiny/manifest.json',
        'proto/maskstream/v1/segmentation_service.proto',
        'NOTICE',
      ]),
    );
    expect(files.filter((path) => /^(test|src|bench)\/|\.map$|\.npmrc/.test(path))).toEqual([]);
  });

  test('runs no script at its installation, nor does what it depends on need one', () => {
    const { scripts, dependencies } = manifest('.');
    const hooks = ['preinstall', 'install', 'postinstall'];
    expect(hooks.filter((hook) => hook in scripts)).toEqual([]);
    // Its own script downloads CUDA, and fails where it cannot.
    expect(dependencies).not.toHaveProperty('onnxruntime-node');
    const runtime = manifest('node_modules/onnxruntime-node');
    expect(dependencies['onnxruntime-common']).toBe(runtime.dependencies['onnxruntime-common']);
    expect(readFileSync(join(root, 'NOTICE'), 'utf8')).toContain(runtime.version);
    const door = readFileSync(join(root, 'src/inference/engine/onnxruntime.ts'), 'utf8');
    expect(door).toContain(`onnxruntime-node@${runtime.version}`);
  });
});

describe('the client’s own package', () => {
  test('has the version and the dependencies of the whole, and none of the native ones', () => {
    const [whole, client] = [manifest('.'), manifest('clients/typescript')];
    expect(client.version).toBe(whole.version);
    expect(client.engines).toEqual(whole.engines);
    expect(client.exports).toEqual(whole.exports);
    expect(whole.dependencies).toMatchObject(client.dependencies);
    const native = /onnxruntime|ffmpeg|opencv/;
    expect(Object.keys(client.dependencies).filter((name) => native.test(name))).toEqual([]);
  });

  test('has every package that the client imports', () => {
    const { dependencies } = manifest('clients/typescript');
    const sources = execFileSync(
      'git',
      ['ls-files', 'clients/typescript', 'clients/core', 'src/gen'],
      {
        cwd: root,
        encoding: 'utf8',
      },
    );
    const imported = sources
      .split('\n')
      .filter((file) => file.endsWith('.ts') && existsSync(join(root, file)))
      .flatMap((file) => [
        ...readFileSync(join(root, file), 'utf8').matchAll(/from ["']([^."'][^"']*)["']/g),
      ])
      .map(([, name = '']) => name)
      .filter((name) => !name.startsWith('node:'))
      .map((name) => name.match(/^(?:@[^/]+\/)?[^/]+/)?.[0] ?? name);
    expect([...new Set(imported)].toSorted()).toEqual(Object.keys(dependencies).toSorted());
  });
});
