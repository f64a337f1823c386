"""The blocking client against the real server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import maskstream
from conftest import FRAMES, HEIGHT, ROOT, WIDTH, Clip, Server, iou
from maskstream import CallFailed, MaskstreamError, PromptRejected

TLS = ROOT / "test/fixtures/tls"


@pytest.fixture
def client(address: str) -> Iterator[maskstream.Client]:
    with maskstream.connect(address) as connected:
        yield connected


def test_a_file_gives_one_frame_with_a_numpy_mask_for_each_picture(
    client: maskstream.Client, clip: Clip
) -> None:
    source = maskstream.open(clip.path)
    stream = client.segment(source, prompts=[maskstream.box(1, **clip.box, label="disc")])
    frames = list(stream)
    assert [frame.index for frame in frames] == list(range(FRAMES))
    assert frames[0].source == "keyframe" and frames[0].reason == "prompt"
    assert {frame.source for frame in frames} == {"keyframe", "propagated"}
    assert frames[1].timestamp_us == 66667 and not frames[1].timestamp_synthetic
    for frame, truth in zip(frames, clip.masks, strict=True):
        (found,) = frame.objects
        assert (found.id, found.state, found.label) == (1, "visible", "disc")
        assert found.mask is not None and found.mask.dtype == bool
        assert found.mask.shape == (HEIGHT, WIDTH)
        assert iou(found.mask, truth) > 0.9
        assert found.area == found.mask.sum()
        assert found.box is not None
        left, top, right, bottom = found.box.xyxy
        assert found.mask[top:bottom, left:right].sum() == found.area
        assert 0.5 < found.confidence <= 1
    assert stream.info is not None and (stream.info.width, stream.info.height) == (WIDTH, HEIGHT)
    assert stream.summary is not None and stream.summary.frames_out == FRAMES


def test_a_prompt_inside_the_loop_is_acknowledged_there(
    client: maskstream.Client, clip: Clip
) -> None:
    with client.segment(
        paced(clip), [maskstream.box(1, **clip.box)], mask_encoding="none"
    ) as stream:
        acks = []
        seen: set[str | None] = set()
        for frame in stream:
            if frame.index == 3:
                click = maskstream.point(2, 300, 20, label="ground")
                acks.append(stream.prompt(click).result(timeout=30))
            seen.update(found.label for found in frame.objects)
    assert [ack.object_ids for ack in acks] == [[2]]
    assert seen == {None, "ground"}


def test_waiting_for_a_prompt_of_a_late_frame_does_not_stop_the_stream(
    client: maskstream.Client, clip: Clip
) -> None:
    # More frames than may wait for their reader lie before the one that the prompt names.
    pictures = (clip.pictures[0] for _ in range(150))
    stream = client.segment(maskstream.open(pictures, images=False), mask_encoding="none")
    ack = stream.prompt(maskstream.box(1, **clip.box, frame_index=140)).result(timeout=120)
    assert ack.frame_index == 140
    assert [len(frame.objects) for frame in stream] == [0] * 140 + [1] * 10


def test_a_short_file_takes_prompts_as_long_as_its_loop_runs(
    client: maskstream.Client, clip: Clip
) -> None:
    stream = client.segment(clip.path, [maskstream.box(1, **clip.box)])
    answers: list[object] = []
    for frame in stream:
        if frame.index == FRAMES - 1 and frame.revision == 0:
            box = maskstream.box(2, **clip.box, frame_index=FRAMES - 3)
            answers.append(stream.prompt(box).result(timeout=30).frame_index)
            with pytest.raises(PromptRejected) as never:
                stream.prompt(maskstream.box(3, **clip.box, frame_index=900)).result(timeout=30)
            assert never.value.code == "frame-never-came"
        answers.append((frame.index, frame.revision))
    again = [(index, 1) for index in range(FRAMES - 3, FRAMES)]
    assert answers[FRAMES - 1 :] == [FRAMES - 3, (FRAMES - 1, 0), *again]


def test_refused_prompts_have_codes_and_end_nothing(client: maskstream.Client, clip: Clip) -> None:
    stream = client.segment(clip.path, [maskstream.point(1, -5, 0)])
    unknown = stream.prompt(maskstream.point(7, 5, 5, action="refine"))
    misspelt = stream.prompt(maskstream.point(1, 5, 5, action="grow"))
    with pytest.raises(PromptRejected) as refused:
        next(stream)
    assert refused.value.code == "invalid-prompt"
    with pytest.raises(PromptRejected) as refused:
        unknown.result(timeout=30)
    assert refused.value.code == "unknown-object"
    with pytest.raises(MaskstreamError) as wrong:
        misspelt.result(timeout=30)
    assert wrong.value.code == "invalid-prompt"
    assert len(list(stream)) == FRAMES
    with pytest.raises(MaskstreamError) as late:
        stream.prompt(maskstream.point(1, 5, 5)).result(timeout=30)
    assert late.value.code == "stream-over"


def test_held_frames_are_corrected_after_the_video_has_ended(
    client: maskstream.Client, clip: Clip
) -> None:
    answered = threading.Event()

    def hear(notice: maskstream.Notice) -> None:
        if notice.kind == "video-answered":
            answered.set()

    first = [maskstream.point(1, 90, 120)]
    with client.segment(clip.path, first, keep_open=True, on_notice=hear) as stream:
        frames = [next(stream) for _ in range(FRAMES)]
        assert answered.wait(30)
        correction = maskstream.mask(1, clip.masks[-2], action="replace", frame_index=FRAMES - 2)
        ack = stream.prompt(correction)
        stream.end()
        again = list(stream)
        assert ack.result(timeout=30).frame_index == FRAMES - 2
    assert [frame.revision for frame in frames] == [0] * FRAMES
    assert [(frame.index, frame.revision) for frame in again] == [(FRAMES - 2, 1), (FRAMES - 1, 1)]
    mask = again[0].objects[0].mask
    assert mask is not None and np.array_equal(mask, clip.masks[-2])
    assert again[0].objects[0].predicted_iou is None
    assert stream.revision == 1


@pytest.mark.parametrize("encoding", ["coco-rle", "png", "bitmap", "polygons"])
def test_every_encoding_gives_the_same_masks(
    client: maskstream.Client, clip: Clip, encoding: str
) -> None:
    prompts = [maskstream.mask(1, clip.masks[0]), maskstream.point(2, 300, 20)]
    stream = client.segment(clip.path, prompts, mask_encoding=encoding, overlap="independent")
    frame = next(stream)
    stream.close()
    given, ground = frame.objects
    assert given.mask is not None and np.array_equal(given.mask, clip.masks[0])
    assert ground.mask is not None and ground.mask.sum() == ground.area
    assert ground.rle is not None and ground.rle["size"] == [HEIGHT, WIDTH]


def test_a_picture_is_segmented_from_a_file_its_bytes_or_an_array(
    client: maskstream.Client, clip: Clip, tmp_path: Path
) -> None:
    prompts = [maskstream.box(1, **clip.box)]
    by_array = client.segment_image(clip.pictures[0], prompts)
    mask = by_array.objects[0].mask
    assert (by_array.width, by_array.height) == (WIDTH, HEIGHT)
    assert mask is not None and iou(mask, clip.masks[0]) > 0.9
    path = ROOT / "docs/demo.jpg"
    click = [maskstream.points(3, [(50, 50), (5, 5, 0)])]
    by_path = client.segment_image(path, click)
    by_bytes = client.segment_image(path.read_bytes(), click)
    assert by_path.objects[0].id == 3
    assert np.array_equal(by_path.objects[0].mask, by_bytes.objects[0].mask)  # type: ignore[arg-type]
    with pytest.raises(CallFailed) as failed:
        client.segment_image(path, [maskstream.text("zebra crossing guard")])
    assert (failed.value.code, failed.value.status) == ("unknown-word", "INVALID_ARGUMENT")
    with pytest.raises(MaskstreamError) as missing:
        client.segment_image(tmp_path / "none.jpg", click)
    assert missing.value.code == "unreadable-file"


def test_what_is_no_video_is_refused_with_a_code(
    client: maskstream.Client, clip: Clip, tmp_path: Path
) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video at all")
    with pytest.raises(MaskstreamError) as refused:
        client.segment(text)
    assert refused.value.code == "undecodable-video"
    with pytest.raises(MaskstreamError) as missing:
        client.segment(tmp_path / "none.mp4")
    assert missing.value.code == "unreadable-file"
    with pytest.raises(MaskstreamError) as misspelt:
        client.segment(clip.path, delivery="newest")
    assert misspelt.value.code == "invalid-config"
    with pytest.raises(CallFailed) as failed:
        list(client.segment(maskstream.open(text, container="mp4")))
    assert failed.value.code == "undecodable-video"
    assert failed.value.summary is not None and failed.value.summary.frames_out == 0


def test_a_source_that_fails_ends_the_loop_with_its_error(
    client: maskstream.Client, clip: Clip
) -> None:
    def pictures() -> Iterator[NDArray[np.uint8]]:
        yield clip.pictures[0]
        raise RuntimeError("the camera was unplugged")

    with pytest.raises(MaskstreamError, match="the camera was unplugged"):
        list(client.segment(maskstream.open(pictures())))


def test_closing_a_stream_ends_its_loop_and_its_prompts(
    client: maskstream.Client, clip: Clip
) -> None:
    stream = client.segment(clip.path)
    never = stream.prompt(maskstream.box(1, **clip.box, frame_index=5000))
    next(stream)
    stream.close()
    stream.close()
    with pytest.raises(CallFailed) as cancelled:
        list(stream)
    assert cancelled.value.code == "cancelled"
    with pytest.raises(MaskstreamError):
        never.result(timeout=30)


def test_models_say_what_they_take(client: maskstream.Client) -> None:
    client.ready(timeout=30)
    model = client.list_models()[0]
    assert model.name == "maskstream-tiny" and model.self_test_passed
    assert model.prompt_kinds == ["points", "box", "mask", "text"]
    assert "car" in model.vocabulary


def test_nobody_at_the_address_is_said_at_once_or_waited_for(clip: Clip) -> None:
    with maskstream.connect("127.0.0.1:1") as client:
        with pytest.raises(CallFailed) as failed:
            client.list_models()
        assert (failed.value.code, failed.value.status) == ("unreachable", "UNAVAILABLE")
        with pytest.raises(MaskstreamError) as late:
            client.ready(timeout=0.1)
        assert late.value.code == "deadline-exceeded"
    with maskstream.connect("127.0.0.1:1", wait_for_ready=True) as client:
        with pytest.raises(CallFailed) as failed:
            client.list_models(timeout=0.2)
        assert failed.value.code == "deadline-exceeded"


def test_token_and_tls_reach_a_server_that_asks_for_them() -> None:
    server = Server(
        MASKSTREAM_TOKEN="secret",
        MASKSTREAM_TLS_CERT=str(TLS / "certificate.pem"),
        MASKSTREAM_TLS_KEY=str(TLS / "key.pem"),
    )
    try:
        tls = maskstream.Tls(authorities=TLS / "certificate.pem")
        with maskstream.connect(server.address, tls=tls, token="secret") as client:
            assert client.list_models()[0].self_test_passed
        with maskstream.connect(server.address, tls=tls) as client:
            with pytest.raises(CallFailed) as failed:
                client.list_models()
            assert failed.value.code == "unauthenticated"
    finally:
        server.stop()


def paced(clip: Clip) -> Any:
    """The clip's pictures, with so few on their way that a prompt finds frames to come."""
    return maskstream.open(clip.pictures * 3, images=True)
