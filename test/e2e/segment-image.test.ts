import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { decodeMask } from '../../clients/typescript/index.ts';
import { ffmpeg, temporaryPath } from '../fixtures/encoded-clips.ts';
import { startServer, type TestServer } from '../fixtures/start-server.ts';

let system: TestServer;

beforeAll(async () => {
  system = await startServer();
});

afterAll(() => system[Symbol.asyncDispose]());

afterEach(() => system.settled());

/** A light disc of radius 60 around (160, 120) on dark noise. */
async function discImage(extension: 'png' | 'jpg' | 'webp'): Promise<Buffer> {
  const path = temporaryPath(`disc.${extension}`);
  const luma = 'if(lt(hypot(X-160,Y-120),60),220,50)+random(1)*20';
  const source = `nullsrc=s=320x240,geq=lum='${luma}':cb=128:cr='if(lt(hypot(X-160,Y-120),60),180,110)'`;
  await ffmpeg(['-f', 'lavfi', '-i', source, '-frames:v', '1', path]);
  return await readFile(path);
}

test.each(['png', 'jpg', 'webp'] as const)('a box in a %s finds its object', async (extension) => {
  const box = { x: 95, y: 55, width: 130, height: 130 };
  const answer = await system.client.segmentImage({
    image: await discImage(extension),
    prompts: [{ objectId: 7, box, label: 'disc' }],
  });
  expect(answer).toMatchObject({ width: 320, height: 240, model: 'maskstream-tiny' });
  const [object] = answer.objects;
  expect(object).toMatchObject({ objectId: 7, label: 'disc' });
  if (object?.mask === undefined) throw new Error('the object has no mask');
  const { data } = decodeMask(object.mask);
  let shared = 0;
  let either = 0;
  for (let at = 0; at < data.length; at++) {
    const inDisc = Math.hypot((at % 320) - 159.5, Math.floor(at / 320) - 119.5) < 60;
    if (inDisc && data[at] === 1) shared++;
    if (inDisc || data[at] === 1) either++;
  }
  expect(shared / either).toBeGreaterThan(0.8);
});

test('bytes that are no image, and a prompt beside it, are INVALID_ARGUMENT', async () => {
  const prompts = [{ objectId: 1, points: [{ x: 10, y: 10 }] }];
  await expect(
    system.client.segmentImage({ image: Buffer.from('no image'), prompts }),
  ).rejects.toMatchObject({ status: 'INVALID_ARGUMENT', code: 'undecodable-image' });
  const beside = [{ objectId: 1, points: [{ x: 320, y: 10 }] }];
  await expect(
    system.client.segmentImage({ image: await discImage('png'), prompts: beside }),
  ).rejects.toMatchObject({ status: 'INVALID_ARGUMENT', code: 'invalid-prompt' });
});
