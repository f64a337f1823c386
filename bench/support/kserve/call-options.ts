import type { KserveOptions } from '../../../src/inference/index.ts';

/** How servers on loopback are asked: plaintext, no token, more time than a busy machine takes. */
export const callOptions: Omit<KserveOptions, 'addresses' | 'models'> = {
  tls: null,
  token: null,
  deadlineMs: 20_000,
  waitMs: 20_000,
  maxCalls: 4,
  maxMessageBytes: 32 * 1024 * 1024,
  fallsBack: false,
};
