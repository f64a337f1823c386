"""The refiner: one frame's crop, the warped mask and the object's appearance -> the mask pulled back to the edge.

An image trunk (to 1/16) gives features at 1/4. Under a mask they are pooled into PROTOTYPES foreground and as many
background vectors; at 1/8 every cell keeps its vector and its share of the object: together the appearance. Similarity
to the keyframe's prototypes and to those under the current prior, and which of the keyframe's cells a pixel matches
(as in STM, Oh et al. 2019), once by looks alone and once by looks and place, tell object from surroundings; a small
decoder turns it into a correction added to the prior's logit. A gate per mask scales the correction, and what is left
under DEAD_ZONE is dropped: doing nothing is the easy answer.
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from .geometry import CORRECTION, logit_of
from .rollout import CORRECTING

EMBEDDING, PROTOTYPES = 32, 4
CELLS = 16
"""The keyframe is remembered on a grid of CELLS x CELLS."""
APPEARANCE = (2 * PROTOTYPES + CELLS * CELLS, EMBEDDING + 1)
"""Shape of the graph's `appearance` input: foreground and background prototypes, then the cells, row by row. A row is a
unit vector and the share of the object under it (of prototypes: 1 or 0)."""
DEAD_ZONE = 1.0
"""Corrections up to this many logits are dropped, larger ones lessened by it, in training as in use; export.py can set another."""
SHARPNESS = 8.0
CELL_SHARPNESS, CELL_REACH = 12.0, 0.18
"""First values of what is learnt: how sharply a pixel chooses among the keyframe's cells, and from how far, in window sides."""
CELL_MAPS = 4
MAPS = 4 * PROTOTYPES + 2 + CELL_MAPS
GATE_BIAS = 2.0
"""The gate starts nearly open; the correction starts at zero."""


