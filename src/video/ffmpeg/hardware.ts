import { readdir } from 'node:fs/promises';
import { usageError } from '../../frame/errors.ts';
import type { Confinement } from './confinement.ts';
import { outputOfConfined } from './spawn-confined.ts';

/** What may decode in place of the processor, as ffmpeg's `-hwaccel` names it. */
export type HardwareDecoder = 'vaapi' | 'cuda';

/** Names in `/dev` that a decoder of each kind opens. */
const deviceNames: Readonly<Record<HardwareDecoder, RegExp>> = {
  vaapi: /^dri$/,
  cuda: /^nvidia/,
};

/** Paths that a sandbox must leave to a decoder of this kind, as far as they are there. */
export async function hardwareDevices(hardware: HardwareDecoder): Promise<string[]> {
  const names = await readdir('/dev').catch(() => []);
  return names.filter((name) => deviceNames[hardware].test(name)).map((name) => `/dev/${name}`);
}

/**
 * Throws `usage` where this ffmpeg was not built with `hardware`, or no device of that kind can be
 * opened in its confinement. A server that was told to use one must not find out stream by stream.
 */
export async function checkHardware(
  hardware: HardwareDecoder,
  { path, confinement }: { readonly path: string; readonly confinement: Confinement },
): Promise<void> {
  const run = (words: readonly string[]) =>
    outputOfConfined(path, ['-hide_banner', ...words], confinement);
  const stdout = await run(['-hwaccels']);
  const built = stdout
    .split('\n')
    .slice(1)
    .map((line) => line.trim());
  if (!built.includes(hardware)) {
    const has = built.filter((name) => name !== '').join(', ') || 'none';
    throw usageError(
      `--hwaccel ${hardware}: expected an ffmpeg that was built with it, got ${path}, which has ${has}`,
    );
  }
  const open = ['-v', 'error', '-init_hw_device', `${hardware}=device`];
  const nothing = ['-f', 'lavfi', '-i', 'nullsrc=s=16x16', '-frames:v', '1', '-f', 'null', '-'];
  try {
    await run([...open, ...nothing]);
  } catch (cause) {
    const { stderr = '' } = cause as { readonly stderr?: string };
    const said = stderr.trim().split('\n')[0];
    const reason = (said ?? '').replaceAll(/ @ 0x[0-9a-f]+/g, '').slice(0, 200);
    throw usageError(
      `--hwaccel ${hardware}: expected a device that ffmpeg can open, got none: ${reason || 'no reason given'}`,
    );
  }
}
