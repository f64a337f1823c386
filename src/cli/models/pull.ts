import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SegmentationError, usageError } from '../../frame/errors.ts';
import { nearestWords } from '../../frame/nearest-words.ts';
import { defaultHub } from '../../models/hub.ts';
import { pullPreset, type PullSource } from '../../models/pull.ts';
import { presetNamed, presets } from '../../models/presets.ts';
import { createProgress, type Progress } from '../progress.ts';
import type { ModelAction } from './action.ts';
import { addFolder } from './add.ts';

const megabyte = 1e6;

/** `maskstream models pull` */
export async function pullModel(action: ModelAction): Promise<void> {
  const { args, io, subject, config } = action;
  const names = presets.map(({ name }) => name);
  if (subject === null) throw usageError(`models pull: expected one of ${names.join(', ')}`);
  const preset = presetNamed(subject);
  if (preset === undefined) {
    const [nearest] = nearestWords(subject, names, 1);
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
    throw usageError(`models pull: expected one of ${names.join(', ')}, got "${subject}"${hint}`);
  }
  const target = join(config.modelCache, preset.name);
  const source = sourceOf(args.texts.get('from'), action);
  let shown: { readonly file: string; readonly progress: Progress } | null = null;
  try {
    await pullPreset(preset, target, {
      source,
      onProgress: (file, bytes, total) => {
        if (shown?.file !== file) {
          shown?.progress.finish();
          const inMegabytes = Math.ceil(total / megabyte);
          shown = { file, progress: createProgress(io, file, inMegabytes, 'MB') };
        }
        shown.progress.update(Math.ceil(bytes / megabyte));
      },
    });
  } finally {
    (shown as { readonly progress: Progress } | null)?.progress.finish();
  }
  if (!args.flags.has('json')) io.stdout.write(`${preset.name}: ${preset.tested}\n`);
  if (!preset.served) {
    throw new SegmentationError(
      'model-load-failed',
      `${preset.name} is in ${target}, but no layout serves ${preset.source}`,
    );
  }
  const texts = new Map(args.texts);
  if (!texts.has('name')) texts.set('name', preset.name);
  if (!texts.has('licence')) texts.set('licence', preset.licence);
  await addFolder(target, { args: { ...args, texts }, io });
}

function sourceOf(from: string | undefined, { config, io }: ModelAction): PullSource {
  if (from !== undefined && !/^https?:\/\//.test(from)) {
    if (existsSync(from)) return { kind: 'folder', folder: from };
    throw usageError(`--from: expected a URL or a folder, got "${from}"`);
  }
  const base = (from ?? defaultHub).replace(/\/+$/, '');
  // The token is the hub's: a mirror does not get it.
  const token = base === defaultHub ? config.hubToken : null;
  return { kind: 'hub', hub: { base, token, signal: io.signal } };
}