class ConvBn(nn.Sequential):
    """Convolution, batch norm (folded on export), ReLU."""

    def __init__(self, cin, cout, kernel=3, stride=1, relu=True):
        layers = [nn.Conv2d(cin, cout, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(cout)]
        super().__init__(*layers, *([nn.ReLU(inplace=True)] if relu else []))


class Residual(nn.Module):
    """Two 3x3 convolutions with a skip."""

    def __init__(self, channels, hidden):
        super().__init__()
        self.body = nn.Sequential(ConvBn(channels, hidden), ConvBn(hidden, channels, relu=False))

    def forward(self, x):
        return F.relu(x + self.body(x))


def idle(residual):
    """A residual that changes nothing yet, so that trained weights can go on with it added."""
    nn.init.zeros_(residual.body[1][1].weight)
    return residual


def drop_small(correction, zone):
    """The correction less `zone`, 0 within it. The gradient passes as if nothing were dropped, else it could not leave 0."""
    return correction - correction.clamp(-zone, zone).detach()


def upsample(x):
    """Nearest-neighbour doubling: the cheapest in ONNX Runtime, smoothed by the convolution after it."""
    return F.interpolate(x, scale_factor=2.0, mode='nearest')


class Trunk(nn.Module):
    """crop [N, 3, 128, 128] in 0..255 -> features at 1/2 [16], 1/4 [32], 1/8 [64] and the embedding at 1/4."""

    def __init__(self, width):
        super().__init__()
        a, b, c, d = width
        self.stem = ConvBn(3, a, stride=2)
        self.quarter = nn.Sequential(ConvBn(a, b, stride=2), Residual(b, 3 * b // 4))
        self.eighth = nn.Sequential(ConvBn(b, c, stride=2), Residual(c, c // 2), Residual(c, c // 2), idle(Residual(c, c // 2)))
        self.sixteenth = nn.Sequential(ConvBn(c, d, stride=2), Residual(d, d // 2), Residual(d, d // 2), ConvBn(d, c, 1, relu=False))
        self.down = ConvBn(c, b, 1, relu=False)
        self.fuse = ConvBn(b, b)
        self.embed = nn.Conv2d(b, EMBEDDING, 1)
        self.assign = nn.Conv2d(b, PROTOTYPES, 1)

    def forward(self, crop):
        half = self.stem((crop - 117.0) * (1 / 58.0))
        quarter = self.quarter(half)
        eighth = self.eighth(quarter)
        eighth = F.relu(eighth + upsample(self.sixteenth(eighth)))
        quarter = self.fuse(F.relu(quarter + upsample(self.down(eighth))))
        return half, quarter, eighth, self.embed(quarter), self.assign(quarter)


def unit_columns(x):
    """x [N, E, P] with every column scaled to length 1. The sum is a product with ones: far quicker in ONNX Runtime."""
    return x / torch.sqrt(torch.matmul(torch.ones(1, x.shape[1], device=x.device), x * x) + 1e-6)


def cell_distances():
    """Squared distances [1024, CELLS ** 2] of the pixels at 1/4 to the cells, in window sides."""
    fine, coarse = ((torch.arange(n) + 0.5) / n for n in (2 * CELLS, CELLS))
    apart = (fine.view(-1, 1) - coarse.view(1, -1)) ** 2
    return (apart.view(2 * CELLS, 1, CELLS, 1) + apart.view(1, 2 * CELLS, 1, CELLS)).reshape(4 * CELLS ** 2, CELLS ** 2)


class CellMatch(nn.Module):
    """Which cells of the keyframe the pixels match: by looks, and by looks and place."""

    def __init__(self):
        super().__init__()
        self.sharpness = nn.Parameter(torch.full((2,), math.log(CELL_SHARPNESS)))
        self.reach = nn.Parameter(torch.tensor(math.log(CELL_REACH)))
        self.register_buffer('distances', cell_distances(), persistent=False)

    def forward(self, embedding, cells):
        """embedding [N, E, 1024], cells [N, CELLS ** 2, E + 1] -> [N, CELL_MAPS, 1024]: log odds of the object and match, twice."""
        vectors, share = cells.split((EMBEDDING, 1), 2)
        cosine = torch.matmul(embedding.transpose(1, 2), vectors.transpose(1, 2))
        sides = torch.cat([share, 1 - share], 2)
        near = -self.distances * torch.exp(-2 * self.reach)
        maps = []
        for head, place in enumerate((0.0, near)):
            weights = torch.exp(torch.exp(self.sharpness[head]) * (cosine - 1) + place)
            object_, rest = torch.matmul(weights, sides).transpose(1, 2).split(1, 1)
            maps += [torch.log((object_ + 1e-5) / (rest + 1e-5)), torch.log(object_ + rest + 1e-4)]
        return 0.25 * torch.cat(maps, 1)


class Refiner(nn.Module):
    """See the module's text; `Exported` below is what is shipped."""

    framing, hardship = CORRECTION, CORRECTING

    def __init__(self, width=(16, 32, 64, 112)):
        super().__init__()
        a, b, c, _ = width
        self.dead_zone = DEAD_ZONE
        self.trunk = Trunk(width)
        self.cells = CellMatch()
        self.coarse = nn.Sequential(ConvBn(c + MAPS + 1, c, 1), Residual(c, 3 * c // 4), idle(Residual(c, 3 * c // 4)), idle(Residual(c, 3 * c // 4)))
        self.middle_in = ConvBn(c, b, 1)
        self.middle = nn.Sequential(ConvBn(2 * b + MAPS + 1, b, 1), Residual(b, 3 * b // 4), idle(Residual(b, 3 * b // 4)))
        self.fine_in = ConvBn(b, a, 1, relu=False)
        self.fine_skip = ConvBn(a, a, 1, relu=False)
        self.fine_prior = ConvBn(1, a, 5, stride=2, relu=False)
        self.fine = ConvBn(a, a)
        self.out = nn.Conv2d(a, 4, 1)
        self.gate = nn.Sequential(nn.Linear(c + b + 3, 32), nn.ReLU(inplace=True), nn.Linear(32, 1))
        self.quality = nn.Sequential(nn.Linear(c + 2 * b + 7, 64), nn.ReLU(inplace=True), nn.Linear(64, 1))
        parts = torch.eye(4)[[0, 2, 1, 3]].repeat_interleave(PROTOTYPES, 1)
        self.register_buffer('parts', parts, persistent=False)
        for layer in (self.out, self.gate[2]):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        nn.init.constant_(self.gate[2].bias, GATE_BIAS)

    @staticmethod
    def look(embedding, assignment, inside):
        """Appearance [N, *APPEARANCE] of a unit embedding [N, E, 1024] under a mask [N, 1, 32, 32]."""
        share = F.avg_pool2d(inside, 2).flatten(2).transpose(1, 2)
        cells = F.avg_pool2d(embedding.reshape(-1, EMBEDDING, 2 * CELLS, 2 * CELLS), 2).flatten(2)
        cells = torch.cat([unit_columns(cells).transpose(1, 2), share], 2)
        inside = inside.flatten(2)
        belongs = torch.exp(assignment.float().clamp(-15, 15).flatten(2))
        belongs = belongs / torch.matmul(torch.ones(1, PROTOTYPES, device=belongs.device), belongs)
        weights = torch.cat([belongs * inside, belongs * (1 - inside)], 1)
        mean = torch.matmul(weights, embedding.transpose(1, 2)) / (weights.sum(2, keepdim=True) + 0.1)
        mean = unit_columns(mean.transpose(1, 2)).transpose(1, 2)
        side = torch.cat([torch.ones(1, PROTOTYPES, 1), torch.zeros(1, PROTOTYPES, 1)], 1).to(mean.device)
        prototypes = torch.cat([mean, mean[:, :, :1] * 0 + side], 2)  # "* 0" gives it the batch
        return torch.cat([prototypes, cells], 1)

    def compare(self, embedding, appearance, own):
        """Maps [N, MAPS, P]: cosine to each prototype of both appearances, then of each soft maximum fore- minus background, then the cells."""
        prototypes = 2 * PROTOTYPES
        vectors = torch.cat([appearance[:, :prototypes], own[:, :prototypes]], 1)[:, :, :EMBEDDING]
        cosine = torch.matmul(vectors, embedding)
        sums = torch.matmul(self.parts, torch.exp(SHARPNESS * cosine)).float()
        return torch.cat([cosine, torch.log(sums[:, :2] / sums[:, 2:]), self.cells(embedding, appearance[:, prototypes:])], 1)

    def appearance(self, crop, prior):
        """Appearance [N, *APPEARANCE] of a keyframe's crop under its mask."""
        *_, embedding, assignment = self.trunk(crop)
        return self.look(unit_columns(embedding.float().flatten(2)), assignment, F.avg_pool2d(prior, 4))

    def forward(self, crop, prior, appearance):
        """crop [N, 3, 128, 128], prior [N, 1, 128, 128], appearance [N, *APPEARANCE] -> logits, iou logit [N, 1], appearance."""
        half, quarter, eighth, embedding, assignment = self.trunk(crop)
        size = embedding.shape[-1]
        embedding = unit_columns(embedding.float().flatten(2))
        small = F.avg_pool2d(prior, 4)
        own = self.look(embedding, assignment, small)
        maps = self.compare(embedding, appearance, own)
        maps = torch.cat([maps.reshape(-1, MAPS, size, size), small], 1)
        coarse = self.coarse(torch.cat([eighth, F.avg_pool2d(maps, 2)], 1))
        middle = self.middle(torch.cat([upsample(self.middle_in(coarse)), quarter, maps], 1))
        fine = upsample(self.fine_in(middle)) + self.fine_skip(half) + self.fine_prior(prior - 0.5)
        correction = F.pixel_shuffle(self.out(self.fine(F.relu(fine))), 2).float()
        fit = maps[:, 4 * PROTOTYPES:4 * PROTOTYPES + 1]
        gate = self.open(small, fit, coarse, middle)
        correction = drop_small(gate * correction, self.dead_zone)
        logits = logit_of(prior) + correction
        return logits, self.rate(logits, small, fit, coarse, middle, gate), own

    def open(self, small, fit, coarse, middle):
        """How much of the correction to trust on this mask [N, 1, 1, 1], from pooled features and how well the prior fits."""
        area = small.mean((2, 3))
        under = (middle.float() * small).mean((2, 3)) / (area + 0.01)
        fits = (fit * small).mean((2, 3)) / (area + 0.01)
        pooled = [coarse.float().mean((2, 3)), under, area, fits, (fit * (1 - small)).mean((2, 3))]
        return torch.sigmoid(self.gate(torch.cat(pooled, 1)).float()).unsqueeze(2).unsqueeze(3)

    def rate(self, logits, small, fit, coarse, middle, gate):
        """Logit of the output's expected IoU [N, 1], from pooled features and how sure and how changed the output is."""
        mask = torch.sigmoid(logits.detach())
        share = F.avg_pool2d(mask, 4)
        area = share.mean((2, 3))
        under = (middle.float() * share).mean((2, 3)) / (area + 0.01)
        unsure = (mask * (1 - mask)).mean((2, 3)) / (area + 0.01)
        both = torch.minimum(share, small).mean((2, 3))
        agree = both / (area + small.mean((2, 3)) - both + 0.01)
        blurred = (small * (1 - small)).mean((2, 3)) / (area + 0.01)
        fits = (fit.detach() * share).mean((2, 3)) / (area + 0.01)
        unfit = (fit.detach() * (1 - share)).mean((2, 3))
        pooled = [coarse.float().mean((2, 3)), middle.float().mean((2, 3)), under, area, unsure, agree, blurred, fits, unfit,
                  gate.detach().flatten(1)]
        return self.quality(torch.cat(pooled, 1))


class Exported(nn.Module):
    """The graph as shipped: as trained, with `iou` as a probability."""

    def __init__(self, refiner):
        super().__init__()
        self.refiner, self.framing = refiner, refiner.framing

    def appearance(self, crop, prior):
        """See Refiner.appearance."""
        return self.refiner.appearance(crop, prior)

    def forward(self, crop, prior, appearance):
        logits, iou, own = self.refiner(crop, prior, appearance)
        return logits, torch.sigmoid(iou), own
