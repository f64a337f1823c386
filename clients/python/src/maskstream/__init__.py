"""The client of maskstream: encoded video and prompts in, one mask per object and frame out.

import maskstream

with maskstream.connect("127.0.0.1:50051") as client:
    stream = client.segment("video.mp4", [maskstream.box(1, x=100, y=80, width=200, height=150)])
    for frame in stream:
        for obj in frame.objects:
            print(frame.index, obj.id, obj.confidence, obj.mask)
"""

from . import aio
from .channel import Tls
from .client import Client, connect
from .config import MaskOptions, VideoOptions
from .containers import Container
from .errors import CallFailed, MaskstreamError, PromptRejected
from .opening import open
from .prompts import Prompt, box, mask, point, points, remove, text
from .results import (
    Ack,
    Box,
    Frame,
    ImageResult,
    Model,
    Notice,
    Object,
    Objects,
    StreamInfo,
    Summary,
)
from .resume.options import Resumed, ResumeOptions
from .source import Chunk, Source
from .stream import PromptFuture, VideoStream

__all__ = [
    "Ack",
    "Box",
    "CallFailed",
    "Chunk",
    "Client",
    "Container",
    "Frame",
    "ImageResult",
    "MaskOptions",
    "MaskstreamError",
    "Model",
    "Notice",
    "Object",
    "Objects",
    "Prompt",
    "PromptFuture",
    "PromptRejected",
    "ResumeOptions",
    "Resumed",
    "Source",
    "StreamInfo",
    "Summary",
    "Tls",
    "VideoOptions",
    "VideoStream",
    "aio",
    "box",
    "connect",
    "mask",
    "open",
    "point",
    "points",
    "remove",
    "text",
]
