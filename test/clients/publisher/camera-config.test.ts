import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { camerasJsonSchema, readCamerasFile } from '../../../clients/publisher/camera-config.ts';
import { temporaryPath } from '../../fixtures/encoded-clips.ts';

const shipped = new URL('../../../clients/publisher/cameras.schema.json', import.meta.url);

function fileOf(content: unknown): string {
  const file = temporaryPath('cameras.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

const hall = { name: 'hall', input: 'rtsp://c/x', prompts: 'hall.json' };

test('the schema that is shipped is that of the settings', () => {
  expect(JSON.parse(readFileSync(shipped, 'utf8'))).toEqual(
    JSON.parse(JSON.stringify(camerasJsonSchema())),
  );
});

test('paths are sought beside the file, and its cameras are never given up', async () => {
  const file = fileOf({ version: 1, cameras: [hall] });
  expect(await readCamerasFile(file)).toEqual([
    { ...hall, prompts: join(dirname(file), 'hall.json'), give_up_after_s: 0 },
  ]);
});

test.each([
  ['no JSON', 'expected JSON, got'],
  [{ version: 1, cameras: [] }, 'at cameras: '],
  [{ version: 1, cameras: [{ ...hall, colour: 1 }] }, 'at cameras.0: Unrecognized key: "colour"'],
  [{ version: 1, cameras: [hall, hall] }, 'expected a name of its own for each camera'],
])('%j is refused with its place', async (content, said) => {
  await expect(readCamerasFile(fileOf(content))).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining(said) as string,
  });
});
