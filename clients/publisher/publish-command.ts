import { readFile } from 'node:fs/promises';
import type { Arguments, Command, CommandIo } from '../../src/cli/command.ts';
import { readConfig } from '../../src/config.ts';
import { SegmentationError, usageError } from '../../src/frame/errors.ts';
import { connect, type ConnectOptions, type SegmentationClient } from '../typescript/index.ts';
import { cameraSchema, type CameraSettings, readCamerasFile } from './camera-config.ts';
import { CameraSet } from './camera-set.ts';
import { describeEvent } from './describe-event.ts';
import { frameLine } from './frame-line.ts';
import { inputName } from './local/input-kind.ts';
import { MaskstreamError } from '../core/maskstream-error.ts';
import { openSink } from './result-sink.ts';
import { watchFile } from './watch-file.ts';

const defaultGiveUpSeconds = 60;

/** `maskstream publish`, which is `maskstream-publish` too. */
export const publishCommand: Command = {
  usage: [
    'maskstream publish --input rtsp://CAMERA/PATH|/dev/video0|FILE|- --to HOST:PORT --prompts FILE [options]',
    'maskstream publish --cameras FILE --to HOST:PORT [options]',
  ],
  maxPositionals: 0,
  options: {
    input: {
      kind: 'text',
      placeholder: 'INPUT',
      help: 'rtsp:// or rtsps://, with name and password where the camera asks for them; a V4L2 device below /dev; a file; or -, standard input.',
    },
    to: {
      kind: 'text',
      placeholder: 'HOST:PORT,...',
      help: 'Server; of several, the others go on where one dies or goes away.',
    },
    prompts: {
      kind: 'text',
      placeholder: 'FILE',
      help: 'JSON with what to follow; docs/cli.md has its schema.',
    },
    cameras: {
      kind: 'text',
      placeholder: 'FILE',
      help: 'JSON with any number of cameras in place of --input (docs/publisher.md); read again when it changes, and on SIGHUP.',
    },
    output: {
      kind: 'text',
      placeholder: 'WHERE',
      help: 'Where lines go: -, tcp:HOST:PORT or unix:PATH. Default: -, standard output.',
    },
    masks: { kind: 'flag', help: 'Every line has the masks too, as COCO run lengths.' },
    model: {
      kind: 'text',
      placeholder: 'NAME',
      help: 'Model of the server. Default: its first one.',
    },
    delivery: {
      kind: 'text',
      placeholder: 'MODE',
      values: ['latest', 'every-frame'],
      help: 'latest stays young and skips what the server has no time for. Default: latest for cameras, every-frame for files and pipes.',
    },
    realtime: {
      kind: 'flag',
      help: 'A file at its own pace. Default: as fast as the server takes it.',
    },
    'rtsp-transport': {
      kind: 'text',
      placeholder: 'tcp|udp',
      values: ['tcp', 'udp'],
      help: 'How an RTSP camera’s media come: over its connection, or as packets by themselves. Default: tcp.',
    },
    'frame-rate': {
      kind: 'text',
      placeholder: 'R',
      help: 'Frames a second. Default: what the camera says or sends.',
    },
    'buffer-bytes': {
      kind: 'text',
      placeholder: 'N',
      help: 'Pictures that wait for a slow server; then the oldest are left out, up to a random access point. Default: 8388608.',
    },
    'silence-after': {
      kind: 'text',
      placeholder: 'S',
      help: 'Seconds without a picture after which the camera is connected again. Default: 10.',
    },
    'give-up-after': {
      kind: 'text',
      placeholder: 'S',
      help: `Seconds without camera or server after which it ends, with exit code 1; 0: never. Default: ${defaultGiveUpSeconds}.`,
    },
    tls: {
      kind: 'flag',
      help: 'Reach the server over TLS, trusting Node’s authorities and those of NODE_EXTRA_CA_CERTS.',
    },
    ca: {
      kind: 'text',
      placeholder: 'FILE',
      help: 'PEM authorities to trust instead; implies --tls.',
    },
  },
  epilogue:
    'MASKSTREAM_TOKEN is sent where it is set. docs/publisher.md has the fields of a line and what\nhappens when camera or server go away.',
  run: publish,
};

