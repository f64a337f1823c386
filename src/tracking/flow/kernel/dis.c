// Dense inverse search in WebAssembly SIMD. See ../dis-flow.ts for the method and build.sh for how
// this becomes dis-wasm.ts. Freestanding: no libc, and memory only grows.
#include <wasm_simd128.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define PAD 8 /* flowPadding of flow-image.ts */
#define PATCH 8
#define MAX_LEVELS 12
#define COARSE_STRIDE 4

typedef v128_t f4;

typedef struct {
  int width, height, stride;
  float *grey, *gx, *gy; // of pixel (0, 0); rows continue PAD pixels on every side
} Level;

typedef struct {
  int width, height, columns, rows;
  int *x, *y;               // left and top of the patches
  float *patch_u, *patch_v; // flow of the patches
  float *u, *v, *weight;    // dense flow; weight is scratch
} Grid;

typedef struct {
  int finest;     // finest level that patches are matched on
  int stride;     // distance of patches on the finest level
  int iterations; // most Gauss-Newton steps of a patch in one pass
  int passes;     // passes over a level's patches, alternating in direction
  float damping;  // added to the diagonal of a patch's Hessian
  float prefer;   // another flow must cost less than this share of the own to replace it
} Settings;

static Settings settings;
static Level images[2][MAX_LEVELS];
static Grid grids[MAX_LEVELS];
static int level_count;
static float *initial_u, *initial_v, *out_u, *out_v;

extern unsigned char __heap_base;
static unsigned long heap;

static void *allocate(unsigned long bytes) {
  unsigned long start = (heap + 15) & ~15ul;
  heap = start + bytes;
  long missing = (long)heap - (long)(__builtin_wasm_memory_size(0) << 16);
  if (missing > 0 && __builtin_wasm_memory_grow(0, (missing + 65535) >> 16) == (unsigned long)-1)
    __builtin_trap();
  return (void *)start;
}

static float *floats(int count) { return allocate((unsigned long)count * sizeof(float)); }

static inline f4 load(const float *p) { return wasm_v128_load(p); }
static inline void store(float *p, f4 v) { wasm_v128_store(p, v); }
static inline f4 add(f4 a, f4 b) { return wasm_f32x4_add(a, b); }
static inline f4 sub(f4 a, f4 b) { return wasm_f32x4_sub(a, b); }
static inline f4 mul(f4 a, f4 b) { return wasm_f32x4_mul(a, b); }
static inline f4 splat(float v) { return wasm_f32x4_splat(v); }
static inline f4 mix(f4 a, f4 b, f4 part) { return add(a, mul(part, sub(b, a))); }
static inline float total(f4 v) {
  return wasm_f32x4_extract_lane(v, 0) + wasm_f32x4_extract_lane(v, 1) +
         wasm_f32x4_extract_lane(v, 2) + wasm_f32x4_extract_lane(v, 3);
}
static inline float clampf(float v, float low, float high) {
  return v < low ? low : v > high ? high : v;
}
static inline int clampi(int v, int low, int high) { return v < low ? low : v > high ? high : v; }

static int axis(int length, int stride, int **positions) {
  int count = (length - PATCH + stride - 1) / stride + 1;
  *positions = allocate(count * sizeof(int));
  for (int i = 0; i < count; i++) (*positions)[i] = clampi(i * stride, 0, length - PATCH);
  return count;
}

static void prepare_level(Level *level, int width, int height) {
  int stride = width + 2 * PAD;
  int pixels = stride * (height + 2 * PAD) + 4;
  int origin = PAD * stride + PAD;
  level->width = width;
  level->height = height;
  level->stride = stride;
  level->grey = floats(pixels) + origin;
  level->gx = floats(pixels) + origin;
  level->gy = floats(pixels) + origin;
}

