import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { promptsByInput } from '../../../src/cli/segment/input-prompts.ts';
import type { Input } from '../../../src/cli/segment/inputs.ts';
import { SegmentationError } from '../../../src/frame/errors.ts';

const picture = (name: string): Input => ({
  kind: 'image',
  name,
  source: { kind: 'file', path: `/in/${name}.jpg` },
});
const refused: Input = {
  kind: 'refused',
  name: 'notes',
  error: new SegmentationError('unreadable-file', 'notes.txt: expected a video'),
};

/** What is followed where `fileNames` are labelled with one box each, and what is said. */
function follow(fileNames: readonly string[], inputs: readonly Input[]) {
  const objects = [{ id: 1, label: 'cat', prompts: { box: { x: 1, y: 1, width: 2, height: 2 } } }];
  const pictures = fileNames.map((fileName) => ({
    fileName,
    size: { width: 8, height: 4 },
    objects,
  }));
  const stderr = new PassThrough();
  const { signal } = new AbortController();
  const given = { prompts: [], labels: { file: 'l.json', pictures }, labelEvery: null };
  const io = { stdin: stderr, stdout: stderr, stderr, signal };
  const found = promptsByInput(given, inputs, io);
  return { names: [...found.keys()].map(({ name }) => name), said: String(stderr.read() ?? '') };
}

test('an input without a labelled object is left out, which is said', () => {
  expect(follow(['a.jpg'], [picture('a'), picture('b')])).toEqual({
    names: ['a'],
    said: 'maskstream: left out without a labelled object: b\n',
  });
});

test('one that was refused stays, labelled or not: it is said when its turn comes', () => {
  expect(follow(['a.jpg'], [picture('a'), refused])).toEqual({ names: ['a', 'notes'], said: '' });
  expect(follow(['a.jpg', 'notes.jpg'], [picture('a'), refused]).names).toEqual(['a', 'notes']);
  const only = () => follow(['notes.jpg'], [picture('a'), refused]);
  expect(only).toThrow('l.json: expected an object on a picture of the inputs, got none');
});
