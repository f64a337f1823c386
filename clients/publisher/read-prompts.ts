import type { PlannedPrompt } from '../../src/calls/planned-prompt.ts';
import { planPrompts } from '../../src/cli/prompts-file.ts';
import { readJson } from '../../src/cli/read-json.ts';

/**
 * Reads a prompts file (docs/cli.md). Throws `unreadable-file` for a missing one and `usage` for other
 * content, naming the place.
 */
export async function readPromptsFile(file: string): Promise<PlannedPrompt[]> {
  return await planPrompts(await readJson(file, 'prompts'), file);
}
