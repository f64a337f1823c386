from maskstream.v1 import common_pb2 as _common_pb2
from maskstream.v1 import video_request_pb2 as _video_request_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MaskSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MASK_SOURCE_UNSPECIFIED: _ClassVar[MaskSource]
    MASK_SOURCE_KEYFRAME: _ClassVar[MaskSource]
    MASK_SOURCE_PROPAGATED: _ClassVar[MaskSource]

class KeyframeReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KEYFRAME_REASON_UNSPECIFIED: _ClassVar[KeyframeReason]
    KEYFRAME_REASON_PROMPT: _ClassVar[KeyframeReason]
    KEYFRAME_REASON_INTERVAL: _ClassVar[KeyframeReason]
    KEYFRAME_REASON_LOW_CONFIDENCE: _ClassVar[KeyframeReason]
    KEYFRAME_REASON_SCENE_CUT: _ClassVar[KeyframeReason]
    KEYFRAME_REASON_SIZE_CHANGE: _ClassVar[KeyframeReason]
    KEYFRAME_REASON_RESUME: _ClassVar[KeyframeReason]

class NoticeKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NOTICE_KIND_UNSPECIFIED: _ClassVar[NoticeKind]
    NOTICE_KIND_OVERLOAD: _ClassVar[NoticeKind]
    NOTICE_KIND_DECODE_WARNING: _ClassVar[NoticeKind]
    NOTICE_KIND_TRUNCATED_INPUT: _ClassVar[NoticeKind]
    NOTICE_KIND_GOING_AWAY: _ClassVar[NoticeKind]
    NOTICE_KIND_WORKER_RESTARTED: _ClassVar[NoticeKind]
    NOTICE_KIND_VIDEO_ANSWERED: _ClassVar[NoticeKind]
    NOTICE_KIND_INFERENCE_LOST: _ClassVar[NoticeKind]
    NOTICE_KIND_INFERENCE_BACK: _ClassVar[NoticeKind]
MASK_SOURCE_UNSPECIFIED: MaskSource
MASK_SOURCE_KEYFRAME: MaskSource
MASK_SOURCE_PROPAGATED: MaskSource
KEYFRAME_REASON_UNSPECIFIED: KeyframeReason
KEYFRAME_REASON_PROMPT: KeyframeReason
KEYFRAME_REASON_INTERVAL: KeyframeReason
KEYFRAME_REASON_LOW_CONFIDENCE: KeyframeReason
KEYFRAME_REASON_SCENE_CUT: KeyframeReason
KEYFRAME_REASON_SIZE_CHANGE: KeyframeReason
KEYFRAME_REASON_RESUME: KeyframeReason
NOTICE_KIND_UNSPECIFIED: NoticeKind
NOTICE_KIND_OVERLOAD: NoticeKind
NOTICE_KIND_DECODE_WARNING: NoticeKind
NOTICE_KIND_TRUNCATED_INPUT: NoticeKind
NOTICE_KIND_GOING_AWAY: NoticeKind
NOTICE_KIND_WORKER_RESTARTED: NoticeKind
NOTICE_KIND_VIDEO_ANSWERED: NoticeKind
NOTICE_KIND_INFERENCE_LOST: NoticeKind
NOTICE_KIND_INFERENCE_BACK: NoticeKind

class SegmentVideoResponse(_message.Message):
    __slots__ = ("info", "ack", "masks", "notice", "summary", "taken")
    INFO_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    MASKS_FIELD_NUMBER: _ClassVar[int]
    NOTICE_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    TAKEN_FIELD_NUMBER: _ClassVar[int]
    info: StreamInfo
    ack: PromptAck
    masks: FrameMasks
    notice: Notice
    summary: StreamSummary
    taken: VideoTaken
    def __init__(self, info: _Optional[_Union[StreamInfo, _Mapping]] = ..., ack: _Optional[_Union[PromptAck, _Mapping]] = ..., masks: _Optional[_Union[FrameMasks, _Mapping]] = ..., notice: _Optional[_Union[Notice, _Mapping]] = ..., summary: _Optional[_Union[StreamSummary, _Mapping]] = ..., taken: _Optional[_Union[VideoTaken, _Mapping]] = ...) -> None: ...

class VideoTaken(_message.Message):
    __slots__ = ("bytes",)
    BYTES_FIELD_NUMBER: _ClassVar[int]
    bytes: int
    def __init__(self, bytes: _Optional[int] = ...) -> None: ...

class StreamInfo(_message.Message):
    __slots__ = ("from_frame_index", "width", "height", "frame_rate", "codec", "model", "provider", "limits", "retained_frames")
    FROM_FRAME_INDEX_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    FRAME_RATE_FIELD_NUMBER: _ClassVar[int]
    CODEC_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    RETAINED_FRAMES_FIELD_NUMBER: _ClassVar[int]
    from_frame_index: int
    width: int
    height: int
    frame_rate: float
    codec: str
    model: str
    provider: str
    limits: LimitInfo
    retained_frames: int
    def __init__(self, from_frame_index: _Optional[int] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., frame_rate: _Optional[float] = ..., codec: _Optional[str] = ..., model: _Optional[str] = ..., provider: _Optional[str] = ..., limits: _Optional[_Union[LimitInfo, _Mapping]] = ..., retained_frames: _Optional[int] = ...) -> None: ...

