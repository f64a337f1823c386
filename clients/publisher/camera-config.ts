import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { readJson } from '../../src/cli/read-json.ts';
import { usageError } from '../../src/frame/errors.ts';
import { type InputKind, inputKind } from './local/input-kind.ts';

/** One camera, as the command line or a file of cameras has it. */
export const cameraSchema = z.strictObject({
  name: z.string().min(1).describe('Stands in every line of results, and is unique.'),
  input: z
    .string()
    .min(1)
    .describe(
      'rtsp:// or rtsps://, with name and password where asked for; a V4L2 device below /dev; or a file, sought beside this one.',
    ),
  prompts: z.string().min(1).describe('Prompts file (docs/cli.md), sought beside this file.'),
  model: z.string().min(1).optional().describe('Default: the server’s first one.'),
  delivery: z
    .enum(['latest', 'every-frame'])
    .optional()
    .describe('Default: latest; for a file every-frame.'),
  realtime: z
    .boolean()
    .optional()
    .describe(
      'A file at its own pace, in place of as fast as the server takes it. Default: false.',
    ),
  rtsp_transport: z
    .enum(['tcp', 'udp'])
    .optional()
    .describe('How an RTSP camera’s media come. Default: tcp.'),
  masks: z
    .boolean()
    .optional()
    .describe('Masks as COCO run lengths in every line. Default: false.'),
  frame_rate: z.number().positive().optional().describe('Default: what the camera says or sends.'),
  buffer_bytes: z
    .int()
    .min(65_536)
    .optional()
    .describe('Encoded pictures that wait for the server. Default: 8388608.'),
  silence_s: z
    .number()
    .positive()
    .optional()
    .describe('A camera that sends nothing for so long is connected again. Default: 10.'),
  give_up_after_s: z
    .number()
    .min(0)
    .optional()
    .describe('Without camera or server; 0: never. Default: 0 in a file, 60 on the command line.'),
});

/** A file of cameras. */
export const camerasSchema = z
  .strictObject({
    $schema: z.string().optional(),
    version: z.literal(1),
    cameras: z.array(cameraSchema).min(1),
  })
  .refine(({ cameras }) => new Set(cameras.map(({ name }) => name)).size === cameras.length, {
    error: 'expected a name of its own for each camera',
    path: ['cameras'],
  });

/** Settings of one camera. */
export type CameraSettings = z.infer<typeof cameraSchema>;

/** The JSON schema of a file of cameras, as cameras.schema.json has it. */
export function camerasJsonSchema(): object {
  return z.toJSONSchema(camerasSchema, { io: 'input' });
}

/**
 * Reads a file of cameras; paths in it are sought beside it.
 *
 * Throws `unreadable-file` for a missing one and `usage` for other content, naming the place.
 */
export async function readCamerasFile(file: string): Promise<CameraSettings[]> {
  const content = await readJson(file, 'cameras');
  const result = camerasSchema.safeParse(content);
  if (!result.success) {
    const issue = result.error.issues[0];
    const place = issue?.path.length ? ` at ${issue.path.join('.')}` : '';
    throw usageError(`${file}${place}: ${issue?.message ?? 'expected another value'}`);
  }
  const beside = (path: string) => resolve(dirname(file), path);
  return result.data.cameras.map((camera) => ({
    give_up_after_s: 0,
    ...camera,
    input: kindOf(camera, file) === 'file' ? beside(camera.input) : camera.input,
    prompts: beside(camera.prompts),
  }));
}

/** Throws `usage` for what is no input of a file of cameras. */
function kindOf({ name, input }: CameraSettings, file: string): InputKind {
  try {
    const kind = inputKind(input);
    if (kind !== 'stdin') return kind;
  } catch (reason) {
    throw usageError(`${file}: ${name}: ${reason instanceof Error ? reason.message : 'failed'}`);
  }
  throw usageError(`${file}: ${name}: expected a camera or a file, got standard input`);
}
