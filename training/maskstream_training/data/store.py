"""The prepared arrays, resident on the training device."""
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .prepare import KINDS

LONGEST_CHAIN = 10
#: Share of base photographs and of pasted objects by kind, by the terms of the data; kinds that are not there give theirs to the others.
BASE_SHARE = {
    "research": dict(region=.103, regions=.022, street=.04, human=.031, car=.013, car_part=.022, person=.04, clothing=.027, video=.28, thing=.32, cat=.10),
    "commercial": dict(person=.18, clothing=.12, thing=.42, cat=.28)}
#: The same with fewer parts: what a click mostly means is a whole thing.
WHOLE_SHARE = dict(region=.035, regions=.01, street=.03, human=.035, car=.02, car_part=.01, person=.06, clothing=.02, video=.30, thing=.36, cat=.12)
PASTE_SHARE = {
    "research": dict(region=.096, regions=.019, street=.029, human=.048, car=.019, car_part=.029, person=.062, clothing=.038, video=.20, thing=.38, cat=.08),
    "commercial": dict(person=.20, clothing=.12, thing=.48, cat=.20)}
AREA_WEIGHTED = ("region", "regions", "street", "car_part", "clothing", "thing", "cat")   # fewer specks
LOOK_ALIKE = ("thing", "cat")   # kinds whose instances of one photograph and class are siblings


