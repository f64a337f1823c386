import { expect, test } from 'vitest';
import type { ModelMetadataResponse } from '../../../../src/gen/kserve/open_inference.ts';
import { agreeOnModel } from '../../../../src/inference/engine/kserve/model-contract.ts';

const graph = {
  inputs: { image: { name: 'image', type: 'float32' as const, shape: [1, 3, 8, 8] } },
  outputs: {
    embedding: { name: 'emb', type: 'float32' as const, shape: ['N', 4] },
    unused1: { name: 'more', type: 'float32' as const, shape: [1] },
  },
};

type Changes = { input?: object; output?: object; inputs?: object[] };

function agree({ input, output, inputs = [] }: Changes = {}, pixels = ['image']) {
  const metadata = {
    name: 'm',
    versions: ['1'],
    platform: 'p',
    inputs: [{ name: 'image', datatype: 'FP32', shape: [-1, 3, 8, 8], ...input }, ...inputs],
    outputs: [{ name: 'emb', datatype: 'FP32', shape: [-1, 4], ...output }],
  } as ModelMetadataResponse;
  return agreeOnModel('m at a:1', graph, { metadata, pixels });
}

test('agrees where names, types and shapes are those of the manifest', () => {
  const { inputs, outputs } = agree();
  expect([[...inputs], [...outputs]]).toEqual([[['image', 'FP32']], [['emb', 'FP32']]]);
});

test('takes bytes for pixels and FP16 for float32', () => {
  const { inputs, outputs } = agree({ input: { datatype: 'UINT8' }, output: { datatype: 'FP16' } });
  expect([[...inputs], [...outputs]]).toEqual([[['image', 'UINT8']], [['emb', 'FP16']]]);
});

test.each<[Changes, string[], string]>([
  [{ input: { name: 'picture' } }, [], 'input image: expected it, got picture'],
  [{ input: { datatype: 'UINT8' } }, [], 'input image: expected FP32 or FP16, got UINT8'],
  [{ input: { shape: [1, 3, 9, 8] } }, [], 'input image: expected [1,3,8,8], got [1,3,9,8]'],
  [{ input: { shape: [3, 8, 8] } }, [], 'input image: expected [1,3,8,8], got [3,8,8]'],
  [{ inputs: [{ name: 'mean' }] }, [], 'input mean is not in the manifest'],
  [{ output: { name: 'embedding' } }, [], 'output emb: expected it, got embedding'],
  // A side that varies must be open there.
  [{ output: { shape: [1, 4] } }, [], 'output emb: expected [N,4], got [1,4]'],
  [{ output: { datatype: 'INT64' } }, [], 'output emb: expected FP32 or FP16, got INT64'],
])('says what differs: %o', (changes, pixels, message) => {
  expect(() => agree(changes, pixels)).toThrow(`m at a:1: ${message}`);
});