async function publish(args: Arguments, io: CommandIo): Promise<void> {
  const file = args.texts.get('cameras');
  const cameras = file === undefined ? [readSettings(args)] : await readCameras(file, args);
  using client = await connectTo(args);
  const ending = new AbortController();
  const signal = AbortSignal.any([io.signal, ending.signal]);
  await using sink = asUsage('--output', () =>
    openSink(args.texts.get('output') ?? '-', io.stdout, signal),
  );
  const failures: unknown[] = [];
  const say = (name: string, text: string) => io.stderr.write(`${name}: ${text}\n`);
  const set = new CameraSet({
    client,
    stdin: io.stdin,
    onFrame: ({ name, masks }, frame) =>
      sink.write(
        frameLine(frame, { input: file === undefined ? null : name, masks: masks === true }),
      ),
    onEvent: ({ name }, event) => {
      const text = describeEvent(event);
      if (text !== null) say(name, text);
    },
    onEnd: ({ name }, failure) => {
      if (failure === null) return;
      failures.push(failure);
      if (file !== undefined) say(name, failure instanceof Error ? failure.message : 'failed');
    },
    signal,
  });
  await set.apply(cameras);
  if (file !== undefined) {
    watchFile(file, {
      onChange: async () => {
        try {
          const { started, stopped } = await set.apply(await readCamerasFile(file));
          say(file, `read again: ${started} cameras begin, ${stopped} end`);
        } catch (reason) {
          say(file, `${reason instanceof Error ? reason.message : 'failed'}; going on as before`);
        }
      },
      signal,
    });
  }
  await set.ended();
  ending.abort();
  if (io.signal.aborted) throw new SegmentationError('cancelled', 'stopped');
  const [failure] = failures;
  if (failure !== undefined) throw failure;
}

/** Options that say something of the one camera of a command line. */
const cameraOptions = [
  'input',
  'prompts',
  'model',
  'delivery',
  'realtime',
  'rtsp-transport',
  'masks',
  'frame-rate',
  'buffer-bytes',
  'silence-after',
  'give-up-after',
];

async function readCameras(file: string, args: Arguments): Promise<CameraSettings[]> {
  const beside = cameraOptions.find((name) => args.texts.has(name) || args.flags.has(name));
  if (beside !== undefined) {
    throw usageError(`--${beside}: expected it in the file of cameras, got it beside --cameras`);
  }
  return await readCamerasFile(file);
}

function readSettings(args: Arguments): CameraSettings {
  const input = required(args, 'input');
  const prompts = required(args, 'prompts');
  const delivery = wordOf(args, 'delivery', ['latest', 'every-frame'] as const);
  const transport = wordOf(args, 'rtsp-transport', ['tcp', 'udp'] as const);
  const model = args.texts.get('model');
  return {
    name: asUsage('--input', () => inputName(input)),
    input,
    prompts,
    ...(delivery === null ? {} : { delivery }),
    ...(transport === null ? {} : { rtsp_transport: transport }),
    realtime: args.flags.has('realtime'),
    masks: args.flags.has('masks'),
    ...(model === undefined ? {} : { model }),
    ...numberOf(args, 'frame-rate', 'frame_rate'),
    ...numberOf(args, 'buffer-bytes', 'buffer_bytes'),
    ...numberOf(args, 'silence-after', 'silence_s'),
    give_up_after_s: defaultGiveUpSeconds,
    ...numberOf(args, 'give-up-after', 'give_up_after_s'),
  };
}

function required(args: Arguments, name: string): string {
  const value = args.texts.get(name);
  if (value === undefined) throw usageError(`expected --${name}, got none`);
  return value;
}

/** One of few words; null where none is given. */
function wordOf<T extends string>(args: Arguments, option: string, words: readonly T[]): T | null {
  const text = args.texts.get(option);
  const word = words.find((one) => one === text) ?? null;
  if (text === undefined || word !== null) return word;
  throw usageError(`--${option}: expected ${words.join(' or ')}, got "${text}"`);
}

/** The same bounds as in a file of cameras. */
function numberOf<K extends 'frame_rate' | 'buffer_bytes' | 'silence_s' | 'give_up_after_s'>(
  args: Arguments,
  option: string,
  field: K,
): Partial<Record<K, number>> {
  const text = args.texts.get(option);
  if (text === undefined) return {};
  const result = cameraSchema.shape[field].safeParse(text.trim() === '' ? null : Number(text));
  if (result.success && result.data !== undefined) {
    return { [field]: result.data } as Record<K, number>;
  }
  const expected = result.error?.issues[0]?.message ?? 'expected a number';
  throw usageError(`--${option}: ${expected}, got "${text}"`);
}

async function connectTo(args: Arguments): Promise<SegmentationClient> {
  const addresses = required(args, 'to').split(',');
  const wrong = addresses.find((one) => !/^(?:\[[^\]]+\]|[^:]+):\d{1,5}$/.test(one));
  if (wrong !== undefined) throw usageError(`--to: expected HOST:PORT, got "${wrong}"`);
  const { token } = readConfig();
  const ca = args.texts.get('ca');
  const tls: ConnectOptions['tls'] | null =
    ca !== undefined
      ? { authorities: await readAuthorities(ca) }
      : args.flags.has('tls')
        ? {}
        : null;
  return connect(addresses, {
    ...(tls === null ? {} : { tls }),
    ...(token === null ? {} : { token }),
  });
}

async function readAuthorities(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    const message = `--ca: expected a PEM file, cannot read ${file}`;
    throw new SegmentationError('unreadable-file', message, { cause });
  }
}

/** What is wrong with a setting is a mistake of the command line. */
function asUsage<T>(option: string, read: () => T): T {
  try {
    return read();
  } catch (reason) {
    if (reason instanceof MaskstreamError) throw usageError(`${option}: ${reason.message}`);
    throw reason;
  }
}
