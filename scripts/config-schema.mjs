// Writes docs/config.schema.json, the schema of `--config` for editors, from the options of the built
// program; with --check it says whether that would change anything.
//
//   npm run build && node scripts/config-schema.mjs [--check]

import { readFileSync, writeFileSync } from 'node:fs';

// First: it must stand before anything loads the model runtime, as in the program itself.
await import('../dist/src/inference/engine/no-telemetry.js');
const { configJsonSchema } = await import('../dist/src/cli/config-file/config-schema.js');
const { loadCommands } = await import('../dist/src/cli/commands.js');

const file = new URL('../docs/config.schema.json', import.meta.url);
const schema = configJsonSchema(await loadCommands());
if (!process.argv.includes('--check')) writeFileSync(file, schema);
else if (readFileSync(file, 'utf8') !== schema) {
  console.error('docs/config.schema.json is not what the options say: npm run generate:config');
  process.exitCode = 1;
}
