import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openJournal } from '../../../../src/cli/segment/batch/journal.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-journal-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const goat = { name: 'goat', path: '/a/goat.mp4', bytes: 9, modifiedMs: 1.5, found: true };
const camel = { ...goat, name: 'camel', path: '/a/camel.mp4', found: false };
const options = { '--box': '1,1,2,2', '--keyframes': '5' };
const open = (given: Record<string, string> = options) => openJournal(folder, given, 'out');
const file = () => join(folder, 'batch.jsonl');

test('a later run finds what an earlier one finished, also after a third', () => {
  open().add(goat);
  open().add(camel);
  expect(open().finished).toEqual([goat, camel]);
});

test('a line that a killed run left half-written is dropped, and does not spoil the next', () => {
  open().add(goat);
  appendFileSync(file(), '{"name":"camel","path":"/a/ca');
  const journal = open();
  expect(journal.finished).toEqual([goat]);
  journal.add(camel);
  expect(open().finished).toEqual([goat, camel]);
});

test('other options are refused by name while something is finished, and taken before', () => {
  open();
  open({ '--box': '3,3,4,4' }).add(goat);
  expect(() => open()).toThrow(
    'out: an interrupted batch is there, and --box was 3,3,4,4, now 1,1,2,2: give the same options to go on with it, or --restart to begin anew',
  );
  expect(() => open({ '--box': '3,3,4,4', '--fps': '2' })).toThrow('--fps was not given, now 2');
  expect(open({ '--box': '3,3,4,4' }).finished).toEqual([goat]);
});

test('a file that is no journal is one that has nothing', () => {
  writeFileSync(file(), '{"version":7}\n');
  expect(open().finished).toEqual([]);
  expect(readFileSync(file(), 'utf8')).toContain('"version":1');
});