static void prepare_grid(Grid *grid, int width, int height, int stride) {
  grid->width = width;
  grid->height = height;
  grid->columns = axis(width, stride, &grid->x);
  grid->rows = axis(height, stride, &grid->y);
  int patches = grid->columns * grid->rows;
  grid->patch_u = floats(patches);
  grid->patch_v = floats(patches);
  grid->u = floats(width * height + 4);
  grid->v = floats(width * height + 4);
  grid->weight = floats(width * height + 4);
}

EXPORT("settings") Settings *settings_address(void) { return &settings; }

/** Lays out memory for pictures of one size; forgets everything before. Sides of all levels >= 8. */
EXPORT("prepare") void prepare(int width, int height, int levels) {
  heap = (unsigned long)&__heap_base;
  level_count = levels;
  out_u = floats(width * height + 4);
  out_v = floats(width * height + 4);
  initial_u = floats(width * height + 4);
  initial_v = floats(width * height + 4);
  for (int index = 0; index < levels; index++) {
    prepare_level(&images[0][index], width, height);
    prepare_level(&images[1][index], width, height);
    // Patches are few on coarse levels, and what they miss is lost to all finer ones.
    int stride = index > settings.finest && settings.stride > COARSE_STRIDE ? COARSE_STRIDE : settings.stride;
    prepare_grid(&grids[index], width, height, stride);
    width = (width + 1) / 2;
    height = (height + 1) / 2;
  }
}

/** Where the caller writes a picture's level, padding included. */
EXPORT("grey") float *grey_address(int slot, int index) {
  Level *level = &images[slot][index];
  return level->grey - PAD * level->stride - PAD;
}
EXPORT("initialU") float *initial_u_address(void) { return initial_u; }
EXPORT("initialV") float *initial_v_address(void) { return initial_v; }
EXPORT("outU") float *out_u_address(void) { return out_u; }
EXPORT("outV") float *out_v_address(void) { return out_v; }

/** Gradients of a picture whose levels have been written. */
EXPORT("load") void load_picture(int slot) {
  for (int index = 0; index < level_count; index++) {
    Level *level = &images[slot][index];
    int stride = level->stride;
    f4 half = splat(0.5f);
    for (int y = 1 - PAD; y < level->height + PAD - 1; y++) {
      int row = y * stride;
      for (int x = 1 - PAD; x < level->width + PAD - 1; x += 4) {
        const float *grey = level->grey + row + x;
        f4 gx = mul(half, sub(load(grey + 1), load(grey - 1)));
        f4 gy = mul(half, sub(load(grey + stride), load(grey - stride)));
        store(level->gx + row + x, gx);
        store(level->gy + row + x, gy);
      }
    }
  }
}

// ---- patches

typedef struct {
  const float *grey, *gx, *gy; // top-left pixel in the current picture
  int stride;
  float sum_x, sum_y, inverse_xx, inverse_xy, inverse_yy;
} Patch;

typedef struct {
  float cost, step_x, step_y;
} Match;

static void load_patch(Patch *patch, const Level *level, int x, int y) {
  int start = y * level->stride + x;
  patch->grey = level->grey + start;
  patch->gx = level->gx + start;
  patch->gy = level->gy + start;
  patch->stride = level->stride;
  f4 sx = splat(0), sy = sx, sxx = sx, sxy = sx, syy = sx;
  for (int row = 0; row < PATCH; row++) {
    for (int column = 0; column < PATCH; column += 4) {
      f4 gx = load(patch->gx + row * patch->stride + column);
      f4 gy = load(patch->gy + row * patch->stride + column);
      sx = add(sx, gx);
      sy = add(sy, gy);
      sxx = add(sxx, mul(gx, gx));
      sxy = add(sxy, mul(gx, gy));
      syy = add(syy, mul(gy, gy));
    }
  }
  float pixels = PATCH * PATCH;
  patch->sum_x = total(sx);
  patch->sum_y = total(sy);
  float xx = total(sxx) - patch->sum_x * patch->sum_x / pixels + settings.damping;
  float xy = total(sxy) - patch->sum_x * patch->sum_y / pixels;
  float yy = total(syy) - patch->sum_y * patch->sum_y / pixels + settings.damping;
  float scale = 1 / (xx * yy - xy * xy);
  patch->inverse_xx = yy * scale;
  patch->inverse_xy = -xy * scale;
  patch->inverse_yy = xx * scale;
}

