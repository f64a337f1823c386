import {
  type Attributes,
  type Context,
  context,
  propagation,
  type Tracer as OtelTracer,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { FrameResult } from '../../pipeline/session-types.ts';
import type { CallSpan, Tracer } from '../server-tracing.ts';

const service = 'maskstream.v1.SegmentationService';

const methods = { video: 'SegmentVideo', image: 'SegmentImage' } as const;

/**
 * A span for each call, which goes on with the client's trace (W3C `traceparent`), and one for each
 * keyframe in it. No attribute holds pixels, prompts, labels or what came as credentials.
 */
export function createSpans(tracer: OtelTracer): Tracer {
  return {
    openCall: ({ kind, peer, principal, header }): CallSpan => {
      const method = methods[kind];
      const attributes = {
        'rpc.system': 'grpc',
        'rpc.service': service,
        'rpc.method': method,
        'network.peer.address': peer,
        'maskstream.principal': principal,
      };
      const options = { kind: SpanKind.SERVER, attributes };
      const span = tracer.startSpan(`${service}/${method}`, options, parentOf(header));
      const inside = trace.setSpan(context.active(), span);
      return {
        keyframe: (result) => keyframeSpan(tracer, result, inside),
        end: ({ code, isFault, fields }) => {
          span.setAttributes({ ...attributesOf(fields), 'maskstream.code': code });
          if (isFault) span.setStatus({ code: SpanStatusCode.ERROR, message: code });
          span.end();
        },
      };
    },
  };
}

function parentOf(header: (name: string) => string | undefined): Context {
  const getter = {
    keys: () => [],
    get: (_: unknown, name: string) => header(name),
  };
  return propagation.extract(context.active(), {}, getter);
}

/** It is known when it is over: it began as long ago as its frame took. */
function keyframeSpan(tracer: OtelTracer, result: FrameResult, inside: Context): void {
  const { frameIndex, keyframeReason, objects, timings } = result;
  const endMs = Date.now();
  const attributes = {
    'maskstream.frame_index': frameIndex,
    'maskstream.keyframe_reason': keyframeReason ?? 'asynchronous',
    'maskstream.objects': objects.length,
    'maskstream.encode_us': timings.encode,
    'maskstream.decode_us': timings.decode,
    'maskstream.queue_us': timings.queue,
  };
  const startTime = endMs - timings.total / 1000;
  tracer.startSpan('keyframe', { startTime, attributes }, inside).end(endMs);
}

/** `framesIn` → `maskstream.frames_in`; what is neither text nor number is left out. */
function attributesOf(fields: object): Attributes {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => typeof value === 'string' || typeof value === 'number')
      .map(([name, value]) => [
        `maskstream.${name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`,
        value as string | number,
      ]),
  );
}
