// What flow leaves unexplained, and the evidence for a cut in it; see ../photometric.ts, ../scene-cut.ts.
#include "grey.h"
#include "mask.h"

/** Fills `out` with current(p) - previous(p + flow(p)); returns the mean. */
EXPORT("difference") float difference(const Grey *previous, const Grey *current, const Flow *flow,
                                      float *out) {
  int width = flow->width, height = flow->height, stride = previous->stride;
  f4 max_x = splat(width - 1), max_y = splat(height - 1), zero = splat(0), sum = zero;
  for (int y = 0; y < height; y++) {
    const float *now = current->values + y * stride;
    f4 line = splat(y), across = wasm_f32x4_make(0, 1, 2, 3);
    for (int x = 0; x < width; x += 4, across = add(across, splat(4))) {
      int at = y * width + x;
      f4 from_x = clamp4(add(across, load(flow->u + at)), zero, max_x);
      f4 from_y = clamp4(add(line, load(flow->v + at)), zero, max_y);
      f4 left = wasm_f32x4_floor(from_x), top = wasm_f32x4_floor(from_y);
      v128_t index = to_int(add(left, mul(top, splat(stride))));
      // The padding of the level lets the right and lower neighbour be read at the edge.
      f4 origin = bilinear4(previous->values, stride, index, sub(from_x, left), sub(from_y, top));
      f4 value = sub(load(now + x), origin);
      // Lanes beyond the row are overwritten by the next one, and must not be summed.
      if (x + 4 <= width) {
        store(out + at, value);
        sum = add(sum, value);
      } else {
        float lanes[4];
        store(lanes, value);
        for (int i = 0; x + i < width; i++) {
          out[at + i] = lanes[i];
          sum = add(sum, wasm_f32x4_make(lanes[i], 0, 0, 0));
        }
      }
    }
  }
  return total(sum) / (width * height);
}

/** Replaces each value by |value - mean|. */
EXPORT("residual") void residual(float *values, int count, float mean) {
  for (int at = 0; at < count; at += 4)
    store(values + at, wasm_f32x4_abs(sub(load(values + at), splat(mean))));
}

#define BLOCK 16
/** Grey variance that noise alone may cause; blocks below it say nothing. */
#define NOISE 16.0f

/** Correlation of a block with its origin (the picture less the difference), weighed by its texture. */
static void block(const float *grey, int stride, const float *lost, int width, int columns, int rows,
                  float *weights, float *mismatch) {
  f4 sum_a = splat(0), sum_b = sum_a, squares_a = sum_a, squares_b = sum_a, products = sum_a;
  f4 middle = splat(128); // sums of squares of small numbers keep their digits
  for (int y = 0; y < rows; y++) {
    for (int x = 0; x < columns; x += 4) {
      f4 a = sub(load(grey + y * stride + x), middle);
      f4 b = sub(a, load(lost + y * width + x));
      if (x + 4 > columns) {
        v128_t inside = wasm_i32x4_lt(wasm_i32x4_make(0, 1, 2, 3), wasm_i32x4_splat(columns - x));
        a = wasm_v128_and(a, inside);
        b = wasm_v128_and(b, inside);
      }
      sum_a = add(sum_a, a);
      sum_b = add(sum_b, b);
      squares_a = add(squares_a, mul(a, a));
      squares_b = add(squares_b, mul(b, b));
      products = add(products, mul(a, b));
    }
  }
  float pixels = columns * rows, mean_a = total(sum_a) / pixels, mean_b = total(sum_b) / pixels;
  float variance_a = total(squares_a) / pixels - mean_a * mean_a;
  float variance_b = total(squares_b) / pixels - mean_b * mean_b;
  variance_a = variance_a < 0 ? 0 : variance_a;
  variance_b = variance_b < 0 ? 0 : variance_b;
  float covariance = total(products) / pixels - mean_a * mean_b;
  float larger = variance_a > variance_b ? variance_a : variance_b;
  float texture = larger / (larger + 4 * NOISE);
  float correlation =
      (covariance + NOISE) / (__builtin_sqrtf(variance_a * variance_b) + NOISE);
  *weights += texture;
  *mismatch += texture * (1 - (correlation > 0 ? correlation : 0));
}

/** 0 where each block still looks like its motion-compensated origin, 1 where none does. */
EXPORT("mismatch") float mismatch(const Grey *current, const float *lost) {
  float weights = 0, sum = 0;
  int width = current->width, height = current->height;
  for (int y = 0; y < height; y += BLOCK)
    for (int x = 0; x < width; x += BLOCK)
      block(current->values + y * current->stride + x, current->stride, lost + y * width + x, width,
            mini(BLOCK, width - x), mini(BLOCK, height - y), &weights, &sum);
  return weights > 0 ? sum / weights : 0;
}

#define BINS 32

/** Half the L1 distance of two pictures' grey histograms, 0..1. */
EXPORT("histogramDistance") float histogram_distance(const Grey *previous, const Grey *current) {
  int counts[2][BINS], stride = current->stride;
  __builtin_memset(counts, 0, sizeof(counts));
  for (int y = 0; y < current->height; y++) {
    const float *a = current->values + y * stride, *b = previous->values + y * stride;
    for (int x = 0; x < current->width; x++) {
      counts[0][mini(BINS - 1, (int)(a[x] * BINS) >> 8)]++;
      counts[1][mini(BINS - 1, (int)(b[x] * BINS) >> 8)]++;
    }
  }
  int distance = 0;
  for (int i = 0; i < BINS; i++) {
    int apart = counts[0][i] - counts[1][i];
    distance += apart < 0 ? -apart : apart;
  }
  return (float)distance / (2 * current->width * current->height);
}
