import { usageError } from '../frame/errors.ts';
import type { SegmentationClient } from '../../clients/typescript/index.ts';
import { connect } from '../../clients/typescript/index.ts';
import type { Decode } from '../frame/ports.ts';
import { createDecoder } from '../video/index.ts';
import type { Arguments, Command, CommandIo } from './command.ts';
import { findConfiguredFfmpeg } from './find-configured-ffmpeg.ts';
import { createProgress } from './progress.ts';
import { serviceOptions } from './serve.ts';
import { parseKeyframes } from '../calls/keyframes.ts';
import { measureDecoding, measureFlow } from '../evaluation/clip-flow.ts';
import type { Clip } from '../evaluation/clips.ts';
import { findClips, readTruths } from '../evaluation/clips.ts';
import type { ClipResult, Setting } from '../evaluation/evaluate-clip.ts';
import { evaluateClip } from '../evaluation/evaluate-clip.ts';
import { formatReport } from '../evaluation/format-report.ts';
import type { ServerProcess } from '../evaluation/server-process.ts';
import { startServerProcess } from '../evaluation/server-process.ts';
import { poolPrompts, summarize } from '../evaluation/summarize.ts';
import { regionArea, videoOptions } from './segment/video-config.ts';
import { promptKinds } from '../evaluation/true-prompts.ts';

/** `maskstream eval` */
export const evalCommand: Command = {
  usage: ['maskstream eval CLIPS_DIR [options]'],
  maxPositionals: 1,
  options: {
    prompt: {
      kind: 'text',
      placeholder: 'KIND',
      help: 'What the service is told of each object: mask, box or point, or several joined by commas. Default: mask.',
    },
    keyframes: {
      kind: 'text',
      placeholder: 'LIST',
      help: 'adaptive or a number of frames, or several joined by commas. Default: adaptive.',
    },
    'min-region': videoOptions['min-region'],
    clips: { kind: 'text', placeholder: 'NAMES', help: 'Only these clips, joined by commas.' },
    json: { kind: 'flag', help: 'Print one JSON object instead of tables.' },
    ...serviceOptions,
  },
  epilogue: `CLIPS_DIR holds folders with clip.mp4 and masks/NNNNN.png (palette index = object id). J and F are
those of davis2017-evaluation; docs/cli.md explains every column.`,
  run: evaluate,
};

async function evaluate(args: Arguments, io: CommandIo): Promise<void> {
  const [folder] = args.positionals;
  if (folder === undefined) throw usageError('expected a CLIPS_DIR, got none');
  const settings = parseSettings(args);
  const only = args.texts.get('clips')?.split(',') ?? null;
  const clips = await findClips(folder, only);
  const ffmpeg = await findConfiguredFfmpeg();
  const decode = createDecoder({ ffmpeg });
  await using server = await startServerProcess(serverWords(args));
  using client = connect(server.address);
  const masks = regionArea(args);
  const results: ClipResult[] = [];
  for (const clip of clips) {
    results.push(
      ...(await evaluateSettings(clip, settings, { client, server, decode, io, masks })),
    );
  }
  const summaries = settings.map((setting) =>
    summarize(
      setting,
      results.filter((result) => result.setting === setting),
    ),
  );
  const pooled = poolPrompts(results);
  const report = { ffmpeg: ffmpeg.version, summaries, pooled };
  io.stdout.write(
    args.flags.has('json') ? `${JSON.stringify(report)}\n` : formatReport(summaries, pooled),
  );
}

type Running = {
  readonly client: SegmentationClient;
  readonly server: ServerProcess;
  readonly decode: Decode;
  readonly io: CommandIo;
  readonly masks: ReturnType<typeof regionArea>;
};

async function evaluateSettings(
  clip: Clip,
  settings: readonly Setting[],
  { client, server, decode, io, masks }: Running,
): Promise<ClipResult[]> {
  const { signal } = io;
  // By itself and before the flow: nothing else may count as decoding.
  const decoding = await measureDecoding(clip.videoFile, decode, signal);
  const flows = await measureFlow(clip.videoFile, decode, signal);
  const truths = await readTruths(clip, decoding.display);
  const results: ClipResult[] = [];
  for (const setting of settings) {
    const label = `${clip.name} (${setting.prompt}, ${setting.keyframes})`;
    const progress = createProgress(io, label, decoding.frames);
    let frames = 0;
    try {
      const result = await evaluateClip(clip, {
        client,
        setting,
        truths,
        flows,
        masks,
        cpuMs: () => server.cpuMs(),
        decodeCpuMs: decoding.cpuMs,
        onFrame: () => progress.update(++frames),
        signal,
      });
      results.push(result);
    } finally {
      progress.finish();
    }
  }
  return results;
}

function parseSettings(args: Arguments): Setting[] {
  const prompts = (args.texts.get('prompt') ?? 'mask').split(',');
  const intervals = (args.texts.get('keyframes') ?? 'adaptive').split(',');
  for (const keyframes of intervals) parseKeyframes(keyframes);
  return prompts.flatMap((text) => {
    const prompt = promptKinds.find((kind) => kind === text);
    if (prompt === undefined) {
      throw usageError(`--prompt: expected ${promptKinds.join(', ')}, got "${text}"`);
    }
    return intervals.map((keyframes) => ({ prompt, keyframes }));
  });
}

function serverWords(args: Arguments): string[] {
  return Object.keys(serviceOptions).flatMap((name) => {
    const value = args.texts.get(name);
    return value === undefined ? [] : [`--${name}`, value];
  });
}
