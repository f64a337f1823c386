"""The state machine of a video call that outlives its server. docs/resume.md has its rules.

It neither sends nor waits: each of its methods returns what is to be done, in order, so that the
blocking stream and that of asyncio drive the same one.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from math import inf
from typing import Literal

from ..v1 import video_request_pb2, video_response_pb2
from .continuous_count import ContinuousCount
from .effects import (
    Cancel,
    Deliver,
    Effect,
    Ended,
    HalfClose,
    Interrupted,
    Open,
    Pause,
    Request,
    Response,
    Rewind,
    Send,
)
from .end_rule import CallEnd, is_final
from .frame_alignment import FrameAlignment
from .kept_objects import KeptObjects
from .kept_prompts import KeptPrompts
from .kept_video import KeptVideo
from .options import Resumed, ResumeOptions
from .prompt_lane import PromptLane
from .resume_plan import ResumePlan, plan_continuation, plan_rewind
from .server_turns import ServerTurns


class ResumingCall:
    """To its owner one call like any other, with one count of frames and no frame twice."""

    def __init__(
        self,
        config: video_request_pb2.StreamConfig,
        *,
        servers: int,
        rewinds: bool = False,
        options: ResumeOptions | None = None,
        now: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """`rewinds`: nothing of the video is kept, its owner sends it again when told to.

        `options`: None makes it one call that ends with its first end. `now`: in seconds.
        """
        self._config = config
        self._servers = servers
        self._rewinds = rewinds
        self._resumes = options is not None
        # Every frame of a video that is sent again is worked on again: the answers are the same.
        every_frame = config.delivery == video_request_pb2.DELIVERY_EVERY_FRAME
        self._repeats = rewinds and every_frame
        bounds = options or ResumeOptions()
        self._turns = ServerTurns(servers, bounds, now=now, draw=draw)
        self._video = KeptVideo(config.container, bounds.max_kept_bytes)
        self._objects = KeptObjects(config, rewinds=rewinds)
        self._prompts = KeptPrompts(config.resume, keeps_all=self._repeats)
        self._count = ContinuousCount()
        self.state: Literal["streaming", "waiting", "over"] = "waiting"
        """`waiting`: between two calls."""
        self._alignment = FrameAlignment(0, is_exact=True, frame_rate=None, is_synthetic=False)
        self._info: video_response_pb2.StreamInfo | None = None
        self._video_ended = False
        self._ended = False
        self._told_answered = False
        # Bytes that were taken while there was no call.
        self._held_bytes = 0
        self._lane = self._new_lane()
        self._effects: list[Effect] = []

    @property
    def held_bytes(self) -> float:
        """Bytes that wait for a server: a sender that may wait is held back by them."""
        if self.state != "waiting":
            return 0
        # Whoever sends the video again waits for being told to; a live picture for nobody.
        if self._rewinds:
            return inf
        is_live = self._config.delivery == video_request_pb2.DELIVERY_LATEST
        return 0 if is_live else self._held_bytes

    def start(self) -> list[Effect]:
        """Opens the first call."""
        self._open(self._config)
        return self._done()

    def send(self, request: Request) -> list[Effect]:
        """The caller sends a chunk, an update or the end of the video."""
        is_open = self.state == "streaming"
        match request.WhichOneof("message"):
            case "chunk" if self.state != "over":
                self._send_chunk(request)
            case "prompt" if self.state != "over":
                self._prompts.add(request.prompt)
                if is_open:
                    self._lane.send(request.prompt)
            case "end_of_video":
                self._video_ended = True
                if is_open:
                    self._effects.append(Send(request))
            case _:  # the config was sent when the call was opened
                pass
        return self._done()

    def end(self) -> list[Effect]:
        """The caller sends no more; answers go on to their end."""
        self._ended = True
        if self.state == "streaming":
            self._effects.append(HalfClose())
        return self._done()

    def cancel(self) -> list[Effect]:
        """The caller drops the stream."""
        if self.state == "streaming":
            self._effects.append(Cancel())
        self.state = "over"
        return self._done()

    def receive(self, response: Response) -> list[Effect]:
        """The newest call answered."""
        if self.state == "streaming":
            self._receive(response)
        return self._done()

    def finish(self, end: CallEnd) -> list[Effect]:
        """The newest call ended."""
        if self.state == "streaming":
            self._finish(end)
        return self._done()

    def wake(self) -> list[Effect]:
        """The pause is over."""
        if self.state == "waiting":
            self._go_on_elsewhere()
        return self._done()

    def _done(self) -> list[Effect]:
        effects, self._effects = self._effects, []
        return effects

    @property
    def _newest(self) -> int:
        return -1 if self._objects.newest is None else self._objects.newest.frame_index

    def _send_chunk(self, request: Request) -> None:
        if self._resumes and not self._rewinds:
            self._video.add(request.chunk)
        if self.state == "streaming":
            self._effects.append(Send(request))
        else:
            self._held_bytes += len(request.chunk.data)

    def _open(self, config: video_request_pb2.StreamConfig) -> None:
        self.state = "streaming"
        self._held_bytes = 0
        self._lane = self._new_lane()
        self._effects.append(Open(self._turns.current))
        self._effects.append(Send(Request(config=config)))

    def _new_lane(self) -> PromptLane:
        def send(update: video_request_pb2.PromptUpdate) -> None:
            self._effects.append(Send(Request(prompt=update)))

        return PromptLane(self._alignment, send, self._hand_over)

    def _receive(self, response: Response) -> None:
        self._count.begun = True
        match response.WhichOneof("message"):
            case "info":
                self._info = response.info
                mapped = self._alignment.info(response.info, self._newest)
                self._effects.append(Deliver(Response(info=mapped)))
            case "ack":
                self._lane.acknowledged()
                self._hand_over(self._alignment.ack(response.ack))
            case "masks":
                self._take_masks(response)
            case "notice":
                self._take_notice(response.notice)
            case "summary":
                # Handed over when it is known that no other call follows.
                self._count.summary = response.summary
            case _:  # of a later version
                pass

    def _hand_over(self, ack: video_response_pb2.PromptAck) -> None:
        if self._prompts.acknowledge(ack, self._newest):
            self._effects.append(Deliver(Response(ack=ack)))

    def _take_masks(self, response: Response) -> None:
        came = response.masks
        if self._turns.is_resuming:
            self._align(came)
        masks = self._alignment.masks(came)
        is_new = masks.frame_index > self._newest
        if not is_new and masks.revision == 0:
            return
        if self._turns.is_resuming and is_new:
            masks = self._go_on(masks)
        self._objects.take(masks, self._video)
        self._prompts.seen(masks.frame_index, [item.object_id for item in masks.objects])
        if is_new:
            self._video.answered(masks)
            self._count.add(masks)
        self._effects.append(Deliver(response if masks is came else Response(masks=masks)))

    def _align(self, masks: video_response_pb2.FrameMasks) -> None:
        """The first answer of a call says where it stands, if nothing did before."""
        sent = None if self._alignment.is_exact else self._video.index_of(masks)
        if sent is not None:
            self._alignment.align(masks.frame_index, sent)
        elif self._alignment.offset is None:
            known = self._count.index_at(masks, self._objects.newest)
            if known is not None:
                self._alignment.align(masks.frame_index, known)
            else:
                self._alignment.guess(masks.frame_index, self._newest + 1)
        self._lane.aligned()

    def _go_on(self, masks: video_response_pb2.FrameMasks) -> video_response_pb2.FrameMasks:
        """The first new frame after an interruption, with all that is missing before it."""
        missing = masks.frame_index - self._newest - 1
        gap = max(0, missing - masks.frames_dropped_before) if self._alignment.is_known else None
        self._effects.append(Resumed(gap, self._turns.answered()))
        told = video_response_pb2.FrameMasks()
        told.CopyFrom(masks)
        told.frames_dropped_before = missing
        return told

    def _take_notice(self, notice: video_response_pb2.Notice) -> None:
        is_leaving = notice.kind == video_response_pb2.NOTICE_KIND_GOING_AWAY
        if is_leaving:
            self._objects.hand_over(notice)
        # One that goes away goes on for a while: with nobody else to ask, better than nothing.
        goes = self._resumes and is_leaving and self._servers > 1
        if goes and self._plan_next() is not None:
            self._effects.append(Cancel())
            self._interrupt(notice)
            return
        if notice.kind == video_response_pb2.NOTICE_KIND_VIDEO_ANSWERED:
            if self._told_answered:
                return
            self._told_answered = True
        self._effects.append(Deliver(Response(notice=notice)))

    def _finish(self, end: CallEnd) -> None:
        if self._goes_on_after(end):
            self._interrupt(end)
        else:
            self._over(end)

    def _goes_on_after(self, end: CallEnd) -> bool:
        if not self._resumes or is_final(end, is_resuming=self._turns.is_resuming):
            return False
        has_begun = self._count.begun
        if not self._turns.may_go_on(has_begun=has_begun):
            return False
        return not has_begun or self._plan_next() is not None

    def _over(self, end: CallEnd) -> None:
        self.state = "over"
        offset = self._alignment.offset or 0
        summary = self._count.total(offset, is_complete=self._repeats)
        if summary is not None:
            self._effects.append(Deliver(Response(summary=summary)))
        self._effects.append(Ended(end))

    def _interrupt(self, why: CallEnd | video_response_pb2.Notice) -> None:
        has_begun = self._count.begun
        if has_begun and not self._turns.is_resuming:
            self._effects.append(Interrupted(why))
        retry_after = why.retry_after if isinstance(why, CallEnd) else None
        pause = self._turns.next(has_begun=has_begun, retry_after=retry_after)
        self.state = "waiting"
        self._count.end_call()
        self._effects.append(Pause(pause))

    def _plan_next(self) -> ResumePlan | None:
        """What the next call begins with; None where the stream cannot go on."""
        if self._repeats:
            return ResumePlan(video_request_pb2.ResumeState(), [], 0)
        if self._rewinds:
            return plan_rewind(self._objects, self._prompts)
        return plan_continuation(self._video, self._objects, self._prompts)

    def _go_on_elsewhere(self) -> None:
        plan = self._plan_next()
        if plan is None:
            return
        self._alignment = FrameAlignment(
            plan.offset,
            is_exact=plan.is_exact,
            frame_rate=self._frame_rate,
            is_synthetic=bool(self._objects.newest and self._objects.newest.timestamp_synthetic),
        )
        config = self._config
        if self._newest >= 0 and not self._repeats:
            config = video_request_pb2.StreamConfig()
            config.CopyFrom(self._config)
            config.resume.CopyFrom(plan.state)
        self._open(config)
        repeats = self._repeats
        self._lane.repeat(self._prompts.all(self._newest) if repeats else self._prompts.waiting())
        if self._rewinds:
            self._video_ended = self._ended = False
            self._effects.append(Rewind())
            return
        self._effects += [Send(Request(chunk=chunk)) for chunk in plan.chunks]
        if self._video_ended:
            self._effects.append(Send(Request(end_of_video=video_request_pb2.EndOfVideo())))
        if self._ended:
            self._effects.append(HalfClose())

    @property
    def _frame_rate(self) -> float | None:
        if self._info is not None and self._info.HasField("frame_rate"):
            return self._info.frame_rate
        return self._config.frame_rate if self._config.HasField("frame_rate") else None
