"""The refiner as it is exported: the same function of the same weights, arranged for a CPU runtime.

Sizes are constants of the graph but for the number of objects, and sums over pixels are products of matrices:

- Where pixels meet the keyframe's cells, pixels come last: nothing is turned, and one product gives a pixel's weight of the
  object, of the rest and of both. How sharply cells are compared is a factor of theirs, and exp(-sharpness) of the shares.
- They meet in PARTS, so that what lies between two products stays in the processor's cache.
- All logarithms are taken at once, and one product makes maps of them.
- Embedding and assignment are one convolution; the scale of colours is in the weights of the first.
"""
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F

from .geometry import logit_of
from .model import CELL_MAPS, CELLS, EMBEDDING, MAPS, PROTOTYPES, SHARPNESS, Refiner, drop_small, upsample

SIDE, PIXELS = 2 * CELLS, 4 * CELLS ** 2
NEGLIGIBLE = 40.0
"""Log weights of cells that are further from a pixel end here, before they are denormal: e to the minus this is 1e-17."""
PARTS = 4
FLOOR, MATCH_FLOOR = 1e-5, 1e-4


def unit(x, axis):
    """x [N, R, C] scaled to length 1 along `axis`, 1 or 2."""
    squares = x * x
    sums = torch.ones(1, EMBEDDING) @ squares if axis == 1 else squares @ torch.ones(EMBEDDING, 1)
    return x / torch.sqrt(sums + 1e-6)


