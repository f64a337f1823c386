import { describe, expect, test } from 'vitest';
import * as common from '../../src/gen/maskstream/v1/common.ts';
import * as model from '../../src/gen/maskstream/v1/model.ts';
import * as request from '../../src/gen/maskstream/v1/video_request.ts';
import * as response from '../../src/gen/maskstream/v1/video_response.ts';
import * as tables from '../../src/server/wire-enums.ts';

/** The numbers of a wire enum that mean something. */
function meaningsOf(wireEnum: Readonly<Record<string, number | string>>): number[] {
  return Object.entries(wireEnum)
    .filter(([name]) => !/^\d|UNSPECIFIED$|^UNRECOGNIZED$|^-/.test(name))
    .map(([, value]) => Number(value))
    .toSorted((a, b) => a - b);
}

describe('from the wire', () => {
  test.each([
    ['containers', request.Container, tables.containerFromWire],
    ['deliveries', request.Delivery, tables.deliveryFromWire],
    ['overlap rules', common.OverlapRule, tables.overlapFromWire],
    ['actions', request.PromptAction, tables.actionFromWire],
    ['labels', common.PointLabel, tables.labelFromWire],
  ] as const)('all %s of the protocol mean something, each something else', (_, wire, table) => {
    const numbers = meaningsOf(wire);
    expect(numbers.length).toBeGreaterThan(1);
    const meanings = numbers.map((number) => (table as Record<number, string>)[number]);
    expect(meanings).not.toContain(undefined);
    expect(new Set(meanings).size).toBe(numbers.length);
  });

  test('what is left out is unknown, but for the overlap, which has a default', () => {
    expect(tables.containerFromWire[0]).toBeUndefined();
    expect(tables.deliveryFromWire[0]).toBeUndefined();
    expect(tables.actionFromWire[0]).toBeUndefined();
    expect(tables.labelFromWire[0]).toBeUndefined();
    expect(tables.overlapFromWire[0]).toBe('disjoint');
  });

  test('a number of a later version is unknown', () => {
    for (const table of [tables.containerFromWire, tables.actionFromWire, tables.overlapFromWire]) {
      expect(table[99]).toBeUndefined();
    }
  });
});

describe('to the wire', () => {
  test.each([
    ['object states', common.ObjectState, tables.stateToWire],
    ['prompt kinds', model.PromptKind, tables.promptKindToWire],
    ['keyframe reasons', response.KeyframeReason, tables.reasonToWire],
    ['notices', response.NoticeKind, tables.noticeToWire],
  ] as const)('all %s have a number of their own, and none is left over', (_, wire, table) => {
    const sent = Object.values(table).toSorted((a, b) => a - b);
    expect(sent).toEqual(meaningsOf(wire));
  });
});
