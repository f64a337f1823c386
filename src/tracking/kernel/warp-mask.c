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

/** Where the columns of the result read a row of flow: first of two, and the second's share. */
typedef struct {
  int *column;
  float *part;
} Columns;

static Columns columns_of(int first, int count, float scale, int last) {
  int padded = (count + 3) & ~3; // read by fours
  Columns columns = {allocate(padded * sizeof(int)), floats(padded)};
  for (int i = 0; i < padded; i++) {
    float at = clampf((first + i + 0.5f) * scale - 0.5f, 0, last);
    columns.column[i] = maxi(0, mini((int)at, last - 1));
    columns.part[i] = at - columns.column[i];
  }
  return columns;
}

/** One row of the flow grid at every column of the result, in pixels of the picture. */
typedef struct {
  int grid_row; // -1: none yet
  float *u, *v;
} WideRow;

static void widen(const float *row, const Columns *columns, int count, float pixels, float *out) {
  f4 scale = splat(pixels);
  for (int i = 0; i < count; i += 4) {
    const int *at = columns->column + i;
    f4 ab = wasm_v128_load64_lane(row + at[1], wasm_v128_load64_zero(row + at[0]), 1);
    f4 cd = wasm_v128_load64_lane(row + at[3], wasm_v128_load64_zero(row + at[2]), 1);
    f4 value = mix(wasm_i32x4_shuffle(ab, cd, 0, 2, 4, 6), wasm_i32x4_shuffle(ab, cd, 1, 3, 5, 7),
                   load(columns->part + i));
    store(out + i, mul(scale, value));
  }
}

/** Bounds of a position along one axis of the window: the picture's edge, then the rim of zeros. */
typedef struct {
  f4 low, high, rim;
} Bounds;

static Bounds bounds_of(int start, int length, int picture) {
  return (Bounds){splat(-start), splat(picture - 1 - start), splat(length)};
}

static inline f4 within(f4 position, Bounds bounds) {
  return clamp4(clamp4(position, bounds.low, bounds.high), splat(-1), bounds.rim);
}

typedef struct {
  const float *values; // padded
  int stride;
  Bounds x, y;
} Source;

static Source source_of(const Mask *mask) {
  const Box *window = &mask->window;
  Source source = {0, 0, bounds_of(window->x, window->width, mask->width),
                   bounds_of(window->y, window->height, mask->height)};
  source.values = padded(mask, &source.stride);
  return source;
}

/** Flow between two widened rows, and the mask where it leads, for a row that starts at (x, y). */
static void warp_row(Source source, const WideRow rows[2], float part, float x, float y, int count,
                     float *out) {
  const float *u0 = rows[0].u, *u1 = rows[1].u, *v0 = rows[0].v, *v1 = rows[1].v;
  f4 across = add(splat(x), wasm_f32x4_make(0, 1, 2, 3)), line = splat(y), down = splat(part);
  f4 stride = splat(source.stride);
  for (int i = 0; i < count; i += 4, across = add(across, splat(4))) {
    f4 from_x = within(add(across, mix(load(u0 + i), load(u1 + i), down)), source.x);
    f4 from_y = within(add(line, mix(load(v0 + i), load(v1 + i), down)), source.y);
    f4 left = wasm_f32x4_floor(from_x), top = wasm_f32x4_floor(from_y);
    // In floats, which are exact here: the product of integers is slow.
    v128_t index = to_int(add(left, mul(top, stride)));
    // What overruns the row is written anew with the next one.
    store(out + i, bilinear4(source.values, source.stride, index, sub(from_x, left), sub(from_y, top)));
  }
}

/** Makes `row` hold the grid row; the row after it in turn takes over what the other one holds. */
static void hold(WideRow *row, int grid_row, const Flow *flow, const Columns *columns, const Box *to,
                 const float pixels[2]) {
  if (row->grid_row == grid_row) return;
  row->grid_row = grid_row;
  widen(flow->u + grid_row * flow->width, columns, to->width, pixels[0], row->u);
  widen(flow->v + grid_row * flow->width, columns, to->width, pixels[1], row->v);
}

static void warp_rows(const Mask *mask, const Flow *flow, const Box *to, float *out) {
  float scale_x = (float)flow->width / mask->width, scale_y = (float)flow->height / mask->height;
  float pixels[2] = {1 / scale_x, 1 / scale_y};
  Columns columns = columns_of(to->x, to->width, scale_x, flow->width - 1);
  Source source = source_of(mask);
  WideRow rows[2] = {{-1, floats(to->width), floats(to->width)},
                     {-1, floats(to->width), floats(to->width)}};
  for (int y = 0; y < to->height; y++, out += to->width) {
    float grid_y = clampf((to->y + y + 0.5f) * scale_y - 0.5f, 0, flow->height - 1);
    int top = (int)grid_y;
    if (rows[1].grid_row == top) {
      WideRow spare = rows[0];
      rows[0] = rows[1];
      rows[1] = spare;
    }
    hold(&rows[0], top, flow, &columns, to, pixels);
    hold(&rows[1], mini(top + 1, flow->height - 1), flow, &columns, to, pixels);
    warp_row(source, rows, grid_y - top, to->x - mask->window.x, to->y + y - mask->window.y,
             to->width, out);
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

/** The carried mask; its window has a height of 0 where nothing is left. */
EXPORT("warp") const Mask *warp(const Mask *mask, const Flow *flow) {
  static Mask warped;
  warped = (Mask){0, {0, 0, 0, 0}, mask->width, mask->height};
  if (!destination(mask, flow, &warped.window)) return &warped;
  float *values = floats(warped.window.width * warped.window.height);
  warp_rows(mask, flow, &warped.window, values);
  trim(values, &warped.window);
  warped.values = values;
  return &warped;
}
