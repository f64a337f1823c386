// Sums over squares of a map, by running sums: the cost does not depend on the radius.
#ifndef BOX_SUM_H
#define BOX_SUM_H
#include "simd.h"

/** Replaces every value of `map` by the sum over 2 * radius + 1 squared around it, cut at the borders. */
static void box_sum(float *map, float *scratch, int width, int height, int radius) {
  for (int y = 0; y < height; y++) {
    const float *from = map + y * width;
    float *to = scratch + y * width, sum = 0;
    for (int x = 0; x < mini(radius, width); x++) sum += from[x];
    for (int x = 0; x < width; x++) {
      if (x + radius < width) sum += from[x + radius];
      if (x > radius) sum -= from[x - radius - 1];
      to[x] = sum;
    }
  }
  for (int x = 0; x < width; x++) {
    map[x] = 0;
    for (int y = 0; y <= mini(radius, height - 1); y++) map[x] += scratch[y * width + x];
  }
  // Each row is the one above, plus the row that enters, less the row that leaves.
  for (int y = 1; y < height; y++) {
    float *row = map + y * width;
    const float *entering = y + radius < height ? scratch + (y + radius) * width : 0;
    const float *leaving = y > radius ? scratch + (y - radius - 1) * width : 0;
    for (int x = 0; x < width; x++)
      row[x] = row[x - width] + (entering ? entering[x] : 0) - (leaving ? leaving[x] : 0);
  }
}

#endif
