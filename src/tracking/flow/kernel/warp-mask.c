// Carries a mask along backward flow; see ../warp.ts.
#include "mask.h"

/** Probability below which a border row or column of the result is cut away. */
#define FAINTEST (1.0f / 128)
/** Grid pixels around the destination that cover the points between those looked at. */
#define MARGIN 2

/** Where the mask may arrive: bounds of the grid points whose flow leads into its window. */
static int destination(const Mask *mask, const Flow *flow, Box *out) {
  const Box *from = &mask->window;
  float scale_x = (float)flow->width / mask->width, scale_y = (float)flow->height / mask->height;
  float far = 1e9f;
  int from_right = from->x + from->width, from_bottom = from->y + from->height;
  float left = from->x == 0 ? -far : from->x * scale_x - MARGIN;
  float top = from->y == 0 ? -far : from->y * scale_y - MARGIN;
  float right = from_right >= mask->width ? far : from_right * scale_x + MARGIN;
  float bottom = from_bottom >= mask->height ? far : from_bottom * scale_y + MARGIN;
  int min_x = flow->width, max_x = -1, min_y = flow->height, max_y = -1;
  for (int y = 0; y < flow->height; y += 2) {
    const float *u = flow->u + y * flow->width, *v = flow->v + y * flow->width;
    for (int x = 0; x < flow->width; x += 2) {
      float from_x = x + u[x], from_y = y + v[x];
      if (from_x < left || from_x > right || from_y < top || from_y > bottom) continue;
      min_x = mini(min_x, x);
      max_x = maxi(max_x, x);
      min_y = mini(min_y, y);
      max_y = y;
    }
  }
  if (max_x < 0) return 0;
  out->x = maxi(0, (int)__builtin_floorf((min_x - MARGIN) / scale_x));
  out->y = maxi(0, (int)__builtin_floorf((min_y - MARGIN) / scale_y));
  out->width = mini(mask->width, (int)__builtin_ceilf((max_x + MARGIN + 1) / scale_x)) - out->x;
  out->height = mini(mask->height, (int)__builtin_ceilf((max_y + MARGIN + 1) / scale_y)) - out->y;
  return 1;
}

/**
 * One row of flow in pixels of the picture, u and v side by side, at a vertical grid position. The
 * last column is repeated, so that columns x and x + 1 load as one vector.
 */
static void flow_row(const Flow *flow, float grid_y, f4 pixels, float *row) {
  float y = clampf(grid_y, 0, flow->height - 1);
  int top = (int)y, width = flow->width;
  f4 part = splat(y - top);
  int above = top * width, below = mini(flow->height - 1, top + 1) * width;
  for (int x = 0; x < width; x += 4) {
    f4 u = mix(load(flow->u + above + x), load(flow->u + below + x), part);
    f4 v = mix(load(flow->v + above + x), load(flow->v + below + x), part);
    store(row + 2 * x, mul(pixels, wasm_i32x4_shuffle(u, v, 0, 4, 1, 5)));
    store(row + 2 * x + 4, mul(pixels, wasm_i32x4_shuffle(u, v, 2, 6, 3, 7)));
  }
  row[2 * width] = row[2 * width - 2];
  row[2 * width + 1] = row[2 * width - 1];
}

/** Where the columns of the result read a row of flow: first of two, and the second's share. */
typedef struct {
  int *column;
  float *part;
} Columns;

static Columns columns_of(int first, int count, float scale, int last) {
  Columns columns = {allocate((count + 1) * sizeof(int)), floats(count + 1)};
  for (int i = 0; i <= count; i++) {
    float at = clampf((first + i + 0.5f) * scale - 0.5f, 0, last);
    columns.column[i] = (int)at;
    columns.part[i] = at - (int)at;
  }
  return columns;
}

typedef struct {
  const float *values; // padded
  int stride;
  f4 low, high; // bounds of the position within the window: the picture's edge, then the padding
  f4 edge_low, edge_high;
} Source;

/** Two rows of two neighbours each: (a, b, c, d) is (above left, above right, below left, ...). */
static inline f4 corners(const Source *source, int left, int top) {
  const float *at = source->values + top * source->stride + left;
  return wasm_v128_load64_lane(at + source->stride, wasm_v128_load64_zero(at), 1);
}

