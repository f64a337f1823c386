import { describe, expect, test } from 'vitest';
import {
  configMessage,
  imageMessage,
  promptMessage,
  type ContainerName,
  type MaskEncodingName,
} from '../../../clients/core/requests.ts';
import { MaskEncoding, OverlapRule, PointLabel } from '../../../src/gen/maskstream/v1/common.ts';
import { Delivery, PromptAction } from '../../../src/gen/maskstream/v1/video_request.ts';
import { containerFromWire } from '../../../src/server/wire-enums.ts';

const config = { container: 'mp4', delivery: 'every-frame' } as const;

describe('a config', () => {
  test('says what was asked for, and leaves the rest to the server', () => {
    const message = configMessage(config);
    expect(message).toMatchObject({
      model: '',
      delivery: Delivery.DELIVERY_EVERY_FRAME,
      maskEncoding: MaskEncoding.MASK_ENCODING_COCO_RLE,
      overlap: OverlapRule.OVERLAP_RULE_DISJOINT,
      maskLongSide: 0,
    });
    for (const field of ['width', 'height', 'frameRate', 'keyframes', 'resume'] as const) {
      expect(message[field]).toBeUndefined();
    }
  });

  test('every container that the server knows has the same name here', () => {
    const names = Object.values(containerFromWire) as ContainerName[];
    expect(names.length).toBeGreaterThan(10);
    const sent = names.map((container) => configMessage({ ...config, container }).container);
    expect(sent.map((number) => containerFromWire[number])).toEqual(names);
  });

  test('every mask encoding is sent as its own', () => {
    const names: MaskEncodingName[] = ['coco-rle', 'png', 'bitmap', 'polygons', 'none'];
    const sent = names.map((maskEncoding) => configMessage({ ...config, maskEncoding }));
    expect(new Set(sent.map(({ maskEncoding }) => maskEncoding)).size).toBe(names.length);
    expect(sent.at(-1)?.maskEncoding).toBe(MaskEncoding.MASK_ENCODING_NONE);
  });

  test('keyframes are a fixed interval or bounds of the adaptive policy', () => {
    const fixed = configMessage({ ...config, keyframes: { fixedInterval: 7 } });
    expect(fixed.keyframes?.policy).toEqual({ $case: 'fixedInterval', value: 7 });
    const adaptive = configMessage({ ...config, keyframes: { maxInterval: 40 } });
    expect(adaptive.keyframes?.policy).toMatchObject({
      $case: 'adaptive',
      value: { maxInterval: 40 },
    });
  });
});

describe('a prompt', () => {
  test('adds unless it says otherwise, and clicks are positive unless they say otherwise', () => {
    const points = [
      { x: 1.5, y: 2 },
      { x: 3, y: 4, label: 'negative' as const },
    ];
    const message = promptMessage(9, { objectId: 3, points });
    expect(message).toMatchObject({
      requestId: 9,
      objectId: 3,
      action: PromptAction.PROMPT_ACTION_ADD,
      points: [
        { point: { x: 1.5, y: 2 }, label: PointLabel.POINT_LABEL_POSITIVE },
        { point: { x: 3, y: 4 }, label: PointLabel.POINT_LABEL_NEGATIVE },
      ],
    });
    expect(message.at).toBeUndefined();
    expect(message.text).toBeUndefined();
  });

  test.each([
    [{ frameIndex: 0 }, { $case: 'frameIndex', value: 0 }],
    [{ timestampUs: -5 }, { $case: 'timestampUs', value: -5 }],
  ])('belongs to %j', (at, expected) => {
    expect(promptMessage(1, { objectId: 1, at }).at).toEqual(expected);
  });

  test('of text takes its ids from the object’s on', () => {
    const { text } = promptMessage(1, { objectId: 12, text: { phrase: 'a dog', maxObjects: 3 } });
    expect(text).toMatchObject({ phrase: 'a dog', maxObjects: 3, firstObjectId: 12 });
  });
});

test('a picture goes with all of its prompts', () => {
  const message = imageMessage({
    image: Uint8Array.of(1, 2),
    overlap: 'independent',
    prompts: [
      { objectId: 1, box: { x: 1, y: 2, width: 3, height: 4 } },
      { objectId: 2, text: 'a cat' },
    ],
  });
  expect(message.overlap).toBe(OverlapRule.OVERLAP_RULE_INDEPENDENT);
  expect(message.prompts).toMatchObject([
    { objectId: 1, box: { x: 1, y: 2, width: 3, height: 4 }, maxObjects: 0 },
    { objectId: 2, text: 'a cat', maxObjects: 0 },
  ]);
});
