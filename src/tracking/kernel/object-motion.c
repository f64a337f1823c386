// Continues an object's own motion beyond its edge; see ../object-motion.ts.
#include "box-sum.h"
#include "flow-choice.h"

/** Side of a cell in grid pixels: motion is pooled on a grid of a quarter of the size. */
#define CELL 4
/** Middle of a cell, in pixels from its first. */
#define CELL_MIDDLE 1.5f
/** Reach of the two poolings in cells: the wide one bridges holes, the narrow one follows limbs. */
#define WIDE_RADIUS 6
#define NARROW_RADIUS 2
/** Rounds in which outliers are found; the first is still biased by them. */
#define ROBUST_ROUNDS 3
/** Distance from the pooled motion, in grid pixels, at which a pixel is taken for background. */
#define OUTLIER_DISTANCE 1.5f
/** Share of a pooling window that must be object before it outweighs the wider one. */
#define TRUST 0.02f
/** Difference in probability below which it does not matter which of two flows is right. */
#define SAME_PROBABILITY 0.05f

/** Cells near the object: their flow, how much of them is object, and the motion pooled from them. */
typedef struct {
  Box box; // in cells of the whole grid
  float *origin, *weight, *u, *v, *pooled_u, *pooled_v;
  float *sum_w, *sum_u, *sum_v, *scratch;
} Cells;

/** Flow of a cell and the share of the mask where it comes from. */
static float measure_cell(const Scene *scene, int column, int row, Motion *out) {
  const Flow *flow = scene->flow;
  int x = mini(column * CELL + 1, flow->width - 1), y = mini(row * CELL + 1, flow->height - 1);
  int right = x + 1 < flow->width ? 1 : 0, below = y + 1 < flow->height ? flow->width : 0;
  const float *u = flow->u + y * flow->width + x, *v = flow->v + y * flow->width + x;
  out->u = 0.25f * (u[0] + u[right] + u[below] + u[below + right]);
  out->v = 0.25f * (v[0] + v[right] + v[below] + v[below + right]);
  return probability(scene, clampf(x + 0.5f + out->u, 0, flow->width - 1),
                     clampf(y + 0.5f + out->v, 0, flow->height - 1));
}

/** Bounds of the cells that come from the mask, with the reach of pooling around; 0 if none do. */
static int cells_near(const Scene *scene, Box *out) {
  int columns = (scene->flow->width + CELL - 1) / CELL, rows = (scene->flow->height + CELL - 1) / CELL;
  int left = columns, right = -1, top = rows, bottom = -1;
  for (int row = 0; row < rows; row++) {
    for (int column = 0; column < columns; column++) {
      Motion motion;
      if (measure_cell(scene, column, row, &motion) < 0.5f) continue;
      left = mini(left, column);
      right = maxi(right, column);
      top = mini(top, row);
      bottom = row;
    }
  }
  if (right < 0) return 0;
  out->x = maxi(0, left - WIDE_RADIUS);
  out->y = maxi(0, top - WIDE_RADIUS);
  out->width = mini(columns, right + WIDE_RADIUS + 1) - out->x;
  out->height = mini(rows, bottom + WIDE_RADIUS + 1) - out->y;
  return 1;
}

static Cells cells_of(const Scene *scene, Box box) {
  int count = box.width * box.height;
  Cells cells = {box,           floats(count), floats(count), floats(count), floats(count),
                 floats(count), floats(count), floats(count), floats(count), floats(count),
                 floats(count)};
  for (int row = 0, at = 0; row < box.height; row++) {
    for (int column = 0; column < box.width; column++, at++) {
      Motion motion;
      cells.origin[at] = measure_cell(scene, box.x + column, box.y + row, &motion);
      cells.weight[at] = cells.origin[at];
      cells.u[at] = motion.u;
      cells.v[at] = motion.v;
    }
  }
  return cells;
}

static void start_pools(Cells *cells) {
  unsigned long bytes = cells->box.width * cells->box.height * sizeof(float);
  __builtin_memcpy(cells->pooled_u, cells->u, bytes);
  __builtin_memcpy(cells->pooled_v, cells->v, bytes);
}

/** Replaces the pooled motion by that of the weighted cells within `radius`, as far as there are any. */
static void pool(Cells *cells, int radius) {
  int width = cells->box.width, height = cells->box.height, count = width * height;
  for (int at = 0; at < count; at++) {
    cells->sum_w[at] = cells->weight[at];
    cells->sum_u[at] = cells->weight[at] * cells->u[at];
    cells->sum_v[at] = cells->weight[at] * cells->v[at];
  }
  box_sum(cells->sum_w, cells->scratch, width, height, radius);
  box_sum(cells->sum_u, cells->scratch, width, height, radius);
  box_sum(cells->sum_v, cells->scratch, width, height, radius);
  float side = 2 * radius + 1, floor = TRUST * side * side;
  for (int at = 0; at < count; at++) {
    float weight = cells->sum_w[at];
    if (weight < 1e-3f) continue;
    float share = weight * weight / (weight * weight + floor * floor);
    cells->pooled_u[at] = mixf(cells->pooled_u[at], cells->sum_u[at] / weight, share);
    cells->pooled_v[at] = mixf(cells->pooled_v[at], cells->sum_v[at] / weight, share);
  }
}

