import { describe, expect, test } from 'vitest';
import { helpText, parseArguments, type Command } from '../../src/cli/command.ts';

const command: Command = {
  usage: ['maskstream work [options] FILE'],
  options: {
    fast: { kind: 'flag', help: 'Works faster.' },
    out: { kind: 'text', placeholder: 'DIR', help: 'Where it goes. Default: here.' },
    box: { kind: 'list', placeholder: 'x,y,w,h', help: 'A box; may be given several times.' },
    phrase: { kind: 'text', placeholder: 'P', once: true, help: 'One thing.' },
    hidden: { kind: 'text', placeholder: 'N', help: `${'many words '.repeat(20)}end.` },
  },
  maxPositionals: 1,
  epilogue: 'Exit codes: 0 done.',
  run: () => Promise.resolve(),
};

describe('a command line', () => {
  test('is parted into flags, texts, lists and positionals, in any order', () => {
    const words = ['--box', '1', 'file', '--fast', '--out=a', '--box', '2'];
    const { flags, texts, lists, positionals } = parseArguments(command, words);
    expect([...flags]).toEqual(['fast']);
    expect([...texts]).toEqual([['out', 'a']]);
    expect([...lists]).toEqual([['box', ['1', '2']]]);
    expect(positionals).toEqual(['file']);
  });

  test('may say nothing', () => {
    const { flags, texts, lists, positionals } = parseArguments(command, []);
    expect([flags.size, texts.size, lists.size, positionals.length]).toEqual([0, 0, 0, 0]);
  });

  test('of a text given twice takes the last, as later settings win', () => {
    expect(parseArguments(command, ['--out', 'a', '--out', 'b']).texts.get('out')).toBe('b');
  });

  test('refuses a second value where the first would be lost without a word', () => {
    const words = ['--phrase', 'car', 'file', '--phrase=person'];
    const message = '--phrase: expected it once, got "car" and "person"';
    expect(() => parseArguments(command, words)).toThrow(message);
    expect(parseArguments(command, words.slice(0, 3)).texts.get('phrase')).toBe('car');
  });

  test('takes words behind -- as they are', () => {
    expect(parseArguments(command, ['--', '--out']).positionals).toEqual(['--out']);
  });

  test.each([
    [['--nope'], '--nope'],
    [['--hiden', 'x'], "Unknown option '--hiden': did you mean --hidden?"],
    [['--out'], '--out'],
    [['--fast=yes'], '--fast'],
    [['--box', '--fast'], '--box'],
    [['a', 'b'], 'at most 1 arguments, got another one: "b"'],
  ])('%j is a usage error that names the word', (words, named) => {
    expect(() => parseArguments(command, words)).toThrow(named);
    expect(() => parseArguments(command, words)).toThrow(
      expect.objectContaining({ code: 'usage' }),
    );
  });
});

describe('the help', () => {
  const lines = helpText('Works.', command).split('\n');

  test('has every option with its placeholder, in columns', () => {
    const starts = ['--fast', '--out DIR', '--box x,y,w,h'].map((left) =>
      lines.find((line) => line.startsWith(`  ${left} `))!,
    );
    const columns = starts.map((line, at) =>
      line.indexOf(['Works faster', 'Where it goes', 'A box;'][at]!),
    );
    expect(new Set(columns).size).toBe(1);
    expect(columns[0]).toBeGreaterThan(0);
  });

  test('wraps long texts below their column and inside 100 characters', () => {
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
    const at = lines.findIndex((line) => line.includes('--hidden'));
    const column = lines[at]!.indexOf('many');
    expect(lines[at + 1]!.search(/\S/)).toBe(column);
    expect(lines[at + 2]!.search(/\S/)).toBe(column);
    expect(lines.slice(at).join(' ')).toContain('end.');
  });

  test('begins with what the command does and ends with its epilogue', () => {
    expect(lines[0]).toBe('Works.');
    expect(lines.at(-2)).toBe('Exit codes: 0 done.');
  });
});
