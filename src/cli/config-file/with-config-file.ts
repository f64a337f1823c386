import { readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { isGiven } from '../../config.ts';
import { SegmentationError, usageError } from '../../frame/errors.ts';
import { nearestWords } from '../../frame/nearest-words.ts';
import type { Arguments, Command } from '../command.ts';
import { configKeys, configSchema } from './config-schema.ts';
import type { ConfigKey, ConfigValue } from './config-schema.ts';

/**
 * Adds what the file of `--config` says and neither the command line nor the environment does. Keys that
 * only other commands take are left out, so that one file serves all.
 *
 * Throws `unreadable-file`, and `usage` for a key that no command takes (naming the nearest ones) and for
 * values of another kind.
 */
export async function withConfigFile(
  args: Arguments,
  command: Command,
  loadCommands: () => Promise<readonly Command[]>,
): Promise<Arguments> {
  const file = args.texts.get('config');
  if (file === undefined) return args;
  const keys = configKeys(await loadCommands());
  const values = check(await readFileAs(file), keys, file);
  const flags = new Set(args.flags);
  const texts = new Map(args.texts);
  const lists = new Map(args.lists);
  const settings: Record<string, string> = { ...args.settings };
  for (const { name, kind, variable } of keys) {
    const value = values[name];
    if (value === undefined || isSaid(name, variable, args)) continue;
    if (!(name in command.options)) {
      if (variable !== null) settings[variable] = String(value);
    } else if (kind === 'flag') {
      if (value === true) flags.add(name);
    } else if (kind === 'list') lists.set(name, [value].flat().map(String));
    else texts.set(name, String(value));
  }
  // A server's threads are its own: there the file speaks of other runs.
  if (texts.has('server') && !args.texts.has('threads')) texts.delete('threads');
  return { ...args, flags, texts, lists, settings };
}

/** Whether the command line or the environment has it. */
function isSaid(name: string, variable: string | null, args: Arguments): boolean {
  if (args.flags.has(name) || args.texts.has(name) || args.lists.has(name)) return true;
  const rival = rivals[name];
  if (rival !== undefined && (args.flags.has(rival) || args.texts.has(rival))) return true;
  const asVariable = name === 'no-web' ? 'MASKSTREAM_WEB_PORT' : variable;
  return asVariable !== null && isGiven(asVariable);
}

/** Options of which one takes the place of the other. */
const rivals: Readonly<Record<string, string>> = { 'no-web': 'web-port', 'web-port': 'no-web' };

/** JSON is YAML. */
async function readFileAs(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const message = `${file}: expected a config file, got no such file`;
    throw new SegmentationError('unreadable-file', message, { cause });
  }
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) {
    // What follows is the place in the file, drawn over several lines; an error is one.
    const [problem = ''] = error.message.split('\n');
    throw usageError(`${file}: expected YAML or JSON, got: ${problem.replace(/:$/, '')}`);
  }
  return document.toJS() ?? {};
}

function check(
  content: unknown,
  keys: readonly ConfigKey[],
  file: string,
): Readonly<Record<string, ConfigValue | undefined>> {
  const result = configSchema(keys).safeParse(content);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue?.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const [nearest] = nearestWords(
      key,
      keys.map(({ name }) => name),
      1,
    );
    const hint = nearest ?? 'the name of an option';
    throw usageError(`${file}: expected ${hint}, got "${key}", which is no option`);
  }
  const place = issue?.path.length ? ` at ${issue.path.join('.')}` : '';
  throw usageError(`${file}${place}: ${issue?.message ?? 'expected another value'}`);
}
