// Sums and bounds of soft masks; see ../../model-mask.ts and ../summarise-region.ts.
#include "mask.h"

static struct {
  Box bounds;
  int area;
  float weight, uncertain_weight;
} measured;

/**
 * Of the values of at least one half: how many, and their bounds (within the window; a width of 0
 * where there are none). Of all values: their sum, and the sum of those between 0.1 and 0.9.
 */
EXPORT("measure") void *measure(const Mask *mask) {
  int width = mask->window.width, height = mask->window.height;
  int left = width, right = -1, top = -1, bottom = -1, area = 0;
  f4 weight = splat(0), uncertain = weight, half = splat(0.5f), low = splat(0.1f), high = splat(0.9f);
  for (int y = 0; y < height; y++) {
    const float *row = mask->values + y * width;
    v128_t count = wasm_i32x4_splat(0);
    int x = 0;
    for (; x + 4 <= width; x += 4) {
      f4 value = load(row + x);
      count = wasm_i32x4_sub(count, wasm_f32x4_ge(value, half));
      weight = add(weight, value);
      v128_t between = wasm_v128_and(wasm_f32x4_gt(value, low), wasm_f32x4_lt(value, high));
      uncertain = add(uncertain, wasm_v128_and(value, between));
    }
    int inside = wasm_i32x4_extract_lane(count, 0) + wasm_i32x4_extract_lane(count, 1) +
                 wasm_i32x4_extract_lane(count, 2) + wasm_i32x4_extract_lane(count, 3);
    for (; x < width; x++) {
      f4 value = wasm_f32x4_make(row[x], 0, 0, 0);
      inside += row[x] >= 0.5f;
      weight = add(weight, value);
      if (row[x] > 0.1f && row[x] < 0.9f) uncertain = add(uncertain, value);
    }
    if (inside == 0) continue;
    area += inside;
    if (top < 0) top = y;
    bottom = y;
    int first = 0, last = width - 1;
    while (first < left && row[first] < 0.5f) first++;
    while (last > right && row[last] < 0.5f) last--;
    left = mini(left, first);
    right = maxi(right, last);
  }
  measured.bounds = (Box){left, top, area ? right - left + 1 : 0, area ? bottom - top + 1 : 0};
  measured.area = area;
  measured.weight = total(weight);
  measured.uncertain_weight = total(uncertain);
  return &measured;
}

static struct {
  float weight, sum, above;
} region;

/**
 * Sums a map over a mask, weighed by its probability. The mask is read at the middle of each grid
 * pixel: `columns` and `rows` say where, in the mask's window; the map's rows are `stride` apart.
 */
EXPORT("region") void *region_sums(const Mask *mask, const float *map, int stride,
                                   const int *columns, int column_count, const int *rows,
                                   int row_count, float threshold) {
  float weight = 0, sum = 0, above = 0;
  for (int y = 0; y < row_count; y++, map += stride) {
    const float *row = mask->values + rows[y] * mask->window.width;
    for (int x = 0; x < column_count; x++) {
      float probability = row[columns[x]];
      weight += probability;
      sum += probability * map[x];
      if (map[x] > threshold) above += probability;
    }
  }
  region.weight = weight;
  region.sum = sum;
  region.above = above;
  return &region;
}
