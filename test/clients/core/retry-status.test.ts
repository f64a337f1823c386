import { expect, test } from 'vitest';
import { encodeRetryStatus, readRetryAfterMs } from '../../../clients/core/retry-status.ts';

test('a delay comes back as it was written', () => {
  for (const retryAfterMs of [0, 1, 999, 1000, 61_500]) {
    const bytes = encodeRetryStatus({ code: 8, message: 'full', retryAfterMs });
    expect(readRetryAfterMs(bytes)).toBe(retryAfterMs);
  }
});

// Made with googleapis-common-protos 1.76: Status(code=8, message="full") with RetryInfo of 2.5 s
// behind another detail.
const foreign =
  '0808120466756c6c1a2f0a28747970652e676f6f676c65617069732e636f6d2f676f6f676c652e7270632e4572726f72496e666f12030a01581a360a28747970652e676f6f676c65617069732e636f6d2f676f6f676c652e7270632e5265747279496e666f120a0a0808021080cab5ee01';

test('bytes of another library are read, other details passed over', () => {
  expect(readRetryAfterMs(Buffer.from(foreign, 'hex'))).toBe(2500);
});

test('what is written is what that library writes', () => {
  const bytes = encodeRetryStatus({ code: 8, message: 'full', retryAfterMs: 2500 });
  expect(Buffer.from(bytes).toString('hex')).toBe(
    '0808120466756c6c1a360a28747970652e676f6f676c65617069732e636f6d2f676f6f676c652e7270632e5265747279496e666f120a0a0808021080cab5ee01',
  );
});

test.each([
  ['nothing', []],
  ['noise', [255, 254, 253, 252, 1, 2, 3]],
  ['a cut message', [26, 60, 10]],
])('%s is no hint', (_, bytes) => {
  expect(readRetryAfterMs(Uint8Array.from(bytes))).toBeNull();
});
