"""Single calls that are asked again: a real gRPC server answers with the status that is wanted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

import maskstream
from conftest import Clip, Server
from maskstream import CallFailed, aio
from maskstream.resume.end_rule import CallEnd
from maskstream.unary import Attempts
from maskstream.v1 import model_pb2
from maskstream.v1.segmentation_service_pb2_grpc import (
    SegmentationServiceServicer,
    add_SegmentationServiceServicer_to_server,
)

Answer = tuple[grpc.StatusCode, str | None]
BUSY: Answer = (grpc.StatusCode.RESOURCE_EXHAUSTED, "server-exhausted")
LEAVING: Answer = (grpc.StatusCode.UNAVAILABLE, "shutting-down")
FAULT: Answer = (grpc.StatusCode.INTERNAL, "internal")
CUT_OFF: Answer = (grpc.StatusCode.INTERNAL, None)
REFUSED: Answer = (grpc.StatusCode.INVALID_ARGUMENT, "invalid-config")


CASES = json.loads(
    (Path(__file__).parents[3] / "test/fixtures/unary-attempts.json").read_text("utf-8")
)


class Moody(SegmentationServiceServicer):
    """Fails as told, then answers."""

    def __init__(self, answers: list[Answer]) -> None:
        self.answers = answers
        self.asked = 0

    def ListModels(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.asked += 1
        if not self.answers:
            return model_pb2.ListModelsResponse(models=[model_pb2.Model(name="one")])
        status, code = self.answers.pop(0)
        if code is not None:
            context.set_trailing_metadata((("maskstream-error-code", code),))
        context.abort(status, "as told")


@contextmanager
def serving(answers: list[Answer]) -> Iterator[tuple[str, Moody]]:
    with ThreadPoolExecutor(2) as threads:
        server = grpc.server(threads)
        moody = Moody(list(answers))
        add_SegmentationServiceServicer_to_server(moody, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield f"127.0.0.1:{port}", moody
        server.stop(None).wait()


def blocking(addresses: list[str]) -> list[maskstream.Model]:
    with maskstream.connect(addresses) as client:
        return client.list_models(timeout=30)


def with_asyncio(addresses: list[str]) -> list[maskstream.Model]:
    async def run() -> list[maskstream.Model]:
        async with aio.connect(addresses) as client:
            return await client.list_models(timeout=30)

    return asyncio.run(run())


@pytest.mark.parametrize("ask", [blocking, with_asyncio])
@pytest.mark.parametrize(
    "answers", [[BUSY, LEAVING], [FAULT], [CUT_OFF, CUT_OFF]], ids=["busy", "fault", "cut off"]
)
def test_what_may_pass_is_asked_again(ask: Any, answers: list[Answer]) -> None:
    with serving(answers) as (address, moody):
        assert [model.name for model in ask([address])] == ["one"]
        assert moody.asked == len(answers) + 1


@pytest.mark.parametrize("ask", [blocking, with_asyncio])
@pytest.mark.parametrize(
    ("answers", "code", "asked"),
    [
        ([REFUSED], "invalid-config", 1),
        ([FAULT, FAULT], "internal", 2),
        ([LEAVING, LEAVING, LEAVING], "shutting-down", 3),
    ],
    ids=["refused", "fault", "leaving"],
)
def test_what_does_not_pass_is_raised(
    ask: Any, answers: list[Answer], code: str, asked: int
) -> None:
    with serving(answers) as (address, moody):
        with pytest.raises(CallFailed) as failed:
            ask([address])
        assert failed.value.code == code
        assert moody.asked == asked


@pytest.mark.parametrize("ask", [blocking, with_asyncio])
def test_another_server_is_asked_at_once(ask: Any) -> None:
    with serving([BUSY]) as (first, busy), serving([]) as (second, idle):
        assert [model.name for model in ask(["127.0.0.1:1", first, second])] == ["one"]
        assert (busy.asked, idle.asked) == (1, 1)


def test_pauses_begin_when_each_server_was_asked() -> None:
    unavailable = CallEnd(14, "", None)
    attempts = Attempts(2, draw=lambda: 1.0)
    assert attempts.server == 0
    assert attempts.pause_after(unavailable) == 0.0
    assert attempts.server == 1
    assert attempts.pause_after(unavailable) == pytest.approx(0.1)
    assert attempts.server == 0
    assert attempts.pause_after(unavailable) is None


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_rules_are_those_of_the_typescript_client(case: dict[str, Any]) -> None:
    attempts = Attempts(case["servers"], draw=lambda: 1.0)
    for end, asked, pause_ms in zip(case["ends"], case["asked"], case["pauses_ms"], strict=True):
        assert attempts.server == asked
        hint = end["retry_after_ms"]
        retry_after = None if hint is None else hint / 1000
        pause = attempts.pause_after(
            CallEnd(end["code"], "", end["error_code"], retry_after=retry_after)
        )
        assert pause == (None if pause_ms is None else pytest.approx(pause_ms / 1000))


def test_a_refusal_of_the_server_says_when_to_come_again(clip: Clip) -> None:
    server = Server(MASKSTREAM_MAX_LOAD="0.01")
    try:
        with maskstream.connect(server.address) as client, pytest.raises(CallFailed) as failed:
            list(client.segment(clip.path))
    finally:
        server.stop()
    assert failed.value.code == "no-capacity"
    assert failed.value.retry_after == 5.0


def test_no_address_is_an_error() -> None:
    with pytest.raises(maskstream.MaskstreamError) as wrong:
        maskstream.connect([])
    assert wrong.value.code == "invalid-config"
