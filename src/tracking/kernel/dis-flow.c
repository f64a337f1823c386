// Dense inverse search: from patches to pixels, and from level to level.
#include "dis.h"

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
    f4 above[2] = {mix(load(from), load(from + 1), fx), mix(load(from + 4), load(from + 5), fx)};
    for (int row = 0; row < PATCH; row++, grey += current->stride) {
      from += previous->stride;
      for (int half = 0; half < 2; half++) {
        f4 below = mix(load(from + 4 * half), load(from + 4 * half + 1), fx);
        differences[row][half] = sub(mix(above[half], below, fy), load(grey + 4 * half));
        sum = add(sum, differences[row][half]);
        above[half] = below;
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
}
