import { describe, expect, test } from 'vitest';
import { colourOf, colours, type Colour } from '../../../src/inference/text/colour.ts';

/** A colour of 8-bit RGB as a decoder hands it over (BT.601, limited range). */
function nameOf(red: number, green: number, blue: number): Colour {
  const y = 16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255;
  const u = 128 + (-37.797 * red - 74.203 * green + 112 * blue) / 255;
  const v = 128 + (112 * red - 93.786 * green - 18.214 * blue) / 255;
  return colourOf(Math.round(y), Math.round(u), Math.round(v));
}

describe('the colours of CSS that have a basic colour’s name', () => {
  test.each([
    ['red', 255, 0, 0],
    ['orange', 255, 165, 0],
    ['yellow', 255, 255, 0],
    ['green', 0, 128, 0],
    ['blue', 0, 0, 255],
    ['purple', 128, 0, 128],
    ['pink', 255, 192, 203],
    ['brown', 139, 69, 19],
    ['black', 0, 0, 0],
    ['grey', 128, 128, 128],
    ['white', 255, 255, 255],
  ] as const)('%s', (name, red, green, blue) => {
    // CSS's purple lies where the eye parts purple from pink.
    const accepted = name === 'purple' ? ['purple', 'pink'] : [name];
    expect(accepted).toContain(nameOf(red, green, blue));
  });
});

test('every colour of the cube has a name, and every name is used', () => {
  const seen = new Set<string>();
  for (let red = 0; red <= 255; red += 17) {
    for (let green = 0; green <= 255; green += 17) {
      for (let blue = 0; blue <= 255; blue += 17) seen.add(nameOf(red, green, blue));
    }
  }
  expect([...seen].toSorted((a, b) => a.localeCompare(b))).toEqual(
    colours.toSorted((a, b) => a.localeCompare(b)),
  );
});

test('what is dark is black and what is pale has no hue, whatever its hue', () => {
  for (const [red, green, blue] of [
    [40, 0, 0],
    [0, 40, 0],
    [0, 0, 40],
  ] as const) {
    expect(nameOf(red, green, blue)).toBe('black');
    expect(nameOf(red + 210, green + 210, blue + 210)).toBe('white');
    expect(nameOf(red / 4 + 100, green / 4 + 100, blue / 4 + 100)).toBe('grey');
  }
});

test('bytes outside of the limited range have a name too', () => {
  expect(colourOf(0, 128, 128)).toBe('black');
  expect(colourOf(255, 128, 128)).toBe('white');
  expect(colours).toContain(colourOf(255, 0, 255));
});
