from maskstream.v1 import video_response_pb2 as _video_response_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PromptKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROMPT_KIND_UNSPECIFIED: _ClassVar[PromptKind]
    PROMPT_KIND_POINTS: _ClassVar[PromptKind]
    PROMPT_KIND_BOX: _ClassVar[PromptKind]
    PROMPT_KIND_MASK: _ClassVar[PromptKind]
    PROMPT_KIND_TEXT: _ClassVar[PromptKind]
PROMPT_KIND_UNSPECIFIED: PromptKind
PROMPT_KIND_POINTS: PromptKind
PROMPT_KIND_BOX: PromptKind
PROMPT_KIND_MASK: PromptKind
PROMPT_KIND_TEXT: PromptKind

class ListModelsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("models", "limits")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[Model]
    limits: _video_response_pb2.LimitInfo
    def __init__(self, models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ..., limits: _Optional[_Union[_video_response_pb2.LimitInfo, _Mapping]] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("name", "prompt_kinds", "vocabulary", "provider", "self_test", "licence")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROMPT_KINDS_FIELD_NUMBER: _ClassVar[int]
    VOCABULARY_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    SELF_TEST_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    name: str
    prompt_kinds: _containers.RepeatedScalarFieldContainer[PromptKind]
    vocabulary: _containers.RepeatedScalarFieldContainer[str]
    provider: str
    self_test: SelfTest
    licence: str
    def __init__(self, name: _Optional[str] = ..., prompt_kinds: _Optional[_Iterable[_Union[PromptKind, str]]] = ..., vocabulary: _Optional[_Iterable[str]] = ..., provider: _Optional[str] = ..., self_test: _Optional[_Union[SelfTest, _Mapping]] = ..., licence: _Optional[str] = ...) -> None: ...

class SelfTest(_message.Message):
    __slots__ = ("passed", "iou")
    PASSED_FIELD_NUMBER: _ClassVar[int]
    IOU_FIELD_NUMBER: _ClassVar[int]
    passed: bool
    iou: float
    def __init__(self, passed: bool = ..., iou: _Optional[float] = ...) -> None: ...
