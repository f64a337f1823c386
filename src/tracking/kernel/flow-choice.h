// Which of two flows of a pixel, the measured one or its object's, explains the pictures.
#ifndef FLOW_CHOICE_H
#define FLOW_CHOICE_H
#include "grey.h"
#include "mask.h"

/** Distance in grid pixels up to which the flow as measured is kept. */
#define KEEP_DISTANCE 2
/** Flow that explains the picture by this many grey levels better than the object's is kept ... */
#define EXPLAINS_GREY 4
/** ... in full when it is better by this much more. */
#define EXPLAINS_SPAN_GREY 10

/** Two pictures, the flow between them, and the object on the one that the flow leads to. */
typedef struct {
  const Mask *mask;
  const Flow *flow;
  const Grey *previous, *current;
  float scale_x, scale_y; // pixels of the mask's picture in one of the grid
} Scene;

typedef struct {
  float u, v;
} Motion;

/** Probability of the mask at a point of the flow grid. */
static inline float probability(const Scene *scene, float x, float y) {
  const Box *window = &scene->mask->window;
  int column = (int)__builtin_floorf((x + 0.5f) * scene->scale_x) - window->x;
  int row = (int)__builtin_floorf((y + 0.5f) * scene->scale_y) - window->y;
  if (column < 0 || row < 0 || column >= window->width || row >= window->height) return 0;
  return scene->mask->values[row * window->width + column];
}

/** Mean grey difference that a flow leaves on a cross of five pixels around (x, y). */
static float residual(const Scene *scene, int x, int y, Motion motion) {
  static const int cross_x[] = {0, 2, -2, 0, 0}, cross_y[] = {0, 0, 0, 2, -2};
  const Grey *now = scene->current;
  float sum = 0;
  for (int arm = 0; arm < 5; arm++) {
    int at_x = clampi(x + cross_x[arm], 0, now->width - 1);
    int at_y = clampi(y + cross_y[arm], 0, now->height - 1);
    float origin = grey_at(scene->previous, at_x + motion.u, at_y + motion.v);
    sum += absf(now->values[at_y * now->stride + at_x] - origin);
  }
  return sum / 5;
}

static inline float ramp(float better_by_grey) {
  return clampf((better_by_grey - EXPLAINS_GREY) / EXPLAINS_SPAN_GREY, 0, 1);
}

static inline int nearest(float position, int last) {
  return clampi((int)__builtin_floorf(position + 0.5f), 0, last);
}

/**
 * How much of the measured flow to keep, 0..1: all of it where the two are close, or where it
 * explains the pictures clearly better.
 *
 * `adds`: the measured flow comes from the mask and the object's does not.
 */
static float kept_share(const Scene *scene, int x, int y, Motion measured, Motion own, int adds) {
  float du = measured.u - own.u, dv = measured.v - own.v;
  float far = (du * du + dv * dv) / (KEEP_DISTANCE * KEEP_DISTANCE);
  float close = 1 / (1 + far * far);
  float left = residual(scene, x, y, measured);
  float explained = ramp(residual(scene, x, y, own) - left);
  if (adds && explained > 0) {
    // The pixel claims a part of the object. If the object's motion has carried that part to
    // another pixel, which looks like it, this one is uncovered background.
    int to_x = nearest(x + du, scene->flow->width - 1);
    int to_y = nearest(y + dv, scene->flow->height - 1);
    explained *= ramp(residual(scene, to_x, to_y, own) - left);
  }
  return close + (1 - close) * explained;
}

#endif
