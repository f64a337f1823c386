import { expect, test } from 'vitest';
import { ReplayablePipe } from '../../../../clients/publisher/local/pipe.ts';
import { deferred } from '../../../../clients/typescript/deferred.ts';

const never = new AbortController().signal;
const part = (text: string) => Buffer.from(text);

async function textOf(chunks: AsyncIterable<Uint8Array>, most = Infinity): Promise<string> {
  let text = '';
  for await (const chunk of chunks) {
    text += Buffer.from(chunk).toString();
    if (text.length >= most) break;
  }
  return text;
}

test('a pipe is read again from its start until it is forgotten', async () => {
  const pipe = new ReplayablePipe(
    (async function* () {
      yield part('a');
      yield part('b');
      yield part('c');
    })(),
  );
  expect(await textOf(pipe.chunks(never), 2)).toBe('ab');
  expect(await textOf(pipe.chunks(never), 1)).toBe('a');
  const reading = pipe.chunks(never);
  await reading.next();
  expect(pipe.isWhole).toBe(true);
  pipe.forget();
  expect(pipe.isWhole).toBe(false);
  expect(await textOf(reading)).toBe('c');
});

test('a reader that gives up a silent pipe leaves its bytes to the next one', async () => {
  const later = deferred<void>();
  const pipe = new ReplayablePipe(
    (async function* () {
      yield part('a');
      await later.promise;
      yield part('b');
    })(),
  );
  const stopping = new AbortController();
  const first = textOf(pipe.chunks(stopping.signal));
  stopping.abort();
  await first;
  const second = textOf(pipe.chunks(never));
  later.resolve();
  expect(await second).toBe('ab');
});
