import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { configJsonSchema, configKeys } from '../../../src/cli/config-file/config-schema.ts';
import { loadCommands } from '../../../src/cli/commands.ts';
import { configVariables } from '../../../src/settings.ts';

const commands = await loadCommands();
const file = new URL('../../../docs/config.schema.json', import.meta.url);

test('the schema that is shipped is that of the options (npm run generate:config)', () => {
  expect(readFileSync(file, 'utf8')).toBe(configJsonSchema(commands));
});

test('it tells editors what each key is and takes', () => {
  const schema = JSON.parse(configJsonSchema(commands)) as {
    additionalProperties: boolean;
    properties: Record<string, { type?: string; enum?: string[]; description?: string }>;
  };
  expect(schema.additionalProperties).toBe(false);
  const { format, json, $schema } = schema.properties;
  expect(format?.enum).toContain('labelme');
  expect(json).toMatchObject({ type: 'boolean' });
  expect($schema).toMatchObject({ type: 'string' });
  const undescribed = Object.entries(schema.properties).filter(
    ([, { description }]) => !description,
  );
  expect(undescribed).toEqual([]);
});

test('every setting has one key', () => {
  const variables = configKeys(commands).flatMap(({ variable }) => variable ?? []);
  const known = configVariables.filter((name) => name !== 'PATH' && name !== 'FFMPEG_PATH');
  expect(variables.toSorted()).toEqual(known.toSorted());
});
