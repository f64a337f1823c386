import type { Writable } from 'node:stream';
import type { Config } from '../config.ts';

const levels = ['debug', 'info', 'warn', 'error'] as const;
type Level = (typeof levels)[number];

/** A log of one JSON object a line. Fields named `err` are errors, written with their causes. */
export type JsonLogger = { readonly [level in Level]: (fields: object, message: string) => void };

/** Writes lines of at least `level` to `stream`. */
export function createJsonLogger(level: Config['logLevel'], stream: Writable): JsonLogger {
  const write = (of: Level) => (fields: object, message: string) => {
    if (levels.indexOf(of) < levels.indexOf(level)) return;
    const line = { time: new Date().toISOString(), level: of, message, ...fields };
    stream.write(`${JSON.stringify(line, describe)}\n`);
  };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

/** Errors have no enumerable fields: JSON alone would print `{}`. */
function describe(_name: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const { name, message, stack, cause } = value;
  return { name, message, stack, ...(cause === undefined ? {} : { cause }) };
}
