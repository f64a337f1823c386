"""What the next call begins with."""

from __future__ import annotations

from dataclasses import dataclass

from ..v1 import video_request_pb2 as wire
from ..v1.video_response_pb2 import FrameMasks
from .kept_objects import KeptObjects
from .kept_prompts import KeptPrompts
from .kept_video import KeptVideo, VideoAgain


@dataclass(frozen=True)
class ResumePlan:
    """The state to tell, the chunks to send, and where the call stands in the caller's count."""

    state: wire.ResumeState
    chunks: list[wire.VideoChunk]
    offset: int | None
    """What is added to the call's frame indices; None: known with its first answer only."""
    is_exact: bool = True
    """The offset is what answers said: the call's first answer cannot tell it better."""


def plan_rewind(objects: KeptObjects, prompts: KeptPrompts) -> ResumePlan | None:
    """A video that is sent again from its start: only the frames that were answered are known."""
    again = objects.again()
    if again is None:
        return None
    at = None if objects.newest is None else objects.newest.frame_index
    state = wire.ResumeState(
        objects=again.objects,
        removed_object_ids=prompts.removed_object_ids,
        searches=prompts.searches,
        frame_index=at,
    )
    return ResumePlan(state, [], 0)


def plan_continuation(
    video: KeptVideo, objects: KeptObjects, prompts: KeptPrompts
) -> ResumePlan | None:
    """A live video goes on from the random-access point that is kept; None where nothing can.

    Frames that were answered are named to the server, by their index where access units are
    marked, else by their time. Where neither tells them, what was sent already is not sent again,
    so that no frame comes twice.
    """
    again, kept = objects.again(), video.again()
    if again is None or kept is None:
        return None
    newest = objects.newest
    first_frame = _first_frame_of(kept, newest)
    # Each picture is to be one frame of the call.
    pictures = again.pictures if first_frame is not None and kept.are_units_frames else []
    if not pictures:
        for item in again.objects:
            item.ClearField("reference")
    offset = None if first_frame is None else first_frame - len(pictures)
    state = wire.ResumeState(
        objects=again.objects,
        removed_object_ids=prompts.removed_object_ids,
        searches=prompts.searches,
    )
    if newest is not None:
        if offset is not None:
            if newest.frame_index - offset >= len(pictures):
                state.frame_index = newest.frame_index - offset
        elif not newest.timestamp_synthetic:
            state.timestamp_us = newest.timestamp_us
    is_told = newest is None or offset is not None or state.WhichOneof("at") is not None
    shown = [chunk for picture in pictures for chunk in picture]
    rest = kept.chunks if is_told else []
    return ResumePlan(state, [*kept.header, *shown, *rest], offset, kept.is_exact)


def _first_frame_of(kept: VideoAgain, newest: FrameMasks | None) -> int | None:
    """Where units give several frames each, time tells better how many were lost, if there is."""
    has_times = newest is not None and not newest.timestamp_synthetic
    return kept.first_frame if kept.is_exact or kept.are_units_frames or not has_times else None
