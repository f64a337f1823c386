import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { decodeCocoRle } from '../../frame/coco-rle.ts';
import { assertNever, SegmentationError } from '../../frame/errors.ts';
import { Mask } from '../../gen/maskstream/v1/common.ts';
import { encodeMask, readMask } from '../mask-encoding/index.ts';
import type { MaskJob, MaskReply, MaskResult } from './messages.ts';

/*
 * Entry of a mask worker: brings masks from and into the forms of the wire. A mask of a 4K picture
 * takes some tens of milliseconds, which all streams would wait for on the main thread.
 */

/** Niceness of mask workers: what flow and decoders do for all streams goes first. */
const maskNiceness = 3;

if (process.platform === 'linux') setPriority(0, maskNiceness);

parentPort?.on('message', (job: MaskJob) => {
  const reply = answer(job);
  const { buffer } = reply.kind === 'done' ? bytesOf(reply.result) : new Uint8Array(0);
  parentPort?.postMessage(reply, reply.kind === 'done' ? [buffer as ArrayBuffer] : []);
});

function answer(job: MaskJob): MaskReply {
  try {
    return { kind: 'done', result: run(job) };
  } catch (reason) {
    const { code, message, cause } = SegmentationError.from(reason);
    const text = cause instanceof Error ? (cause.stack ?? cause.message) : message;
    return { kind: 'failed', code, message: code === 'internal' ? text : message };
  }
}

function run(job: MaskJob): MaskResult<MaskJob['kind']> {
  switch (job.kind) {
    case 'read':
      return readMask(Mask.decode(job.bytes), job);
    case 'write': {
      const { counts, size } = job.mask;
      const wire = encodeMask(decodeCocoRle(counts, size), job.encoding, job.maxBytes);
      return Mask.encode(wire ?? Mask.create(size))
        .finish()
        .slice();
    }
    default:
      return assertNever(job);
  }
}

function bytesOf(result: MaskResult<MaskJob['kind']>): Uint8Array {
  return result instanceof Uint8Array ? result : result.counts;
}
