import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { findOnPath } from '../../src/video/ffmpeg/find-on-path.ts';
import { decodeImage, findFfmpeg, type FfmpegBinary } from '../../src/video/index.ts';
import { readBenchOptions } from '../support/bench-options.ts';
import { cell, machineName, markdownTable } from '../support/markdown-table.ts';
import { percentile } from '../support/percentile.ts';

/*
 * What confinement costs a decoder's start: milliseconds from a small picture to its pixels, one
 * ffmpeg after the other, each confinement in turn.
 *
 *   npm run bench confinement -- [--runs N]
 */

const options = readBenchOptions({ runs: '60' });
const runs = options.number('runs');
const { signal } = new AbortController();
const folder = await mkdtemp(join(tmpdir(), 'confinement-'));
try {
  const kinds = await findKinds();
  const path = join(folder, 'picture.jpg');
  const make = '-v error -f lavfi -i testsrc2=s=320x180 -frames:v 1 -q:v 4'.split(' ');
  await promisify(execFile)(kinds[0]!.path, [...make, path]);
  const picture = await readFile(path);
  const times = kinds.map((): number[] => []);
  for (let run = 0; run < runs; run++) {
    for (const [index, ffmpeg] of kinds.entries()) {
      const startedMs = performance.now();
      const { frame } = await decodeImage(picture, { ffmpeg, signal });
      times[index]!.push(performance.now() - startedMs);
      frame.close();
    }
  }
  console.log(`${machineName()}; ${runs} pictures of 320x180 each\n`);
  const rows = kinds.map((ffmpeg, index) => {
    const { kind, isLimited, filter } = ffmpeg.confinement;
    const all = times[index]!;
    const name = `${kind}${isLimited ? ', limits' : ''}${filter === null ? '' : ', filter'}`;
    return [name, cell(percentile(all, 0.5), 1), cell(percentile(all, 0.95), 1)];
  });
  console.log(markdownTable(['confinement', 'ms p50', 'ms p95'], rows));
} finally {
  await rm(folder, { recursive: true });
}

/** The ffmpeg of the settings in every confinement that there is here. */
async function findKinds(): Promise<FfmpegBinary[]> {
  const whole = await findConfiguredFfmpeg();
  const ffmpegPath = whole.path;
  for (const program of ['setpriv', 'prlimit']) {
    const found = await findOnPath(program, '/usr/local/bin:/usr/bin:/bin');
    if (found !== null) await symlink(found, join(folder, program));
  }
  const all = [
    await findFfmpeg({ ffmpegPath, searchPath: '/nowhere' }),
    await findFfmpeg({ ffmpegPath, confine: 'off' }),
    await findFfmpeg({ ffmpegPath, searchPath: folder }),
    ...(whole.confinement.filter === null ? [] : [withoutFilter(whole)]),
    whole,
  ];
  return all.filter(
    (one, index) => all.findIndex((other) => nameOf(other) === nameOf(one)) === index,
  );
}

/** The same sandbox with every system call. */
function withoutFilter(ffmpeg: FfmpegBinary): FfmpegBinary {
  const { confinement } = ffmpeg;
  const wrap: typeof confinement.wrap = (program, words) => {
    const [first, rest] = confinement.wrap(program, words);
    const at = rest.indexOf('--seccomp');
    return [first, rest.toSpliced(at, 2)];
  };
  return { ...ffmpeg, confinement: { ...confinement, filter: null, wrap } };
}

function nameOf({ confinement }: FfmpegBinary): string {
  return `${confinement.kind} ${confinement.isLimited} ${confinement.filter !== null}`;
}
