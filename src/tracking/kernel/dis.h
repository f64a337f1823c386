// Dense inverse search: what its files share. See ../dis-flow.ts for the method.
#ifndef DIS_H
#define DIS_H
#include "memory.h"
#include "simd.h"

#define PAD 8 /* flowPadding of flow-image.ts */
#define PATCH 8
#define MAX_LEVELS 12

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

extern Settings settings;
extern Level images[2][MAX_LEVELS];
extern Grid grids[MAX_LEVELS];
extern int level_count;
extern float *initial_u, *initial_v;

/** Matches every patch once; good flows spread from neighbour to neighbour in the pass's direction. */
void search(int index, const Level *previous, const Level *current, int pass, int temporal);

/** Position in a picture, held where a patch still touches it. */
static inline const float *sample_start(const Level *level, float x, float y, float *fx, float *fy) {
  x = clampf(x, -PAD, level->width - 1);
  y = clampf(y, -PAD, level->height - 1);
  float left = __builtin_floorf(x), top = __builtin_floorf(y);
  *fx = x - left;
  *fy = y - top;
  return level->grey + (int)top * level->stride + (int)left;
}

#endif
