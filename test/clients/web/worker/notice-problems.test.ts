import { expect, test } from 'vitest';
import {
  NoticeProblems,
  type ProblemChange,
} from '../../../../clients/web/worker/notice-problems.ts';
import { NoticeKind } from '../../../../src/gen/maskstream/v1/video_response.ts';

test('lost inference servers are a problem until one is back', () => {
  const posted: ProblemChange[] = [];
  const problems = new NoticeProblems((change) => posted.push(change));
  const take = (kind: NoticeKind, message: string): void => problems.take({ kind, message });
  take(NoticeKind.NOTICE_KIND_INFERENCE_BACK, 'of an outage before');
  take(NoticeKind.NOTICE_KIND_OVERLOAD, 'shows in the figures');
  take(NoticeKind.NOTICE_KIND_INFERENCE_LOST, 'no server');
  take(NoticeKind.NOTICE_KIND_INFERENCE_BACK, 'a server');
  take(NoticeKind.NOTICE_KIND_WORKER_RESTARTED, 'a worker');
  expect(posted).toEqual([
    { kind: 'problem', message: 'no server' },
    { kind: 'solved', message: 'no server' },
    { kind: 'problem', message: 'a worker' },
  ]);
});
