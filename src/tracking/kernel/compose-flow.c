// Chains two backward flows; see ../compose-flow.ts.
#include "mask.h"

/** Adds to `step`, in place, what `earlier` is where `step` leads to. */
EXPORT("compose") void compose(Flow *step, const Flow *earlier) {
  int width = step->width, max_x = width - 1, max_y = step->height - 1;
  for (int y = 0, at = 0; y <= max_y; y++) {
    for (int x = 0; x < width; x++, at++) {
      // Beyond the picture the motion of its edge goes on.
      float from_x = clampf(x + step->u[at], 0, max_x), from_y = clampf(y + step->v[at], 0, max_y);
      int left = (int)from_x, top = (int)from_y;
      float fx = from_x - left, fy = from_y - top;
      int a = top * width + left, b = a + (left < max_x), down = top < max_y ? width : 0;
      const float *u = earlier->u, *v = earlier->v;
      step->u[at] += mixf(mixf(u[a], u[b], fx), mixf(u[a + down], u[b + down], fx), fy);
      step->v[at] += mixf(mixf(v[a], v[b], fx), mixf(v[a + down], v[b + down], fx), fy);
    }
  }
}
