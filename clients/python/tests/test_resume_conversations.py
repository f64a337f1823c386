"""The recorded conversations that every client of maskstream replays (docs/resume.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from conftest import ROOT
from maskstream.resume import effects as machine
from maskstream.resume.effects import Request, Response
from maskstream.resume.end_rule import CallEnd
from maskstream.resume.options import Resumed, ResumeOptions
from maskstream.resume.resuming_call import ResumingCall
from maskstream.v1 import video_request_pb2

FILES = sorted((ROOT / "test/fixtures/conversations").glob("*.json"))


class Player:
    """Does what a step says to a call, with a clock that stands between steps."""

    def __init__(self, conversation: dict[str, Any]) -> None:
        self._now_s = 0.0
        self._wakes_at: float | None = None
        options = conversation["options"]
        bounds: dict[str, Any] = {}
        if "maxKeptBytes" in options:
            bounds["max_kept_bytes"] = options["maxKeptBytes"]
        if "giveUpAfterMs" in options:
            bounds["give_up_after"] = options["giveUpAfterMs"] / 1000
        self._call = ResumingCall(
            ParseDict(conversation["config"], video_request_pb2.StreamConfig()),
            servers=conversation["servers"],
            rewinds=conversation["rewinds"],
            options=ResumeOptions(**bounds),
            now=lambda: self._now_s,
            draw=lambda: 1.0,
        )

    def act(self, name: str, value: Any) -> list[machine.Effect]:
        """What the call does about it, pauses aside: the steps say when they are over."""
        effects = self._act(name, value)
        for effect in effects:
            if isinstance(effect, machine.Pause):
                self._wakes_at = self._now_s + effect.seconds
        return [effect for effect in effects if not isinstance(effect, machine.Pause)]

    def _act(self, name: str, value: Any) -> list[machine.Effect]:
        call = self._call
        match name:
            case "start":
                return call.start()
            case "send":
                return call.send(ParseDict(value, Request()))
            case "end":
                return call.end()
            case "cancel":
                return call.cancel()
            case "receive":
                return call.receive(ParseDict(value, Response()))
            case "break":
                return call.finish(end_of(value))
            case "wait":
                self._now_s += value / 1000
                if self._wakes_at is None or self._now_s < self._wakes_at - 1e-9:
                    return []
                self._wakes_at = None
                return call.wake()
        raise AssertionError(f"expected an action, got {name}")


def end_of(value: dict[str, Any]) -> CallEnd:
    hint_ms = value.get("retryAfterMs")
    retry_after = None if hint_ms is None else hint_ms / 1000
    return CallEnd(value["code"], value["message"], value["errorCode"], retry_after=retry_after)


def expected(step: dict[str, Any]) -> Any:
    """An expectation as this client says it."""
    ((name, value),) = step.items()
    match name:
        case "opened":
            return machine.Open(value)
        case "sent":
            return machine.Send(ParseDict(value, Request()))
        case "halfClosed":
            return machine.HalfClose()
        case "cancelled":
            return machine.Cancel()
        case "delivered":
            return machine.Deliver(ParseDict(value, Response()))
        case "resumed":
            away: Any = pytest.approx(value["awayMs"] / 1000)
            return Resumed(value["gapFrames"], away)
        case "rewound":
            return machine.Rewind()
        case "ended":
            return machine.Ended(end_of(value))
        case "interrupted":
            return name
    raise AssertionError(f"expected an effect, got {name}")


def told(effect: machine.Effect) -> Any:
    """Why a call was interrupted is in no conversation."""
    return "interrupted" if isinstance(effect, machine.Interrupted) else effect


def test_there_are_conversations() -> None:
    assert len(FILES) > 8


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_conversation_is_had_as_recorded(path: Path) -> None:
    conversation = json.loads(path.read_text())
    player = Player(conversation)
    for number, step in enumerate(conversation["steps"]):
        ((name, value),) = step["do"].items()
        did = [told(effect) for effect in player.act(name, value)]
        assert did == [expected(one) for one in step["expect"]], f"step {number}: {name}"
