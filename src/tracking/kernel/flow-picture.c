// Brings luma to the flow grid and builds its pyramid; see ../flow-image.ts, ../area-scaler.ts.
#include "memory.h"
#include "simd.h"

/** For each grid pixel of an axis: first and last source pixel, and the weights of both. */
typedef struct {
  int *first, *last;
  float *first_weight, *last_weight;
  float inner_weight; // of a source pixel that lies wholly inside
} Axis;

static Axis axis_of(int from, int to) {
  Axis axis = {allocate(to * sizeof(int)), allocate(to * sizeof(int)), floats(to), floats(to),
               (float)to / from};
  double scale = (double)from / to;
  for (int i = 0; i < to; i++) {
    double start = i * scale, end = start + scale < from ? start + scale : from;
    int first = mini(from - 1, (int)(start + 1e-9));
    int last = maxi(first, (int)__builtin_ceil(end - 1e-9) - 1);
    int single = first == last;
    axis.first[i] = first;
    axis.last[i] = last;
    axis.first_weight[i] = single ? 1 : (first + 1 - start) / scale;
    axis.last_weight[i] = single ? 0 : (end - last) / scale;
  }
  return axis;
}

/** Adds one source row, weighed, to the sums. */
static void add_row(const byte *row, int width, float weight, float *sums) {
  f4 by = splat(weight);
  for (int x = 0; x < width; x += 4) store(sums + x, add(load(sums + x), mul(by, load_bytes(row + x))));
}

/** Area averaging: every source pixel counts by the part of it that a grid pixel covers. */
static void scale_area(const byte *luma, int from_width, int from_height, float *out, int stride,
                       int width, int height) {
  Axis columns = axis_of(from_width, width), rows = axis_of(from_height, height);
  float *sums = floats(from_width);
  for (int y = 0; y < height; y++, out += stride) {
    __builtin_memset(sums, 0, from_width * sizeof(float));
    for (int row = rows.first[y]; row <= rows.last[y]; row++) {
      float weight = row == rows.first[y]  ? rows.first_weight[y]
                     : row == rows.last[y] ? rows.last_weight[y]
                                           : rows.inner_weight;
      add_row(luma + row * from_width, from_width, weight, sums);
    }
    for (int x = 0; x < width; x++) {
      int first = columns.first[x], last = columns.last[x];
      float inner = 0;
      for (int at = first + 1; at < last; at++) inner += sums[at];
      out[x] = sums[first] * columns.first_weight[x] + inner * columns.inner_weight +
               sums[last] * columns.last_weight[x];
    }
  }
}

/** The usual case: every grid pixel is the mean of 2 x 2 source pixels. */
static void scale_half(const byte *luma, float *out, int stride, int width, int height) {
  for (int y = 0; y < height; y++, out += stride) {
    const byte *above = luma + 4 * y * width, *below = above + 2 * width;
    int x = 0;
    for (; x + 8 <= width; x += 8) {
      v128_t sums = wasm_i16x8_add(wasm_u16x8_extadd_pairwise_u8x16(wasm_v128_load(above + 2 * x)),
                                   wasm_u16x8_extadd_pairwise_u8x16(wasm_v128_load(below + 2 * x)));
      f4 quarter = splat(0.25f);
      store(out + x, mul(quarter, wasm_f32x4_convert_i32x4(wasm_u32x4_extend_low_u16x8(sums))));
      store(out + x + 4, mul(quarter, wasm_f32x4_convert_i32x4(wasm_u32x4_extend_high_u16x8(sums))));
    }
    for (; x < width; x++)
      out[x] = 0.25f * (above[2 * x] + above[2 * x + 1] + below[2 * x] + below[2 * x + 1]);
  }
}

/** Averages 2 x 2 blocks; on odd sides the last row or column reads the padding, its own repeat. */
static void halve(const float *from, int from_stride, float *to, int stride, int width, int height) {
  for (int y = 0; y < height; y++) {
    const float *above = from + 2 * y * from_stride, *below = above + from_stride;
    float *row = to + y * stride;
    int x = 0;
    for (; x + 4 <= width; x += 4) {
      f4 a = add(load(above + 2 * x), load(below + 2 * x));
      f4 b = add(load(above + 2 * x + 4), load(below + 2 * x + 4));
      f4 sums = add(wasm_i32x4_shuffle(a, b, 0, 2, 4, 6), wasm_i32x4_shuffle(a, b, 1, 3, 5, 7));
      store(row + x, mul(splat(0.25f), sums));
    }
    for (; x < width; x++)
      row[x] = 0.25f * (above[2 * x] + above[2 * x + 1] + below[2 * x] + below[2 * x + 1]);
  }
}

/** Repeats the edge pixels into the padding; `pixels` is pixel (0, 0). */
static void pad_edges(float *pixels, int stride, int width, int height, int padding) {
  for (int y = 0; y < height; y++) {
    float *row = pixels + y * stride;
    for (int x = 1; x <= padding; x++) {
      row[-x] = row[0];
      row[width - 1 + x] = row[width - 1];
    }
  }
  unsigned long bytes = stride * sizeof(float);
  float *top = pixels - padding, *bottom = top + (height - 1) * stride;
  for (int y = 1; y <= padding; y++) {
    __builtin_memcpy(top - y * stride, top, bytes);
    __builtin_memcpy(bottom + y * stride, bottom, bytes);
  }
}

/**
 * Fills all levels of a flow picture, which lie one behind the other in `out`, each with `padding`
 * on all sides; level 0 is width x height and each further level halves both sides, rounded up.
 */
EXPORT("flowPicture") void flow_picture(const byte *luma, int luma_width, int luma_height,
                                        float *out, int width, int height, int levels, int padding) {
  float *finer = 0;
  int finer_stride = 0;
  for (int level = 0; level < levels; level++) {
    int stride = width + 2 * padding;
    float *pixels = out + padding * stride + padding;
    if (level > 0)
      halve(finer, finer_stride, pixels, stride, width, height);
    else if (luma_width == 2 * width && luma_height == 2 * height)
      scale_half(luma, pixels, stride, width, height);
    else
      scale_area(luma, luma_width, luma_height, pixels, stride, width, height);
    pad_edges(pixels, stride, width, height, padding);
    finer = pixels;
    finer_stride = stride;
    out += stride * (height + 2 * padding);
    width = (width + 1) / 2;
    height = (height + 1) / 2;
  }
}
