// The decoder's and the refiner's logits as probabilities; see ../../model-mask.ts, refine-window.ts.
#include "mask.h"

/** Probabilities of logits. */
static inline f4 sigmoid(f4 logits) {
  return divide(splat(1), add(splat(1), exp4(sub(splat(0), logits))));
}

/** Where pixels read a square of cells along one axis: first of two, and the second's share. */
typedef struct {
  int *cell;
  float *part;
} Places;

/** Pixel i has its centre at cell `start + i * step`, held within the square. */
static Places places_of(int count, double start, double step, int side) {
  Places places = {allocate(count * sizeof(int)), floats(count)};
  for (int i = 0; i < count; i++) {
    double at = start + i * step;
    at = at < 0 ? 0 : at > side - 1 ? side - 1 : at;
    places.cell[i] = mini((int)at, side - 2);
    places.part[i] = at - places.cell[i];
  }
  return places;
}

/** Bilinear values of a square, one row of `count` pixels, four at a time. */
static void square_row(const float *square, int side, const Places *across, int count, int top,
                       float part, float *line, float *out) {
  const float *above = square + top * side, *below = above + side;
  for (int x = 0; x < side; x += 4) store(line + x, mix(load(above + x), load(below + x), splat(part)));
  int i = 0;
  for (; i + 4 <= count; i += 4) {
    const int *cell = across->cell + i;
    f4 ab = wasm_v128_load64_lane(line + cell[1], wasm_v128_load64_zero(line + cell[0]), 1);
    f4 cd = wasm_v128_load64_lane(line + cell[3], wasm_v128_load64_zero(line + cell[2]), 1);
    store(out + i, mix(wasm_i32x4_shuffle(ab, cd, 0, 2, 4, 6), wasm_i32x4_shuffle(ab, cd, 1, 3, 5, 7),
                       load(across->part + i)));
  }
  for (; i < count; i++)
    out[i] = mixf(line[across->cell[i]], line[across->cell[i] + 1], across->part[i]);
}

/** Bilinear in the logits, then probabilities, over the window of `mask`, whose values it makes. */
EXPORT("maskFromLogits") void mask_from_logits(Mask *mask, const float *logits, int side, double x,
                                               double y, double width, double height) {
  const Box *window = &mask->window;
  double step_x = side / width, step_y = side / height;
  Places across = places_of(window->width, (window->x + 0.5 - x) * step_x - 0.5, step_x, side);
  Places down = places_of(window->height, (window->y + 0.5 - y) * step_y - 0.5, step_y, side);
  float *values = floats(window->width * window->height), *line = floats(side);
  for (int row = 0; row < window->height; row++) {
    float *out = values + row * window->width;
    square_row(logits, side, &across, window->width, down.cell[row], down.part[row], line, out);
    // What overruns the row is written anew with the next one.
    for (int i = 0; i < window->width; i += 4) store(out + i, sigmoid(load(out + i)));
  }
  mask->values = values;
}

/** Logits beyond this carry no more certainty; it keeps a probability's logit finite. */
#define MOST_LOGIT 6
/** Keeps the odds of 0 and 1 finite. */
#define TINY 1e-6f

static inline f4 clamp_logit(f4 logit) { return clamp4(logit, splat(-MOST_LOGIT), splat(MOST_LOGIT)); }

/** p / (1 - p). */
static inline f4 odds(f4 probability) {
  return divide(add(probability, splat(TINY)), add(sub(splat(1), probability), splat(TINY)));
}

/** Replaces the refiner's logits by what they add to those of its prior, each shrunk by `dead_zone`. */
static void to_change(float *logits, const float *prior, int count, float dead_zone) {
  f4 low = splat(-dead_zone), high = splat(dead_zone);
  for (int at = 0; at < count; at += 4) {
    f4 before = clamp_logit(log4(odds(load(prior + at))));
    f4 change = sub(load(logits + at), before);
    change = sub(change, clamp4(change, low, high));
    store(logits + at, sub(clamp_logit(add(before, change)), before));
  }
}

/** The mask over another window of the picture, 0 where its own does not reach. */
static float *over_window(const Mask *mask, Box window) {
  const Box *own = &mask->window;
  float *out = floats(window.width * window.height);
  __builtin_memset(out, 0, window.width * window.height * sizeof(float));
  int x0 = maxi(window.x, own->x), x1 = mini(window.x + window.width, own->x + own->width);
  int y0 = maxi(window.y, own->y), y1 = mini(window.y + window.height, own->y + own->height);
  for (int y = y0; y < y1 && x0 < x1; y++)
    __builtin_memcpy(out + (y - window.y) * window.width + x0 - window.x,
                     mask->values + (y - own->y) * own->width + x0 - own->x,
                     (x1 - x0) * sizeof(float));
  return out;
}

/** What the refiner said of a square of the picture. */
typedef struct {
  float *logits; // taken over for the change
  const float *prior;
  int side;
  double x, y, span; // the square, in pixels of the picture
} Refined;

/**
 * Adds the change that the refiner made, bilinear, to the logits of a finer mask over `window`.
 * The probability of logit l + d is 1 / (1 + e^-d / odds): no logarithm for each pixel.
 */
static void add_change(const Refined *refined, Box window, float *values) {
  f4 least = exp4(splat(-MOST_LOGIT)), most = exp4(splat(MOST_LOGIT));
  int side = refined->side, width = window.width;
  double step = side / refined->span;
  Places across = places_of(width, (window.x + 0.5 - refined->x) * step - 0.5, step, side);
  Places down = places_of(window.height, (window.y + 0.5 - refined->y) * step - 0.5, step, side);
  float *line = floats(side), *change = floats(width), *result = floats(width);
  for (int row = 0; row < window.height; row++, values += width) {
    square_row(refined->logits, side, &across, width, down.cell[row], down.part[row], line, change);
    for (int i = 0; i < width; i += 4) {
      f4 before = clamp4(odds(load(values + i)), least, most);
      f4 after = divide(exp4(sub(splat(0), load(change + i))), before);
      store(result + i, divide(splat(1), add(splat(1), after)));
    }
    __builtin_memcpy(values, result, width * sizeof(float));
  }
}

/** The refined mask over the window of `refined`, whose values it makes; the square has one side. */
EXPORT("pasteRefined") void paste_refined(const Mask *mask, Mask *refined, float *logits,
                                          const float *prior, int side, double x, double y,
                                          double span, float dead_zone) {
  Refined said = {logits, prior, side, x, y, span};
  float *values = over_window(mask, refined->window);
  to_change(logits, prior, side * side, dead_zone);
  add_change(&said, refined->window, values);
  refined->values = values;
}
