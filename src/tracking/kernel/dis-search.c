// Dense inverse search: the flow of the patches.
#include "dis.h"

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

void search(int index, const Level *previous, const Level *current, int pass, int temporal) {
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

