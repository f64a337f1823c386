from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PointLabel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    POINT_LABEL_UNSPECIFIED: _ClassVar[PointLabel]
    POINT_LABEL_POSITIVE: _ClassVar[PointLabel]
    POINT_LABEL_NEGATIVE: _ClassVar[PointLabel]

class MaskEncoding(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MASK_ENCODING_UNSPECIFIED: _ClassVar[MaskEncoding]
    MASK_ENCODING_COCO_RLE: _ClassVar[MaskEncoding]
    MASK_ENCODING_PNG: _ClassVar[MaskEncoding]
    MASK_ENCODING_BITMAP: _ClassVar[MaskEncoding]
    MASK_ENCODING_POLYGONS: _ClassVar[MaskEncoding]
    MASK_ENCODING_NONE: _ClassVar[MaskEncoding]

class ObjectState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OBJECT_STATE_UNSPECIFIED: _ClassVar[ObjectState]
    OBJECT_STATE_PENDING: _ClassVar[ObjectState]
    OBJECT_STATE_VISIBLE: _ClassVar[ObjectState]
    OBJECT_STATE_OCCLUDED: _ClassVar[ObjectState]
    OBJECT_STATE_LOST: _ClassVar[ObjectState]

class OverlapRule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OVERLAP_RULE_UNSPECIFIED: _ClassVar[OverlapRule]
    OVERLAP_RULE_DISJOINT: _ClassVar[OverlapRule]
    OVERLAP_RULE_INDEPENDENT: _ClassVar[OverlapRule]
POINT_LABEL_UNSPECIFIED: PointLabel
POINT_LABEL_POSITIVE: PointLabel
POINT_LABEL_NEGATIVE: PointLabel
MASK_ENCODING_UNSPECIFIED: MaskEncoding
MASK_ENCODING_COCO_RLE: MaskEncoding
MASK_ENCODING_PNG: MaskEncoding
MASK_ENCODING_BITMAP: MaskEncoding
MASK_ENCODING_POLYGONS: MaskEncoding
MASK_ENCODING_NONE: MaskEncoding
OBJECT_STATE_UNSPECIFIED: ObjectState
OBJECT_STATE_PENDING: ObjectState
OBJECT_STATE_VISIBLE: ObjectState
OBJECT_STATE_OCCLUDED: ObjectState
OBJECT_STATE_LOST: ObjectState
OVERLAP_RULE_UNSPECIFIED: OverlapRule
OVERLAP_RULE_DISJOINT: OverlapRule
OVERLAP_RULE_INDEPENDENT: OverlapRule

class Point(_message.Message):
    __slots__ = ("x", "y")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    x: float
    y: float
    def __init__(self, x: _Optional[float] = ..., y: _Optional[float] = ...) -> None: ...

class LabeledPoint(_message.Message):
    __slots__ = ("point", "label")
    POINT_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    point: Point
    label: PointLabel
    def __init__(self, point: _Optional[_Union[Point, _Mapping]] = ..., label: _Optional[_Union[PointLabel, str]] = ...) -> None: ...

class Box(_message.Message):
    __slots__ = ("x", "y", "width", "height")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    x: float
    y: float
    width: float
    height: float
    def __init__(self, x: _Optional[float] = ..., y: _Optional[float] = ..., width: _Optional[float] = ..., height: _Optional[float] = ...) -> None: ...

class CocoRle(_message.Message):
    __slots__ = ("counts",)
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    counts: bytes
    def __init__(self, counts: _Optional[bytes] = ...) -> None: ...

class BitmapMask(_message.Message):
    __slots__ = ("zlib_bits",)
    ZLIB_BITS_FIELD_NUMBER: _ClassVar[int]
    zlib_bits: bytes
    def __init__(self, zlib_bits: _Optional[bytes] = ...) -> None: ...

class Polygon(_message.Message):
    __slots__ = ("coordinates",)
    COORDINATES_FIELD_NUMBER: _ClassVar[int]
    coordinates: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, coordinates: _Optional[_Iterable[int]] = ...) -> None: ...

class PolygonMask(_message.Message):
    __slots__ = ("polygons",)
    POLYGONS_FIELD_NUMBER: _ClassVar[int]
    polygons: _containers.RepeatedCompositeFieldContainer[Polygon]
    def __init__(self, polygons: _Optional[_Iterable[_Union[Polygon, _Mapping]]] = ...) -> None: ...

class Mask(_message.Message):
    __slots__ = ("width", "height", "coco_rle", "png", "bitmap", "polygons")
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    COCO_RLE_FIELD_NUMBER: _ClassVar[int]
    PNG_FIELD_NUMBER: _ClassVar[int]
    BITMAP_FIELD_NUMBER: _ClassVar[int]
    POLYGONS_FIELD_NUMBER: _ClassVar[int]
    width: int
    height: int
    coco_rle: CocoRle
    png: bytes
    bitmap: BitmapMask
    polygons: PolygonMask
    def __init__(self, width: _Optional[int] = ..., height: _Optional[int] = ..., coco_rle: _Optional[_Union[CocoRle, _Mapping]] = ..., png: _Optional[bytes] = ..., bitmap: _Optional[_Union[BitmapMask, _Mapping]] = ..., polygons: _Optional[_Union[PolygonMask, _Mapping]] = ...) -> None: ...

class ObjectMask(_message.Message):
    __slots__ = ("object_id", "label", "state", "box", "area", "mask", "predicted_iou", "confidence", "presence")
    OBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    BOX_FIELD_NUMBER: _ClassVar[int]
    AREA_FIELD_NUMBER: _ClassVar[int]
    MASK_FIELD_NUMBER: _ClassVar[int]
    PREDICTED_IOU_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_FIELD_NUMBER: _ClassVar[int]
    object_id: int
    label: str
    state: ObjectState
    box: Box
    area: int
    mask: Mask
    predicted_iou: float
    confidence: float
    presence: float
    def __init__(self, object_id: _Optional[int] = ..., label: _Optional[str] = ..., state: _Optional[_Union[ObjectState, str]] = ..., box: _Optional[_Union[Box, _Mapping]] = ..., area: _Optional[int] = ..., mask: _Optional[_Union[Mask, _Mapping]] = ..., predicted_iou: _Optional[float] = ..., confidence: _Optional[float] = ..., presence: _Optional[float] = ...) -> None: ...
