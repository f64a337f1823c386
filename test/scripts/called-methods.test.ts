import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const { href } = new URL('../../scripts/called-methods.mjs', import.meta.url);
const { calledMethods, withoutUncalled } = (await import(href)) as {
  calledMethods: (sources: readonly string[], generated: readonly string[]) => Set<string>;
  withoutUncalled: (text: string, called: Pick<Set<string>, 'has'>) => string;
};

/** As ts-proto writes it: a message that holds another one. */
const generated = `export const Outer: MessageFns<Outer> = {
  encode(message: Outer): BinaryWriter {
    Inner.encode(message.inner);
  },

  decode(input: BinaryReader): Outer {
    return { inner: Inner.decode(input) };
  },

  create<I extends Exact<I>>(base?: I): Outer {
    return Outer.fromPartial(base ?? ({} as any));
  },
  fromPartial<I extends Exact<I>>(object: I): Outer {
    return { inner: Inner.fromPartial(object.inner) };
  },
};

export const Inner: MessageFns<Inner> = {
  encode(message: Inner): BinaryWriter {
    return message;
  },

  decode(input: BinaryReader): Inner {
    return input;
  },

  create<I extends Exact<I>>(base?: I): Inner {
    return Inner.fromPartial(base ?? ({} as any));
  },
  fromPartial<I extends Exact<I>>(object: I): Inner {
    return object;
  },
};

export interface MessageFns<T> {
  encode(message: T): BinaryWriter;
}
`;

test('a method is kept with those that it calls, and nothing else of their messages', () => {
  const called = calledMethods(['const outer = Outer.decode(bytes);'], [generated]);
  expect([...called]).toEqual(['Outer.decode', 'Inner.decode']);
  const left = withoutUncalled(generated, called);
  expect(left.match(/^ {2}(encode|decode|create|fromPartial)/gm)).toEqual([
    '  decode',
    '  decode',
    '  encode',
  ]);
  expect(left).toContain(
    'export interface MessageFns<T> {\n  encode(message: T): BinaryWriter;\n}',
  );
});

test('what creates a message needs what creates it from parts', () => {
  expect([...calledMethods(['Inner.create()'], [generated])]).toEqual([
    'Inner.create',
    'Inner.fromPartial',
  ]);
});

test('with everything called the files of the messages are as they were', () => {
  const folder = fileURLToPath(new URL('../../src/gen/maskstream/v1/', import.meta.url));
  for (const name of ['common', 'video_request', 'video_response', 'image', 'model']) {
    const text = readFileSync(`${folder}${name}.ts`, 'utf8');
    expect(withoutUncalled(text, { has: () => true })).toBe(text);
    // Each message has its four methods, by the names that are looked for.
    const messages = text.match(/^export const \w+: MessageFns</gm)!.length;
    const found = calledMethods([namesIn(text)], [text]);
    expect(found.size).toBe(4 * messages);
  }
});

/** Calls of every method of every message in a file. */
function namesIn(text: string): string {
  return [...text.matchAll(/^export const (\w+): MessageFns</gm)]
    .flatMap(([, name]) =>
      ['encode', 'decode', 'create', 'fromPartial'].map((method) => `${name}.${method}()`),
    )
    .join('\n');
}
