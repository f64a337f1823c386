from maskstream.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Container(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTAINER_UNSPECIFIED: _ClassVar[Container]
    CONTAINER_H264_ANNEX_B: _ClassVar[Container]
    CONTAINER_HEVC_ANNEX_B: _ClassVar[Container]
    CONTAINER_MPEG_TS: _ClassVar[Container]
    CONTAINER_MP4: _ClassVar[Container]
    CONTAINER_MATROSKA: _ClassVar[Container]
    CONTAINER_WEBM: _ClassVar[Container]
    CONTAINER_IVF: _ClassVar[Container]
    CONTAINER_MJPEG: _ClassVar[Container]
    CONTAINER_AVI: _ClassVar[Container]
    CONTAINER_FLV: _ClassVar[Container]
    CONTAINER_MPEG_VIDEO: _ClassVar[Container]

class Delivery(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DELIVERY_UNSPECIFIED: _ClassVar[Delivery]
    DELIVERY_EVERY_FRAME: _ClassVar[Delivery]
    DELIVERY_LATEST: _ClassVar[Delivery]

class PromptAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROMPT_ACTION_UNSPECIFIED: _ClassVar[PromptAction]
    PROMPT_ACTION_ADD: _ClassVar[PromptAction]
    PROMPT_ACTION_REFINE: _ClassVar[PromptAction]
    PROMPT_ACTION_REPLACE: _ClassVar[PromptAction]
    PROMPT_ACTION_REMOVE: _ClassVar[PromptAction]
CONTAINER_UNSPECIFIED: Container
CONTAINER_H264_ANNEX_B: Container
CONTAINER_HEVC_ANNEX_B: Container
CONTAINER_MPEG_TS: Container
CONTAINER_MP4: Container
CONTAINER_MATROSKA: Container
CONTAINER_WEBM: Container
CONTAINER_IVF: Container
CONTAINER_MJPEG: Container
CONTAINER_AVI: Container
CONTAINER_FLV: Container
CONTAINER_MPEG_VIDEO: Container
DELIVERY_UNSPECIFIED: Delivery
DELIVERY_EVERY_FRAME: Delivery
DELIVERY_LATEST: Delivery
PROMPT_ACTION_UNSPECIFIED: PromptAction
PROMPT_ACTION_ADD: PromptAction
PROMPT_ACTION_REFINE: PromptAction
PROMPT_ACTION_REPLACE: PromptAction
PROMPT_ACTION_REMOVE: PromptAction

class SegmentVideoRequest(_message.Message):
    __slots__ = ("config", "chunk", "prompt", "end_of_video", "seen")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    END_OF_VIDEO_FIELD_NUMBER: _ClassVar[int]
    SEEN_FIELD_NUMBER: _ClassVar[int]
    config: StreamConfig
    chunk: VideoChunk
    prompt: PromptUpdate
    end_of_video: EndOfVideo
    seen: FramesSeen
    def __init__(self, config: _Optional[_Union[StreamConfig, _Mapping]] = ..., chunk: _Optional[_Union[VideoChunk, _Mapping]] = ..., prompt: _Optional[_Union[PromptUpdate, _Mapping]] = ..., end_of_video: _Optional[_Union[EndOfVideo, _Mapping]] = ..., seen: _Optional[_Union[FramesSeen, _Mapping]] = ...) -> None: ...

class StreamConfig(_message.Message):
    __slots__ = ("container", "model", "delivery", "mask_encoding", "mask_long_side", "overlap", "keyframes", "width", "height", "frame_rate", "resume", "min_mask_region_area", "max_unseen_frames")
    CONTAINER_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    MASK_ENCODING_FIELD_NUMBER: _ClassVar[int]
    MASK_LONG_SIDE_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_FIELD_NUMBER: _ClassVar[int]
    KEYFRAMES_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    FRAME_RATE_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    MIN_MASK_REGION_AREA_FIELD_NUMBER: _ClassVar[int]
    MAX_UNSEEN_FRAMES_FIELD_NUMBER: _ClassVar[int]
    container: Container
    model: str
    delivery: Delivery
    mask_encoding: _common_pb2.MaskEncoding
    mask_long_side: int
    overlap: _common_pb2.OverlapRule
    keyframes: KeyframeOptions
    width: int
    height: int
    frame_rate: float
    resume: ResumeState
    min_mask_region_area: int
    max_unseen_frames: int
    def __init__(self, container: _Optional[_Union[Container, str]] = ..., model: _Optional[str] = ..., delivery: _Optional[_Union[Delivery, str]] = ..., mask_encoding: _Optional[_Union[_common_pb2.MaskEncoding, str]] = ..., mask_long_side: _Optional[int] = ..., overlap: _Optional[_Union[_common_pb2.OverlapRule, str]] = ..., keyframes: _Optional[_Union[KeyframeOptions, _Mapping]] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., frame_rate: _Optional[float] = ..., resume: _Optional[_Union[ResumeState, _Mapping]] = ..., min_mask_region_area: _Optional[int] = ..., max_unseen_frames: _Optional[int] = ...) -> None: ...

class KeyframeOptions(_message.Message):
    __slots__ = ("fixed_interval", "adaptive")
    FIXED_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    ADAPTIVE_FIELD_NUMBER: _ClassVar[int]
    fixed_interval: int
    adaptive: AdaptiveKeyframes
    def __init__(self, fixed_interval: _Optional[int] = ..., adaptive: _Optional[_Union[AdaptiveKeyframes, _Mapping]] = ...) -> None: ...

class AdaptiveKeyframes(_message.Message):
    __slots__ = ("min_interval", "max_interval", "min_confidence")
    MIN_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    MAX_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    MIN_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    min_interval: int
    max_interval: int
    min_confidence: float
    def __init__(self, min_interval: _Optional[int] = ..., max_interval: _Optional[int] = ..., min_confidence: _Optional[float] = ...) -> None: ...

class ResumeState(_message.Message):
    __slots__ = ("objects", "removed_object_ids", "frame_index", "timestamp_us", "searches")
    OBJECTS_FIELD_NUMBER: _ClassVar[int]
    REMOVED_OBJECT_IDS_FIELD_NUMBER: _ClassVar[int]
    FRAME_INDEX_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_US_FIELD_NUMBER: _ClassVar[int]
    SEARCHES_FIELD_NUMBER: _ClassVar[int]
    objects: _containers.RepeatedCompositeFieldContainer[ResumeObject]
    removed_object_ids: _containers.RepeatedScalarFieldContainer[int]
    frame_index: int
    timestamp_us: int
    searches: _containers.RepeatedCompositeFieldContainer[ResumeSearch]
    def __init__(self, objects: _Optional[_Iterable[_Union[ResumeObject, _Mapping]]] = ..., removed_object_ids: _Optional[_Iterable[int]] = ..., frame_index: _Optional[int] = ..., timestamp_us: _Optional[int] = ..., searches: _Optional[_Iterable[_Union[ResumeSearch, _Mapping]]] = ...) -> None: ...

class ResumeSearch(_message.Message):
    __slots__ = ("text", "label", "taken")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    TAKEN_FIELD_NUMBER: _ClassVar[int]
    text: TextPrompt
    label: str
    taken: int
    def __init__(self, text: _Optional[_Union[TextPrompt, _Mapping]] = ..., label: _Optional[str] = ..., taken: _Optional[int] = ...) -> None: ...

class ResumeObject(_message.Message):
    __slots__ = ("object_id", "label", "mask", "state", "reference")
    OBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    MASK_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    object_id: int
    label: str
    mask: _common_pb2.Mask
    state: _common_pb2.ObjectState
    reference: ResumeReference
    def __init__(self, object_id: _Optional[int] = ..., label: _Optional[str] = ..., mask: _Optional[_Union[_common_pb2.Mask, _Mapping]] = ..., state: _Optional[_Union[_common_pb2.ObjectState, str]] = ..., reference: _Optional[_Union[ResumeReference, _Mapping]] = ...) -> None: ...

class ResumeReference(_message.Message):
    __slots__ = ("frame_index", "mask")
    FRAME_INDEX_FIELD_NUMBER: _ClassVar[int]
    MASK_FIELD_NUMBER: _ClassVar[int]
    frame_index: int
    mask: _common_pb2.Mask
    def __init__(self, frame_index: _Optional[int] = ..., mask: _Optional[_Union[_common_pb2.Mask, _Mapping]] = ...) -> None: ...

class VideoChunk(_message.Message):
    __slots__ = ("data", "random_access", "capture_timestamp_us", "ends_access_unit")
    DATA_FIELD_NUMBER: _ClassVar[int]
    RANDOM_ACCESS_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_TIMESTAMP_US_FIELD_NUMBER: _ClassVar[int]
    ENDS_ACCESS_UNIT_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    random_access: bool
    capture_timestamp_us: int
    ends_access_unit: bool
    def __init__(self, data: _Optional[bytes] = ..., random_access: bool = ..., capture_timestamp_us: _Optional[int] = ..., ends_access_unit: bool = ...) -> None: ...

class PromptUpdate(_message.Message):
    __slots__ = ("request_id", "object_id", "action", "frame_index", "timestamp_us", "points", "box", "mask", "text", "label")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    FRAME_INDEX_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_US_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    BOX_FIELD_NUMBER: _ClassVar[int]
    MASK_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    request_id: int
    object_id: int
    action: PromptAction
    frame_index: int
    timestamp_us: int
    points: _containers.RepeatedCompositeFieldContainer[_common_pb2.LabeledPoint]
    box: _common_pb2.Box
    mask: _common_pb2.Mask
    text: TextPrompt
    label: str
    def __init__(self, request_id: _Optional[int] = ..., object_id: _Optional[int] = ..., action: _Optional[_Union[PromptAction, str]] = ..., frame_index: _Optional[int] = ..., timestamp_us: _Optional[int] = ..., points: _Optional[_Iterable[_Union[_common_pb2.LabeledPoint, _Mapping]]] = ..., box: _Optional[_Union[_common_pb2.Box, _Mapping]] = ..., mask: _Optional[_Union[_common_pb2.Mask, _Mapping]] = ..., text: _Optional[_Union[TextPrompt, _Mapping]] = ..., label: _Optional[str] = ...) -> None: ...

class TextPrompt(_message.Message):
    __slots__ = ("phrase", "first_object_id", "max_objects", "min_score", "this_frame_only")
    PHRASE_FIELD_NUMBER: _ClassVar[int]
    FIRST_OBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    MAX_OBJECTS_FIELD_NUMBER: _ClassVar[int]
    MIN_SCORE_FIELD_NUMBER: _ClassVar[int]
    THIS_FRAME_ONLY_FIELD_NUMBER: _ClassVar[int]
    phrase: str
    first_object_id: int
    max_objects: int
    min_score: float
    this_frame_only: bool
    def __init__(self, phrase: _Optional[str] = ..., first_object_id: _Optional[int] = ..., max_objects: _Optional[int] = ..., min_score: _Optional[float] = ..., this_frame_only: bool = ...) -> None: ...

class FramesSeen(_message.Message):
    __slots__ = ("frame_index",)
    FRAME_INDEX_FIELD_NUMBER: _ClassVar[int]
    frame_index: int
    def __init__(self, frame_index: _Optional[int] = ...) -> None: ...

class EndOfVideo(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
