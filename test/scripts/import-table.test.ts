import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

function check(folder: string) {
  const script = join(root, 'scripts/import-table.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, folder], {
    encoding: 'utf8',
  });
  const modules = Number(/^(\d+) modules/.exec(stdout)?.[1]);
  return { status, modules, problems: stderr.trim().split('\n').filter(Boolean) };
}

describe('the import table', () => {
  let copy = '';
  beforeEach(() => {
    copy = mkdtempSync(join(tmpdir(), 'maskstream-imports-'));
    cpSync(join(root, 'src'), join(copy, 'src'), { recursive: true });
    cpSync(join(root, 'clients'), join(copy, 'clients'), { recursive: true });
  });
  afterEach(() => rmSync(copy, { recursive: true }));

  test('holds, and more than a hundred modules were read to say so', () => {
    const { status, modules, problems } = check(copy);
    expect(problems).toEqual([]);
    expect(status).toBe(0);
    expect(modules).toBeGreaterThan(100);
  });

  test('is broken by an import from a folder that is not allowed', () => {
    appendFileSync(join(copy, 'src/frame/time.ts'), "\nimport type {} from '../video/index.ts';\n");
    const { status, problems } = check(copy);
    expect(status).toBe(1);
    expect(problems).toContain(
      'src/frame/time.ts: src/frame may import nothing, got src/video/index.ts',
    );
  });

  test('is broken by an import over several lines, and by one inside a function', () => {
    const lines = "\nexport {\n  createServer,\n} from\n  '../server/index.ts';\n";
    appendFileSync(join(copy, 'src/video/decoder.ts'), lines);
    const lazy = "\nexport const load = () => import('../../inference/index.ts');\n";
    appendFileSync(join(copy, 'src/tracking/object/confidence.ts'), lazy);
    expect(check(copy).problems).toEqual(
      expect.arrayContaining([
        'src/video/decoder.ts: src/video may import src/frame, src/process-tree.ts, src/video/headers, src/video/ffmpeg, src/video/mp4, src/video/encode, got src/server/index.ts',
        expect.stringMatching(
          /^src\/tracking\/object\/confidence\.ts: src\/tracking\/object may import .*, got src\/inference\/index\.ts$/,
        ),
      ]),
    );
  });

  test('is broken by a cycle', () => {
    writeFileSync(join(copy, 'src/frame/egg.ts'), "export { hen } from './hen.ts';\n");
    writeFileSync(join(copy, 'src/frame/hen.ts'), "import './egg.ts';\nexport const hen = 1;\n");
    const { status, problems } = check(copy);
    expect(status).toBe(1);
    expect(problems).toEqual([
      'import cycle: src/frame/egg.ts -> src/frame/hen.ts -> src/frame/egg.ts',
    ]);
  });

  test('is broken by a package away from its home, I/O in a pure folder, and process.env', () => {
    writeFileSync(join(copy, 'src/server/odd.ts'), "import 'rxjs';\n");
    writeFileSync(join(copy, 'src/tracking/odd.ts'), "import 'node:fs';\n");
    writeFileSync(join(copy, 'src/video/odd.ts'), "import './index.ts';\nprocess.env.HOME;\n");
    expect(check(copy).problems).toEqual([
      'src/server/odd.ts: rxjs belongs in src/pipeline, src/pipeline/intake only',
      'src/tracking/odd.ts: src/tracking is pure and may not import node:fs',
      'src/video/odd.ts: reads process.env; src/config.ts is its only reader',
    ]);
  });

  test('is broken by the model runtime taken in beside its door, in benches too', () => {
    const line = "import { Tensor } from 'onnxruntime-node';\n";
    writeFileSync(join(copy, 'src/inference/engine/odd.ts'), line);
    mkdirSync(join(copy, 'bench'));
    writeFileSync(join(copy, 'bench/odd.ts'), line);
    const only = 'onnxruntime-node belongs in src/inference/engine/onnxruntime.ts only';
    expect(check(copy).problems).toEqual([
      `src/inference/engine/odd.ts: ${only}`,
      `bench/odd.ts: ${only}`,
    ]);
  });

  test('is not read out of examples in comments', () => {
    const comment =
      "\n/*\n * import x from '../video/index.ts';\n */\n// import '../video/index.ts';\n";
    appendFileSync(join(copy, 'src/frame/time.ts'), comment);
    expect(check(copy).status).toBe(0);
  });

  test('does not pass where nothing was read', () => {
    rmSync(join(copy, 'src'), { recursive: true });
    const { status, problems } = check(copy);
    expect(status).toBe(1);
    expect(problems.at(-1)).toMatch(/^expected at least 300 modules, read \d+$/);
  });
});
