"""Labelled clips for evaluation, all at 448x252, with DIS flow to the frame before."""
import pathlib
from concurrent.futures import ProcessPoolExecutor

import cv2
import numpy as np
import torch
from torch import Tensor

HEIGHT, WIDTH = 252, 448


def deepest(mask: np.ndarray) -> tuple:
    """The pixel farthest from the outline (the centre click), or (-1, -1)."""
    if not mask.any():
        return -1, -1
    depth = cv2.distanceTransform(np.pad(mask.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    return int(depth.argmax()) % mask.shape[1], int(depth.argmax()) // mask.shape[1]


def read_clip(job: tuple) -> tuple:
    """One object of a clip: NAME is object 1 of its label maps, NAME#K object K."""
    folder, name, frames = job
    name, _, number = name.partition("#")
    cv2.setNumThreads(1)
    paths = sorted(pathlib.Path(folder).glob(f"{name}_[0-9]*.jpg"))[:frames]
    images = [cv2.resize(cv2.imread(str(p)), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) for p in paths]
    masks = [cv2.resize(cv2.imread(str(p)[:-4] + ".0.png", cv2.IMREAD_UNCHANGED), (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST) for p in paths]
    masks = [(m if m.ndim == 2 else m[..., 0]) == int(number or 1) for m in masks]
    gray = [cv2.cvtColor(i, cv2.COLOR_BGR2GRAY) for i in images]
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow = [np.zeros((HEIGHT, WIDTH, 2), np.float16)] + [dis.calc(b, a, None).astype(np.float16) for a, b in zip(gray, gray[1:])]
    return np.stack(images)[..., ::-1].copy(), np.stack(masks), np.stack(flow), np.array([deepest(m) for m in masks], np.float32)


class Clips:
    """Frames of several clips end to end: images u8[f,h,w,3] RGB, masks bool[f,h,w], flow f16[f,h,w,2], clicks f32[f,2]."""

    def __init__(self, listed: list, device: torch.device, workers: int):
        self.names, self.device = [name for _, name, _ in listed], device
        with ProcessPoolExecutor(workers) as pool:
            read = list(pool.map(read_clip, listed))
        self.lengths = [len(r[0]) for r in read]
        self.start = torch.tensor(np.cumsum([0, *self.lengths[:-1]]), device=device)
        self.length = torch.tensor(self.lengths, device=device)
        join = lambda i: torch.from_numpy(np.concatenate([r[i] for r in read])).to(device)
        self.images, self.masks, self.flow, self.clicks = (join(i) for i in range(4))
        self.clip = torch.repeat_interleave(torch.arange(len(read), device=device), self.length)
        ys, xs = torch.meshgrid(torch.arange(HEIGHT, device=device), torch.arange(WIDTH, device=device), indexing="ij")
        self.pixels = torch.stack([xs, ys], -1).float()

    def per_clip(self, values: Tensor, use: Tensor) -> dict:
        return {name: values[(self.clip == c) & use].mean().item() for c, name in enumerate(self.names)}

    def inner(self) -> Tensor:
        """Every frame but the first and last of its clip, as DAVIS counts."""
        use = torch.ones(len(self.masks), dtype=torch.bool, device=self.device)
        use[self.start] = False
        use[self.start + self.length - 1] = False
        return use
