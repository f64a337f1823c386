import type { z } from 'zod';
import { usageError, type SegmentationError } from '../frame/errors.ts';
import { nearestWords } from '../frame/nearest-words.ts';

/** Longest value that is repeated in a message. */
const maxValueLength = 80;

/** Longest list that is. */
const maxListLength = 8;

/** What was read of a file, and the names that its schema knows. */
type Content = { readonly content: unknown; readonly fields: readonly string[] };

/** The error for a file of another content: the place, what was expected there and what came. */
export function contentError(
  file: string,
  error: z.core.$ZodError,
  { content, fields }: Content,
): SegmentationError {
  const [issue] = error.issues;
  if (issue === undefined) return usageError(`${file}: expected another content`);
  const place = issue.path.length > 0 ? ` at ${issue.path.join('.')}` : '';
  return usageError(`${file}${place}: ${describe(issue, { content, fields })}`);
}

function describe(issue: z.core.$ZodIssue, { content, fields }: Content): string {
  // Our own checks say themselves what came.
  if (issue.code === 'custom') return issue.message;
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const [nearest] = nearestWords(key, fields, 1);
    const hint = nearest === undefined ? 'known fields only' : `"${nearest}"`;
    return `expected ${hint}, got "${key}", which is no field here`;
  }
  // Such as "Too small: expected number to be >=1", "Invalid input: expected string, received null".
  const expected = /expected .*?(?=, received|$)/.exec(issue.message)?.[0];
  return `${expected ?? 'expected another value'}, got ${shown(valueAt(content, issue.path))}`;
}

function valueAt(content: unknown, path: readonly PropertyKey[]): unknown {
  let value = content;
  for (const key of path) {
    if (!isObject(value)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Short and cheap, whatever it is: a label file may be hundreds of megabytes. */
function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) {
    if (value.length > maxListLength || value.some(isObject)) return `a list of ${value.length}`;
  } else if (isObject(value)) return 'an object';
  // The name and password of a camera's address are nobody else's business.
  const text = JSON.stringify(value).replaceAll(/:\/\/[^/@"]*@/g, '://…@');
  return text.length <= maxValueLength ? text : `${text.slice(0, maxValueLength)}…`;
}