class Cells(nn.Module):
    """CellMatch up to the logarithms: weights [N, 6, 1024] of the object, the rest and both, by looks, then by looks and place."""

    def __init__(self, source):
        super().__init__()
        self.sharpness = source.sharpness.data.exp().tolist()
        near = source.distances.T * torch.exp(-2 * source.reach.data)
        self.register_buffer('near', -near.clamp(max=NEGLIGIBLE))
        least = torch.exp(-source.sharpness.data.exp()).repeat_interleave(3).view(-1, 1)
        self.register_buffer('factor', least * torch.tensor([1.0, -1.0, 0.0] * 2).view(-1, 1))
        self.register_buffer('offset', least * torch.tensor([0.0, 1.0, 1.0] * 2).view(-1, 1))

    def forward(self, embedding, vectors, share):
        """embedding [N, E, 1024], vectors [N, CELLS ** 2, E], share [N, 1, CELLS ** 2]."""
        sides = self.factor * share + self.offset
        vectors = vectors * self.sharpness[0]
        sums = []
        for pixels, near in zip(embedding.split(PIXELS // PARTS, 2), self.near.split(PIXELS // PARTS, 1)):
            looks = vectors @ pixels
            placed = looks * (self.sharpness[1] / self.sharpness[0]) + near
            sums.append(torch.cat([sides[:, :3] @ torch.exp(looks), sides[:, 3:] @ torch.exp(placed)], 1))
        return torch.cat(sums, 2)


class Deployed(nn.Module):
    """See the module's text; inputs and outputs as of `Exported` in model.py."""

    def __init__(self, refiner: Refiner):
        super().__init__()
        self.refiner = refiner
        self.cells = Cells(refiner.cells)
        self.stem = copy.deepcopy(refiner.trunk.stem)
        self.stem[0].weight.data *= 1 / 58.0
        self.embed = nn.Conv2d(refiner.trunk.embed.in_channels, EMBEDDING + PROTOTYPES, 1)
        parts = (refiner.trunk.embed, refiner.trunk.assign)
        self.embed.weight.data = torch.cat([part.weight.data for part in parts])
        self.embed.bias.data = torch.cat([part.bias.data for part in parts])
        self.register_buffer('floors', torch.tensor([0.0] * 4 + [FLOOR, FLOOR, MATCH_FLOOR] * 2).view(1, -1, 1))
        odds = torch.zeros(2 + CELL_MAPS, 10)
        odds[[0, 1], [0, 1]], odds[[0, 1], [2, 3]] = 1.0, -1.0
        odds[[2, 3, 4, 5], [4, 6, 7, 9]], odds[[2, 4], [5, 8]] = 0.25, -0.25
        self.register_buffer('odds', odds)
        self.register_buffer('side', torch.tensor([1.0] * PROTOTYPES + [0.0] * PROTOTYPES).view(1, -1, 1))

    def look(self, embedding, assignment, inside):
        """Refiner.look, and the prototypes apart."""
        cells = F.avg_pool2d(embedding.reshape(-1, EMBEDDING, SIDE, SIDE), 2).reshape(-1, EMBEDDING, CELLS ** 2)
        share = F.avg_pool2d(inside, 2).reshape(-1, CELLS ** 2, 1)
        cells = torch.cat([unit(cells, 1).transpose(1, 2), share], 2)
        belongs = torch.exp(assignment.clamp(-15, 15))
        belongs = belongs / (torch.ones(1, PROTOTYPES) @ belongs)
        object_ = belongs * inside.reshape(-1, 1, PIXELS)
        weights = torch.cat([object_, belongs - object_], 1)
        total = weights.sum(2, keepdim=True)
        prototypes = unit(weights @ embedding.transpose(1, 2) / (total + 0.1), 2)
        rows = torch.cat([prototypes, total * 0 + self.side], 2)  # "* 0" gives it the batch
        return prototypes, torch.cat([rows, cells], 1)

    def compare(self, embedding, appearance, own):
        """Refiner.compare, with the own prototypes [N, 8, E]."""
        vectors, share = appearance.split((EMBEDDING, 1), 2)
        known, cells = vectors.split((2 * PROTOTYPES, CELLS ** 2), 1)
        share = share[:, 2 * PROTOTYPES:].reshape(-1, 1, CELLS ** 2)
        cosine = torch.cat([known, own], 1) @ embedding
        sums = self.refiner.parts @ torch.exp(SHARPNESS * cosine)
        logs = torch.log(torch.cat([sums, self.cells(embedding, cells, share)], 1) + self.floors)
        return torch.cat([cosine, self.odds @ logs], 1)

    def see(self, crop):
        """Trunk.forward with embedding [N, E, 1024] and assignment [N, PROTOTYPES, 1024] from one convolution."""
        trunk = self.refiner.trunk
        half = self.stem(crop - 117.0)
        quarter = trunk.quarter(half)
        eighth = trunk.eighth(quarter)
        eighth = F.relu(eighth + upsample(trunk.sixteenth(eighth)))
        quarter = trunk.fuse(F.relu(quarter + upsample(trunk.down(eighth))))
        both = self.embed(quarter).reshape(-1, EMBEDDING + PROTOTYPES, PIXELS)
        return half, quarter, eighth, *both.split((EMBEDDING, PROTOTYPES), 1)

    def forward(self, crop, prior, appearance):
        refiner = self.refiner
        half, quarter, eighth, embedding, assignment = self.see(crop)
        embedding = unit(embedding, 1)
        small = F.avg_pool2d(prior, 4)
        prototypes, own = self.look(embedding, assignment, small)
        maps = self.compare(embedding, appearance, prototypes)
        maps = torch.cat([maps.reshape(-1, MAPS, SIDE, SIDE), small], 1)
        coarse = refiner.coarse(torch.cat([eighth, F.avg_pool2d(maps, 2)], 1))
        middle = refiner.middle(torch.cat([upsample(refiner.middle_in(coarse)), quarter, maps], 1))
        fine = upsample(refiner.fine_in(middle)) + refiner.fine_skip(half) + refiner.fine_prior(prior - 0.5)
        correction = F.pixel_shuffle(refiner.out(refiner.fine(F.relu(fine))), 2)
        fit = maps[:, 4 * PROTOTYPES:4 * PROTOTYPES + 1]
        gate = refiner.open(small, fit, coarse, middle)
        logits = logit_of(prior) + drop_small(gate * correction, refiner.dead_zone)
        return logits, torch.sigmoid(refiner.rate(logits, small, fit, coarse, middle, gate)), own
