"""What is said of objects: clicks, a box, a mask or a phrase."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .errors import MaskstreamError
from .masks import encode_mask
from .v1 import common_pb2, image_pb2, video_request_pb2

Action = Literal["add", "refine", "replace", "remove"]

_ACTIONS = {
    "add": video_request_pb2.PROMPT_ACTION_ADD,
    "refine": video_request_pb2.PROMPT_ACTION_REFINE,
    "replace": video_request_pb2.PROMPT_ACTION_REPLACE,
    "remove": video_request_pb2.PROMPT_ACTION_REMOVE,
}


@dataclass(frozen=True)
class Prompt:
    """One update of one object, or a phrase that finds several. Coordinates are display pixels."""

    object_id: int
    """1..65535, the caller's choice, never reused within a stream. With text: the first id."""
    points: Sequence[tuple[float, float, bool]] = ()
    """Clicks: x, y, and whether the pixel belongs to the object."""
    box: tuple[float, float, float, float] | None = None
    """x, y, width, height."""
    mask: NDArray[np.bool_] | None = None
    """[height, width] of the display size."""
    text: str | None = None
    """A phrase; it stands alone."""
    max_objects: int = 1
    """Most objects that the phrase finds."""
    min_score: float | None = None
    """Least certainty of what the phrase finds, 0..1. Default: the model's for the noun."""
    this_frame_only: bool = False
    """Look for the phrase on the prompt's frame alone, not until all its ids are taken."""
    action: Action = "add"
    """`add` a new object; `refine` or `replace` what was said of a known one; `remove` it."""
    frame_index: int | None = None
    """The frame that it belongs to. Default: the next one that is processed."""
    timestamp_us: int | None = None
    """Instead of `frame_index`: the frame with the largest timestamp not after this one."""
    label: str | None = None
    """A name that comes back with the object."""

    def on(self, frame_index: int) -> Prompt:
        """The same prompt on another frame."""
        return replace(self, frame_index=frame_index, timestamp_us=None)


def box(object_id: int, *, x: float, y: float, width: float, height: float, **rest: Any) -> Prompt:
    """A box around an object; `rest` are fields of `Prompt`."""
    return Prompt(object_id, box=(x, y, width, height), **rest)


def point(object_id: int, x: float, y: float, *, positive: bool = True, **rest: Any) -> Prompt:
    """One click, on the object or (`positive=False`) off it; `rest` are fields of `Prompt`."""
    return Prompt(object_id, points=[(x, y, positive)], **rest)


def points(object_id: int, clicks: Iterable[Sequence[float]], **rest: Any) -> Prompt:
    """Several clicks as (x, y) or (x, y, 1 or 0); `rest` are fields of `Prompt`.

    Raises MaskstreamError `invalid-prompt` for another form.
    """
    return Prompt(object_id, points=[_read_click(click) for click in clicks], **rest)


def _read_click(click: Sequence[float]) -> tuple[float, float, bool]:
    if len(click) not in (2, 3) or (len(click) == 3 and click[2] not in (0, 1)):
        raise invalid(f"a click must be (x, y), (x, y, 1) or (x, y, 0), got {tuple(click)}")
    return click[0], click[1], len(click) == 2 or bool(click[2])


def mask(object_id: int, pixels: NDArray[Any], **rest: Any) -> Prompt:
    """The object's mask on that frame, [height, width]; `rest` are fields of `Prompt`."""
    return Prompt(object_id, mask=np.asarray(pixels) != 0, **rest)


def text(phrase: str, *, first_id: int = 1, max_objects: int = 1, **rest: Any) -> Prompt:
    """A phrase; what it finds takes ids from `first_id` on. `rest` are fields of `Prompt`."""
    return Prompt(first_id, text=phrase, max_objects=max_objects, **rest)


def remove(object_id: int, **rest: Any) -> Prompt:
    """Ends an object; its id is never used again. `rest` are fields of `Prompt`."""
    return Prompt(object_id, action="remove", **rest)


def video_prompt(request_id: int, prompt: Prompt) -> video_request_pb2.PromptUpdate:
    """The wire's form, numbered. Raises MaskstreamError `invalid-prompt`."""
    if prompt.action not in _ACTIONS:
        names = ", ".join(_ACTIONS)
        raise invalid(f"action must be one of {names}, got {prompt.action!r}")
    if prompt.frame_index is not None and prompt.timestamp_us is not None:
        raise invalid("a prompt names its frame by frame_index or timestamp_us, got both")
    try:
        update = video_request_pb2.PromptUpdate(
            request_id=request_id, action=_ACTIONS[prompt.action], **_shared(prompt)
        )
        if prompt.frame_index is not None:
            update.frame_index = prompt.frame_index
        if prompt.timestamp_us is not None:
            update.timestamp_us = prompt.timestamp_us
        if prompt.text is not None:
            update.text.phrase = prompt.text
            update.text.first_object_id = prompt.object_id
            update.text.max_objects = prompt.max_objects
            update.text.this_frame_only = prompt.this_frame_only
            if prompt.min_score is not None:
                update.text.min_score = prompt.min_score
    except (TypeError, ValueError) as error:
        raise invalid(str(error)) from error
    return update


def image_prompt(prompt: Prompt) -> image_pb2.ImagePrompt:
    """The wire's form for a picture. Raises MaskstreamError `invalid-prompt`."""
    if prompt.action != "add" or prompt.frame_index or prompt.timestamp_us is not None:
        raise invalid("a picture's prompts only add, and name no frame")
    try:
        message = image_pb2.ImagePrompt(**_shared(prompt))
        if prompt.text is not None:
            message.text = prompt.text
            message.max_objects = prompt.max_objects
            if prompt.min_score is not None:
                message.min_score = prompt.min_score
    except (TypeError, ValueError) as error:
        raise invalid(str(error)) from error
    return message


def invalid(message: str) -> MaskstreamError:
    """The error of a prompt that cannot be sent."""
    return MaskstreamError("invalid-prompt", message)


def _shared(prompt: Prompt) -> dict[str, Any]:
    """The fields that both kinds of request have."""
    fields: dict[str, Any] = {
        "object_id": prompt.object_id,
        "points": [_click(x, y, inside) for x, y, inside in prompt.points],
        "label": prompt.label,
    }
    if prompt.box is not None:
        x, y, width, height = prompt.box
        fields["box"] = common_pb2.Box(x=x, y=y, width=width, height=height)
    if prompt.mask is not None:
        fields["mask"] = encode_mask(prompt.mask)
    return fields


def _click(x: float, y: float, inside: bool) -> common_pb2.LabeledPoint:
    label = common_pb2.POINT_LABEL_POSITIVE if inside else common_pb2.POINT_LABEL_NEGATIVE
    return common_pb2.LabeledPoint(point=common_pb2.Point(x=x, y=y), label=label)