/** Sets the weights anew: low for cells that move unlike the pooled motion. */
static void weigh_outliers(Cells *cells) {
  for (int at = 0; at < cells->box.width * cells->box.height; at++) {
    float du = cells->u[at] - cells->pooled_u[at], dv = cells->v[at] - cells->pooled_v[at];
    float far = (du * du + dv * dv) / (OUTLIER_DISTANCE * OUTLIER_DISTANCE);
    cells->weight[at] = cells->origin[at] / (1 + far * far);
  }
}

/**
 * Pooled motion of one line of grid pixels over the cells' columns: first between two rows of cells
 * into `line`, then between columns. The four pixels of a cell always lie alike between the middles
 * of three cells.
 */
static void pooled_row(const Cells *cells, const float *pooled, int y, float *line, float *out) {
  int columns = cells->box.width, last_row = cells->box.height - 1;
  float cell_y = clampf((y - CELL_MIDDLE) / CELL - cells->box.y, 0, last_row);
  int top = (int)cell_y;
  const float *above = pooled + top * columns, *below = pooled + mini(top + 1, last_row) * columns;
  f4 down = splat(cell_y - top);
  for (int i = 0; i < columns; i += 4) store(line + 1 + i, mix(load(above + i), load(below + i), down));
  line[0] = line[1];
  line[columns + 1] = line[columns];
  f4 part = wasm_f32x4_make(0.625f, 0.875f, 0.125f, 0.375f);
  for (int i = 0; i < columns; i++) {
    f4 around = load(line + i); // the cell before, this one, the next
    f4 first = wasm_i32x4_shuffle(around, around, 0, 0, 1, 1);
    f4 second = wasm_i32x4_shuffle(around, around, 1, 1, 2, 2);
    store(out + CELL * i, mix(first, second, part));
  }
}

/** Decides for one pixel whose measured flow is far from its object's. */
static void choose_flow(const Scene *scene, int x, int y, Motion own) {
  const Flow *flow = scene->flow;
  int at = y * flow->width + x;
  Motion measured = {flow->u[at], flow->v[at]};
  float there = probability(scene, x + own.u, y + own.v);
  float here = probability(scene, x + measured.u, y + measured.v);
  if (absf(there - here) < SAME_PROBABILITY) return;
  float keep = kept_share(scene, x, y, measured, own, here > there);
  flow->u[at] = mixf(own.u, measured.u, keep);
  flow->v[at] = mixf(own.v, measured.v, keep);
}

/** Puts the pooled motion where the flow differs from it, changes the mask and explains no more. */
static void choose(const Scene *scene, const Cells *cells) {
  const Flow *flow = scene->flow;
  int x0 = cells->box.x * CELL, x1 = mini(flow->width, x0 + cells->box.width * CELL);
  int y0 = cells->box.y * CELL, y1 = mini(flow->height, y0 + cells->box.height * CELL);
  float *u = floats(cells->box.width * CELL), *v = floats(cells->box.width * CELL);
  float *line = floats(cells->box.width + 6);
  for (int y = y0; y < y1; y++) {
    pooled_row(cells, cells->pooled_u, y, line, u);
    pooled_row(cells, cells->pooled_v, y, line, v);
    for (int x = x0; x < x1; x += 4) {
      f4 du = sub(load(flow->u + y * flow->width + x), load(u + x - x0));
      f4 dv = sub(load(flow->v + y * flow->width + x), load(v + x - x0));
      int far = wasm_i32x4_bitmask(wasm_f32x4_ge(add(mul(du, du), mul(dv, dv)), splat(1)));
      for (; far; far &= far - 1) {
        int i = x + __builtin_ctz(far);
        if (i < x1) choose_flow(scene, i, y, (Motion){u[i - x0], v[i - x0]});
      }
    }
  }
}

/** Changes the flow between two pictures into the flow to warp an object's mask with. */
EXPORT("follow") void follow(const Mask *mask, Flow *flow, const Grey *previous,
                             const Grey *current) {
  Scene scene = {mask, flow, previous, current, (float)mask->width / flow->width,
                 (float)mask->height / flow->height};
  Box box;
  if (!cells_near(&scene, &box)) return;
  Cells cells = cells_of(&scene, box);
  for (int round = 0; round < ROBUST_ROUNDS; round++) {
    start_pools(&cells);
    pool(&cells, WIDE_RADIUS);
    weigh_outliers(&cells);
  }
  start_pools(&cells);
  pool(&cells, WIDE_RADIUS);
  pool(&cells, NARROW_RADIUS);
  choose(&scene, &cells);
}
