import { expect, test } from 'vitest';
import { createJsonLines, noOutput } from '../../src/formats/json-lines.ts';
import { answeredFrame, answeredHeader } from '../fixtures/answered-frame.ts';

test('a line is an entry of frames.json, with the name of its input where there are several', async () => {
  for (const named of [{}, { input: 'a' }]) {
    const lines: string[] = [];
    const writeLine = async (line: string) => void lines.push(line);
    const output = createJsonLines(noOutput, { writeLine, ...named });
    await output.open(answeredHeader);
    await output.write(answeredFrame(3, [1]));
    await output.close();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^\{.*\}\n$/);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      ...named,
      frame_index: 3,
      objects: [{ object_id: 1, box: [4, 2, 3, 4] }],
    });
    expect(Object.hasOwn(JSON.parse(lines[0]!), 'input')).toBe('input' in named);
  }
});
