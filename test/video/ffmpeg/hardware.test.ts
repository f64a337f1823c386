import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decodeArguments } from '../../../src/video/ffmpeg/arguments.ts';
import { hardwareDevices } from '../../../src/video/ffmpeg/hardware.ts';
import { findFfmpeg } from '../../../src/video/index.ts';
import { systemFfmpeg, temporaryPath } from '../../fixtures/encoded-clips.ts';

/** A script that says of itself what an ffmpeg would, and opens every device or none. */
async function pretend(name: string, hwaccels: string, opens: boolean): Promise<string> {
  const path = temporaryPath(join(name, 'ffmpeg'));
  await mkdir(join(path, '..'), { recursive: true });
  const script = `#!/bin/sh
case "$*" in
  *-version*) printf 'ffmpeg version 7.1.5 Copyright\\nlibavcodec     61.  3.100 / 61.  3.100\\n' ;;
  *-hwaccels*) printf 'Hardware acceleration methods:\\n${hwaccels}\\n\\n' ;;
  *) ${opens ? 'exit 0' : "echo '[AVHWDeviceContext @ 0x55] Cannot load libcuda.so.1' >&2; exit 1"} ;;
esac
`;
  await writeFile(path, script);
  await chmod(path, 0o755);
  return path;
}

test('an ffmpeg without the kind of hardware is refused, with what it has', async () => {
  const ffmpegPath = await pretend('without', 'vdpau\\nvaapi', true);
  await expect(findFfmpeg({ ffmpegPath, hardware: 'cuda' })).rejects.toMatchObject({
    code: 'usage',
    message: `--hwaccel cuda: expected an ffmpeg that was built with it, got ${ffmpegPath}, which has vdpau, vaapi`,
  });
});

test('a machine without the device is refused, with what ffmpeg says', async () => {
  const ffmpegPath = await pretend('no-device', 'cuda', false);
  await expect(findFfmpeg({ ffmpegPath, hardware: 'cuda' })).rejects.toMatchObject({
    code: 'usage',
    message:
      '--hwaccel cuda: expected a device that ffmpeg can open, got none: [AVHWDeviceContext] Cannot load libcuda.so.1',
  });
});

for (const hardware of ['cuda', 'vaapi'] as const) {
  const devices = await hardwareDevices(hardware);
  test.runIf(devices.length === 0)(
    `the ffmpeg of this machine is refused where there is no ${hardware} device`,
    async () => {
      const looking = findFfmpeg({ ffmpegPath: systemFfmpeg.path, hardware });
      await expect(looking).rejects.toMatchObject({
        code: 'usage',
        message: expect.stringMatching(new RegExp(`^--hwaccel ${hardware}: expected a`)) as string,
      });
    },
  );
}

test('where there is one, video is decoded by it and pictures are not', async () => {
  const ffmpegPath = await pretend('with', 'cuda', true);
  const binary = await findFfmpeg({ ffmpegPath, hardware: 'cuda' });
  expect(binary.hardware).toBe('cuda');
  expect(binary.describe).toContain('decoding by cuda where it can');
  const options = {
    binary,
    frameRate: null,
    input: 'pipe',
    uprightFilters: null,
    shape: { kind: 'display-rgb' },
    maxFramePixels: 1000,
    logTag: 'tag',
  } as const;
  const video = decodeArguments({ ...options, format: 'mp4' });
  expect(video.indexOf('-hwaccel')).toBeGreaterThan(-1);
  expect(video.indexOf('-hwaccel')).toBeLessThan(video.indexOf('-i'));
  expect(video[video.indexOf('-hwaccel') + 1]).toBe('cuda');
  const still = { bytes: 9 };
  expect(decodeArguments({ ...options, format: 'jpeg', still })).not.toContain('-hwaccel');
  expect(decodeArguments({ ...options, binary: systemFfmpeg, format: 'mp4' })).not.toContain(
    '-hwaccel',
  );
});
