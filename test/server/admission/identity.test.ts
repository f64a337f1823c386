import { expect, test } from 'vitest';
import {
  identifyByAny,
  identifyByTokens,
  namedToken,
  usualAllowance,
} from '../../../src/server/admission/identity.ts';

test('a token is whose it is, with what it may take; another one is nobody’s', () => {
  const identify = identifyByTokens([
    namedToken('gate-3', 'token of gate three', { maxStreams: 2, maxLoad: 0.5 }),
    namedToken('lab', 'token of the lab'),
  ]);
  expect(identify({ token: 'token of gate three' })).toEqual({
    ...usualAllowance,
    name: 'gate-3',
    maxStreams: 2,
    maxLoad: 0.5,
  });
  expect(identify({ token: 'token of the lab' })).toEqual({ name: 'lab', ...usualAllowance });
  expect(identify({ token: 'token of the Lab' })).toBeNull();
  expect(identify({ token: '' })).toBeNull();
  expect(identify({ token: null })).toBeNull();
});

const one = (name: string) => identifyByTokens([namedToken(name, `token of ${name}`)]);

test('ways to know a caller are asked in turn', async () => {
  const identify = identifyByAny([one('a'), one('b')]);
  expect(await identify({ token: 'token of b' })).toMatchObject({ name: 'b' });
  expect(await identify({ token: 'token of c' })).toBeNull();
});
