"""Training samples of the text head, made on the device: crops, crops around rare things, and things pasted over them."""
import math
import pathlib
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..data.photometric import colour, degrade
from ..data.shapes import affine
from ..model.encoder import SIZE
from .prepare import SETS, SQUARE, TEST, VALIDATION
from .vocabulary import NOUNS, UNKNOWN, YES

FINE = SIZE // 4
SET_SHARE = dict(zip(SETS, (.38, .27, .08, .18, .09)))
#: Share of a batch that looks at one drawn thing, by (set, noun); small street things most.
ANCHORED = .35
STREET_WEIGHT = dict(person=3., bicyclist=3., sign=2.5, pole=2., fence=2., car=1.5, pavement=1., tree=.5, building=.5, road=.4, sky=.5)
ANCHOR_WEIGHT = {"ccp": .8, "carparts": .45}
#: What is pasted, from which set, onto pictures of CamVid, CCP, human290, car parts, DAVIS.
PASTED = {("camvid", "person"): (3, 0, 0, 0, 0), ("camvid", "bicyclist"): (3, 0, 0, 0, 0), ("camvid", "car"): (1.5, 0, 0, 0, 0),
          ("camvid", "sign"): (1.5, 0, 0, 0, 0), ("ccp", "person"): (2, 1, 1, 0, 1), ("human290", "person"): (1, 0, 0, 0, 0),
          ("carparts", "car"): (1.5, 0, 0, 1, 1)}
PASTED_SHARE = .25
#: Sets whose pictures show one person, one car.
SINGLE = {"ccp": "person", "carparts": "car"}
DUSK_SHARE = .2


@dataclass
class Crops:
    """Rows of images and the affine map from the crop's square (-1..1) into theirs."""
    rows: Tensor
    matrix: Tensor
    shift: Tensor

    def at(self, size: int) -> Tensor:
        """Source positions [B,size,size,2]."""
        axis = (torch.arange(size, device=self.rows.device) + .5) / size * 2 - 1
        grid = torch.stack([axis.view(1, -1).expand(size, -1), axis.view(-1, 1).expand(-1, size)], -1).view(1, -1, 2)
        return torch.baddbmm(self.shift.unsqueeze(1), grid.expand(len(self.rows), -1, -1), self.matrix.transpose(1, 2)).view(-1, size, size, 2)

    @staticmethod
    def joined(a: "Crops", b: "Crops") -> "Crops":
        return Crops(*(torch.cat(pair) for pair in ((a.rows, b.rows), (a.matrix, b.matrix), (a.shift, b.shift))))


@dataclass
class Batch:
    """Pictures f32[B,3,384,384]; truth u8[B,nouns,96,96] and border u8[B,96,96] of YES, NO, UNKNOWN; set [B]; validation [B]: not for the twin."""
    picture: Tensor
    truth: Tensor
    border: Tensor
    set: Tensor
    validation: Tensor

    def half(self) -> "Batch":
        return Batch(self.picture[::2], self.truth[::2], self.border[::2], self.set[::2], self.validation[::2])


