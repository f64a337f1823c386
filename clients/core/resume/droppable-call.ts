import type { OpenVideoCall, VideoCall, VideoCallEvents } from '../video-call.ts';

/** A call that can be left for another one. */
export type DroppableCall = {
  readonly call: VideoCall;
  /** Cancels the call; what still comes of it is nobody's. */
  readonly drop: () => void;
};

/** Opens a call that tells its events until it ends or is dropped. */
export function openDroppable(open: OpenVideoCall, events: VideoCallEvents): DroppableCall {
  let isOver = false;
  const call = open({
    onResponse: (response) => {
      if (!isOver) events.onResponse(response);
    },
    onEnd: (end) => {
      if (isOver) return;
      isOver = true;
      events.onEnd(end);
    },
    onSent: () => {
      if (!isOver) events.onSent?.();
    },
  });
  const drop = (): void => {
    isOver = true;
    call.cancel();
  };
  return { call, drop };
}
