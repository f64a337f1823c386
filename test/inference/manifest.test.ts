import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { manifestSchema } from '../../src/inference/manifest.ts';

/** Names of all fields of a JSON schema, nested ones too. */
function fieldNames(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { properties = {} } = schema as { properties?: object };
  return [...Object.keys(properties), ...Object.values(schema).flatMap(fieldNames)];
}

test('docs/models.md names every field of the manifest', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/models.md'), 'utf8');
  const named = new Set(page.match(/[A-Za-z0-9]+/g));
  const fields = new Set(fieldNames(z.toJSONSchema(manifestSchema, { io: 'input' })));
  expect(fields).toContain('averageFlipPass');
  expect([...fields].filter((field) => !named.has(field))).toEqual([]);
});
