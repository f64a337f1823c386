import { propagation, SpanStatusCode } from '@opentelemetry/api';
import { core, tracing } from '@opentelemetry/sdk-node';
import { afterEach, expect, test } from 'vitest';
import { createSpans } from '../../../src/server/telemetry/spans.ts';

propagation.setGlobalPropagator(new core.W3CTraceContextPropagator());
const exporter = new tracing.InMemorySpanExporter();
const provider = new tracing.BasicTracerProvider({
  spanProcessors: [new tracing.SimpleSpanProcessor(exporter)],
});
const spans = createSpans(provider.getTracer('test'));

afterEach(() => exporter.reset());

const call = {
  kind: 'video',
  peer: '10.0.0.7:4711',
  principal: 'gate',
  header: () => undefined,
} as const;
const ok = { code: 'ok', isFault: false, fields: {} } as const;

test('a call goes on with its client’s trace', () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const header = (name: string) =>
    name === 'traceparent' ? `00-${traceId}-b7ad6b7169203331-01` : undefined;
  spans.openCall({ ...call, header }).end(ok);
  const [span] = exporter.getFinishedSpans();
  expect(span?.spanContext().traceId).toBe(traceId);
  expect(span?.parentSpanContext?.spanId).toBe('b7ad6b7169203331');
});

test('a header that is none begins a trace of its own', () => {
  spans.openCall({ ...call, header: () => 'nonsense' }).end(ok);
  expect(exporter.getFinishedSpans()[0]?.parentSpanContext).toBeUndefined();
});

test('the server’s fault is an error, the client’s is not', () => {
  spans.openCall(call).end({ ...ok, code: 'model-failed', isFault: true });
  spans.openCall(call).end({ ...ok, code: 'invalid-config' });
  const ended = exporter.getFinishedSpans();
  expect(ended.map(({ status }) => status.code)).toEqual([
    SpanStatusCode.ERROR,
    SpanStatusCode.UNSET,
  ]);
  expect(ended.map(({ attributes }) => attributes['maskstream.code'])).toEqual([
    'model-failed',
    'invalid-config',
  ]);
});

test('fields of the log are attributes; what is neither text nor number is left out', () => {
  const fields = { framesOut: 3, delivery: 'latest', nested: { secret: 1 }, nothing: null };
  spans.openCall(call).end({ ...ok, fields });
  const { attributes } = exporter.getFinishedSpans()[0]!;
  expect(attributes).toMatchObject({ 'maskstream.frames_out': 3, 'maskstream.delivery': 'latest' });
  expect(Object.keys(attributes).filter((name) => /nested|nothing/.test(name))).toEqual([]);
});
