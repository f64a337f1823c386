// Stretches a region of a picture to a model's input; see src/inference/layouts/preprocess.ts.
#include "memory.h"
#include "simd.h"

/**
 * Where the samples of one axis come from: `count` neighbours from `start[i]` on, whose weights have sum 1.
 * Weights lie tap by tap: `weight[tap * length + i]`.
 */
typedef struct {
  int count, length;
  const int *start;
  const float *weight;
} Taps;

/** A resampled plane on its way: rows of the source from `first` on, already as wide as the target. */
typedef struct {
  const float *values;
  int first, stride;
} Rows;

static inline int padded(int count) { return (count + 3) & ~3; }

/** Two neighbours each, four samples at a time; `length` is filled up to a multiple of four. */
static void blend_pairs(const float *row, const Taps *taps, float *out) {
  const int *start = taps->start;
  const float *first = taps->weight, *second = first + taps->length;
  int i = 0;
  for (; i + 4 <= taps->length; i += 4) {
    f4 ab = wasm_v128_load64_lane(row + start[i + 1], wasm_v128_load64_zero(row + start[i]), 1);
    f4 cd = wasm_v128_load64_lane(row + start[i + 3], wasm_v128_load64_zero(row + start[i + 2]), 1);
    f4 left = wasm_i32x4_shuffle(ab, cd, 0, 2, 4, 6), right = wasm_i32x4_shuffle(ab, cd, 1, 3, 5, 7);
    store(out + i, add(mul(load(first + i), left), mul(load(second + i), right)));
  }
  for (; i < taps->length; i++) out[i] = first[i] * row[start[i]] + second[i] * row[start[i] + 1];
}

static void blend_columns(const float *row, const Taps *taps, float *out) {
  if (taps->count == 2) {
    blend_pairs(row, taps, out);
    return;
  }
  for (int i = 0; i < taps->length; i++) {
    float sum = 0;
    for (int tap = 0; tap < taps->count; tap++)
      sum += taps->weight[tap * taps->length + i] * row[taps->start[i] + tap];
    out[i] = sum;
  }
}

/** Rows of bytes that the target's rows read, each stretched to the target's width. */
static Rows stretch_rows(const byte *samples, int width, const Taps *across, const Taps *down) {
  int first = down->start[0], end = down->start[down->length - 1] + down->count;
  int stride = padded(across->length);
  float *row = floats(padded(width)), *values = floats((end - first) * stride);
  for (int y = first; y < end; y++) {
    const byte *line = samples + y * width;
    for (int x = 0; x < width; x += 4) store(row + x, load_bytes(line + x));
    blend_columns(row, across, values + (y - first) * stride);
  }
  return (Rows){values, first, stride};
}

/** One row of the target. */
static void blend_rows(const Rows *rows, const Taps *down, int y, float *out) {
  const float *line = rows->values + (down->start[y] - rows->first) * rows->stride;
  f4 share = splat(down->weight[y]);
  for (int x = 0; x < rows->stride; x += 4) store(out + x, mul(share, load(line + x)));
  for (int tap = 1; tap < down->count; tap++) {
    share = splat(down->weight[tap * down->length + y]);
    line += rows->stride;
    for (int x = 0; x < rows->stride; x += 4)
      store(out + x, add(load(out + x), mul(share, load(line + x))));
  }
}

/** Y, U, V to R, G, B 0..255 in place (ITU-R BT.601, limited range), then scaled and shifted by colour. */
static void mix_colours(float *y, float *u, float *v, int count, const float *scale,
                        const float *shift) {
  f4 zero = splat(0), full = splat(255);
  for (int x = 0; x < count; x += 4) {
    f4 light = mul(splat(1.164383f), sub(load(y + x), splat(16)));
    f4 blue = sub(load(u + x), splat(128)), red = sub(load(v + x), splat(128));
    f4 r = clamp4(add(light, mul(splat(1.596027f), red)), zero, full);
    f4 g = sub(sub(light, mul(splat(0.391762f), blue)), mul(splat(0.812968f), red));
    f4 b = clamp4(add(light, mul(splat(2.017232f), blue)), zero, full);
    store(y + x, add(mul(r, splat(scale[0])), splat(shift[0])));
    store(u + x, add(mul(clamp4(g, zero, full), splat(scale[1])), splat(shift[1])));
    store(v + x, add(mul(b, splat(scale[2])), splat(shift[2])));
  }
}

/** Whole numbers of four values 0..255, halves up. */
static inline v128_t rounded(f4 v) { return to_int(wasm_f32x4_floor(add(v, splat(0.5f)))); }

static void write_bytes(const float *row, byte *out, int count, int step) {
  byte sixteen[16];
  for (int x = 0; x < count; x += 4) {
    v128_t words = rounded(load(row + x));
    words = wasm_u16x8_narrow_i32x4(words, words);
    wasm_v128_store(sixteen, wasm_u8x16_narrow_i16x8(words, words));
    if (step == 1 && x + 4 <= count) {
      __builtin_memcpy(out + x, sixteen, 4);
      continue;
    }
    for (int i = 0; i < 4 && x + i < count; i++) out[(x + i) * step] = sixteen[i];
  }
}

static void write_floats(const float *row, float *out, int count, int step) {
  if (step == 1) __builtin_memcpy(out, row, count * sizeof(float));
  else
    for (int x = 0; x < count; x++) out[x * step] = row[x];
}

/** Where samples of the target lie, in samples: colours, rows and columns; and what they are. */
typedef struct {
  int of_colour[3], of_row, of_column, is_bytes;
  float scale[3], shift[3];
} Target;

/** A yuv420p picture as colours; `taps`: across and down of luma, across and down of chroma. */
EXPORT("modelPicture") void model_picture(const byte *picture, int width, int height,
                                          const Taps *taps, const Target *target, void *out) {
  const byte *blue = picture + width * height, *red = blue + (width / 2) * (height / 2);
  Rows rows[3] = {stretch_rows(picture, width, taps, taps + 1),
                  stretch_rows(blue, width / 2, taps + 2, taps + 3),
                  stretch_rows(red, width / 2, taps + 2, taps + 3)};
  int count = taps->length, stride = padded(count);
  float *lines[3] = {floats(stride), floats(stride), floats(stride)};
  for (int y = 0; y < taps[1].length; y++) {
    for (int plane = 0; plane < 3; plane++)
      blend_rows(rows + plane, plane == 0 ? taps + 1 : taps + 3, y, lines[plane]);
    mix_colours(lines[0], lines[1], lines[2], stride, target->scale, target->shift);
    for (int colour = 0; colour < 3; colour++) {
      int at = target->of_colour[colour] + y * target->of_row;
      if (target->is_bytes)
        write_bytes(lines[colour], (byte *)out + at, count, target->of_column);
      else write_floats(lines[colour], (float *)out + at, count, target->of_column);
    }
  }
}
