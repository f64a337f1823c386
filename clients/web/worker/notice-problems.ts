import { type Notice, NoticeKind } from '../../../src/gen/maskstream/v1/video_response.ts';

/** Overload shows in the figures; where a server goes away, the page goes on by itself and says so. */
const unseenNotices: ReadonlySet<NoticeKind> = new Set([
  NoticeKind.NOTICE_KIND_OVERLOAD,
  NoticeKind.NOTICE_KIND_GOING_AWAY,
]);

/** What becomes of a problem that a notice tells of. */
export type ProblemChange = { readonly kind: 'problem' | 'solved'; readonly message: string };

/** Turns one stream's notices into problems for whoever watches, some of which end again. */
export class NoticeProblems {
  readonly #post: (change: ProblemChange) => void;
  /** What was said of inference servers that are lost. */
  #lost: string | null = null;

  constructor(post: (change: ProblemChange) => void) {
    this.#post = post;
  }

  /** Takes a notice. */
  take({ kind, message }: Notice): void {
    if (kind === NoticeKind.NOTICE_KIND_INFERENCE_BACK) {
      if (this.#lost !== null) this.#post({ kind: 'solved', message: this.#lost });
      this.#lost = null;
    } else if (!unseenNotices.has(kind)) {
      this.#post({ kind: 'problem', message });
      if (kind === NoticeKind.NOTICE_KIND_INFERENCE_LOST) this.#lost = message;
    }
  }
}
