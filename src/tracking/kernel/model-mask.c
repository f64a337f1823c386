// Shrinks a mask to the decoder's square; see ../../model-mask.ts.
#include "mask.h"

/** How pixels along one axis fall on the cells of the square: the entries of pixel i end at end[i]. */
typedef struct {
  int *cell, *end;
  float *share; // in cells
} Shares;

/** `count` pixels from `first` on, in a square of `side` cells over `size` pixels. */
static Shares shares_of(double first, int count, double size, int side) {
  double scale = side / size;
  int most = count * ((int)scale + 3), entries = 0;
  Shares shares = {allocate(most * sizeof(int)), allocate(count * sizeof(int)), floats(most)};
  for (int pixel = 0; pixel < count; pixel++) {
    double from = (first + pixel) * scale, to = from + scale;
    // Rounding may put the end of a pixel a hair beyond its last cell.
    double end = to - 1e-9 < side ? to - 1e-9 : side;
    for (int cell = from < 0 ? 0 : (int)from; cell < end; cell++) {
      double low = from > cell ? from : cell, high = to < cell + 1 ? to : cell + 1;
      shares.cell[entries] = cell;
      shares.share[entries++] = high - low;
    }
    shares.end[pixel] = entries;
  }
  return shares;
}

/** Averages what each cell covers; the square lies at (x, y) of the picture and is stretched over it. */
EXPORT("modelMask") void model_mask(const Mask *mask, int side, double x, double y, double width,
                                    double height, float *out) {
  const Box *window = &mask->window;
  Shares columns = shares_of(window->x - x, window->width, width, side);
  Shares rows = shares_of(window->y - y, window->height, height, side);
  float *line = floats(side);
  __builtin_memset(out, 0, side * side * sizeof(float));
  for (int row = 0, entry = 0; row < window->height; row++) {
    if (rows.end[row] == entry) continue;
    const float *values = mask->values + row * window->width;
    __builtin_memset(line, 0, side * sizeof(float));
    for (int i = 0, at = 0; i < window->width; i++)
      for (; at < columns.end[i]; at++) line[columns.cell[at]] += values[i] * columns.share[at];
    for (; entry < rows.end[row]; entry++) {
      float *to = out + rows.cell[entry] * side;
      for (int cell = 0; cell < side; cell++) to[cell] += line[cell] * rows.share[entry];
    }
  }
}
