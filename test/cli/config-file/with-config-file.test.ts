import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parseArguments } from '../../../src/cli/command.ts';
import { withConfigFile } from '../../../src/cli/config-file/with-config-file.ts';
import { loadCommands } from '../../../src/cli/commands.ts';
import { segmentCommand } from '../../../src/cli/segment/segment.ts';
import { serveCommand } from '../../../src/cli/serve.ts';
import { readConfig } from '../../../src/config.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-config-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  vi.unstubAllEnvs();
});

function write(content: string): string {
  const file = join(folder, 'maskstream.yaml');
  writeFileSync(file, content);
  return file;
}

const read = (command: typeof serveCommand, content: string, ...words: string[]) =>
  withConfigFile(
    parseArguments(command, [...words, '--config', write(content)]),
    command,
    loadCommands,
  );

describe('a config file', () => {
  test('holds options by their names, in YAML or JSON', async () => {
    const yaml = `# yaml-language-server: $schema=config.schema.json
keyframes: 5
fps: 2.5
json: true
sequence: false
box:
  - 1:10,20,30,40
  - 50,60,70,80
point: 5,6
format: coco
`;
    const json = JSON.stringify({
      $schema: './config.schema.json',
      keyframes: 5,
      fps: 2.5,
      json: true,
      sequence: false,
      box: ['1:10,20,30,40', '50,60,70,80'],
      point: '5,6',
      format: 'coco',
    });
    for (const content of [yaml, json]) {
      const args = await read(segmentCommand, content, 'a.mp4');
      expect([...args.flags]).toEqual(['json']);
      expect(Object.fromEntries(args.texts)).toMatchObject({
        keyframes: '5',
        fps: '2.5',
        format: 'coco',
      });
      expect(Object.fromEntries(args.lists)).toEqual({
        box: ['1:10,20,30,40', '50,60,70,80'],
        point: ['5,6'],
      });
      expect(args.positionals).toEqual(['a.mp4']);
    }
  });

  test('serves several commands: keys of others are left out', async () => {
    const content = 'listen: 127.0.0.1:0\nkeyframes: 5\nmax-streams: 3\n';
    const serve = await read(serveCommand, content);
    expect(serve.texts.get('listen')).toBe('127.0.0.1:0');
    expect(serve.texts.has('keyframes')).toBe(false);
    expect(readConfig({}, {}, serve.settings).maxStreams).toBe(3);
    expect((await read(segmentCommand, content, 'a')).texts.get('keyframes')).toBe('5');
  });

  test('may be empty', async () => {
    expect((await read(segmentCommand, '', 'a')).texts.size).toBe(1);
  });
});

describe('precedence', () => {
  const file = 'model: of-file\nkeyframes: 5\nbox: 1,1,2,2\nmax-streams: 3\nno-web: true\n';

  test('the command line wins over the file', async () => {
    const words = ['--model', 'given', '--keyframes', '7', '--box', '3,3,4,4'];
    const args = await read(segmentCommand, file, ...words);
    expect(args.texts.get('model')).toBe('given');
    expect(args.texts.get('keyframes')).toBe('7');
    expect(args.lists.get('box')).toEqual(['3,3,4,4']);
    const serve = await read(serveCommand, file, '--web-port', '0');
    expect(serve.flags.has('no-web')).toBe(false);
  });

  test('the environment wins over the file, and the command line over both', async () => {
    vi.stubEnv('MASKSTREAM_MODEL', 'of-environment');
    vi.stubEnv('MASKSTREAM_MAX_STREAMS', '4');
    const args = await read(serveCommand, file);
    expect(args.texts.has('model')).toBe(false);
    expect(readConfig({}, undefined, args.settings)).toMatchObject({
      model: 'of-environment',
      maxStreams: 4,
    });
    const given = await read(serveCommand, file, '--model', 'given');
    expect(given.texts.get('model')).toBe('given');
  });

  test('an empty variable says nothing', async () => {
    vi.stubEnv('MASKSTREAM_MODEL', '');
    expect((await read(serveCommand, file)).texts.get('model')).toBe('of-file');
  });

  test('threads of the file are not for a server that is another', async () => {
    const args = await read(segmentCommand, 'threads: 4\n', 'a', '--server', 'h:1');
    expect(args.texts.has('threads')).toBe(false);
  });
});

test.each([
  ['keyfames: 5', 'expected keyframes, got "keyfames", which is no option'],
  ['xyz: 5', 'expected the name of an option, got "xyz"'],
  ['config: other.yaml', 'got "config", which is no option'],
  ['json: 1', 'at json: expected true or false'],
  ['format: voc', 'at format: expected one of dir, zip,'],
  ['token: ""', 'at token: expected text or a number that is not empty'],
  ['keyframes: [1, 2]', 'at keyframes: expected text or a number'],
  ['a: [', 'expected YAML or JSON, got:'],
  ['- a', 'expected object'],
])('%j is refused', async (content, message) => {
  await expect(read(segmentCommand, content, 'a')).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining(message) as string,
  });
});

test('what is no YAML is said in one line, with its place', async () => {
  await expect(read(segmentCommand, 'a: [1', 'a')).rejects.toMatchObject({
    message: expect.stringMatching(
      /^.+: expected YAML or JSON, got: .+ at line \d+, column \d+$/,
    ) as string,
  });
});

test('a file that is not there is named', async () => {
  const args = parseArguments(serveCommand, ['--config', join(folder, 'none.yaml')]);
  await expect(withConfigFile(args, serveCommand, loadCommands)).rejects.toMatchObject({
    code: 'unreadable-file',
  });
});
