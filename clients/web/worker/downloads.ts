import { type Zippable, zipSync } from 'fflate';
import { describeFrame, describeObject } from '../../../src/calls/describe-answer.ts';
import type { AnsweredFrame, AnsweredObject } from '../../../src/formats/answered-frame.ts';
import { createCocoJson } from '../../../src/formats/coco-json.ts';
import {
  framesJsonEntry,
  framesJsonHead,
  framesJsonTail,
} from '../../../src/formats/frames-json.ts';
import { idPicture, maskFileName } from '../../../src/formats/id-picture.ts';
import { palettePng } from '../../../src/formats/palette-png.ts';
import { decodeCocoRle } from '../../../src/frame/coco-rle.ts';
import type { Size } from '../../../src/frame/geometry.ts';
import { emptyMask, type Mask } from '../../../src/frame/mask.ts';
import type { ObjectMask } from '../../../src/gen/maskstream/v1/common.ts';
import type { FrameMasks } from '../../../src/gen/maskstream/v1/video_response.ts';

/** What a download is made of. */
export type Download = {
  readonly frames: readonly FrameMasks[];
  readonly size: Size;
  readonly model: string;
  /** Names that the user gave. */
  readonly labels: ReadonlyMap<number, string>;
};

/** masks/NNNNN.png (8-bit palette, index = object id) and frames.json, as `segment` writes them. */
export function zipDownload(download: Download): Blob {
  const { size, model } = download;
  const files: Zippable = {};
  const entries: string[] = [];
  for (const frame of answeredFrames(download)) {
    // Pictures are packed already.
    files[`masks/${maskFileName(frame.frameIndex)}`] = [palettePng(idPicture(frame)), { level: 0 }];
    entries.push(framesJsonEntry(frame, size));
  }
  const head = framesJsonHead({ ...size, model, frameRate: null });
  const text = `${head}\n${entries.join(',\n')}${framesJsonTail}`;
  files['frames.json'] = new TextEncoder().encode(text);
  return new Blob([zipSync(files)], { type: 'application/zip' });
}

/** One COCO file, as `segment --format coco` writes it. */
export function cocoDownload(download: Download): Blob {
  const coco = createCocoJson();
  for (const frame of answeredFrames(download)) {
    coco.add(frame, maskFileName(frame.frameIndex).replace('.png', '.jpg'));
  }
  return new Blob([coco.text()], { type: 'application/json' });
}

/** One after the other: unpacked masks of all frames at once would take gigabytes. */
function* answeredFrames({ frames, size, labels }: Download): Generator<AnsweredFrame> {
  for (const masks of frames) {
    const objects = masks.objects.map((object) => answeredObject(object, size, labels));
    yield { ...describeFrame(masks, size), objects };
  }
}

function answeredObject(
  object: ObjectMask,
  size: Size,
  labels: Download['labels'],
): AnsweredObject {
  const described = describeObject(object);
  const label = labels.get(object.objectId) ?? described.label;
  return { ...described, label, mask: unpack(object.mask, size) };
}

/** Masks from before a change of the picture's size are left out. */
function unpack(mask: ObjectMask['mask'], size: Size): Mask {
  if (mask?.data?.$case !== 'cocoRle') return emptyMask(size);
  if (mask.width !== size.width || mask.height !== size.height) return emptyMask(size);
  return decodeCocoRle(mask.data.value.counts, size);
}
