import { z } from 'zod';
import { configVariables } from '../../settings.ts';
import type { Command, Option } from '../command.ts';

/** One key of a config file. */
export type ConfigKey = {
  readonly name: string;
  readonly kind: Option['kind'];
  /** The setting that it is too, where it has one. */
  readonly variable: string | null;
  /** What editors show. */
  readonly help: string;
  readonly values: readonly string[] | null;
};

/** Options that are settings under another name than theirs. */
const variableOfOption: Readonly<Record<string, string>> = {
  threads: 'MASKSTREAM_MODEL_THREADS',
};

/** Settings that only the environment can give: the program is found by them before a file is read. */
const environmentOnly: ReadonlySet<string> = new Set(['PATH', 'FFMPEG_PATH']);

/** Every key that some command takes: its options, and settings that have none. */
export function configKeys(commands: readonly Command[]): ConfigKey[] {
  const withFile = commands.filter(({ options }) => 'config' in options);
  const options = new Map(withFile.flatMap(({ options: all }) => Object.entries(all)));
  options.delete('config');
  const keys = [...options].map(([name, { kind, help, values = null }]): ConfigKey => {
    const variable = variableOfOption[name] ?? variableOf(name);
    const known = configVariables.includes(variable) ? variable : null;
    return { name, kind, variable: known, help, values };
  });
  const taken = new Set(keys.map(({ variable }) => variable));
  const settings = configVariables.filter((name) => !taken.has(name) && !environmentOnly.has(name));
  return [
    ...keys,
    ...settings.map((variable): ConfigKey => ({
      name: nameOf(variable),
      kind: 'text',
      variable,
      help: `What ${variable} says in the environment, which wins; docs/cli.md explains it.`,
      values: null,
    })),
  ];
}

/** The content of a config file. */
export function configSchema(keys: readonly ConfigKey[]) {
  return z.strictObject({
    $schema: z.string().optional().describe('Where this schema is, for editors.'),
    ...Object.fromEntries(
      keys.map((key) => [key.name, valueSchema(key).describe(key.help).optional()]),
    ),
  });
}

/** The same for editors (JSON Schema, draft 2020-12), with a line at its end. */
export function configJsonSchema(commands: readonly Command[]): string {
  const schema = {
    ...z.toJSONSchema(configSchema(configKeys(commands))),
    title: 'maskstream --config: options of serve and segment, by their names',
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function valueSchema({ kind, values }: ConfigKey): z.ZodType<ConfigValue> {
  if (kind === 'flag') return z.boolean({ error: 'expected true or false' });
  const error = 'expected text or a number that is not empty';
  const one = z.union([z.string().min(1, { error }), z.number()], { error });
  if (kind === 'list') return z.union([one, z.array(one).min(1)], { error: `${error}, or a list` });
  if (values === null) return one;
  return z.enum(values as [string, ...string[]], { error: `expected one of ${values.join(', ')}` });
}

/** What a key may have. */
export type ConfigValue = boolean | string | number | (string | number)[];

function variableOf(name: string): string {
  return `MASKSTREAM_${name.toUpperCase().replaceAll('-', '_')}`;
}

function nameOf(variable: string): string {
  return variable.replace('MASKSTREAM_', '').toLowerCase().replaceAll('_', '-');
}
