from maskstream.v1 import image_pb2 as _image_pb2
from maskstream.v1 import model_pb2 as _model_pb2
from maskstream.v1 import video_request_pb2 as _video_request_pb2
from maskstream.v1 import video_response_pb2 as _video_response_pb2
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor
