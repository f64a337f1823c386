import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import {
  inferenceOutcomes,
  inferenceSeconds,
  type InferenceServers,
  type ServerMetrics,
} from '../server-metrics.ts';

type ServerState = ReturnType<InferenceServers['states']>[number];

type InferenceMetrics = Pick<ServerMetrics, 'inferenceCall' | 'watchInferenceServers'>;

/** Counts what inference servers are asked. */
export function inferenceMetrics(registry: Registry): InferenceMetrics {
  const registers = [registry];
  const ended = new Counter({
    name: 'maskstream_inference_calls_total',
    help: 'Calls of inference servers, by how they ended: ok, gone, slow, odd, refused or cancelled.',
    labelNames: ['server', 'graph', 'outcome'],
    registers,
  });
  const duration = new Histogram({
    name: 'maskstream_inference_call_seconds',
    help: 'How long answered calls of inference servers took.',
    labelNames: ['server', 'graph'],
    buckets: [...inferenceSeconds],
    registers,
  });
  const bytes = (way: 'sent' | 'received') =>
    new Counter({
      name: `maskstream_inference_${way}_bytes_total`,
      help: `Bytes of messages ${way === 'sent' ? 'to' : 'from'} inference servers.`,
      labelNames: ['server', 'graph'],
      registers,
    });
  const sent = bytes('sent');
  const received = bytes('received');
  let servers: InferenceServers = { graphs: [], states: () => [] };
  const gauge = (name: string, help: string, valueOf: (state: ServerState) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['server'],
      registers,
      collect() {
        for (const state of servers.states()) this.set({ server: state.server }, valueOf(state));
      },
    });
  gauge(
    'maskstream_inference_calls_under_way',
    'Calls of inference servers that are not answered yet.',
    ({ callsUnderWay }) => callsUnderWay,
  );
  gauge(
    'maskstream_inference_server_out',
    '1 while an inference server gets probes in place of calls.',
    ({ isOut }) => (isOut ? 1 : 0),
  );
  return {
    inferenceCall: ({ server, graph, outcome, ms, sentBytes, receivedBytes }) => {
      ended.inc({ server, graph, outcome });
      if (outcome === 'ok') duration.observe({ server, graph }, ms / 1000);
      sent.inc({ server, graph }, sentBytes);
      received.inc({ server, graph }, receivedBytes);
    },
    watchInferenceServers: (watched) => {
      servers = watched;
      for (const { server } of watched.states()) {
        for (const graph of watched.graphs) {
          for (const outcome of inferenceOutcomes) ended.inc({ server, graph, outcome }, 0);
        }
      }
    },
  };
}
