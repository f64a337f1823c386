import type { Config } from '../config.ts';
import { parsePlacement, type Placement } from '../inference/index.ts';

/** Where a config wants its model. Throws `usage` where the placement cannot be read. */
export function placedAs({ provider, placement }: Pick<Config, 'provider' | 'placement'>): {
  readonly provider: string;
  readonly placement?: Placement;
} {
  return { provider, ...(placement === null ? {} : { placement: parsePlacement(placement) }) };
}
