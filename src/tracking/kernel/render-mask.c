// Brings masks to display size and thresholds them; see ../../render-mask.ts, ../../overlap.ts.
#include "mask.h"

/** Margin of what lies outside a window. */
#define OUTSIDE -0.5f

/** Decides ties for the lower index without moving any outline visibly. */
#define TIE 1e-6f

/** Lowers a margin, over the mask's window, to `mask - rival - bias` where that is less. */
static void yield_to(float *margin, const Mask *mask, const Mask *rival, float bias) {
  const Box *own = &mask->window, *other = &rival->window;
  int x0 = maxi(own->x, other->x), x1 = mini(own->x + own->width, other->x + other->width);
  int y0 = maxi(own->y, other->y), y1 = mini(own->y + own->height, other->y + other->height);
  for (int y = y0; y < y1; y++) {
    int from = (y - own->y) * own->width - own->x;
    const float *p = mask->values + from;
    const float *q = rival->values + (y - other->y) * other->width - other->x;
    float *least = margin + from;
    int x = x0;
    for (; x + 4 <= x1; x += 4) {
      f4 lead = sub(sub(load(p + x), load(q + x)), splat(bias));
      store(least + x, wasm_f32x4_pmin(load(least + x), lead));
    }
    for (; x < x1; x++) least[x] = minf(least[x], p[x] - q[x] - bias);
  }
}

/**
 * The margin of one of several masks: its probability minus what it has to beat, so that its zero
 * crossing is the outline.
 */
static Mask margin_of(const Mask *masks, int count, int index) {
  const Mask *mask = masks + index;
  int pixels = mask->window.width * mask->window.height;
  float *values = floats(pixels);
  for (int at = 0; at < pixels; at += 4) store(values + at, sub(load(mask->values + at), splat(0.5f)));
  for (int i = 0; i < count; i++)
    if (i != index) yield_to(values, mask, masks + i, i < index ? TIE : -TIE);
  return (Mask){values, mask->window, mask->width, mask->height};
}

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

/** Thresholds a margin at target size. */
static void render_margin(const Mask *margin, int width, int height) {
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
  if (runs.next > start) fill_runs(start, &runs);
}

/** One of several masks that compete for pixels, at target size; an area of 0 where nothing is set. */
EXPORT("render") const void *render(const Mask *masks, int count, int index, int width, int height) {
  rendered.area = 0;
  if (masks[index].window.height == 0) return &rendered;
  Mask margin = margin_of(masks, count, index);
  render_margin(&margin, width, height);
  return &rendered;
}
