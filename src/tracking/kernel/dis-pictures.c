// Dense inverse search: its memory, and the pictures in it.
#include "dis.h"

/** Most distance of patches on coarse levels. */
#define COARSE_STRIDE 4

Settings settings;
Level images[2][MAX_LEVELS];
Grid grids[MAX_LEVELS];
int level_count;
float *initial_u, *initial_v;
static float *pictures[2];

static int axis(int length, int stride, int **positions) {
  int count = (length - PATCH + stride - 1) / stride + 1;
  *positions = allocate(count * sizeof(int));
  for (int i = 0; i < count; i++) (*positions)[i] = clampi(i * stride, 0, length - PATCH);
  return count;
}

/** Returns where the next level's grey values go: a picture's levels lie one behind the other. */
static float *prepare_level(Level *level, float *grey, int width, int height) {
  int stride = width + 2 * PAD;
  int pixels = stride * (height + 2 * PAD);
  int origin = PAD * stride + PAD;
  level->width = width;
  level->height = height;
  level->stride = stride;
  level->grey = grey + origin;
  level->gx = floats(pixels) + origin;
  level->gy = floats(pixels) + origin;
  return grey + pixels;
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

static int picture_pixels(int width, int height, int levels) {
  int pixels = 0;
  for (int index = 0; index < levels; index++) {
    pixels += (width + 2 * PAD) * (height + 2 * PAD);
    width = (width + 1) / 2;
    height = (height + 1) / 2;
  }
  return pixels;
}

EXPORT("settings") Settings *settings_address(void) { return &settings; }

/** Lays out memory for pictures of one size; forgets everything before. Sides of all levels >= 8. */
EXPORT("prepare") void prepare(int width, int height, int levels) {
  reset();
  level_count = levels;
  initial_u = floats(width * height + 4);
  initial_v = floats(width * height + 4);
  float *grey[2] = {floats(picture_pixels(width, height, levels)),
                    floats(picture_pixels(width, height, levels))};
  for (int slot = 0; slot < 2; slot++) pictures[slot] = grey[slot];
  for (int index = 0; index < levels; index++) {
    for (int slot = 0; slot < 2; slot++)
      grey[slot] = prepare_level(&images[slot][index], grey[slot], width, height);
    // Patches are few on coarse levels, and what they miss is lost to all finer ones.
    int stride = index > settings.finest && settings.stride > COARSE_STRIDE ? COARSE_STRIDE : settings.stride;
    prepare_grid(&grids[index], width, height, stride);
    width = (width + 1) / 2;
    height = (height + 1) / 2;
  }
}

/** Where the caller writes a picture: all its levels, padding included. */
EXPORT("grey") float *grey_address(int slot) { return pictures[slot]; }
EXPORT("initialU") float *initial_u_address(void) { return initial_u; }
EXPORT("initialV") float *initial_v_address(void) { return initial_v; }
EXPORT("outU") float *out_u_address(void) { return grids[0].u; }
EXPORT("outV") float *out_v_address(void) { return grids[0].v; }

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

