import type { Scene, SceneFrame } from '../../../src/cli/demo/scene.ts';
import type { Colour } from '../../../src/cli/demo/scene-layers.ts';

/** Share of a picture's contrast that is left. */
const foggedContrast = 0.25;
const greyContrast = 0.6;
const fogLight = 190;
const greyLight = 110;

/** A grey film of low contrast, as of an old camera. */
export function greyFilm(scene: Scene): Scene {
  return withColours(scene, ([red, green, blue]) => {
    const light = 0.299 * red + 0.587 * green + 0.114 * blue;
    const grey = greyLight + greyContrast * (light - greyLight);
    return [grey, grey, grey];
  });
}

/** All of the scene as it looks through fog. */
export function fogged(scene: Scene): Scene {
  return withColours(scene, ([red, green, blue]) => [faded(red), faded(green), faded(blue)]);
}

function faded(value: number): number {
  return fogLight + foggedContrast * (value - fogLight);
}

/** Every n-th frame only, at so many times fewer frames a second. */
export function thinned(scene: Scene, everyFrames: number): Scene {
  return {
    ...scene,
    frameRate: scene.frameRate / everyFrames,
    frameCount: Math.ceil(scene.frameCount / everyFrames),
    render: (index) => scene.render(index * everyFrames),
  };
}

function withColours(scene: Scene, change: (colour: Colour) => Colour): Scene {
  return {
    ...scene,
    render: (index): SceneFrame => {
      const { picture, masks } = scene.render(index);
      const data = new Uint8Array(picture.data.length);
      for (let at = 0; at < data.length; at += 3) {
        const [red = 0, green = 0, blue = 0] = picture.data.subarray(at, at + 3);
        data.set(change([red, green, blue]), at);
      }
      return { picture: { ...picture, data }, masks };
    },
  };
}
