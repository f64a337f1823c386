// Brings margins to display size and thresholds them; see ../../render-mask.ts.
#include "mask.h"

/** Margin of what lies outside a window. */
#define OUTSIDE -0.5f

/** Runs of set pixels, row by row from the top; a run is row, first column, end column. */
typedef struct {
  int *next;
  int left, right, area, width;
} Runs;

/** The row to read, or a row of `outside`: at the picture's own border the object goes on beyond it. */
static const float *row_at(const Mask *margin, int row, const float *outside) {
  int y = margin->window.y, height = margin->window.height, width = margin->window.width;
  if (row < 0) {
    if (y != 0) return outside;
    row = 0;
  } else if (row >= height) {
    if (y + height != margin->height) return outside;
    row = height - 1;
  }
  return margin->values + row * width;
}

/** Vertical interpolation into `line`, which has one cell more than the window at either end. */
static void blend_rows(const Mask *margin, float v, const float *outside, float *line) {
  int width = margin->window.width, v0 = (int)__builtin_floorf(v);
  const float *upper = row_at(margin, v0, outside), *lower = row_at(margin, v0 + 1, outside);
  f4 part = splat(v - v0);
  for (int x = 0; x < width; x += 4) store(line + 1 + x, mix(load(upper + x), load(lower + x), part));
  line[0] = margin->window.x == 0 ? line[1] : OUTSIDE;
  line[width + 1] = margin->window.x + width == margin->width ? line[width] : OUTSIDE;
  // What follows the line is as its end, so that no crossing is found there.
  for (int i = 2; i < 6; i++) line[width + i] = line[width + 1];
}

/** Pixels with from < x < to, in target pixels. */
static void add_run(Runs *runs, int y, double from, double to) {
  int x0 = from < 0 ? 0 : (int)from + 1;
  int x1 = to >= runs->width ? runs->width : (int)__builtin_ceil(to);
  if (x1 <= x0) return;
  *runs->next++ = y;
  *runs->next++ = x0;
  *runs->next++ = x1;
  runs->left = mini(runs->left, x0);
  runs->right = maxi(runs->right, x1);
  runs->area += x1 - x0;
}

/** Adds the runs of target pixels whose centres lie where the line is above 0. */
static void add_runs(const Mask *margin, const float *line, int y, double scale, Runs *runs) {
  int cells = margin->window.width + 2, inside = line[0] > 0;
  double from = -1;
  for (int start = 1; start < cells; start += 4) {
    int above = wasm_i32x4_bitmask(wasm_f32x4_gt(load(line + start), splat(0)));
    // Bit i: cell start + i is on the other side of 0 than the one before it.
    int changes = above ^ ((above << 1 | inside) & 15);
    inside = above >> 3;
    for (; changes; changes &= changes - 1) {
      int cell = start + __builtin_ctz(changes);
      double before = line[cell - 1], value = line[cell];
      // Cell i of the line has its centre at this target coordinate; pixel x has its own at x + 1/2.
      double crossing = (margin->window.x + cell - 1 + before / (before - value) - 0.5) * scale - 0.5;
      if (value > 0)
        from = crossing;
      else
        add_run(runs, y, from, crossing);
    }
  }
  if (inside) add_run(runs, y, from, runs->width);
}

static struct {
  Box box;
  int area;
  byte *bits;
} rendered;

/** Sets the pixels of all runs in a bitmap cut to their bounds. */
static void fill_runs(const int *first, const Runs *runs) {
  Box box = {runs->left, first[0], runs->right - runs->left, runs->next[-3] - first[0] + 1};
  byte *bits = allocate(box.width * box.height);
  __builtin_memset(bits, 0, box.width * box.height);
  for (const int *run = first; run < runs->next; run += 3)
    __builtin_memset(bits + (run[0] - box.y) * box.width + run[1] - box.x, 1, run[2] - run[1]);
  rendered.box = box;
  rendered.area = runs->area;
  rendered.bits = bits;
}

/** The mask where the margin is above 0 at target size; an area of 0 where it is nowhere. */
EXPORT("render") void *render(const Mask *margin, int width, int height) {
  const Box *window = &margin->window;
  double scale_x = (double)width / margin->width, scale_y = (double)height / margin->height;
  int first = maxi(0, (int)__builtin_floor((window->y - 0.5) * scale_y));
  int end = mini(height, (int)__builtin_ceil((window->y + window->height + 0.5) * scale_y));
  float *line = floats(window->width + 6), *outside = floats(window->width + 4);
  for (int i = 0; i < window->width + 4; i++) outside[i] = OUTSIDE;
  // A line of cells crosses 0 upwards in every other cell at most.
  int *start = allocate((end - first) * (window->width / 2 + 2) * 3 * sizeof(int));
  Runs runs = {start, width, 0, 0, width};
  for (int y = first; y < end; y++) {
    blend_rows(margin, (y + 0.5) / scale_y - 0.5 - window->y, outside, line);
    add_runs(margin, line, y, scale_x, &runs);
  }
  rendered.area = 0;
  if (runs.next > start) fill_runs(start, &runs);
  return &rendered;
}
