import type { Config } from '../config.ts';
import { parsePlacement, type Placement, type Precision } from '../inference/index.ts';

/** Where a config wants its model, and in which arithmetic. Throws `usage` where the placement cannot be read. */
export function placedAs({
  provider,
  placement,
  precision,
}: Pick<Config, 'provider' | 'placement' | 'precision'>): {
  readonly provider: string;
  readonly placement?: Placement;
  readonly precision?: Precision;
} {
  return {
    provider,
    ...(placement === null ? {} : { placement: parsePlacement(placement) }),
    ...(precision === null ? {} : { precision }),
  };
}