/** Position in a picture, held where the patch still touches it. */
static const float *sample_start(const Level *level, float x, float y, float *fx, float *fy) {
  x = clampf(x, -PAD, level->width - 1);
  y = clampf(y, -PAD, level->height - 1);
  float left = __builtin_floorf(x), top = __builtin_floorf(y);
  *fx = x - left;
  *fy = y - top;
  return level->grey + (int)top * level->stride + (int)left;
}

/** Squared differences less their mean, and the Gauss-Newton step, at one position. */
static Match match(const Patch *patch, const Level *level, float x, float y) {
  float part_x, part_y;
  const float *from = sample_start(level, x, y, &part_x, &part_y);
  f4 fx = splat(part_x), fy = splat(part_y);
  f4 sum = splat(0), squares = sum, sx = sum, sy = sum;
  f4 above0 = mix(load(from), load(from + 1), fx);
  f4 above1 = mix(load(from + 4), load(from + 5), fx);
  const float *grey = patch->grey, *gx = patch->gx, *gy = patch->gy;
  for (int row = 0; row < PATCH; row++) {
    from += level->stride;
    f4 below0 = mix(load(from), load(from + 1), fx);
    f4 below1 = mix(load(from + 4), load(from + 5), fx);
    f4 d0 = sub(mix(above0, below0, fy), load(grey));
    f4 d1 = sub(mix(above1, below1, fy), load(grey + 4));
    sum = add(sum, add(d0, d1));
    squares = add(squares, add(mul(d0, d0), mul(d1, d1)));
    sx = add(sx, add(mul(d0, load(gx)), mul(d1, load(gx + 4))));
    sy = add(sy, add(mul(d0, load(gy)), mul(d1, load(gy + 4))));
    above0 = below0;
    above1 = below1;
    grey += patch->stride;
    gx += patch->stride;
    gy += patch->stride;
  }
  float all = total(sum), mean = all / (PATCH * PATCH);
  float b_x = total(sx) - mean * patch->sum_x;
  float b_y = total(sy) - mean * patch->sum_y;
  Match result = {total(squares) - mean * all,
                  -(patch->inverse_xx * b_x + patch->inverse_xy * b_y),
                  -(patch->inverse_xy * b_x + patch->inverse_yy * b_y)};
  return result;
}

typedef struct {
  float u, v;
  Match match;
} Candidate;

/** Takes (u, v) over if it is another flow and clearly cheaper. */
static void consider(Candidate *best, const Patch *patch, const Level *previous, const float at[2],
                     float u, float v) {
  float du = u - best->u, dv = v - best->v;
  if (du * du + dv * dv < 0.06f) return;
  Match other = match(patch, previous, at[0] + u, at[1] + v);
  if (other.cost >= settings.prefer * best->match.cost) return;
  best->u = u;
  best->v = v;
  best->match = other;
}

/**
 * Goes back to no motion unless the other is clearly better. On a pattern that repeats many flows
 * fit alike, and which of them the coarse levels found is chance.
 */
static void prefer_stillness(Candidate *best, const Patch *patch, const Level *previous,
                             const float at[2]) {
  if (best->u * best->u + best->v * best->v <= 1) return;
  Candidate still = {0, 0, match(patch, previous, at[0], at[1])};
  if (settings.prefer * still.match.cost < best->match.cost) *best = still;
}

