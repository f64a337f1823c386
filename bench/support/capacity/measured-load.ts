import { z } from 'zod';

/** How so many live cameras on one server were answered; the output of `bench cameras --out`. */
export const measuredLoads = z.array(
  z.strictObject({
    cameras: z.number().int().positive(),
    /** Of all decoded frames, 0..1. */
    droppedShare: z.number(),
    p50Ms: z.number(),
    p95Ms: z.number(),
    keyframesPerAnswer: z.number(),
  }),
);

/** See {@link measuredLoads}. */
export type MeasuredLoad = z.infer<typeof measuredLoads>[number];
