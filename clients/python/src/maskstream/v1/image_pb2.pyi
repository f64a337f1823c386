from maskstream.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SegmentImageRequest(_message.Message):
    __slots__ = ("image", "model", "prompts", "mask_encoding", "overlap", "min_mask_region_area")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    MASK_ENCODING_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_FIELD_NUMBER: _ClassVar[int]
    MIN_MASK_REGION_AREA_FIELD_NUMBER: _ClassVar[int]
    image: bytes
    model: str
    prompts: _containers.RepeatedCompositeFieldContainer[ImagePrompt]
    mask_encoding: _common_pb2.MaskEncoding
    overlap: _common_pb2.OverlapRule
    min_mask_region_area: int
    def __init__(self, image: _Optional[bytes] = ..., model: _Optional[str] = ..., prompts: _Optional[_Iterable[_Union[ImagePrompt, _Mapping]]] = ..., mask_encoding: _Optional[_Union[_common_pb2.MaskEncoding, str]] = ..., overlap: _Optional[_Union[_common_pb2.OverlapRule, str]] = ..., min_mask_region_area: _Optional[int] = ...) -> None: ...

class ImagePrompt(_message.Message):
    __slots__ = ("object_id", "points", "box", "mask", "text", "max_objects", "label", "min_score")
    OBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    BOX_FIELD_NUMBER: _ClassVar[int]
    MASK_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    MAX_OBJECTS_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    MIN_SCORE_FIELD_NUMBER: _ClassVar[int]
    object_id: int
    points: _containers.RepeatedCompositeFieldContainer[_common_pb2.LabeledPoint]
    box: _common_pb2.Box
    mask: _common_pb2.Mask
    text: str
    max_objects: int
    label: str
    min_score: float
    def __init__(self, object_id: _Optional[int] = ..., points: _Optional[_Iterable[_Union[_common_pb2.LabeledPoint, _Mapping]]] = ..., box: _Optional[_Union[_common_pb2.Box, _Mapping]] = ..., mask: _Optional[_Union[_common_pb2.Mask, _Mapping]] = ..., text: _Optional[str] = ..., max_objects: _Optional[int] = ..., label: _Optional[str] = ..., min_score: _Optional[float] = ...) -> None: ...

class SegmentImageResponse(_message.Message):
    __slots__ = ("width", "height", "model", "objects")
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    OBJECTS_FIELD_NUMBER: _ClassVar[int]
    width: int
    height: int
    model: str
    objects: _containers.RepeatedCompositeFieldContainer[_common_pb2.ObjectMask]
    def __init__(self, width: _Optional[int] = ..., height: _Optional[int] = ..., model: _Optional[str] = ..., objects: _Optional[_Iterable[_Union[_common_pb2.ObjectMask, _Mapping]]] = ...) -> None: ...
