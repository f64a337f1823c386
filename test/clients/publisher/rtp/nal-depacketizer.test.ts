import { expect, test } from 'vitest';
import { h264 } from '../../../../clients/publisher/rtp/nal-codecs.ts';
import { NalDepacketizer } from '../../../../clients/publisher/rtp/nal-depacketizer.ts';

test('parameter sets between the slices of a picture are left out: they would begin another one', () => {
  const depacketizer = new NalDepacketizer(h264, []);
  const [delimiter, sequence, picture, slice] = [9, 7, 8, 5].map((type) => Buffer.from([type, 1]));
  const sent = [delimiter!, sequence!, picture!, slice!, sequence!, picture!, slice!];
  for (const unit of sent) expect(depacketizer.add(unit)).toBe(true);
  const startCode = Buffer.from([0, 0, 0, 1]);
  const whole = [delimiter!, sequence!, picture!, slice!, slice!].flatMap((unit) => [
    startCode,
    unit,
  ]);
  expect(depacketizer.take()).toEqual({ bytes: Buffer.concat(whole), randomAccess: true });
});
