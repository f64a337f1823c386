"""The refiner: one frame's crop, the warped mask and the object's appearance -> the mask pulled back to the edge.

An image trunk (to 1/16) gives features at 1/4. Under a mask they are pooled into PROTOTYPES foreground and as many
background vectors: the appearance. Similarity to the keyframe's appearance, and to the appearance under the current
prior, tells object from surroundings; a small decoder turns it into a correction added to the prior's logit.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

from geometry import logit_of

EMBEDDING, PROTOTYPES = 32, 4
APPEARANCE = EMBEDDING * PROTOTYPES
"""C of the graph's `appearance` input: PROTOTYPES vectors of EMBEDDING numbers, one after the other."""
PRIOR_LIMIT = 0.98
"""The prior is clipped to [1 - limit, limit] before its logit is taken."""
DEAD_ZONE = 1.0
"""Corrections up to this many logits are left out of the shipped graph, larger ones lessened by it; chosen on held-out clips."""
SHARPNESS = 8.0
MAPS = 4 * PROTOTYPES + 2


class ConvBn(nn.Sequential):
    """Convolution, batch norm (folded on export), ReLU."""

    def __init__(self, cin, cout, kernel=3, stride=1, relu=True):
        layers = [nn.Conv2d(cin, cout, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(cout)]
        super().__init__(*layers, *([nn.ReLU(inplace=True)] if relu else []))


class Residual(nn.Module):
    """Two 3x3 convolutions with a skip."""

    def __init__(self, channels, hidden=None):
        super().__init__()
        hidden = hidden or channels
        self.body = nn.Sequential(ConvBn(channels, hidden), ConvBn(hidden, channels, relu=False))

    def forward(self, x):
        return F.relu(x + self.body(x))


def limited_logit(prior):
    """Logit of a prior clipped to PRIOR_LIMIT: the correction can overturn it."""
    clipped = prior.float().clamp(1 - PRIOR_LIMIT, PRIOR_LIMIT)
    return torch.log(clipped / (1 - clipped))


def upsample(x):
    """Nearest-neighbour doubling: the cheapest in ONNX Runtime, smoothed by the convolution after it."""
    return F.interpolate(x, scale_factor=2.0, mode='nearest')


class Trunk(nn.Module):
    """crop [N, 3, 128, 128] in 0..255 -> features at 1/2 [16], 1/4 [32], 1/8 [64] and the embedding at 1/4."""

    def __init__(self, width):
        super().__init__()
        a, b, c, d = width
        self.stem = ConvBn(3, a, stride=2)
        self.quarter = nn.Sequential(ConvBn(a, b, stride=2), Residual(b))
        self.eighth = nn.Sequential(ConvBn(b, c, stride=2), Residual(c))
        self.sixteenth = nn.Sequential(ConvBn(c, d, stride=2), Residual(d, d // 2), ConvBn(d, c, 1, relu=False))
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


class Refiner(nn.Module):
    """See the module's text; `Exported` below is what is shipped."""

    def __init__(self, width=(16, 32, 64, 96)):
        super().__init__()
        a, b, c, _ = width
        self.trunk = Trunk(width)
        self.coarse = nn.Sequential(ConvBn(c + MAPS + 1, c, 1), Residual(c, c // 2))
        self.middle_in = ConvBn(c, b, 1)
        self.middle = nn.Sequential(ConvBn(2 * b + MAPS + 1, b, 1), Residual(b))
        self.fine_in = ConvBn(b, a - 4, 1)
        self.fine = nn.Sequential(ConvBn(2 * a, a), ConvBn(a, a))
        self.out = nn.Conv2d(a, 4, 3, padding=1)
        self.quality = nn.Sequential(nn.Linear(c + 2 * b + 5, 64), nn.ReLU(inplace=True), nn.Linear(64, 1))
        halves = torch.zeros(2, 2 * PROTOTYPES)
        halves[0, :PROTOTYPES] = halves[1, PROTOTYPES:] = 1
        self.register_buffer('halves', halves, persistent=False)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    @staticmethod
    def pool(embedding, assignment, prior):
        """Appearance [N, 2, APPEARANCE] of an embedding [N, E, 1024] under a prior [N, 1, 128, 128]."""
        inside = F.avg_pool2d(prior, 4).flatten(2)
        share = torch.exp(assignment.float().clamp(-15, 15).flatten(2))
        share = share / torch.matmul(torch.ones(1, PROTOTYPES, device=share.device), share)
        weights = torch.cat([share * inside, share * (1 - inside)], 1)
        total = torch.matmul(weights, embedding.transpose(1, 2))
        mean = total / (weights.sum(2, keepdim=True) + 0.1)
        return unit_columns(mean.transpose(1, 2)).transpose(1, 2).reshape(-1, 2, APPEARANCE)

    def compare(self, embedding, appearance):
        """Cosine maps [N, 2 * PROTOTYPES + 1, 1024]: to each prototype, and soft maximum fore- minus background."""
        vectors = appearance.reshape(-1, 2 * PROTOTYPES, EMBEDDING)
        cosine = torch.matmul(vectors, embedding)
        both = torch.log(torch.matmul(self.halves, torch.exp(SHARPNESS * cosine)))
        return torch.cat([cosine, both[:, :1] - both[:, 1:]], 1)

    def appearance(self, crop, prior):
        """Appearance [N, 2, APPEARANCE] of a keyframe's crop under its mask."""
        *_, embedding, assignment = self.trunk(crop)
        return self.pool(unit_columns(embedding.float().flatten(2)), assignment, prior)

    def forward(self, crop, prior, appearance):
        """crop [N, 3, 128, 128], prior [N, 1, 128, 128], appearance [N, 2, C] -> logits, iou logit [N, 1], appearance."""
        correction, logits, iou, own = self.correct(crop, prior, appearance)
        return logits, iou, own

    def correct(self, crop, prior, appearance):
        """As forward, with the correction [N, 1, 128, 128] that is in the logits first."""
        half, quarter, eighth, embedding, assignment = self.trunk(crop)
        size = embedding.shape[-1]
        embedding = unit_columns(embedding.float().flatten(2))
        own = self.pool(embedding, assignment, prior)
        maps = torch.cat([self.compare(embedding, appearance), self.compare(embedding, own)], 1)
        maps = torch.cat([maps.reshape(-1, MAPS, size, size), F.avg_pool2d(prior, 4)], 1)
        coarse = self.coarse(torch.cat([eighth, F.avg_pool2d(maps, 2)], 1))
        middle = self.middle(torch.cat([upsample(self.middle_in(coarse)), quarter, maps], 1))
        fine = self.fine(torch.cat([upsample(self.fine_in(middle)), half, F.pixel_unshuffle(prior, 2)], 1))
        correction = F.pixel_shuffle(self.out(fine), 2).float()
        logits = limited_logit(prior) + correction
        return correction, logits, self.rate(logits, prior, maps, coarse, middle), own

    def rate(self, logits, prior, maps, coarse, middle):
        """Logit of the output's expected IoU [N, 1], from pooled features and how sure and how changed the output is."""
        mask = torch.sigmoid(logits.detach())
        share = F.avg_pool2d(mask, 4)
        area = share.mean((2, 3))
        under = (middle.float() * share).mean((2, 3)) / (area + 0.01)
        unsure = (mask * (1 - mask)).mean((2, 3)) / (area + 0.01)
        both = (mask * prior).mean((2, 3))
        agree = both / (area + prior.mean((2, 3)) - both + 0.01)
        margin = maps[:, 2 * PROTOTYPES:2 * PROTOTYPES + 1].detach()
        fit = (margin * share).mean((2, 3)) / (area + 0.01)
        unfit = (margin * (1 - share)).mean((2, 3))
        pooled = [coarse.float().mean((2, 3)), middle.float().mean((2, 3)), under, area, unsure, agree, fit, unfit]
        return self.quality(torch.cat(pooled, 1))


class Exported(nn.Module):
    """The graph as shipped. `iou` is a probability. The correction is added to the prior's logit as the tracker takes it
    (clipped to MAX_LOGIT, so that no correction is no change when pasted), and only what exceeds DEAD_ZONE of it: on clips
    it was not trained on, small corrections did more harm than good to a mask that flow had carried well."""

    def __init__(self, refiner):
        super().__init__()
        self.refiner = refiner

    def appearance(self, crop, prior):
        """See Refiner.appearance."""
        return self.refiner.appearance(crop, prior)

    def forward(self, crop, prior, appearance):
        correction, _, iou, own = self.refiner.correct(crop, prior, appearance)
        correction = correction - correction.clamp(-DEAD_ZONE, DEAD_ZONE)
        return logit_of(prior) + correction, torch.sigmoid(iou), own
