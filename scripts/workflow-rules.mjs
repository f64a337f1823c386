// What a workflow of continuous integration must keep to, so that neither an action that somebody
// else has changed nor a stranger's pull request can do anything to the repository.

const pinned = /uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/;
const right = /^\s*[\w-]+: (read|write|none)\b/;
const neverSaid = /pull_request_target|write-all|read-all|secrets\./;

/**
 * What breaks the rules in a workflow, one line each: actions are named by commit, with their
 * release in a comment; the token reads the contents and nothing else.
 *
 * @param {string} text of a file in .github/workflows
 * @returns {string[]}
 */
export function workflowProblems(text) {
  const lines = text.split('\n').filter((line) => !/^\s*#/.test(line));
  const loose = lines.filter((line) => /\buses:/.test(line) && !pinned.test(line));
  const rights = lines.filter((line) => right.test(line) && line !== '  contents: read');
  const problems = [
    ...loose.map((line) => `expected an action by its commit and release, got ${line.trim()}`),
    ...rights.map((line) => `expected a token that reads contents only, got ${line.trim()}`),
    ...lines.filter((line) => neverSaid.test(line)).map((line) => `never say ${line.trim()}`),
  ];
  if (!text.includes('\npermissions:\n  contents: read\n')) {
    problems.push('expected "permissions: contents: read" for the whole workflow');
  }
  return problems;
}
