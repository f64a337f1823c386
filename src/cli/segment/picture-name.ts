import { basename, extname } from 'node:path';
import { maskFileName } from '../../formats/id-picture.ts';
import type { Input } from './inputs.ts';

/**
 * Name of the picture of a frame: the file's own where there is one, else `NNNNN.jpg` as tools that cut
 * videos into pictures name them, below the input's name where there are several.
 */
export function pictureName(input: Input, frameIndex: number, several: boolean): string {
  if (input.kind === 'image') {
    // Its own name, but for a second one of the same name: that would take the place of the first.
    const file = input.source.kind === 'file' ? basename(input.source.path) : '';
    return stem(file) === input.name ? file : `${input.name}${extname(file) || '.jpg'}`;
  }
  const file = input.kind === 'sequence' ? input.files[frameIndex] : undefined;
  const name = file === undefined ? `${stem(maskFileName(frameIndex))}.jpg` : basename(file);
  return several ? `${input.name}/${name}` : name;
}

/** The same with another ending. */
export function besidePicture(name: string, ending: string): string {
  return `${stem(name)}${ending}`;
}

function stem(name: string): string {
  return name.replace(/\.[^./]*$/, '');
}