class Store:
    """images u8[n,448,448,3], labels u8[m,448,448], candidate tables, composed flow chains; all on one device."""

    def __init__(self, root: pathlib.Path, device: torch.device, wholes: bool = False):
        """wholes: base objects by WHOLE_SHARE."""
        self.device = device
        self.half = torch.float16 if device.type == "cuda" else torch.float32
        table = np.load(root / "candidates.npz")
        self.images = torch.from_numpy(np.load(root / "images.npy")).to(device)
        self.labels = torch.from_numpy(np.load(root / "labels.npy")).to(device)
        column = lambda name: torch.from_numpy(table[name]).to(device)
        self.image_of, self.label_of, self.kind = column("image"), column("label"), column("kind")
        self.lut, self.box, self.parent = column("lut"), column("box"), column("parent")
        terms = str(table["terms"])
        self.base_weight = self._weights(table, WHOLE_SHARE if wholes else BASE_SHARE[terms])
        self.paste_weight = self._weights(table, PASTE_SHARE[terms])
        self._index_clips(table["clip"])
        self._index_look_alikes(table["like"])
        self._index_siblings(table)
        self.flow_first = int(table["flow_first"])
        self.chains = self._chains(torch.from_numpy(np.load(root / "flow.npy")).to(device))

    def _weights(self, table, share: dict) -> Tensor:
        kind, area = table["kind"], table["box"][:, 4]
        total, of_class = np.zeros(len(kind)), np.bincount(table["like"])
        for i, name in enumerate(KINDS):
            weight = np.clip(area, .002, .05) ** .5 if name in AREA_WEIGHTED else (area > 8e-4).astype(float)
            weight = np.where(kind == i, weight, 0)
            if name == "thing":   # a third of all instances are people
                weight = weight / of_class[table["like"]] ** .5
            if weight.sum() > 0:
                total += share.get(name, 0) * weight / weight.sum()
        return torch.from_numpy(total / total.sum()).float().to(self.device)

    def _index_clips(self, clip: np.ndarray) -> None:
        """first/last candidate of the clip of a candidate (itself for a photograph); a clip's rows are contiguous and in time order."""
        first, last = np.arange(len(clip)), np.arange(len(clip))
        for c in np.unique(clip[clip > 0]):
            rows = np.flatnonzero(clip == c)
            assert rows[-1] - rows[0] == len(rows) - 1, "the rows of a clip must be contiguous"
            first[rows], last[rows] = rows[0], rows[-1]
        self.first, self.last = torch.from_numpy(first).to(self.device), torch.from_numpy(last).to(self.device)

    def _index_look_alikes(self, like: np.ndarray) -> None:
        order, counts = np.argsort(like, kind="stable"), np.bincount(like)
        self.like = torch.from_numpy(like).to(self.device)
        self.by_like = torch.from_numpy(order).to(self.device)
        self.like_start = torch.from_numpy(np.concatenate([[0], np.cumsum(counts)[:-1]])).to(self.device)
        self.like_count = torch.from_numpy(counts).to(self.device)

    def look_alike(self, candidate: Tensor) -> Tensor:
        """A random candidate of the same kind, or class where there are classes."""
        like = self.like[candidate]
        pick = (torch.rand(len(candidate), device=self.device) * self.like_count[like]).long()
        return self.by_like[self.like_start[like] + pick]

    def _index_siblings(self, table) -> None:
        """Other instances of a candidate's class in its photograph lie in a row of `siblings`."""
        like = np.where(np.isin(table["kind"], [KINDS.index(name) for name in LOOK_ALIKE]), table["like"], -1 - np.arange(len(table["like"])))
        order = np.lexsort((like, table["label"]))
        keys = np.stack([table["label"][order], like[order]])
        starts = np.flatnonzero(np.concatenate([[True], (keys[:, 1:] != keys[:, :-1]).any(0)]))
        counts = np.diff(np.append(starts, len(order)))
        place, start, count = (np.empty(len(order), np.int64) for _ in range(3))
        place[order] = np.arange(len(order)) - np.repeat(starts, counts)
        start[order], count[order] = np.repeat(starts, counts), np.repeat(counts, counts)
        self.siblings, self.sibling_start, self.sibling_count, self.sibling_place = (torch.from_numpy(a).to(self.device) for a in (order, start, count, place))

    def sibling(self, candidate: Tensor) -> tuple[Tensor, Tensor]:
        """Another instance of the class in the same photograph, and whether there is one."""
        count = self.sibling_count[candidate]
        step = 1 + (torch.rand(len(candidate), device=self.device) * (count - 1)).long().clamp(min=0)
        return self.siblings[self.sibling_start[candidate] + (self.sibling_place[candidate] + step) % count], count > 1

    def _chains(self, flow: Tensor) -> Tensor:
        """Frame-to-frame flow [f,2,h,w,2] -> displacement over 1..10 frames, [side, 10, f, 2, h, w]; side 0 looks back."""
        height, width = flow.shape[2:4]
        ys, xs = torch.meshgrid(*[(torch.arange(n, device=self.device) + .5) / n * 2 - 1 for n in (height, width)], indexing="ij")
        grid = torch.stack([xs, ys], -1)
        sides = []
        for side in range(2):
            step = flow[:, side].float()
            chain, lengths = step.permute(0, 3, 1, 2), []
            for _ in range(LONGEST_CHAIN):
                lengths.append(chain.to(self.half))
                following = chain.roll(1 if side == 0 else -1, 0)
                moved = F.grid_sample(following, grid + step, padding_mode="border", align_corners=False)
                chain = step.permute(0, 3, 1, 2) + moved
            sides.append(torch.stack(lengths))
        return torch.stack(sides)

    def displacement(self, candidate: Tensor, gap: Tensor, side: Tensor, at: Tensor) -> Tensor:
        """DIS displacement over gap frames at source positions at [n,h,w,2] (-1..1); zero for photographs."""
        video = self.last[candidate] > self.first[candidate]
        row = (self.image_of[candidate] - self.flow_first).clamp(0, self.chains.shape[2] - 1)
        chain = self.chains[side, (gap - 1).clamp(0, LONGEST_CHAIN - 1), row]
        moved = F.grid_sample(chain, at.to(chain.dtype), padding_mode="border", align_corners=False).permute(0, 2, 3, 1)
        return moved.float() * (video & (gap > 0)).view(-1, 1, 1, 1)

    def sample_images(self, image: Tensor, at: Tensor, padding: str = "border") -> Tensor:
        """image rows [B] at positions [B,h,w,2] -> [B,3,h,w] in 0..255."""
        pixels = self.images[image].permute(0, 3, 1, 2).to(self.half).contiguous()
        return F.grid_sample(pixels, at.to(self.half), padding_mode=padding, align_corners=False)

    def sample_masks(self, candidate: Tensor, at: Tensor) -> Tensor:
        """Coverage [B,1,h,w] of the candidates' objects."""
        labels = self.labels[self.label_of[candidate]]
        count = labels.shape[0]
        offset = torch.arange(count, device=self.device, dtype=torch.int32).view(-1, 1) * 256
        mask = self.lut[candidate].view(-1)[(labels.view(count, -1).int() + offset).view(-1).long()]
        return F.grid_sample(mask.view(count, 1, *labels.shape[1:]).to(self.half), at.to(self.half), padding_mode="zeros", align_corners=False)

    def sample_label_ids(self, candidate: Tensor, at: Tensor) -> Tensor:
        """Label ids [B,h,w] at positions at (nearest)."""
        labels = self.labels[self.label_of[candidate]]
        side = labels.shape[-1]
        cell = ((at.float() + 1) * (side / 2)).long().clamp(0, side - 1)
        row = torch.arange(len(candidate), device=self.device).view(-1, 1, 1)
        return labels[row, cell[..., 1], cell[..., 0]].long()
