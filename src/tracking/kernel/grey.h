// A level of a flow picture as the operations take it; structs.ts lays it out.
#ifndef GREY_H
#define GREY_H
#include "simd.h"

/** Grey values of pixel (0, 0) on; rows are `stride` apart and repeat the edge on every side. */
typedef struct {
  const float *values;
  int stride, width, height;
} Grey;

/** Bilinear grey at a position, held inside the picture. */
static inline float grey_at(const Grey *grey, float x, float y) {
  x = clampf(x, 0, grey->width - 1);
  y = clampf(y, 0, grey->height - 1);
  int left = (int)x, top = (int)y;
  const float *at = grey->values + top * grey->stride + left;
  f4 rows = wasm_v128_load64_lane(at + grey->stride, wasm_v128_load64_zero(at), 1);
  f4 next = wasm_i32x4_shuffle(rows, rows, 1, 1, 3, 3);
  f4 sides = mix(rows, next, splat(x - left));
  return mixf(wasm_f32x4_extract_lane(sides, 0), wasm_f32x4_extract_lane(sides, 2), y - top);
}

#endif
