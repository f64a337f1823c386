"""The asyncio client against the real server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import maskstream
from conftest import FRAMES, Clip, iou
from maskstream import CallFailed, MaskstreamError, PromptRejected, aio


def test_a_file_gives_its_frames(address: str, clip: Clip) -> None:
    async def run() -> None:
        async with aio.connect(address) as client:
            await client.ready(timeout=30)
            stream = client.segment(aio.open(clip.path), prompts=[aio.box(1, **clip.box)])
            frames = [frame async for frame in stream]
            assert [frame.index for frame in frames] == list(range(FRAMES))
            for frame, truth in zip(frames, clip.masks, strict=True):
                mask = frame.objects[0].mask
                assert mask is not None and iou(mask, truth) > 0.9
            assert stream.summary is not None and stream.summary.frames_out == FRAMES
            assert (await client.list_models())[0].name == "maskstream-tiny"
            image = await client.segment_image(clip.pictures[0], [aio.box(1, **clip.box)])
            assert image.objects[0].area > 0

    asyncio.run(run())


def test_prompts_are_awaited_inside_the_loop(address: str, clip: Clip) -> None:
    async def run() -> list[maskstream.Ack]:
        acks = []
        async with aio.connect(address) as client:
            pictures = aio.open(clip.pictures * 5, images=False)
            async with await client.segment(pictures, mask_encoding="none") as stream:
                late = stream.prompt(aio.point(3, 20, 20, frame_index=140))
                async for frame in stream:
                    if frame.index == 3:
                        acks.append(await stream.prompt(aio.point(2, 300, 20)))
                        acks.append(await late)
                        with pytest.raises(PromptRejected) as refused:
                            await stream.prompt(aio.remove(9))
                        assert refused.value.code == "unknown-object"
        return acks

    acks = asyncio.run(run())
    assert [ack.object_ids for ack in acks] == [[2], [3]]
    assert acks[1].frame_index == 140


def test_errors_have_codes(address: str, clip: Clip, tmp_path: Path) -> None:
    async def run() -> None:
        text = tmp_path / "text.mp4"
        text.write_text("no video at all")
        async with aio.connect(address) as client:
            with pytest.raises(PromptRejected) as refused:
                [frame async for frame in client.segment(clip.path, [aio.point(1, -5, 0)])]
            assert refused.value.code == "invalid-prompt"
            with pytest.raises(MaskstreamError) as wrong:
                [frame async for frame in client.segment(text)]
            assert wrong.value.code == "undecodable-video"
            with pytest.raises(CallFailed) as failed:
                [frame async for frame in client.segment(aio.open(text, container="mp4"))]
            assert failed.value.code == "undecodable-video"
            with pytest.raises(CallFailed) as failed:
                await client.segment_image(clip.pictures[0], [])
            assert failed.value.code == "invalid-prompt"
        async with aio.connect("127.0.0.1:1") as client:
            with pytest.raises(CallFailed) as failed:
                await client.list_models()
            assert failed.value.code == "unreachable"
            with pytest.raises(MaskstreamError) as late:
                await client.ready(timeout=0.1)
            assert late.value.code == "deadline-exceeded"

    asyncio.run(run())


def test_closing_a_stream_ends_its_loop_and_leaving_it_leaves_no_task(
    address: str, clip: Clip
) -> None:
    async def run() -> None:
        async with aio.connect(address) as client:
            stream = client.segment(aio.open(clip.pictures * 20))
            await anext(stream)
            await stream.close()
            await stream.close()
            with pytest.raises(CallFailed) as cancelled:
                [frame async for frame in stream]
            assert cancelled.value.code == "cancelled"
            async with client.segment(clip.path, keep_open=True) as held:
                await anext(held)
        # gRPC's own tasks of a call that was dropped end a little later, on a busy machine.
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        left = (await asyncio.wait(others, timeout=10))[1] if others else set()
        assert left == set()

    asyncio.run(run())


def test_held_frames_are_corrected_after_the_video_has_ended(address: str, clip: Clip) -> None:
    async def run() -> None:
        answered = asyncio.Event()

        def hear(notice: maskstream.Notice) -> None:
            if notice.kind == "video-answered":
                answered.set()

        async with aio.connect(address) as client:
            stream = client.segment(
                clip.path, [aio.point(1, 90, 120)], keep_open=True, on_notice=hear
            )
            frames = [await anext(stream) for _ in range(FRAMES)]
            await asyncio.wait_for(answered.wait(), 30)
            ack = stream.prompt(aio.mask(1, clip.masks[-1], action="replace", frame_index=29))
            assert (await ack).frame_index == 29
            await stream.end()
            again = [frame async for frame in stream]
        assert len(frames) == FRAMES
        assert [(frame.index, frame.revision) for frame in again] == [(29, 1)]

    asyncio.run(run())
