/** Colours that a phrase may name. */
export const colours = [
  'red',
  'orange',
  'yellow',
  'green',
  'blue',
  'purple',
  'pink',
  'brown',
  'black',
  'grey',
  'white',
] as const;

/** Name of a basic colour. */
export type Colour = (typeof colours)[number];

/** Below this value a pixel is black, whatever its hue. */
const blackBelow = 0.2;
/** Below this saturation a pixel has no hue; paint and cloth in daylight lie above. */
const greyBelow = 0.18;
const whiteFrom = 0.72;
/** Orange hues darker than this are brown, reds paler than this are pink. */
const brownBelow = 0.6;
const pinkBelow = { saturation: 0.5, value: 0.7 };
/** Upper ends of the hues, in degrees. */
const hueEnds: readonly (readonly [number, Colour])[] = [
  [15, 'red'],
  [42, 'orange'],
  [70, 'yellow'],
  [165, 'green'],
  [255, 'blue'],
  [290, 'purple'],
  [345, 'pink'],
  [360, 'red'],
];

/** The basic colour of a yuv pixel (BT.601, limited range). */
export function colourOf(y: number, u: number, v: number): Colour {
  const light = 1.164383 * (y - 16);
  const red = clampUnit(light + 1.596027 * (v - 128));
  const green = clampUnit(light - 0.391762 * (u - 128) - 0.812968 * (v - 128));
  const blue = clampUnit(light + 2.017232 * (u - 128));
  const value = Math.max(red, green, blue);
  const chroma = value - Math.min(red, green, blue);
  if (value < blackBelow) return 'black';
  if (chroma < greyBelow * value) return value >= whiteFrom ? 'white' : 'grey';
  const hue = hueDegrees({ red, green, blue }, value, chroma);
  const name = hueEnds.find(([end]) => hue < end)?.[1] ?? 'red';
  if (name === 'orange' && value < brownBelow) return 'brown';
  const pale = chroma < pinkBelow.saturation * value && value >= pinkBelow.value;
  return name === 'red' && pale ? 'pink' : name;
}

function hueDegrees(
  { red, green, blue }: { readonly red: number; readonly green: number; readonly blue: number },
  value: number,
  chroma: number,
): number {
  let sextant;
  if (value === red) sextant = (green - blue) / chroma;
  else if (value === green) sextant = 2 + (blue - red) / chroma;
  else sextant = 4 + (red - green) / chroma;
  return (sextant * 60 + 360) % 360;
}

function clampUnit(byte: number): number {
  return Math.min(1, Math.max(0, byte / 255));
}