class Images:
    def __init__(self, root: pathlib.Path, device: torch.device):
        tables = np.load(root / "tables.npz")
        self.device = device
        self.images = torch.from_numpy(np.load(root / "images.npy")).to(device)
        self.labels = torch.from_numpy(np.load(root / "labels.npy")).to(device)
        self.rules, self.rule, self.set, self.split = (torch.from_numpy(tables[k]).to(device) for k in ("rules", "rule", "set", "split"))
        of = lambda split: {name: np.flatnonzero((tables["split"] == split) & (tables["set"] == i)) for i, name in enumerate(SETS)}
        self.test, self.validation = of(TEST), of(VALIDATION)
        weight = np.zeros(len(tables["set"]))
        for i, name in enumerate(SETS):
            rows = (tables["set"] == i) & (tables["split"] != TEST)
            if rows.any():
                weight[rows] = SET_SHARE[name] / rows.sum()
        self.weight = torch.from_numpy(weight).float().to(device)
        self.half = torch.float16 if device.type == "cuda" else torch.float32
        self._anchors(tables["anchors"])

    def _anchors(self, anchors: np.ndarray) -> None:
        """Group anchors by (set, noun); first row and count of each group, weight of each."""
        key = anchors[:, 0] * len(NOUNS) + anchors[:, 1]
        anchors = anchors[np.argsort(key, kind="stable")]
        counts = np.bincount(key, minlength=len(SETS) * len(NOUNS))
        weights = np.zeros(len(counts))
        for s, name in enumerate(SETS):
            for n, noun in enumerate(NOUNS):
                weights[s * len(NOUNS) + n] = STREET_WEIGHT[noun] if name == "camvid" and noun in STREET_WEIGHT else ANCHOR_WEIGHT.get(name, 0)
        on = lambda x: torch.from_numpy(x).to(self.device)
        self.anchors, self.anchor_count, self.anchor_first = on(anchors), on(counts), on(np.cumsum(counts) - counts)
        self.anchor_weight = on(weights * (counts > 0)).float()
        self.paste_group = torch.tensor([SETS.index(s) * len(NOUNS) + NOUNS.index(n) for s, n in PASTED], device=self.device)
        have = (self.anchor_count[self.paste_group] > 0).float()
        self.paste_weight = torch.tensor(list(zip(*PASTED.values())), device=self.device).float() * have

    def uniform(self, count: int, low: float = 0., high: float = 1.) -> Tensor:
        return torch.rand(count, device=self.device) * (high - low) + low

    def drawn(self, groups: Tensor) -> tuple[Tensor, Tensor]:
        """One anchor of each group: rows, positions [n,2] in -1..1."""
        pick = (torch.rand(len(groups), device=self.device) * self.anchor_count[groups]).long().minimum(self.anchor_count[groups] - 1)
        chosen = self.anchors[self.anchor_first[groups] + pick].long()
        place = torch.stack([chosen[:, 3] % SQUARE, torch.div(chosen[:, 3], SQUARE, rounding_mode="floor")], -1)
        return chosen[:, 2], (place + .5) * (2 / SQUARE) - 1

    def crops(self, count: int) -> Crops:
        """Wide crops of any picture, and close ones around a drawn thing."""
        close = max(1, int(count * ANCHORED))
        rows, place = self.drawn(torch.multinomial(self.anchor_weight, close, True))
        # Photographs show their things large already; in a street they are a hundredth of the picture.
        near = torch.where(self.set[rows] == SETS.index("camvid"), self.uniform(close, math.log(.16), math.log(.75)), self.uniform(close, math.log(.3), 0.))
        scale = torch.exp(torch.cat([near, self.uniform(count - close, math.log(.35), math.log(1.15))]))
        aspect = torch.exp(torch.randn(count, device=self.device) * .2)
        flip = torch.where(self.uniform(count) < .5, -1., 1.)
        matrix = affine(scale * aspect * flip, scale / aspect, torch.randn(count, device=self.device) * .08)
        jitter = lambda n: torch.stack([self.uniform(n, -1), self.uniform(n, -1)], -1)
        near = (place + jitter(close) * .8 * scale[:close, None])
        far = jitter(count - close) * (1 - scale[close:]).clamp(min=0)[:, None]
        limit = (1 - scale[:close]).clamp(min=0)[:, None]
        shift = torch.cat([near.maximum(-limit).minimum(limit), far])
        return Crops(torch.cat([rows, torch.multinomial(self.weight, count - close, True)]), matrix, shift)

    def labels_at(self, rows: Tensor, at: Tensor) -> Tensor:
        cell = ((at + 1) * (SQUARE / 2)).long().clamp(0, SQUARE - 1)
        return self.labels[rows.view(-1, 1, 1), cell[..., 1], cell[..., 0]].long()

    def truth(self, rows: Tensor, at: Tensor) -> Tensor:
        """YES / NO / UNKNOWN [B,nouns,h,w] at source positions [B,h,w,2]; outside the picture unknown."""
        known = self.rules[self.rule[rows].view(-1, 1, 1), self.labels_at(rows, at)]
        return known.masked_fill((at.abs() > 1).any(-1, keepdim=True), UNKNOWN).permute(0, 3, 1, 2)

    def pixels(self, crops: Crops) -> Tensor:
        pixels = self.images[crops.rows].permute(0, 3, 1, 2).to(self.half).contiguous()
        return F.grid_sample(pixels, crops.at(SIZE).to(self.half), padding_mode="border", align_corners=False)

    def shows(self, crops: Crops, noun: Tensor, size: int) -> Tensor:
        """Where each crop shows its own noun [B,size,size]."""
        at = crops.at(size)
        table = self.rules[self.rule[crops.rows], :, noun]
        found = table.gather(1, self.labels_at(crops.rows, at).flatten(1)).view(at.shape[:3]) == YES
        return found & (at.abs() <= 1).all(-1)

    def pasted(self, onto: Tensor) -> tuple[Crops, Tensor]:
        """Crops that bring a thing to a random place of pictures from the sets `onto`, and which noun it is."""
        count = len(onto)
        pair = torch.multinomial(self.paste_weight[onto] + 1e-9 * (self.anchor_count[self.paste_group] > 0), 1)[:, 0]
        group = self.paste_group[pair]
        rows, place = self.drawn(group)
        street, on_street = self.set[rows] == SETS.index("camvid"), onto == SETS.index("camvid")
        low, high = torch.full_like(place[:, 0], .8), torch.full_like(place[:, 0], 1.8)
        low, high = torch.where(on_street, low * 1.5, low), torch.where(on_street, high * 3.3, high)
        low, high = torch.where(street, low * .25, low), torch.where(street, high * .2, high)
        scale = torch.exp(self.uniform(count) * (high / low).log() + low.log())
        aspect = torch.exp(torch.randn(count, device=self.device) * .12)
        flip = torch.where(self.uniform(count) < .5, -1., 1.)
        matrix = affine(scale * aspect * flip, scale / aspect, torch.zeros(count, device=self.device))
        target = torch.stack([self.uniform(count, -.85, .85), self.uniform(count, -.6, .7)], -1)
        return Crops(rows, matrix, place - torch.einsum("bij,bj->bi", matrix, target)), group % len(NOUNS)

    def single(self, sets: Tensor, truth: Tensor) -> Tensor:
        """Where a picture's one person, or one car, is [B,h,w]."""
        found = torch.zeros_like(truth[:, 0], dtype=torch.bool)
        for name, noun in SINGLE.items():
            found |= (truth[:, NOUNS.index(noun)] == YES) & (sets == SETS.index(name)).view(-1, 1, 1)
        return found

    def compose(self, picture: Tensor, truth: Tensor, sets: Tensor, crops: Crops, noun: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Paste one thing over each picture: picture, truth, border, where it lies at 1/4."""
        cover = F.avg_pool2d(self.shows(crops, noun, SIZE).to(picture.dtype).unsqueeze(1), 3, 1, 1)
        gain = torch.exp(torch.randn(len(noun), 1, 1, 1, device=self.device) * .15).to(picture.dtype)
        picture = torch.lerp(picture, (self.pixels(crops) * gain).clamp(max=255), cover)
        here = self.shows(crops, noun, FINE)
        alike = truth.gather(1, noun.view(-1, 1, 1, 1).expand(-1, 1, FINE, FINE))[:, 0] == YES
        alike &= ~here
        # Two cells on each side: a gap in a thin line would join the two again.
        wide = lambda mask: F.max_pool2d(mask.float().unsqueeze(1), 5, 1, 2)[:, 0] > 0
        between = wide(here) & wide(alike) & (here | alike)
        one = (here & (self.set[crops.rows] != SETS.index("camvid")).view(-1, 1, 1)) | (alike & self.single(sets, truth))
        border = torch.full_like(here, UNKNOWN, dtype=torch.uint8)
        border = border.masked_fill(one, 0).masked_fill(between, YES)
        truth = torch.where(here.unsqueeze(1), self.truth(crops.rows, crops.at(FINE)), truth)
        return picture, truth, border, here

    def batch(self, count: int) -> Batch:
        crops = self.crops(count)
        picture, truth, sets = self.pixels(crops), self.truth(crops.rows, crops.at(FINE)), self.set[crops.rows]
        validation = self.split[crops.rows] == VALIDATION
        border = torch.full_like(truth[:, 0], UNKNOWN).masked_fill(self.single(sets, truth), 0)
        chosen = torch.randperm(count, device=self.device)[:max(1, int(count * PASTED_SHARE))]
        things, noun = self.pasted(sets[chosen])
        picture[chosen], truth[chosen], border[chosen], _ = self.compose(picture[chosen], truth[chosen], sets[chosen], things, noun)
        validation[chosen] |= self.split[things.rows] == VALIDATION
        return Batch(degrade(dusk(colour(picture, .8))).float(), truth, border, sets, validation)


def dusk(pictures: Tensor, share: float = DUSK_SHARE) -> Tensor:
    """Low light on a share of the pictures: dark ground, a tint, a sky that may keep its brightness."""
    count, device, dtype = len(pictures), pictures.device, pictures.dtype
    draw = lambda low, high: (torch.rand(count, 1, 1, 1, device=device) * (high - low) + low).to(dtype)
    gain, power = torch.exp(draw(-.9, 0.)), draw(1., 1.6)
    tint = torch.exp(torch.randn(count, 3, 1, 1, device=device) * .08).to(dtype)
    x = (pictures / 255).clamp(1e-3, 1)
    keeps = (torch.rand(count, 1, 1, 1, device=device) < .5).to(dtype)
    dark = x ** power * (gain + keeps * (1 - gain) * x ** 3) * tint
    chosen = torch.rand(count, 1, 1, 1, device=device) < share
    return torch.where(chosen, dark.clamp(0, 1) * 255, pictures)
