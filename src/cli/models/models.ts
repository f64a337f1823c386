import { usageError } from '../../frame/errors.ts';
import { readConfig } from '../../config.ts';
import type { Arguments, Command, CommandIo } from '../command.ts';
import { nearestWords } from '../../frame/nearest-words.ts';
import { addModel } from './add.ts';
import { benchModel } from './bench.ts';
import { calibrateModel } from './calibrate.ts';
import { listAllModels } from './list.ts';
import { pullModel } from './pull.ts';
import { verifyModels } from './verify.ts';

/** What each word after `models` does. */
const actions = {
  list: listAllModels,
  add: addModel,
  pull: pullModel,
  verify: verifyModels,
  bench: benchModel,
  calibrate: calibrateModel,
} as const;

/** `maskstream models` */
export const modelsCommand: Command = {
  usage: [
    'maskstream models list [--json]',
    'maskstream models add DIR [--name NAME] [--licence TEXT]',
    'maskstream models pull PRESET [--from URL|DIR]',
    'maskstream models verify [MODEL] [--provider NAME]... [--placement WHERE] [--precision NAME]...',
    'maskstream models bench [MODEL] [the same] [--runs N]',
    'maskstream models calibrate CLIPS_DIR [--model MODEL] [--dry-run] [--force]',
  ],
  maxPositionals: 2,
  options: {
    model: {
      kind: 'text',
      placeholder: 'MODEL',
      help: 'calibrate: a name of the list, or a folder with manifest.json. Default: MASKSTREAM_MODEL.',
    },
    provider: {
      kind: 'list',
      placeholder: 'NAME',
      help: 'verify, bench: cpu, webgpu, cuda, ...; several times for several. Default: MASKSTREAM_PROVIDER.',
    },
    placement: {
      kind: 'text',
      placeholder: 'WHERE',
      help: 'verify, bench: devices and workers of its parts, as encoder=cuda:0*2,decoder=cuda:1.',
    },
    precision: {
      kind: 'list',
      placeholder: 'NAME',
      help: 'verify, bench: fp32, fp16, bf16, int8, q4; several times for several. Default: all that it has.',
    },
    name: { kind: 'text', placeholder: 'NAME', help: 'add: name of the model. Default: the folder’s.' },
    licence: {
      kind: 'text',
      placeholder: 'TEXT',
      help: 'add: terms of the weights, as ListModels gives them. Default: "not stated".',
    },
    from: {
      kind: 'text',
      placeholder: 'URL|DIR',
      help: 'pull: a mirror of the hub, or a folder that has the files. Default: the hub.',
    },
    runs: { kind: 'text', placeholder: 'N', help: 'bench: timed runs of each part. Default: 20.' },
    threads: { kind: 'text', placeholder: 'N', help: 'Threads of one model run. Default: 2.' },
    force: {
      kind: 'flag',
      help: 'calibrate: writes the fit also where it is worse on clips held out.',
    },
    'dry-run': { kind: 'flag', help: 'calibrate: prints the fit and writes nothing.' },
    json: { kind: 'flag', help: 'JSON on stdout.' },
  },
  epilogue: `MODEL is a name of the list or a folder. Pulled models lie in MASKSTREAM_MODEL_CACHE
(~/.cache/maskstream/models); gated weights need a token in HF_TOKEN. docs/models.md goes through it.

Examples:
  maskstream models pull sam2.1-tiny
  maskstream models verify sam2.1-tiny
  maskstream serve --model sam2.1-tiny

Exit codes: 0 done, 1 a model is not as it should be or could not be fetched, 2 the command line is
wrong.`,
  run: runAction,
};

async function runAction(args: Arguments, io: CommandIo): Promise<void> {
  const [word, ...rest] = args.positionals;
  const names = Object.keys(actions);
  if (word === undefined) throw usageError(`expected one of ${names.join(', ')}, got nothing`);
  if (!Object.hasOwn(actions, word)) {
    const [nearest] = nearestWords(word, names, 1);
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
    throw usageError(`expected one of ${names.join(', ')}, got "${word}"${hint}`);
  }
  const [subject = null] = rest;
  await actions[word as keyof typeof actions]({ args, io, subject, config: readConfig({}) });
}