/** Walks down to the nearest minimum. A step longer than a patch leaves its basin and is not taken. */
static void descend(Candidate *best, const Patch *patch, const Level *previous, const float at[2]) {
  for (int i = 0; i < settings.iterations; i++) {
    float sx = best->match.step_x, sy = best->match.step_y;
    float length = sx * sx + sy * sy;
    if (!(length <= PATCH * PATCH)) return;
    Match next = match(patch, previous, at[0] + best->u + sx, at[1] + best->v + sy);
    if (!(next.cost < best->match.cost)) return;
    best->u += sx;
    best->v += sy;
    best->match = next;
    if (length < 0.0025f) return;
  }
}

/** Matches every patch once; good flows spread from neighbour to neighbour in the pass's direction. */
static void search(int index, const Level *previous, const Level *current, int pass, int temporal) {
  Grid *grid = &grids[index];
  int back = pass & 1, toward = back ? 1 : -1;
  int columns = grid->columns, rows = grid->rows;
  for (int step = 0; step < columns * rows; step++) {
    int k = back ? columns * rows - 1 - step : step;
    int j = k / columns, i = k - j * columns;
    float at[2] = {grid->x[i], grid->y[j]};
    Patch patch;
    load_patch(&patch, current, grid->x[i], grid->y[j]);
    Candidate best = {grid->patch_u[k], grid->patch_v[k]};
    best.match = match(&patch, previous, at[0] + best.u, at[1] + best.v);
    if (i + toward >= 0 && i + toward < columns)
      consider(&best, &patch, previous, at, grid->patch_u[k + toward], grid->patch_v[k + toward]);
    if (j + toward >= 0 && j + toward < rows) {
      int neighbour = k + toward * columns;
      consider(&best, &patch, previous, at, grid->patch_u[neighbour], grid->patch_v[neighbour]);
    }
    if (temporal && pass == 0) {
      int x = clampi((grid->x[i] + PATCH / 2) << index, 0, grids[0].width - 1);
      int y = clampi((grid->y[j] + PATCH / 2) << index, 0, grids[0].height - 1);
      float scale = 1.0f / (1 << index);
      int from = y * grids[0].width + x;
      consider(&best, &patch, previous, at, scale * initial_u[from], scale * initial_v[from]);
    }
    if (pass == 0) prefer_stillness(&best, &patch, previous, at);
    descend(&best, &patch, previous, at);
    grid->patch_u[k] = best.u;
    grid->patch_v[k] = best.v;
  }
}

/** Every pixel takes the mean of the patches over it, each by how well it explains that pixel. */
static void densify(Grid *grid, const Level *previous, const Level *current) {
  int width = grid->width, pixels = width * grid->height;
  __builtin_memset(grid->u, 0, pixels * sizeof(float));
  __builtin_memset(grid->v, 0, pixels * sizeof(float));
  __builtin_memset(grid->weight, 0, pixels * sizeof(float));
  for (int k = 0; k < grid->columns * grid->rows; k++) {
    int j = k / grid->columns;
    int x = grid->x[k - j * grid->columns], y = grid->y[j];
    float part_x, part_y;
    const float *from = sample_start(previous, x + grid->patch_u[k], y + grid->patch_v[k], &part_x, &part_y);
    const float *grey = current->grey + y * current->stride + x;
    f4 fx = splat(part_x), fy = splat(part_y), u = splat(grid->patch_u[k]), v = splat(grid->patch_v[k]);
    f4 differences[PATCH][2];
    f4 sum = splat(0);
    for (int row = 0; row < PATCH; row++, from += previous->stride, grey += current->stride) {
      for (int half = 0; half < 2; half++) {
        const float *p = from + 4 * half, *q = p + previous->stride;
        f4 value = mix(mix(load(p), load(p + 1), fx), mix(load(q), load(q + 1), fx), fy);
        differences[row][half] = sub(value, load(grey + 4 * half));
        sum = add(sum, differences[row][half]);
      }
    }
    f4 mean = splat(total(sum) / (PATCH * PATCH)), one = splat(1);
    for (int row = 0; row < PATCH; row++) {
      for (int half = 0; half < 2; half++) {
        int at = (y + row) * width + x + 4 * half;
        f4 d = sub(differences[row][half], mean);
        f4 weight = wasm_f32x4_div(one, wasm_f32x4_max(one, mul(d, d)));
        store(grid->u + at, add(load(grid->u + at), mul(weight, u)));
        store(grid->v + at, add(load(grid->v + at), mul(weight, v)));
        store(grid->weight + at, add(load(grid->weight + at), weight));
      }
    }
  }
  for (int at = 0; at < pixels; at += 4) {
    f4 scale = wasm_f32x4_div(splat(1), load(grid->weight + at));
    store(grid->u + at, mul(load(grid->u + at), scale));
    store(grid->v + at, mul(load(grid->v + at), scale));
  }
}

