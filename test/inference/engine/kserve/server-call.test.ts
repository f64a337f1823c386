import { expect, test } from 'vitest';
import { mergeStates } from '../../../../src/inference/engine/kserve/server-call.ts';

test('calls of several workers add up, and a server that one of them gave up is out', () => {
  const states = [
    { server: 'a:1', isOut: false, callsUnderWay: 2 },
    { server: 'a:1', isOut: false, callsUnderWay: 1 },
    { server: 'b:1', isOut: true, callsUnderWay: 0 },
    { server: 'b:1', isOut: false, callsUnderWay: 4 },
  ];
  expect(mergeStates(['a:1', 'b:1'], states)).toEqual([
    { server: 'a:1', isOut: false, callsUnderWay: 3 },
    { server: 'b:1', isOut: true, callsUnderWay: 4 },
  ]);
});

test('a server of which no worker knows anything is named, once', () => {
  const idle = { server: 'a:1', isOut: false, callsUnderWay: 0 };
  expect(mergeStates(['a:1', 'a:1'], [])).toEqual([idle]);
});
