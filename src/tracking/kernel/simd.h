// Vectors of four floats, and what every operation of the kernel shares. Freestanding: no libc.
#ifndef SIMD_H
#define SIMD_H
#include <wasm_simd128.h>

#define EXPORT(name) __attribute__((export_name(name)))

typedef v128_t f4;
typedef unsigned char byte;

typedef struct {
  int x, y, width, height;
} Box;

static inline f4 load(const float *p) { return wasm_v128_load(p); }
static inline void store(float *p, f4 v) { wasm_v128_store(p, v); }
static inline f4 add(f4 a, f4 b) { return wasm_f32x4_add(a, b); }
static inline f4 sub(f4 a, f4 b) { return wasm_f32x4_sub(a, b); }
static inline f4 mul(f4 a, f4 b) { return wasm_f32x4_mul(a, b); }
static inline f4 divide(f4 a, f4 b) { return wasm_f32x4_div(a, b); }
static inline f4 splat(float v) { return wasm_f32x4_splat(v); }
static inline f4 mix(f4 a, f4 b, f4 part) { return add(a, mul(part, sub(b, a))); }
/** Not a number becomes `low`. */
static inline f4 clamp4(f4 v, f4 low, f4 high) {
  return wasm_f32x4_pmin(high, wasm_f32x4_pmax(low, v));
}
/** Whole numbers under 2^22 as integers; trunc_sat takes ten instructions for the cases beyond. */
static inline v128_t to_int(f4 whole) {
  return wasm_i32x4_sub(add(whole, splat(12582912)), wasm_i32x4_splat(0x4b400000));
}
static inline float total(f4 v) {
  return wasm_f32x4_extract_lane(v, 0) + wasm_f32x4_extract_lane(v, 1) +
         wasm_f32x4_extract_lane(v, 2) + wasm_f32x4_extract_lane(v, 3);
}
static inline float clampf(float v, float low, float high) {
  return v < low ? low : v > high ? high : v;
}
static inline int clampi(int v, int low, int high) { return v < low ? low : v > high ? high : v; }
static inline int mini(int a, int b) { return a < b ? a : b; }
static inline int maxi(int a, int b) { return a > b ? a : b; }
static inline float minf(float a, float b) { return a < b ? a : b; }
static inline float mixf(float a, float b, float part) { return a + part * (b - a); }
static inline float absf(float v) { return __builtin_fabsf(v); }

/**
 * Four bilinear values of a map: `index` are the upper left neighbours, `x` and `y` the parts of a
 * pixel beyond them.
 */
static inline f4 bilinear4(const float *map, int stride, v128_t index, f4 x, f4 y) {
  const float *a = map + wasm_i32x4_extract_lane(index, 0), *b = map + wasm_i32x4_extract_lane(index, 1);
  const float *c = map + wasm_i32x4_extract_lane(index, 2), *d = map + wasm_i32x4_extract_lane(index, 3);
  f4 ab = wasm_v128_load64_lane(b, wasm_v128_load64_zero(a), 1);
  f4 cd = wasm_v128_load64_lane(d, wasm_v128_load64_zero(c), 1);
  f4 ef = wasm_v128_load64_lane(b + stride, wasm_v128_load64_zero(a + stride), 1);
  f4 gh = wasm_v128_load64_lane(d + stride, wasm_v128_load64_zero(c + stride), 1);
  f4 above = mix(wasm_i32x4_shuffle(ab, cd, 0, 2, 4, 6), wasm_i32x4_shuffle(ab, cd, 1, 3, 5, 7), x);
  f4 below = mix(wasm_i32x4_shuffle(ef, gh, 0, 2, 4, 6), wasm_i32x4_shuffle(ef, gh, 1, 3, 5, 7), x);
  return mix(above, below, y);
}

/** Four bytes as floats. */
static inline f4 load_bytes(const byte *p) {
  v128_t words = wasm_u16x8_extend_low_u8x16(wasm_v128_load32_zero(p));
  return wasm_f32x4_convert_i32x4(wasm_u32x4_extend_low_u16x8(words));
}

/** e to the power of v, to seven digits (Cephes, expf). */
static inline f4 exp4(f4 v) {
  v = clamp4(v, splat(-87), splat(87));
  f4 power = wasm_f32x4_floor(add(mul(v, splat(1.44269504f)), splat(0.5f)));
  f4 rest = sub(sub(v, mul(power, splat(0.693359375f))), mul(power, splat(-2.12194440e-4f)));
  f4 p = splat(1.9875691500e-4f);
  p = add(mul(p, rest), splat(1.3981999507e-3f));
  p = add(mul(p, rest), splat(8.3334519073e-3f));
  p = add(mul(p, rest), splat(4.1665795894e-2f));
  p = add(mul(p, rest), splat(1.6666665459e-1f));
  p = add(mul(p, rest), splat(5.0000001201e-1f));
  p = add(add(mul(p, mul(rest, rest)), rest), splat(1));
  v128_t exponent = wasm_i32x4_add(wasm_i32x4_trunc_sat_f32x4(power), wasm_i32x4_splat(127));
  return mul(p, wasm_i32x4_shl(exponent, 23));
}

/** Natural logarithm of a positive v, to seven digits (Cephes, logf). */
static inline f4 log4(f4 v) {
  v128_t exponent = wasm_i32x4_sub(wasm_u32x4_shr(v, 23), wasm_i32x4_splat(126));
  f4 part = wasm_v128_or(wasm_v128_and(v, wasm_i32x4_splat(0x007fffff)), splat(0.5f));
  v128_t small = wasm_f32x4_lt(part, splat(0.707106781f));
  f4 power = wasm_f32x4_convert_i32x4(wasm_i32x4_add(exponent, small)); // true is -1
  f4 x = sub(add(part, wasm_v128_and(part, small)), splat(1));
  f4 square = mul(x, x);
  f4 p = splat(7.0376836292e-2f);
  p = add(mul(p, x), splat(-1.1514610310e-1f));
  p = add(mul(p, x), splat(1.1676998740e-1f));
  p = add(mul(p, x), splat(-1.2420140846e-1f));
  p = add(mul(p, x), splat(1.4249322787e-1f));
  p = add(mul(p, x), splat(-1.6668057665e-1f));
  p = add(mul(p, x), splat(2.0000714765e-1f));
  p = add(mul(p, x), splat(-2.4999993993e-1f));
  p = add(mul(p, x), splat(3.3333331174e-1f));
  f4 y = mul(mul(p, x), square);
  y = add(y, mul(power, splat(-2.12194440e-4f)));
  y = sub(y, mul(square, splat(0.5f)));
  return add(add(x, y), mul(power, splat(0.693359375f)));
}

#endif
