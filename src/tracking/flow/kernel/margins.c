// Margins of masks that compete for pixels; see ../../overlap.ts and ../../render-mask.ts.
#include "mask.h"

/** What a mask has to beat when nobody competes: one half. */
EXPORT("margin") void margin(float *values, int count) {
  for (int at = 0; at < count; at += 4) store(values + at, sub(load(values + at), splat(0.5f)));
}

/** Lowers a margin, over the mask's window, to `mask - rival - bias` where that is less. */
EXPORT("yieldTo") void yield_to(float *margin, const Mask *mask, const Mask *rival, float bias) {
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
