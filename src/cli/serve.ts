import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import type { ConfigOverrides } from '../config.ts';
import { readConfig } from '../config.ts';
import { configVariables } from '../settings.ts';
import { configRefusals, configWarnings } from '../config-warnings.ts';
import type { Arguments, Command, CommandIo, Option } from './command.ts';
import { configOption } from './config-file/config-option.ts';
import { createService } from './create-service.ts';
import { createJsonLogger, type JsonLogger } from './json-logger.ts';
import { precisionNames } from '../inference/index.ts';
import { usageError } from '../frame/errors.ts';
import { shortageOf } from '../frame/shortage.ts';

/** Options that set up a server, for every command that starts one. */
export const serviceOptions = {
  model: {
    kind: 'text',
    placeholder: 'NAME',
    help: 'Model of the package, or a folder with manifest.json. Default: maskstream-tiny.',
  },
  provider: {
    kind: 'text',
    placeholder: 'NAME',
    help: 'Execution provider of the model: cpu, webgpu, cuda, ... Default: cpu.',
  },
  placement: {
    kind: 'text',
    placeholder: 'WHERE',
    help: 'Devices and workers of its parts, as encoder=cuda:0*2,decoder=cuda:1. Default: all on the provider.',
  },
  precision: {
    kind: 'text',
    placeholder: 'NAME',
    values: precisionNames,
    help: 'Arithmetic of the model: fp32, fp16, bf16, int8 or q4, where it has it. Default: as published.',
  },
  threads: { kind: 'text', placeholder: 'N', help: 'Threads of one model run. Default: 2.' },
} as const satisfies Record<string, Option>;