class LimitInfo(_message.Message):
    __slots__ = ("max_request_bytes", "max_response_bytes", "max_chunk_bytes", "max_objects", "max_points", "max_pending_prompts", "max_frame_pixels", "lost_after_us", "max_request_elements", "max_request_mask_pixels", "max_unpack_ratio", "max_connection_bytes", "request_timeout_ms", "min_request_bytes_per_second", "max_image_pixels", "max_pending_bytes", "max_mask_bytes", "max_frames_ahead", "max_replayed_frames", "replayed_frames_per_second", "max_streams", "max_quiet_ms", "idle_timeout_ms", "max_connections", "connection_idle_ms")
    MAX_REQUEST_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_RESPONSE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_CHUNK_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_OBJECTS_FIELD_NUMBER: _ClassVar[int]
    MAX_POINTS_FIELD_NUMBER: _ClassVar[int]
    MAX_PENDING_PROMPTS_FIELD_NUMBER: _ClassVar[int]
    MAX_FRAME_PIXELS_FIELD_NUMBER: _ClassVar[int]
    LOST_AFTER_US_FIELD_NUMBER: _ClassVar[int]
    MAX_REQUEST_ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    MAX_REQUEST_MASK_PIXELS_FIELD_NUMBER: _ClassVar[int]
    MAX_UNPACK_RATIO_FIELD_NUMBER: _ClassVar[int]
    MAX_CONNECTION_BYTES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    MIN_REQUEST_BYTES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    MAX_IMAGE_PIXELS_FIELD_NUMBER: _ClassVar[int]
    MAX_PENDING_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_MASK_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_FRAMES_AHEAD_FIELD_NUMBER: _ClassVar[int]
    MAX_REPLAYED_FRAMES_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FRAMES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    MAX_STREAMS_FIELD_NUMBER: _ClassVar[int]
    MAX_QUIET_MS_FIELD_NUMBER: _ClassVar[int]
    IDLE_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_IDLE_MS_FIELD_NUMBER: _ClassVar[int]
    max_request_bytes: int
    max_response_bytes: int
    max_chunk_bytes: int
    max_objects: int
    max_points: int
    max_pending_prompts: int
    max_frame_pixels: int
    lost_after_us: int
    max_request_elements: int
    max_request_mask_pixels: int
    max_unpack_ratio: int
    max_connection_bytes: int
    request_timeout_ms: int
    min_request_bytes_per_second: int
    max_image_pixels: int
    max_pending_bytes: int
    max_mask_bytes: int
    max_frames_ahead: int
    max_replayed_frames: int
    replayed_frames_per_second: int
    max_streams: int
    max_quiet_ms: int
    idle_timeout_ms: int
    max_connections: int
    connection_idle_ms: int
    def __init__(self, max_request_bytes: _Optional[int] = ..., max_response_bytes: _Optional[int] = ..., max_chunk_bytes: _Optional[int] = ..., max_objects: _Optional[int] = ..., max_points: _Optional[int] = ..., max_pending_prompts: _Optional[int] = ..., max_frame_pixels: _Optional[int] = ..., lost_after_us: _Optional[int] = ..., max_request_elements: _Optional[int] = ..., max_request_mask_pixels: _Optional[int] = ..., max_unpack_ratio: _Optional[int] = ..., max_connection_bytes: _Optional[int] = ..., request_timeout_ms: _Optional[int] = ..., min_request_bytes_per_second: _Optional[int] = ..., max_image_pixels: _Optional[int] = ..., max_pending_bytes: _Optional[int] = ..., max_mask_bytes: _Optional[int] = ..., max_frames_ahead: _Optional[int] = ..., max_replayed_frames: _Optional[int] = ..., replayed_frames_per_second: _Optional[int] = ..., max_streams: _Optional[int] = ..., max_quiet_ms: _Optional[int] = ..., idle_timeout_ms: _Optional[int] = ..., max_connections: _Optional[int] = ..., connection_idle_ms: _Optional[int] = ...) -> None: ...

class PromptAck(_message.Message):
    __slots__ = ("request_id", "frame_index", "object_ids", "error")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    FRAME_INDEX_FIELD_NUMBER: _ClassVar[int]
    OBJECT_IDS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    request_id: int
    frame_index: int
    object_ids: _containers.RepeatedScalarFieldContainer[int]
    error: PromptError
    def __init__(self, request_id: _Optional[int] = ..., frame_index: _Optional[int] = ..., object_ids: _Optional[_Iterable[int]] = ..., error: _Optional[_Union[PromptError, _Mapping]] = ...) -> None: ...

