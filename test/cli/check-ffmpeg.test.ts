import { expect, test } from 'vitest';
import { checkFfmpeg } from '../../src/cli/check-ffmpeg.ts';
import { readConfig } from '../../src/config.ts';
import { bundledFfmpeg } from '../fixtures/encoded-clips.ts';

const everybody = { MASKSTREAM_LISTEN: '0.0.0.0:1' };
const patched = {
  ...bundledFfmpeg,
  version: '7.1.5',
  fixes: 'present',
  isBundledBuild: false,
} as const;
const older = { ...patched, version: '5.1.9', fixes: 'absent' } as const;

test('the build of 2018 serves loopback, and others only where it is allowed to', () => {
  expect(() => checkFfmpeg(bundledFfmpeg, readConfig({}, {}))).not.toThrow();
  expect(() => checkFfmpeg(bundledFfmpeg, readConfig(everybody, {}))).toThrow(
    /--allow old-ffmpeg, got N-47683-\S+ at .*, a build of 2018/,
  );
  const allowed = readConfig({ ...everybody, MASKSTREAM_ALLOW: 'old-ffmpeg' }, {});
  expect(() => checkFfmpeg(bundledFfmpeg, allowed)).not.toThrow();
  expect(() => checkFfmpeg(older, readConfig(everybody, {}))).not.toThrow();
});

test('where a patched one is required, releases before the fix and builds of a day are refused', () => {
  const strict = readConfig({ MASKSTREAM_REQUIRE_PATCHED_FFMPEG: 'true' }, {});
  expect(() => checkFfmpeg(patched, strict)).not.toThrow();
  for (const ffmpeg of [older, bundledFfmpeg, { ...patched, fixes: 'unknown' } as const]) {
    expect(() => checkFfmpeg(ffmpeg, strict)).toThrow(
      /^--require-patched-ffmpeg: expected a release/,
    );
  }
});

test('where a sandbox is required, less is refused with what is missing', () => {
  const strict = readConfig({ MASKSTREAM_CONFINE: 'require' }, {});
  const { confinement } = patched;
  const held = { ...confinement, kind: 'sandbox', isLimited: true, lacks: [] } as const;
  expect(() => checkFfmpeg({ ...patched, confinement: held }, strict)).not.toThrow();
  const lacks = ['sandbox: there is no bubblewrap (bwrap) here'];
  for (const less of [
    { ...held, kind: 'privileges', lacks } as const,
    { ...held, isLimited: false, lacks: ['limits: none'] },
  ]) {
    expect(() => checkFfmpeg({ ...patched, confinement: less }, strict)).toThrow(
      /^--confine require: expected a sandbox .*got none: (?:sandbox: there is no|limits: none)/,
    );
    expect(() => checkFfmpeg({ ...patched, confinement: less }, readConfig({}, {}))).not.toThrow();
  }
});