/** Fills two neighbouring pixels of the result; positions are (x, y, x + 1, y). */
static inline void warp_pair(const Source *source, f4 positions, float *out) {
  positions = clamp4(positions, source->edge_low, source->edge_high);
  positions = clamp4(positions, source->low, source->high);
  f4 floor = wasm_f32x4_floor(positions), part = sub(positions, floor);
  v128_t whole = wasm_i32x4_trunc_sat_f32x4(floor);
  f4 a = corners(source, wasm_i32x4_extract_lane(whole, 0), wasm_i32x4_extract_lane(whole, 1));
  f4 b = corners(source, wasm_i32x4_extract_lane(whole, 2), wasm_i32x4_extract_lane(whole, 3));
  f4 left = wasm_i32x4_shuffle(a, b, 0, 2, 4, 6), right = wasm_i32x4_shuffle(a, b, 1, 3, 5, 7);
  f4 sides = mix(left, right, wasm_i32x4_shuffle(part, part, 0, 0, 2, 2)); // above, below of each
  f4 above = wasm_i32x4_shuffle(sides, sides, 0, 2, 0, 2);
  f4 below = wasm_i32x4_shuffle(sides, sides, 1, 3, 1, 3);
  f4 value = mix(above, below, wasm_i32x4_shuffle(part, part, 1, 3, 1, 3));
  wasm_v128_store64_lane(out, value, 0);
}

static Source source_of(const Mask *mask) {
  const Box *window = &mask->window;
  Source source = {0};
  source.values = padded(mask, &source.stride);
  float x = window->x, y = window->y;
  float right = mask->width - 1 - x, bottom = mask->height - 1 - y;
  source.edge_low = wasm_f32x4_make(-x, -y, -x, -y);
  source.edge_high = wasm_f32x4_make(right, bottom, right, bottom);
  source.low = splat(-1);
  float width = window->width, height = window->height;
  source.high = wasm_f32x4_make(width, height, width, height);
  return source;
}

static void warp_rows(const Mask *mask, const Flow *flow, const Box *to, float *out) {
  float scale_x = (float)flow->width / mask->width, scale_y = (float)flow->height / mask->height;
  f4 pixels = wasm_f32x4_make(1 / scale_x, 1 / scale_y, 1 / scale_x, 1 / scale_y);
  Columns columns = columns_of(to->x, to->width, scale_x, flow->width - 1);
  Source source = source_of(mask);
  float *row = floats(2 * flow->width + 10);
  for (int y = 0; y < to->height; y++, out += to->width) {
    flow_row(flow, (to->y + y + 0.5f) * scale_y - 0.5f, pixels, row);
    float x = to->x - mask->window.x, line = to->y + y - mask->window.y;
    f4 here = wasm_f32x4_make(x, line, x + 1, line), step = wasm_f32x4_make(2, 0, 2, 0);
    for (int i = 0; i < to->width; i += 2, here = add(here, step)) {
      f4 a = load(row + 2 * columns.column[i]), b = load(row + 2 * columns.column[i + 1]);
      v128_t parts = wasm_v128_load64_zero(columns.part + i);
      f4 motion = mix(wasm_i32x4_shuffle(a, b, 0, 1, 4, 5), wasm_i32x4_shuffle(a, b, 2, 3, 6, 7),
                      wasm_i32x4_shuffle(parts, parts, 0, 0, 1, 1));
      warp_pair(&source, add(here, motion), out + i);
    }
  }
}

/** Cuts away the rows and columns where the mask is too faint, in place. */
static void trim(float *values, Box *box) {
  int left = box->width, right = -1, top = -1, bottom = -1;
  for (int y = 0; y < box->height; y++) {
    const float *row = values + y * box->width;
    int x = 0, last = box->width - 1;
    while (x < box->width && row[x] < FAINTEST) x++;
    if (x == box->width) continue;
    while (row[last] < FAINTEST) last--;
    if (top < 0) top = y;
    bottom = y;
    left = mini(left, x);
    right = maxi(right, last);
  }
  int width = right - left + 1, height = top < 0 ? 0 : bottom - top + 1;
  for (int y = 0; y < height; y++)
    __builtin_memmove(values + y * width, values + (top + y) * box->width + left,
                      width * sizeof(float));
  *box = (Box){box->x + left, box->y + top, width, height};
}

static struct {
  Box window;
  float *values;
} warped;

/** The carried mask's window and values; a height of 0 where nothing is left. */
EXPORT("warp") void *warp(const Mask *mask, const Flow *flow) {
  warped.window = (Box){0, 0, 0, 0};
  if (!destination(mask, flow, &warped.window)) return &warped;
  warped.values = floats(warped.window.width * warped.window.height);
  warp_rows(mask, flow, &warped.window, warped.values);
  trim(warped.values, &warped.window);
  return &warped;
}
