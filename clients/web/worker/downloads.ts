import { type Zippable, zipSync } from 'fflate';
import type { Size } from '../../../src/frame/geometry.ts';
import { decodeCocoRle } from '../../../src/frame/coco-rle.ts';
import { paintMask } from '../../../src/frame/mask.ts';
import type { FrameMasks } from '../../../src/gen/maskstream/v1/video_response.ts';
import type { ObjectMask } from '../../../src/gen/maskstream/v1/common.ts';
import { palettePng } from '../../../src/formats/palette-png.ts';
import { summarise } from './display.ts';

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
  const { frames, size } = download;
  const files: Zippable = {};
  for (const frame of frames) {
    const ids = new Uint8Array(size.width * size.height);
    for (const { objectId, mask } of frame.objects) {
      const counts = mask?.data?.$case === 'cocoRle' ? mask.data.value.counts : null;
      if (counts !== null && sameSize(mask, size)) {
        paintMask(decodeCocoRle(counts, size), ids, objectId);
      }
    }
    const name = `masks/${String(frame.frameIndex).padStart(5, '0')}.png`;
    // Pictures are packed already.
    files[name] = [palettePng({ size, ids }), { level: 0 }];
  }
  files['frames.json'] = new TextEncoder().encode(framesJson(download));
  return new Blob([zipSync(files)], { type: 'application/zip' });
}

/** One COCO file: an image a frame (id = frame index + 1), an annotation a visible object. */
export function cocoDownload({ frames, size, labels }: Download): Blob {
  const { width, height } = size;
  const images = frames.map(({ frameIndex }) => ({
    id: frameIndex + 1,
    width,
    height,
    file_name: `${String(frameIndex).padStart(5, '0')}.jpg`,
  }));
  let id = 0;
  const annotations = frames.flatMap(({ frameIndex, objects }) =>
    objects.flatMap((object) => {
      const segmentation = compressed(object, size);
      if (segmentation === null || object.box === undefined) return [];
      const { x, y, width: boxWidth, height: boxHeight } = object.box;
      return [
        {
          id: ++id,
          image_id: frameIndex + 1,
          category_id: 1,
          segmentation,
          bbox: [x, y, boxWidth, boxHeight],
          area: object.area,
          iscrowd: 0,
          score: object.confidence,
          track_id: object.objectId,
          label: labels.get(object.objectId) ?? object.label ?? null,
        },
      ];
    }),
  );
  const categories = [{ id: 1, name: 'object' }];
  const text = JSON.stringify({ images, annotations, categories });
  return new Blob([text], { type: 'application/json' });
}

function compressed({ mask }: ObjectMask, size: Size) {
  if (mask?.data?.$case !== 'cocoRle' || !sameSize(mask, size)) return null;
  const counts = new TextDecoder('latin1').decode(mask.data.value.counts);
  return { size: [size.height, size.width], counts };
}

function sameSize(mask: ObjectMask['mask'], { width, height }: Size): boolean {
  return mask?.width === width && mask.height === height;
}

function framesJson({ frames, size, model, labels }: Download): string {
  const entries = frames.map((masks) => {
    const { frameIndex, timestampUs, keyframe, reason, objects } = summarise(masks);
    return JSON.stringify({
      frame_index: frameIndex,
      timestamp_us: timestampUs,
      source: keyframe ? 'keyframe' : 'propagated',
      reason: reason?.replace(' ', '-') ?? null,
      objects: objects.map(
        ({ objectId, label, state, box, area, predictedIou, confidence, presence }) => ({
          object_id: objectId,
          label: labels.get(objectId) ?? label,
          state,
          box: box === null ? null : [box.x, box.y, box.width, box.height],
          area,
          predicted_iou: predictedIou,
          confidence,
          presence,
        }),
      ),
    });
  });
  const head = JSON.stringify({ version: 1, ...size, model });
  return `${head.slice(0, -1)},"frames":[\n ${entries.join(',\n ')}\n]}\n`;
}
