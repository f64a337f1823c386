import type { Option } from '../command.ts';

/** For commands whose options may stand in a file. */
export const configOption = {
  config: {
    kind: 'text',
    placeholder: 'FILE',
    help: 'YAML or JSON with options by their names; those given here and the environment win. docs/cli.md has its schema.',
  },
} as const satisfies Record<string, Option>;
