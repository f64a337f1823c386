import { expect, test } from 'vitest';
import { z } from 'zod';
import { contentError } from '../../src/cli/content-error.ts';

const schema = z
  .strictObject({
    version: z.literal(1),
    items: z.array(z.strictObject({ id: z.int().min(1), name: z.string().optional() })).min(1),
  })
  .refine(({ items }) => items.length < 3, { error: 'expected at most 2 items, got more' });
const fields = ['version', 'items', 'id', 'name'];

/** What is said of `content`. */
function said(content: unknown): string {
  const { error } = schema.safeParse(content);
  if (error === undefined) throw new Error('expected content with a fault');
  const reason = contentError('a.json', error, { content, fields });
  expect(reason.code).toBe('usage');
  return reason.message;
}

test.each([
  [{ version: 2, items: [{ id: 1 }] }, 'a.json at version: expected 1, got 2'],
  [{ items: [{ id: 1 }] }, 'a.json at version: expected 1, got nothing'],
  [{ version: 1, items: [] }, 'a.json at items: expected array to have >=1 items, got []'],
  [{ version: 1, items: [{ id: 0 }] }, 'a.json at items.0.id: expected number to be >=1, got 0'],
  [
    { version: 1, items: [{ id: 1 }, { id: '2' }] },
    'a.json at items.1.id: expected number, got "2"',
  ],
  [
    { version: 1, items: [{ id: 1, nmae: 'a' }] },
    'a.json at items.0: expected "name", got "nmae", which is no field here',
  ],
  [
    { version: 1, items: [{ id: 1 }], colour: 1 },
    'a.json: expected known fields only, got "colour", which is no field here',
  ],
  [
    { version: 1, items: [{ id: 1 }, { id: 1 }, { id: 1 }] },
    'a.json: expected at most 2 items, got more',
  ],
  ['words', 'a.json: expected object, got "words"'],
])('of %j says the place, what was expected and what came', (content, message) => {
  expect(said(content)).toBe(message);
});

test.each([
  [[{ id: 1 }], 'a.json: expected object, got a list of 1'],
  [Array.from({ length: 1000 }, () => 1), 'a.json: expected object, got a list of 1000'],
  [{ version: { a: 1 }, items: [{ id: 1 }] }, 'a.json at version: expected 1, got an object'],
])('of what is large its kind is said', (content, message) => {
  expect(said(content)).toBe(message);
});

test('a password in an address is not repeated', () => {
  const message = said({ version: 'rtsp://user:secret@camera/x', items: [{ id: 1 }] });
  expect(message).toBe('a.json at version: expected 1, got "rtsp://…@camera/x"');
});

test('a long value is cut', () => {
  expect(said({ version: 'x'.repeat(500), items: [{ id: 1 }] }).length).toBeLessThan(140);
});