/** First guess of a level's patches: the coarser level's flow at their middle. */
static void start_level(int index) {
  Grid *grid = &grids[index], *coarser = &grids[index + 1];
  for (int j = 0, k = 0; j < grid->rows; j++) {
    for (int i = 0; i < grid->columns; i++, k++) {
      if (index == level_count - 1) {
        grid->patch_u[k] = 0;
        grid->patch_v[k] = 0;
        continue;
      }
      int x = clampi((grid->x[i] + PATCH / 2) / 2, 0, coarser->width - 1);
      int y = clampi((grid->y[j] + PATCH / 2) / 2, 0, coarser->height - 1);
      grid->patch_u[k] = 2 * coarser->u[y * coarser->width + x];
      grid->patch_v[k] = 2 * coarser->v[y * coarser->width + x];
    }
  }
}

/** Doubles the flow of a level in size and length. */
static void enlarge(const Grid *from, int width, int height, float *out_u, float *out_v) {
  for (int y = 0; y < height; y++) {
    float sy = clampf(0.5f * y - 0.25f, 0, from->height - 1);
    int top = (int)sy;
    int above = top * from->width, below = (top + 1 < from->height ? top + 1 : top) * from->width;
    float fy = sy - top;
    for (int x = 0; x < width; x++) {
      float sx = clampf(0.5f * x - 0.25f, 0, from->width - 1);
      int left = (int)sx, right = left + 1 < from->width ? left + 1 : left;
      float fx = sx - left;
      float w11 = 2 * fx * fy, w01 = 2 * fx - w11, w10 = 2 * fy - w11, w00 = 2 - 2 * fx - w10;
      int a = above + left, b = above + right, c = below + left, d = below + right;
      out_u[y * width + x] = w00 * from->u[a] + w01 * from->u[b] + w10 * from->u[c] + w11 * from->u[d];
      out_v[y * width + x] = w00 * from->v[a] + w01 * from->v[b] + w10 * from->v[c] + w11 * from->v[d];
    }
  }
}

/** Flow from the picture in slot `current` to that in slot `previous`, into out. */
EXPORT("compute") void compute(int previous, int current, int use_initial) {
  int top = level_count - 1;
  int finest = settings.finest < top ? settings.finest : top;
  for (int index = top; index >= finest; index--) {
    const Level *from = &images[previous][index], *to = &images[current][index];
    start_level(index);
    for (int pass = 0; pass < settings.passes; pass++)
      search(index, from, to, pass, use_initial && index == top);
    densify(&grids[index], from, to);
  }
  for (int index = finest - 1; index >= 0; index--) {
    Grid *grid = &grids[index];
    enlarge(&grids[index + 1], grid->width, grid->height, grid->u, grid->v);
  }
  unsigned long bytes = (unsigned long)(grids[0].width * grids[0].height) * sizeof(float);
  __builtin_memcpy(out_u, grids[0].u, bytes);
  __builtin_memcpy(out_v, grids[0].v, bytes);
}
