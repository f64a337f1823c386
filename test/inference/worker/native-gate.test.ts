import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../../..');

/** Ends a process, or closes the model, while the encoder runs; `ending` is JavaScript. */
async function endDuringRun(ending: string): Promise<{ stdout: string; stderr: string }> {
  const script = `
    import { loadModel } from './dist/src/inference/index.js';
    import { FramePool } from './dist/src/frame/frame.js';
    const size = { width: 448, height: 252 };
    const model = await loadModel({
      directory: './models/maskstream-tiny', signal: new AbortController().signal, threads: 1,
    });
    const frame = new FramePool().create({
      index: 0, timestampUs: 0, timestampSynthetic: false, analysis: size, display: size, decodedAtMs: 0,
    });
    const calls = Array.from({ length: 3 }, () =>
      model.encode(frame, new AbortController().signal).catch((reason) => reason.code));
    // The run takes longer than this on any machine that this project knows.
    setTimeout(async () => { ${ending} }, 4);
  `;
  return await run(process.execPath, ['--input-type=module', '--eval', script], { cwd: root });
}

// Without the gate both abort the process: "terminate called after throwing ... Napi::Error".

test('process.exit during a run exits with its own code', async () => {
  await expect(endDuringRun('process.exit(7)')).rejects.toMatchObject({ code: 7, signal: null });
});

test('close during a run fails the calls and lets the process end by itself', async () => {
  const { stdout, stderr } = await endDuringRun(
    'await model.close(); console.log(JSON.stringify(await Promise.all(calls)));',
  );
  expect(JSON.parse(stdout)).toEqual(['shutting-down', 'shutting-down', 'shutting-down']);
  expect(stderr).toBe('');
});