/** Settings of {@link serviceOptions} on a command line. */
export function serviceOverrides(args: Arguments): ConfigOverrides {
  const given = [
    ['MASKSTREAM_MODEL', args.texts.get('model')],
    ['MASKSTREAM_PROVIDER', args.texts.get('provider')],
    ['MASKSTREAM_PLACEMENT', args.texts.get('placement')],
    ['MASKSTREAM_PRECISION', args.texts.get('precision')],
    ['MASKSTREAM_MODEL_THREADS', args.texts.get('threads')],
  ] as const;
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

/** `maskstream serve` */
export const serveCommand: Command = {
  usage: ['maskstream serve [options]'],
  maxPositionals: 0,
  options: {
    listen: {
      kind: 'text',
      placeholder: 'HOST:PORT',
      help: 'Where to listen; port 0 takes a free one. Default: 127.0.0.1:50051.',
    },
    ...serviceOptions,
    'web-port': {
      kind: 'text',
      placeholder: 'N',
      help: 'Port of the live page; 0 takes a free one. Default: 50080.',
    },
    'no-web': { kind: 'flag', help: 'Serve gRPC alone, without the live page.' },
    'metrics-port': {
      kind: 'text',
      placeholder: 'N',
      help: 'Port of Prometheus metrics and of the probes; 0 takes a free one. Default: none.',
    },
    'max-load': {
      kind: 'text',
      placeholder: 'CORES',
      help: 'Refuse streams whose predicted work goes beyond. Default: none is refused for it.',
    },
    allow: {
      kind: 'text',
      placeholder: 'WHAT',
      help: 'What a server that other machines reach may do without, by commas: plaintext, anonymous, old-ffmpeg.',
    },
    'require-patched-ffmpeg': {
      kind: 'flag',
      help: 'Start only with a release of ffmpeg that closes the known holes.',
    },
    confine: {
      kind: 'text',
      placeholder: 'HOW',
      help: 'How decoders are confined: auto (the strictest that works), require (a sandbox, or no start), off (limits alone). Default: auto.',
    },
    hwaccel: {
      kind: 'text',
      placeholder: 'KIND',
      help: 'Decode video on a GPU where it can: vaapi or cuda. Default: off.',
    },
    'log-level': {
      kind: 'text',
      placeholder: 'LEVEL',
      help: 'debug, info, warn or error; JSON lines on stderr. Default: info.',
    },
    ...configOption,
  },
  epilogue: `Environment (options win over it, it wins over the file of --config; docs/cli.md explains each):
  ${configVariables.filter((name) => name !== 'PATH').join('\n  ')}

Prints "listening on HOST:PORT" on stdout when it is ready, then "page on http://HOST:PORT" and
"metrics on http://HOST:PORT/metrics" where they are served.`,
  run: serve,
};

/** `--web-port` and `--no-web` as settings. */
function webOverride(args: Arguments): ConfigOverrides {
  if (args.flags.has('no-web')) return { MASKSTREAM_WEB_PORT: 'off' };
  const port = args.texts.get('web-port');
  return port === undefined ? {} : { MASKSTREAM_WEB_PORT: port };
}

async function serve(args: Arguments, io: CommandIo): Promise<void> {
  const listen = args.texts.get('listen');
  const level = args.texts.get('log-level');
  const allow = args.texts.get('allow');
  const metricsPort = args.texts.get('metrics-port');
  const confine = args.texts.get('confine');
  const maxLoad = args.texts.get('max-load');
  const hwaccel = args.texts.get('hwaccel');
  const overrides = {
    ...serviceOverrides(args),
    ...(listen === undefined ? {} : { MASKSTREAM_LISTEN: listen }),
    ...(level === undefined ? {} : { MASKSTREAM_LOG_LEVEL: level }),
    ...(metricsPort === undefined ? {} : { MASKSTREAM_METRICS_PORT: metricsPort }),
    ...(maxLoad === undefined ? {} : { MASKSTREAM_MAX_LOAD: maxLoad }),
    ...(allow === undefined ? {} : { MASKSTREAM_ALLOW: allow }),
    ...(hwaccel === undefined ? {} : { MASKSTREAM_HWACCEL: hwaccel }),
    ...(confine === undefined ? {} : { MASKSTREAM_CONFINE: confine }),
    ...(args.flags.has('require-patched-ffmpeg')
      ? { MASKSTREAM_REQUIRE_PATCHED_FFMPEG: 'true' }
      : {}),
    ...webOverride(args),
  };
  const config = readConfig(overrides, undefined, args.settings);
  const [refusal] = configRefusals(config);
  if (refusal !== undefined) throw usageError(refusal);
  const log = createJsonLogger(config.logLevel, io.stderr);
  for (const warning of configWarnings(config, availableParallelism())) log.warn({}, warning);
  const survive = surviveShortages(log);
  process.on('uncaughtException', survive);
  const service = await createService(config, { log, signal: io.signal });
  const host = service.host.includes(':') ? `[${service.host}]` : service.host;
  io.stdout.write(`listening on ${host}:${service.port}\n`);
  if (service.pageAddress !== null) io.stdout.write(`page on ${service.pageAddress}\n`);
  if (service.metricsAddress !== null) io.stdout.write(`metrics on ${service.metricsAddress}\n`);
  try {
    if (!io.signal.aborted) await once(io.signal, 'abort');
    log.info({ streams: service.activeStreams(), reason: String(io.signal.reason) }, 'draining');
    await service.drain();
  } finally {
    await service.close();
    process.off('uncaughtException', survive);
  }
  log.info({}, 'stopped');
  const hungThreads = service.hungThreads();
  if (hungThreads > 0) {
    // Node waits for every thread before it ends, and native code cannot be interrupted.
    log.error({ hungThreads }, 'threads of the model hang: the process ends itself by SIGKILL');
    process.kill(process.pid, 'SIGKILL');
  }
}

/**
 * The last line: a shortage of handles or memory may come up where nobody listens, as in the middle
 * of a library, and must not end all streams. Anything else ends the process as it always does.
 */
function surviveShortages(log: JsonLogger): (error: unknown) => void {
  return (error) => {
    const shortage = shortageOf(error);
    log.error({ err: error }, shortage?.message ?? 'uncaught exception');
    if (shortage === null) process.exit(1);
  };
}
