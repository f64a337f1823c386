// The tracker's flow engine (src/tracking/kernel) as a shared library: flow of two grey pictures in one call.
#include "dis.h"

#define ARENA (48 << 20)

static byte arena[ARENA] __attribute__((aligned(16)));
static unsigned long used, kept;

void *allocate(unsigned long bytes) {
  unsigned long start = (used + 15) & ~15ul;
  used = start + bytes + 16;
  if (used > ARENA) __builtin_trap();
  return arena + start;
}

void reset(void) { used = 0; }

void prepare(int width, int height, int levels);
void load_picture(int slot);
float *grey_address(int slot);
void compute(int previous, int current, int use_initial);
void flow_picture(const byte *luma, int luma_width, int luma_height, float *out, int width, int height, int levels, int padding);

/** Levels of a picture, as createFlowImage of flow-image.ts makes them. */
static int levels_of(int width, int height) {
  int levels = 1;
  for (;; levels++) {
    width = (width + 1) / 2;
    height = (height + 1) / 2;
    if (mini(width, height) < 9) return levels;
  }
}

/** Lays out memory for a flow grid; the settings are the defaults of dis-flow.ts. */
void flow_begin(int width, int height) {
  settings = (Settings){.finest = 0, .stride = 6, .iterations = 4, .passes = 1, .damping = 100, .prefer = 0.5f};
  prepare(width, height, levels_of(width, height));
  kept = used;
}

/** Flow from `now` to `before` (luma_width x luma_height), in pixels of the grid; `initial` is that of the frame before, or 0. */
void flow_between(const byte *before, const byte *now, int luma_width, int luma_height, const float *initial, float *u, float *v) {
  int width = grids[0].width, height = grids[0].height;
  const byte *pictures[2] = {before, now};
  for (int slot = 0; slot < 2; slot++) {
    flow_picture(pictures[slot], luma_width, luma_height, grey_address(slot), width, height, level_count, PAD);
    load_picture(slot);
    used = kept;
  }
  unsigned long bytes = (unsigned long)width * height * sizeof(float);
  if (initial) {
    __builtin_memcpy(initial_u, initial, bytes);
    __builtin_memcpy(initial_v, initial + width * height, bytes);
  }
  compute(0, 1, initial != 0);
  __builtin_memcpy(u, grids[0].u, bytes);
  __builtin_memcpy(v, grids[0].v, bytes);
}
