"""The tracker's own flow engine, compiled from src/tracking/kernel by native/build.sh: the same flow to the bit."""
import ctypes

import numpy as np

from .geometry import FLOW_HEIGHT, FLOW_WIDTH


class NativeFlow:
    """Flow of one clip, frame after frame: each starts from the one before, as in the tracker. One per process."""

    def __init__(self, library):
        """`library`: path of the shared library."""
        self.library = ctypes.CDLL(library)
        self.library.flow_begin(FLOW_WIDTH, FLOW_HEIGHT)
        self.initial = None

    def between(self, before, now):
        """Flow [144, 256, 2] in flow-grid pixels from `now` to `before`, both luma uint8 [H, W]."""
        before, now = (np.ascontiguousarray(picture) for picture in (before, now))
        flow = np.zeros((2, FLOW_HEIGHT, FLOW_WIDTH), np.float32)
        address = lambda array: None if array is None else array.ctypes.data_as(ctypes.c_void_p)
        self.library.flow_between(address(before), address(now), now.shape[1], now.shape[0], address(self.initial), address(flow), address(flow[1]))
        self.initial = flow
        return flow.transpose(1, 2, 0)


def luma(image):
    """image uint8 [3, H, W] RGB -> Y of limited range (BT.601), as video carries it."""
    grey = np.tensordot(np.float32([0.299, 0.587, 0.114]), image.astype(np.float32), 1)
    return np.rint(16 + grey * (219 / 255)).astype(np.uint8)
