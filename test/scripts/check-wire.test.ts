import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

function check(folder: string) {
  const script = join(root, 'scripts/check-wire.mjs');
  const run = spawnSync(process.execPath, [script, folder], { encoding: 'utf8' });
  return { ...run, problems: run.stderr.trim().split('\n').filter(Boolean) };
}

describe('the wire', () => {
  let copy = '';
  beforeEach(() => {
    copy = mkdtempSync(join(tmpdir(), 'maskstream-wire-'));
    cpSync(join(root, 'proto'), join(copy, 'proto'), { recursive: true });
    cpSync(join(root, 'buf.yaml'), join(copy, 'buf.yaml'));
  });
  afterEach(() => rmSync(copy, { recursive: true }));

  function edit(file: string, from: string, to: string): void {
    const path = join(copy, 'proto/maskstream/v1', file);
    const text = readFileSync(path, 'utf8');
    expect(text).toContain(from);
    writeFileSync(path, text.replace(from, to));
  }

  test('breaks no released version', () => {
    const { status, stdout, problems } = check(copy);
    expect(problems).toEqual([]);
    expect(stdout).toMatch(/^[1-9]\d* released wires, 0 problems\n$/);
    expect(status).toBe(0);
  });

  test('may grow', () => {
    const last = 'float confidence = 8;';
    edit('common.proto', last, `${last}\n  // New.\n  optional float novelty = 999;`);
    expect(check(copy).problems).toEqual([]);
  });

  test('is broken by a field with another number, and by one that is gone', () => {
    edit('common.proto', 'float confidence = 8;', 'float confidence = 999;');
    const { status, problems } = check(copy);
    // Of each released version.
    const images = readdirSync(join(copy, 'proto/images')).toSorted();
    expect(images).toContain('v0.1.0.binpb');
    expect(problems.map((line) => line.slice('against '.length, line.indexOf(':')))).toEqual(
      images,
    );
    for (const line of problems) {
      expect(line).toMatch(/^against \S+: .*field "8".*"ObjectMask".*was deleted/);
    }
    expect(status).toBe(1);
  });

  test('is broken by another type, and by a value of an enum that is gone', () => {
    edit('common.proto', 'double width = 3;', 'float width = 3;');
    edit('common.proto', '  MASK_ENCODING_NONE = 5;\n', '');
    expect(check(copy).problems).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/Field "3" .*"Box" changed type/),
        expect.stringMatching(/enum value "5" .*"MaskEncoding"/),
      ]),
    );
  });

  test('does not pass where there is no released version to compare with', () => {
    rmSync(join(copy, 'proto/images'), { recursive: true });
    const { status, problems } = check(copy);
    expect(problems).toEqual(['expected an image in proto/images, found none']);
    expect(status).toBe(1);
  });

  test('does not pass where an image cannot be read', () => {
    writeFileSync(join(copy, 'proto/images/v0.0.1.binpb'), 'no image');
    const { status, problems } = check(copy);
    expect(problems[0]).toMatch(/^against v0\.0\.1\.binpb: /);
    expect(status).toBe(1);
  });
});
