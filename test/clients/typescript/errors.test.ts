import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { CallFailed, PromptRejected } from '../../../clients/typescript/index.ts';

function serviceError(fields: Partial<ServiceError>): ServiceError {
  const error = new Error('7 DETAILS: said by grpc-js');
  return Object.assign(
    error,
    { code: status.INTERNAL, details: '', metadata: new Metadata() },
    fields,
  );
}

test('a failed call has the name of its status and the code of its trailer', () => {
  const metadata = new Metadata();
  metadata.set('maskstream-error-code', 'too-many-streams');
  const cause = serviceError({ code: status.RESOURCE_EXHAUSTED, details: 'one more', metadata });
  const error = new CallFailed(cause);
  expect(error).toMatchObject({
    name: 'CallFailed',
    status: 'RESOURCE_EXHAUSTED',
    code: 'too-many-streams',
    message: 'one more',
    summary: null,
    cause,
  });
});

test('a failure that never reached a server has a code of the client', () => {
  const error = new CallFailed(serviceError({ code: status.UNAVAILABLE }));
  expect(error).toMatchObject({ status: 'UNAVAILABLE', code: 'unreachable' });
  expect(error.message).toBe('7 DETAILS: said by grpc-js');
});

test.each([
  ['Last error: connect ECONNREFUSED. Resolution note: ', 'Last error: connect ECONNREFUSED'],
  ['Last error: none. Resolution note: no route', 'Last error: none. Resolution note: no route'],
])('what the library says is said without its empty note: %j', (details, message) => {
  expect(new CallFailed(serviceError({ details })).message).toBe(message);
});

test('neither a status of a later gRPC nor missing metadata hides the failure', () => {
  const error = serviceError({ code: 99 as status });
  delete (error as Partial<ServiceError>).metadata;
  expect(new CallFailed(error)).toMatchObject({ status: 'UNKNOWN', code: 'connection-lost' });
});

test('a refused prompt says which one it was and why', () => {
  const error = new PromptRejected(5, { code: 'invalid-prompt', message: 'box must overlap' });
  expect(error).toMatchObject({
    code: 'invalid-prompt',
    requestId: 5,
    message: 'box must overlap',
  });
});
