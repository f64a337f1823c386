import { expect, test } from 'vitest';
import { readSamples, scrape, sum } from '../../../src/cli/watch/scrape.ts';
import { openMetricsPort } from '../../../src/server/index.ts';

const { signal } = new AbortController();

test('samples are read with their labels, comments left out', () => {
  const text = [
    '# HELP a what',
    '# TYPE a counter',
    'a 3',
    'b{x="1",y="say \\"hi\\" \\\\ \\n"} 2.5e-3',
    'c_bucket{le="+Inf"} 7 1700000000000',
    'd NaN',
    '',
  ].join('\n');
  expect(readSamples(text)).toEqual([
    { name: 'a', labels: {}, value: 3 },
    { name: 'b', labels: { x: '1', y: 'say "hi" \\ \n' }, value: 0.0025 },
    { name: 'c_bucket', labels: { le: '+Inf' }, value: 7 },
    { name: 'd', labels: {}, value: NaN },
  ]);
});

test('sums are over all labels that are not named', () => {
  const samples = readSamples('a{x="1",y="1"} 1\na{x="1",y="2"} 2\na{x="2",y="1"} 4\n');
  const all = { atMs: 0, samples };
  expect([sum(all, 'a'), sum(all, 'a', { x: '1' }), sum(all, 'b')]).toEqual([7, 3, 0]);
});

test('a metrics port is read; nobody there, or somebody else, is said', async () => {
  const port = await openMetricsPort({ host: '127.0.0.1', port: 0 });
  const address = `127.0.0.1:${port.port}`;
  port.metrics.callOpened('video');
  expect(sum(await scrape(address, signal), 'maskstream_streams', { kind: 'video' })).toBe(1);
  await port[Symbol.asyncDispose]();
  await expect(scrape(address, signal)).rejects.toMatchObject({
    code: 'unhealthy',
    message: expect.stringMatching(/expected the metrics of a server at .*ECONNREFUSED/) as unknown,
  });
});
