import { copyFile, mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SegmentationError } from '../frame/errors.ts';
import { downloadFile, hashOf, listHubFiles, type Hub, type HubFile } from './hub.ts';
import type { Preset } from './presets.ts';

/** Where a preset's files come from: a hub, or a folder that has them. */
export type PullSource =
  | { readonly kind: 'hub'; readonly hub: Hub }
  | { readonly kind: 'folder'; readonly folder: string };

/** How far a pull is. */
export type PullProgress = (file: string, bytes: number, total: number) => void;

/** Files of a pulled model with the hashes that were seen first; later pulls must find the same. */
type Pins = { [path: string]: { bytes: number; sha256: string } };

const pinFile = 'pulled.json';

/**
 * Brings a preset's files into `target`. What is there already, with the hash of its first use, stays;
 * a file that changed since then is an error.
 *
 * Throws `download-failed`, `unreadable-file`, `cancelled`.
 *
 * @returns paths of the files
 */
export async function pullPreset(
  preset: Preset,
  target: string,
  options: { readonly source: PullSource; readonly onProgress: PullProgress },
): Promise<string[]> {
  const { source, onProgress } = options;
  await mkdir(target, { recursive: true });
  const files = await filesOf(preset, source);
  const pins = await readPins(target);
  for (const file of files) {
    const pinned = pins[file.path];
    if (pinned !== undefined && file.sha256 !== null && pinned.sha256 !== file.sha256) {
      throw changed(file.path, pinned.sha256, file.sha256);
    }
    const path = join(target, file.path);
    if (pinned !== undefined && (await isPinned(path, pinned))) continue;
    const sha256 = await bring(preset, file, { path, source, onProgress });
    if (pinned !== undefined && pinned.sha256 !== sha256) {
      throw changed(file.path, pinned.sha256, sha256);
    }
    pins[file.path] = { bytes: file.bytes, sha256 };
    await writePins(target, preset, pins);
  }
  return files.map(({ path }) => path);
}

async function filesOf(preset: Preset, source: PullSource): Promise<HubFile[]> {
  const all =
    source.kind === 'hub'
      ? await listHubFiles(source.hub, preset.repository, preset.revision)
      : await listFolder(source.folder);
  const wanted = all.filter(({ path }) => preset.files.test(path));
  if (wanted.some(({ path }) => path.endsWith('.onnx'))) return wanted;
  const place = source.kind === 'hub' ? preset.repository : source.folder;
  throw new SegmentationError(
    'download-failed',
    `expected graphs (${preset.files.source}) in ${place}, got ${all.map(({ path }) => path).join(', ') || 'nothing'}`,
  );
}

async function listFolder(folder: string): Promise<HubFile[]> {
  let names;
  try {
    names = await readdir(folder, { recursive: true });
  } catch (cause) {
    throw new SegmentationError('unreadable-file', `${folder}: expected a folder, got none`, {
      cause,
    });
  }
  const files: HubFile[] = [];
  for (const name of names.toSorted()) {
    const path = name.replaceAll('\\', '/');
    const facts = await stat(join(folder, name));
    if (facts.isFile()) files.push({ path, bytes: facts.size, sha256: null });
  }
  return files;
}

/** One file to its place, whole or not at all; returns its hash. */
async function bring(
  preset: Preset,
  file: HubFile,
  to: { readonly path: string; readonly source: PullSource; readonly onProgress: PullProgress },
): Promise<string> {
  const { path, source, onProgress } = to;
  const report = (bytes: number): void => onProgress(file.path, bytes, file.bytes);
  if (source.kind === 'hub') {
    const { repository, revision } = preset;
    const download = { repository, revision, file, target: path, onProgress: report };
    return await downloadFile(source.hub, download);
  }
  await mkdir(dirname(path), { recursive: true });
  await copyFile(join(source.folder, file.path), `${path}.part`);
  await rename(`${path}.part`, path);
  report(file.bytes);
  return await hashOf(path);
}

async function isPinned(path: string, pinned: Pins[string]): Promise<boolean> {
  try {
    if ((await stat(path)).size !== pinned.bytes) return false;
    return (await hashOf(path)) === pinned.sha256;
  } catch {
    return false;
  }
}

async function readPins(target: string): Promise<Pins> {
  try {
    const text = await readFile(join(target, pinFile), 'utf8');
    return (JSON.parse(text) as { readonly files: Pins }).files;
  } catch {
    return {};
  }
}

async function writePins(target: string, preset: Preset, files: Pins): Promise<void> {
  const { repository, revision } = preset;
  const text = JSON.stringify({ repository, revision, files }, null, 2);
  await writeFile(join(target, `${pinFile}.part`), `${text}\n`);
  await rename(join(target, `${pinFile}.part`), join(target, pinFile));
}

function changed(path: string, before: string, now: string): SegmentationError {
  return new SegmentationError(
    'download-failed',
    `${path}: expected SHA-256 ${before}, as on first use, got ${now}: it has changed since; remove the folder to take it all the same`,
  );
}