class PromptError(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class FrameMasks(_message.Message):
    __slots__ = ("frame_index", "timestamp_us", "timestamp_synthetic", "source", "keyframe_index", "keyframe_reason", "frames_dropped_before", "revision", "timings", "objects", "capture_timestamp_us")
    FRAME_INDEX_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_US_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_SYNTHETIC_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    KEYFRAME_INDEX_FIELD_NUMBER: _ClassVar[int]
    KEYFRAME_REASON_FIELD_NUMBER: _ClassVar[int]
    FRAMES_DROPPED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    OBJECTS_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_TIMESTAMP_US_FIELD_NUMBER: _ClassVar[int]
    frame_index: int
    timestamp_us: int
    timestamp_synthetic: bool
    source: MaskSource
    keyframe_index: int
    keyframe_reason: KeyframeReason
    frames_dropped_before: int
    revision: int
    timings: StageTimings
    objects: _containers.RepeatedCompositeFieldContainer[_common_pb2.ObjectMask]
    capture_timestamp_us: int
    def __init__(self, frame_index: _Optional[int] = ..., timestamp_us: _Optional[int] = ..., timestamp_synthetic: bool = ..., source: _Optional[_Union[MaskSource, str]] = ..., keyframe_index: _Optional[int] = ..., keyframe_reason: _Optional[_Union[KeyframeReason, str]] = ..., frames_dropped_before: _Optional[int] = ..., revision: _Optional[int] = ..., timings: _Optional[_Union[StageTimings, _Mapping]] = ..., objects: _Optional[_Iterable[_Union[_common_pb2.ObjectMask, _Mapping]]] = ..., capture_timestamp_us: _Optional[int] = ...) -> None: ...

class StageTimings(_message.Message):
    __slots__ = ("total_us", "queue_us", "propagate_us", "encode_us", "decode_us", "refine_us", "output_us")
    TOTAL_US_FIELD_NUMBER: _ClassVar[int]
    QUEUE_US_FIELD_NUMBER: _ClassVar[int]
    PROPAGATE_US_FIELD_NUMBER: _ClassVar[int]
    ENCODE_US_FIELD_NUMBER: _ClassVar[int]
    DECODE_US_FIELD_NUMBER: _ClassVar[int]
    REFINE_US_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_US_FIELD_NUMBER: _ClassVar[int]
    total_us: int
    queue_us: int
    propagate_us: int
    encode_us: int
    decode_us: int
    refine_us: int
    output_us: int
    def __init__(self, total_us: _Optional[int] = ..., queue_us: _Optional[int] = ..., propagate_us: _Optional[int] = ..., encode_us: _Optional[int] = ..., decode_us: _Optional[int] = ..., refine_us: _Optional[int] = ..., output_us: _Optional[int] = ...) -> None: ...

class Notice(_message.Message):
    __slots__ = ("kind", "message", "resume")
    KIND_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    kind: NoticeKind
    message: str
    resume: _video_request_pb2.ResumeState
    def __init__(self, kind: _Optional[_Union[NoticeKind, str]] = ..., message: _Optional[str] = ..., resume: _Optional[_Union[_video_request_pb2.ResumeState, _Mapping]] = ...) -> None: ...

class StreamSummary(_message.Message):
    __slots__ = ("frames_in", "frames_out", "frames_dropped", "keyframes", "encoder_runs", "truncated", "stages")
    FRAMES_IN_FIELD_NUMBER: _ClassVar[int]
    FRAMES_OUT_FIELD_NUMBER: _ClassVar[int]
    FRAMES_DROPPED_FIELD_NUMBER: _ClassVar[int]
    KEYFRAMES_FIELD_NUMBER: _ClassVar[int]
    ENCODER_RUNS_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    frames_in: int
    frames_out: int
    frames_dropped: int
    keyframes: int
    encoder_runs: int
    truncated: bool
    stages: _containers.RepeatedCompositeFieldContainer[StagePercentiles]
    def __init__(self, frames_in: _Optional[int] = ..., frames_out: _Optional[int] = ..., frames_dropped: _Optional[int] = ..., keyframes: _Optional[int] = ..., encoder_runs: _Optional[int] = ..., truncated: bool = ..., stages: _Optional[_Iterable[_Union[StagePercentiles, _Mapping]]] = ...) -> None: ...

class StagePercentiles(_message.Message):
    __slots__ = ("stage", "p50_us", "p95_us", "p99_us", "count")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    P50_US_FIELD_NUMBER: _ClassVar[int]
    P95_US_FIELD_NUMBER: _ClassVar[int]
    P99_US_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    stage: str
    p50_us: int
    p95_us: int
    p99_us: int
    count: int
    def __init__(self, stage: _Optional[str] = ..., p50_us: _Optional[int] = ..., p95_us: _Optional[int] = ..., p99_us: _Optional[int] = ..., count: _Optional[int] = ...) -> None: ...
