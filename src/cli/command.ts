import { parseArgs, type ParseArgsConfig } from 'node:util';
import type { Readable, Writable } from 'node:stream';
import type { ConfigOverrides } from '../config.ts';
import { usageError } from '../frame/errors.ts';
import { nearestWords } from '../frame/nearest-words.ts';

/** One option of a command. Every option has a `--name`. */
export type Option = {
  readonly kind: 'flag' | 'text' | 'list';
  /** Stands for the value in the help, such as `FILE`; not for flags. */
  readonly placeholder?: string;
  /** The words that it takes, where they are few: shells complete them. */
  readonly values?: readonly string[];
  /** A second one is an error, where the last would silently take the place of the others. */
  readonly once?: true;
  /** One sentence for the help, with the default. */
  readonly help: string;
};

/** Values of a command line, by option name; `positionals` in order. */
export type Arguments = {
  readonly flags: ReadonlySet<string>;
  readonly texts: ReadonlyMap<string, string>;
  readonly lists: ReadonlyMap<string, readonly string[]>;
  readonly positionals: readonly string[];
  /** Settings of a config file that have no option, by their variable; the environment wins. */
  readonly settings: ConfigOverrides;
};

/** What a command may touch of the process. */
export type CommandIo = {
  readonly stdin: Readable;
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
};

/** What `maskstream NAME` takes and does; its name and summary stand in the table of commands. */
export type Command = {
  /** Lines such as `maskstream serve [options]`. */
  readonly usage: readonly string[];
  readonly options: Readonly<Record<string, Option>>;
  /** Most positional arguments. */
  readonly maxPositionals: number;
  /** Examples and exit codes, printed below the options. */
  readonly epilogue?: string;
  readonly run: (args: Arguments, io: CommandIo) => Promise<void>;
};

/** A command and its name. */
export type NamedCommand = Command & { readonly name: string };

/** Splits a command line. Throws `usage` for an unknown option or a missing value. */
export function parseArguments(command: Command, words: readonly string[]): Arguments {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, option]) => [
      name,
      option.kind === 'flag'
        ? ({ type: 'boolean' } as const)
        : ({ type: 'string', multiple: option.kind === 'list' } as const),
    ]),
  );
  let parsed: Parsed;
  try {
    parsed = parse(words, options);
  } catch (error) {
    const problem = parseProblem(error, Object.keys(command.options));
    if (problem === null) throw error;
    throw usageError(problem);
  }
  checkRepeats(parsed.tokens, command);
  const { positionals } = parsed;
  if (positionals.length > command.maxPositionals) {
    const extra = positionals[command.maxPositionals];
    throw usageError(
      `expected at most ${command.maxPositionals} arguments, got another one: ${JSON.stringify(extra)}`,
    );
  }
  return { ...sortValues(parsed.values), positionals, settings: {} };
}

type Parsed = ReturnType<typeof parse>;

function parse(words: readonly string[], options: NonNullable<ParseArgsConfig['options']>) {
  return parseArgs({
    args: [...words],
    options,
    allowPositionals: true,
    strict: true,
    tokens: true,
  });
}

/** Throws `usage` for an option that may be given once and was given again. */
function checkRepeats(tokens: Parsed['tokens'], { options }: Command): void {
  const given = new Map<string, string>();
  for (const token of tokens) {
    if (token.kind !== 'option' || options[token.name]?.once !== true) continue;
    const earlier = given.get(token.name);
    const value = String(token.value);
    if (earlier !== undefined) {
      throw usageError(`--${token.name}: expected it once, got "${earlier}" and "${value}"`);
    }
    given.set(token.name, value);
  }
}

/**
 * What Node's `parseArgs` found wrong with words: its message; for an unknown option what of `names` was
 * probably meant, in place of its advice on `--`. Null for any other error.
 */
export function parseProblem(error: unknown, names: readonly string[]): string | null {
  if (!(error instanceof Error && 'code' in error)) return null;
  if (!String(error.code).startsWith('ERR_PARSE_ARGS')) return null;
  const unknown = /^Unknown option '--([^']+)'/.exec(error.message)?.[1];
  const [nearest] = unknown === undefined ? [] : nearestWords(unknown, names, 1);
  return nearest === undefined
    ? error.message
    : `Unknown option '--${unknown}': did you mean --${nearest}?`;
}

function sortValues(values: Parsed['values']): Pick<Arguments, 'flags' | 'texts' | 'lists'> {
  const flags = new Set<string>();
  const texts = new Map<string, string>();
  const lists = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'boolean') flags.add(name);
    else if (typeof value === 'string') texts.set(name, value);
    else if (value !== undefined) lists.set(name, value.map(String));
  }
  return { flags, texts, lists };
}

/** The text of `maskstream NAME --help`. */
export function helpText(summary: string, command: Command): string {
  const rows = Object.entries(command.options).map(
    ([name, option]) =>
      [`--${name}${option.placeholder ? ` ${option.placeholder}` : ''}`, option.help] as const,
  );
  const width = Math.max(...rows.map(([left]) => left.length), 0) + 2;
  const lines = rows.flatMap(([left, help]) =>
    wrap(help, 96 - width).map(
      (part, index) => `  ${(index === 0 ? left : '').padEnd(width)}${part}`,
    ),
  );
  return [
    summary,
    '',
    'Usage:',
    ...command.usage.map((line) => `  ${line}`),
    '',
    'Options:',
    ...lines,
    ...(command.epilogue ? ['', command.epilogue] : []),
    '',
  ].join('\n');
}

function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}
