import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Files that users had trouble with: not part of the repository, and not on every machine. */
const folder = fileURLToPath(new URL('../../shared/cases/', import.meta.url));

/** False where the files are missing; tests that need them are skipped, and say so. */
export const casesPresent = existsSync(folder);
if (!casesPresent) console.warn('SKIPPED: the files of shared/cases are not on this machine');

/** Path of one of them. */
export function caseFile(name: string): string {
  return folder + name;
}
