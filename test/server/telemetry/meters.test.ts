import { metrics } from '@opentelemetry/sdk-node';
import { expect, test } from 'vitest';
import { createMeters } from '../../../src/server/telemetry/meters.ts';

const states = () => [{ server: 'triton:8001', isOut: true, callsUnderWay: 2 }];

test('calls of inference servers are counted as on the metrics port, and servers asked for', async () => {
  const exporter = new metrics.InMemoryMetricExporter(metrics.AggregationTemporality.CUMULATIVE);
  const reader = new metrics.PeriodicExportingMetricReader({ exporter });
  const provider = new metrics.MeterProvider({ readers: [reader] });
  const meters = createMeters(provider.getMeter('test'));
  meters.watchInferenceServers({ graphs: ['encoder'], states });
  const call = { server: 'triton:8001', graph: 'encoder', ms: 30, sentBytes: 4, receivedBytes: 9 };
  meters.inferenceCall({ ...call, outcome: 'ok' });
  meters.inferenceCall({ ...call, outcome: 'gone', receivedBytes: 0 });
  await provider.forceFlush();
  const told = new Map(
    exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) =>
        scopeMetrics.flatMap((scope) =>
          scope.metrics.map(({ descriptor, dataPoints }) => [
            descriptor.name,
            dataPoints.map(({ attributes, value }) => ({ attributes, value })),
          ]),
        ),
      ),
  );
  await provider.shutdown();
  const server = { server: 'triton:8001' };
  const graph = { ...server, graph: 'encoder' };
  expect(told.get('maskstream.inference.calls')).toEqual([
    { attributes: { ...graph, outcome: 'ok' }, value: 1 },
    { attributes: { ...graph, outcome: 'gone' }, value: 1 },
  ]);
  expect(told.get('maskstream.inference.call.duration')).toMatchObject([
    { attributes: graph, value: { count: 1, sum: 0.03 } },
  ]);
  expect(told.get('maskstream.inference.sent')).toEqual([{ attributes: graph, value: 8 }]);
  expect(told.get('maskstream.inference.received')).toEqual([{ attributes: graph, value: 9 }]);
  expect(told.get('maskstream.inference.calls.active')).toEqual([{ attributes: server, value: 2 }]);
  expect(told.get('maskstream.inference.server.out')).toEqual([{ attributes: server, value: 1 }]);
});
