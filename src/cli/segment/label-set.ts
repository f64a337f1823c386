import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Output } from '../../formats/answered-frame.ts';
import { createCategories } from '../../formats/categories.ts';
import { idPicture, maskFileName } from '../../formats/id-picture.ts';
import { writeIndexedPng } from '../../formats/indexed-png.ts';
import { labelmeJson } from '../../formats/labelme-json.ts';
import { yoloDataYaml, yoloText } from '../../formats/yolo-text.ts';
import { createLabelFile } from '../output/label-file.ts';
import { makeFolder } from '../output/make-folder.ts';
import { maskPng } from '../output/mask-output.ts';
import type { OutputFormat } from '../output/output-format.ts';
import { createPictureFiles } from '../output/picture-files.ts';
import type { Input } from './inputs.ts';
import { besidePicture, pictureName } from './picture-name.ts';

/** Formats that labelling and evaluation tools read. */
export type LabelFormat = Exclude<OutputFormat, 'dir' | 'zip' | 'mp4' | 'webm'>;

/** Where all inputs go in one of these formats. */
export type LabelSet = {
  readonly output: (input: Input) => Output;
  /** A file or folder that is there when the input is done, where it has one of its own. */
  readonly placeOf: (input: Input) => string;
  readonly close: () => Promise<void>;
};

/** Files below `path`, or the one file `path`. */
export function createLabelSet(path: string, format: LabelFormat, several: boolean): LabelSet {
  const named = (input: Input) => (index: number) => pictureName(input, index, several);
  switch (format) {
    case 'coco':
    case 'ytvis': {
      const file = createLabelFile(path, format);
      return {
        output: (input) => file.output(named(input)),
        placeOf: () => path,
        close: () => file.close(),
      };
    }
    case 'davis':
      return {
        output: (input) => davisOutput(davisFolder(path, input)),
        placeOf: (input) => davisFolder(path, input),
        close: nothing,
      };
    case 'mask':
      return {
        output: (input) => maskOutput(path, input, several),
        placeOf: (input) => maskPlace(path, input, several),
        close: nothing,
      };
    case 'labelme':
      return {
        output: (input) => labelmeOutput(path, named(input)),
        placeOf: (input) => join(path, besidePicture(named(input)(0), '.json')),
        close: nothing,
      };
    case 'yolo':
      return yoloSet(path, named);
  }
}

function davisFolder(path: string, { name }: Input): string {
  return join(path, 'Annotations', name);
}

function davisOutput(folder: string): Output {
  return createPictureFiles(folder, {
    nameOf: maskFileName,
    content: (frame) => writeIndexedPng(idPicture(frame)),
    replaces: folder,
  });
}

/** A picture, or the folder of those of a video. */
function maskPlace(path: string, input: Input, several: boolean): string {
  if (input.kind === 'image') return join(path, `${input.name}.png`);
  return join(path, several ? input.name : '', 'masks');
}

function maskOutput(path: string, input: Input, several: boolean): Output {
  if (input.kind === 'image') {
    return createPictureFiles(path, { nameOf: () => `${input.name}.png`, content: maskPng });
  }
  const folder = maskPlace(path, input, several);
  return createPictureFiles(folder, { nameOf: maskFileName, content: maskPng, replaces: folder });
}

function labelmeOutput(path: string, named: (index: number) => string): Output {
  return createPictureFiles(path, {
    nameOf: (index) => besidePicture(named(index), '.json'),
    // labelme looks for the picture beside the file.
    content: (frame) => labelmeJson(frame, named(frame.frameIndex).replace(/^.*\//, '')),
  });
}

function yoloSet(path: string, named: (input: Input) => (index: number) => string): LabelSet {
  const categories = createCategories();
  return {
    output: (input) =>
      createPictureFiles(join(path, 'labels'), {
        nameOf: (index) => besidePicture(named(input)(index), '.txt'),
        content: (frame) => yoloText(frame, categories),
      }),
    placeOf: (input) => join(path, 'labels', besidePicture(named(input)(0), '.txt')),
    async close() {
      makeFolder(path);
      await writeFile(join(path, 'data.yaml'), yoloDataYaml(categories));
    },
  };
}

/** These formats need no end of their own. */
async function nothing(): Promise<void> {}
