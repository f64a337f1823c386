/** Outlines on pixel corners as pixels: inside is where they wind around a pixel's centre. */
export function fillPolygons(
  outlines: readonly (readonly number[])[],
  { width, height }: { readonly width: number; readonly height: number },
): Uint8Array {
  const stride = width + 1;
  const winding = new Int32Array(stride * height);
  for (const outline of outlines) {
    for (let index = 0; index < outline.length; index += 2) {
      const next = (index + 2) % outline.length;
      const [x0 = 0, y0 = 0] = outline.slice(index, index + 2);
      const [x1 = 0, y1 = 0] = outline.slice(next, next + 2);
      const last = Math.min(height, Math.max(y0, y1));
      for (let y = Math.max(0, Math.min(y0, y1)); y < last; y++) {
        const crossing = x0 + ((y + 0.5 - y0) * (x1 - x0)) / (y1 - y0);
        const column = Math.min(width, Math.max(0, Math.ceil(crossing - 0.5)));
        winding[y * stride + column]! += y1 > y0 ? 1 : -1;
      }
    }
  }
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    let around = 0;
    for (let x = 0; x < width; x++) {
      around += winding[y * stride + x] ?? 0;
      if (around !== 0) data[y * width + x] = 1;
    }
  }
  return data;
}
