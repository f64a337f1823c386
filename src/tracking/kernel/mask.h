// A soft mask and a flow field as the operations take them; structs.ts lays them out.
#ifndef MASK_H
#define MASK_H
#include "memory.h"
#include "simd.h"

/** Probabilities over a window of a picture of width x height; 0 outside the window. */
typedef struct {
  const float *values; // row-major over the window
  Box window;
  int width, height;
} Mask;

/** Backward flow on a grid of width x height. */
typedef struct {
  float *u, *v;
  int width, height;
} Flow;

/** Columns and rows of zeros before and behind the values of a padded window. */
#define PAD_BEFORE 1
#define PAD_BEHIND 2

/** The mask's values with a rim of zeros; the address is that of the window's first pixel. */
static inline const float *padded(const Mask *mask, int *stride) {
  int width = mask->window.width, height = mask->window.height;
  *stride = width + PAD_BEFORE + PAD_BEHIND;
  float *start = floats(*stride * (height + PAD_BEFORE + PAD_BEHIND));
  unsigned long row = *stride * sizeof(float);
  __builtin_memset(start, 0, row);
  for (int y = 0; y < height; y++) {
    float *to = start + (y + PAD_BEFORE) * *stride;
    to[0] = 0;
    __builtin_memcpy(to + 1, mask->values + y * width, width * sizeof(float));
    to[width + 1] = to[width + 2] = 0;
  }
  __builtin_memset(start + (height + PAD_BEFORE) * *stride, 0, PAD_BEHIND * row);
  return start + PAD_BEFORE * *stride + PAD_BEFORE;
}

#endif
