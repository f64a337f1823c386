// Leaves out of generated messages the methods that nobody calls. ts-proto writes one object a message
// with a method for each thing that can be done with it, and a bundler keeps or drops an object as a
// whole: a page that only reads answers would carry what writes them.

/** A method of a message, by how ts-proto formats it: two spaces in. */
const methodStart = /^ {2}(encode|decode|create|fromPartial)[(<]/;
const methodEnd = '  },';
const messageStart = /^export const (\w+): MessageFns</;
const messageEnd = '};';
const methodUse = /\b([A-Z]\w*)\.(encode|decode|create|fromPartial)\b/g;

/**
 * The methods that these sources call, and those that the generated files call for them in turn, as
 * `Message.method`.
 *
 * @param {readonly string[]} sources texts of files that are not generated
 * @param {readonly string[]} generated texts of generated files
 */
export function calledMethods(sources, generated) {
  const bodies = new Map(generated.flatMap((text) => methodsOf(text)));
  const called = new Set();
  const visit = (text) => {
    for (const [name] of text.matchAll(methodUse)) {
      if (called.has(name) || !bodies.has(name)) continue;
      called.add(name);
      visit(bodies.get(name));
    }
  };
  sources.forEach(visit);
  return called;
}

/** A generated file without the methods of its messages that are not among `called`. */
export function withoutUncalled(text, called) {
  return parts(text)
    .filter(({ name }) => name === null || called.has(name))
    .map(({ lines }) => lines.join('\n'))
    .join('\n');
}

function methodsOf(text) {
  return parts(text).flatMap(({ name, lines }) =>
    name === null ? [] : [[name, lines.join('\n')]],
  );
}

/** The file in pieces: each method of a message with its name, and what lies between. */
function parts(text) {
  const found = [{ name: null, lines: [] }];
  let message = null;
  for (const line of text.split('\n')) {
    message = line === messageEnd ? null : (messageStart.exec(line)?.[1] ?? message);
    const method = message === null ? undefined : methodStart.exec(line)?.[1];
    if (method !== undefined) found.push({ name: `${message}.${method}`, lines: [] });
    const part = found.at(-1);
    part.lines.push(line);
    if (part.name !== null && line === methodEnd) found.push({ name: null, lines: [] });
  }
  return found.filter(({ lines }) => lines.length > 0);
}
