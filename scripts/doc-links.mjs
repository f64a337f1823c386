// Checks what the documents point to: that every relative link leads to a file, every #anchor to a
// heading, and every path that a guide names in `code` to a file or folder, every `file:function` to
// one that has that name. Logs keep the paths of their time.
//
//   node scripts/doc-links.mjs [ROOT]

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folders that hold no documents of ours. */
const foreign = new Set(['node_modules', 'dist', 'coverage', '.git', '.venv']);

/** Documents that say how things were on a day. */
const isLog = (name) =>
  /(^|\/)(CHANGELOG|RUNS)\.md$|^docs\/(decisions|benchmarks)\.md$|^docs\/experiments\//.test(name);

/** Fewest links of the whole project: a check that reads nothing passes everything. */
const fewestLinks = 20;

const link = /\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g;
const attribute = /\b(?:href|src)="([^"]+)"/g;
const definition = /^\[[^\]]+\]:\s*(\S+)/gm;
const namedPath =
  /`((?:src|test|bench|scripts|tools|docs|proto|examples|clients|training)\/[\w./-]+\.\w+)(?::([\w.]+))?`/g;

/**
 * Reads all Markdown files below the root and returns what leads nowhere.
 *
 * @param {string} root folder of the repository
 * @param {{ fewest?: number }} [options]
 */
export function checkDocLinks(root, options = {}) {
  const problems = [];
  let links = 0;
  const documents = documentsBelow(root);
  for (const name of documents) {
    const text = readFileSync(join(root, name), 'utf8');
    for (const target of targetsOf(text)) {
      links++;
      const problem = problemOf(root, name, target);
      if (problem !== null) problems.push(`${name}: ${target}: ${problem}`);
    }
    if (isLog(name)) continue;
    for (const [, path, member] of text.matchAll(namedPath)) {
      // Capitals stand for any name: `src/A/B.ts`.
      const isPattern = path.split('/').some((part) => /^[A-Z]+(\.|$)/.test(part));
      if (isPattern) continue;
      const file = [join(root, path), join(root, dirname(name), path)].find((at) => existsSync(at));
      if (file === undefined) problems.push(`${name}: \`${path}\`: no such file`);
      else if (member !== undefined && !hasMember(file, member)) {
        problems.push(`${name}: \`${path}:${member}\`: no such name in the file`);
      }
    }
  }
  const fewest = options.fewest ?? fewestLinks;
  if (links < fewest) problems.push(`expected at least ${fewest} relative links, read ${links}`);
  return { documents: documents.length, links, problems };
}

/** Whether a file has a function, or a class and its method: `Class.method`. */
function hasMember(file, member) {
  const text = readFileSync(file, 'utf8');
  return member.split('.').every((part) => new RegExp(`\\b${part}\\b`).test(text));
}

/** Relative targets of a document, without those in its code. */
function targetsOf(text) {
  const prose = text.replace(/^(```|~~~)[\s\S]*?^\1/gm, '').replace(/`[^`\n]*`/g, '');
  return [link, attribute, definition]
    .flatMap((pattern) => [...prose.matchAll(pattern)].map((match) => match[1]))
    .filter((target) => !/^[a-z][a-z0-9+.-]*:|^\/\//i.test(target));
}

function problemOf(root, name, target) {
  const [path, anchor] = target.split('#');
  if (path.startsWith('/')) return 'expected a relative link';
  const file = path === '' ? join(root, name) : resolve(root, dirname(name), decodeURI(path));
  if (relative(root, file).startsWith('..')) return 'leads out of the repository';
  if (!existsSync(file)) return 'no such file';
  if (anchor === undefined || !file.endsWith('.md')) return null;
  return anchorsOf(readFileSync(file, 'utf8')).has(anchor) ? null : 'no such heading';
}

/** Anchors of the headings, as GitHub makes them: repeated ones get a number. */
function anchorsOf(text) {
  const seen = new Map();
  const anchors = new Set();
  const prose = text.replace(/^(```|~~~)[\s\S]*?^\1/gm, '');
  for (const [, heading] of prose.matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = plain.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-');
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    anchors.add(times === 0 ? slug : `${slug}-${times}`);
  }
  return anchors;
}

function documentsBelow(root, folder = root) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return foreign.has(basename(path)) ? [] : documentsBelow(root, path);
      return entry.name.endsWith('.md') ? [relative(root, path).split(sep).join('/')] : [];
    })
    .toSorted((a, b) => a.localeCompare(b));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = resolve(process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '..'));
  const { documents, links, problems } = checkDocLinks(root);
  for (const problem of problems) console.error(problem);
  console.log(`${documents} documents, ${links} relative links, ${problems.length} problems`);
  if (problems.length > 0) process.exitCode = 1;
}
