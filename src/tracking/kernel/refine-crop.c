// Cuts the refiner's inputs out of a picture; see ../../refine-window.ts.
#include "mask.h"

/** Where lines of the crop read along one axis; the picture's border is repeated. */
typedef struct {
  int *first, *second, *nearest;
  float *weight;
} Samples;

static Samples samples_of(double origin, double span, int side, int length) {
  Samples samples = {allocate(side * sizeof(int)), allocate(side * sizeof(int)),
                     allocate(side * sizeof(int)), floats(side)};
  for (int i = 0; i < side; i++) {
    double at = origin + (i + 0.5) * span / side - 0.5;
    at = at < 0 ? 0 : at > length - 1 ? length - 1 : at;
    samples.first[i] = (int)at;
    samples.second[i] = mini((int)at + 1, length - 1);
    samples.nearest[i] = (int)(at + 0.5);
    samples.weight[i] = at - (int)at;
  }
  return samples;
}

/** Luma of one row of the crop. */
static void luma_row(const byte *above, const byte *below, float part, const Samples *columns,
                     int side, float *out) {
  for (int i = 0; i < side; i++) {
    int a = columns->first[i], b = columns->second[i];
    float upper = mixf(above[a], above[b], columns->weight[i]);
    float lower = mixf(below[a], below[b], columns->weight[i]);
    out[i] = mixf(upper, lower, part);
  }
}

/** One row of the crop as RGB, 0..255, a colour every `stride` floats. */
static void colour_row(const float *luma, const float *blue, const float *red, int side, float *out,
                       int stride) {
  f4 zero = splat(0), full = splat(255);
  for (int i = 0; i < side; i += 4) {
    // BT.601, limited range: what cameras send when they say nothing.
    f4 l = mul(splat(1.164f), sub(load(luma + i), splat(16)));
    f4 cb = load(blue + i), cr = load(red + i);
    f4 r = add(l, mul(splat(1.596f), cr));
    f4 g = sub(sub(l, mul(splat(0.392f), cb)), mul(splat(0.813f), cr));
    f4 b = add(l, mul(splat(2.017f), cb));
    store(out + i, clamp4(r, zero, full));
    store(out + stride + i, clamp4(g, zero, full));
    store(out + 2 * stride + i, clamp4(b, zero, full));
  }
}

/** Bilinear luma and nearest chroma of a yuv420p picture as float RGB planes, 0..255. */
EXPORT("cropPicture") void crop_picture(const byte *picture, int width, int height, double x, double y,
                                        double span, int side, float *out) {
  Samples columns = samples_of(x, span, side, width), rows = samples_of(y, span, side, height);
  const byte *blue = picture + width * height, *red = blue + (width / 2) * (height / 2);
  float *luma = floats(side), *u = floats(side), *v = floats(side);
  int stride = (side + 3) & ~3;
  float *colours = floats(3 * stride);
  for (int row = 0; row < side; row++) {
    luma_row(picture + rows.first[row] * width, picture + rows.second[row] * width, rows.weight[row],
             &columns, side, luma);
    int chroma = (rows.nearest[row] >> 1) * (width / 2);
    for (int i = 0; i < side; i++) {
      int at = chroma + (columns.nearest[i] >> 1);
      u[i] = blue[at] - 128;
      v[i] = red[at] - 128;
    }
    colour_row(luma, u, v, side, colours, stride);
    for (int plane = 0; plane < 3; plane++)
      __builtin_memcpy(out + (plane * side + row) * side, colours + plane * stride,
                       side * sizeof(float));
  }
}

/** Bilinear probabilities of a mask in a square of the picture; 0 outside the mask's window. */
EXPORT("cropMask") void crop_mask(const Mask *mask, double x, double y, double span, int side,
                                  float *out) {
  const Box *window = &mask->window;
  int stride;
  const float *source = padded(mask, &stride);
  double step = span / side;
  for (int row = 0; row < side; row++) {
    float v = clampf(y + (row + 0.5) * step - 0.5 - window->y, -1, window->height);
    int top = (int)__builtin_floorf(v);
    for (int i = 0; i < side; i++) {
      float u = clampf(x + (i + 0.5) * step - 0.5 - window->x, -1, window->width);
      int left = (int)__builtin_floorf(u);
      const float *at = source + top * stride + left;
      float upper = mixf(at[0], at[1], u - left);
      float lower = mixf(at[stride], at[stride + 1], u - left);
      out[row * side + i] = mixf(upper, lower, v - top);
    }
  }
}
