import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Path of a program in the folders of `searchPath` (as PATH is written); null where none has it. */
export async function findOnPath(program: string, searchPath: string): Promise<string | null> {
  for (const folder of searchPath.split(delimiter)) {
    if (folder === '') continue;
    const candidate = join(folder, program);
    try {
      await access(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not here: the next folder may have it.
    }
  }
  return null;
}
