"""The object's own motion in place of the background's flow around it, as in src/tracking/flow/object-motion.ts.

The same steps with the same constants on whole batches; only the photometric residual differs (a 3x3 mean instead of a cross).
"""
import torch
import torch.nn.functional as F

from .geometry import FLOW_HEIGHT, FLOW_WIDTH

CELL, WIDE, NARROW, ROUNDS = 4, 6, 2, 3
OUTLIER_DISTANCE, TRUST, SAME_PROBABILITY = 1.5, 0.02, 0.05
KEEP_DISTANCE, EXPLAINS_GREY, EXPLAINS_SPAN_GREY = 2.0, 4.0, 10.0


def grey_at_flow(image):
    """RGB [B, 3, H, W] -> grey [B, 1, 144, 256]."""
    grey = (image * image.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return F.interpolate(grey, size=(FLOW_HEIGHT, FLOW_WIDTH), mode='area')


def at_flow(x, flow, stride=1):
    """x [B, C, ...] read where `flow` [B, 2, h, w] leads from a grid of every `stride`-th flow pixel's middle."""
    across = (torch.arange(flow.shape[3], device=flow.device) + 0.5) * stride
    down = (torch.arange(flow.shape[2], device=flow.device) + 0.5) * stride
    grid = torch.stack([(flow[:, 0] + across.view(1, 1, -1)) * (2 / FLOW_WIDTH) - 1,
                        (flow[:, 1] + down.view(1, -1, 1)) * (2 / FLOW_HEIGHT) - 1], -1)
    return F.grid_sample(x, grid, padding_mode='border', align_corners=False)


def pool(pooled, flow, weight, radius):
    """`pooled` drawn to the weighted mean of `flow` within `radius` cells, as far as there is weight."""
    side = 2 * radius + 1
    total = F.avg_pool2d(weight, side, 1, radius) * side ** 2
    mean = F.avg_pool2d(weight * flow, side, 1, radius) * side ** 2 / total.clamp(min=1e-3)
    floor = TRUST * side ** 2
    share = total ** 2 / (total ** 2 + floor ** 2) * (total >= 1e-3)
    return pooled + share * (mean - pooled)


def ramp(better):
    """0..1 for a number of grey levels."""
    return ((better - EXPLAINS_GREY) / EXPLAINS_SPAN_GREY).clamp(0, 1)


def follow_object(flow, mask, before, now):
    """The flow [B, 2, 144, 256] to warp `mask` [B, 1, H, W] with; `before` and `now` are grey_at_flow of the two frames."""
    small = F.interpolate(mask, size=(FLOW_HEIGHT, FLOW_WIDTH), mode='area')
    cells = F.avg_pool2d(flow, CELL)
    origin = at_flow(small, cells, CELL)
    weight = origin
    for _ in range(ROUNDS):
        far = ((cells - pool(cells, cells, weight, WIDE)) ** 2).sum(1, keepdim=True) / OUTLIER_DISTANCE ** 2
        weight = origin / (1 + far * far)
    pooled = pool(pool(cells, cells, weight, WIDE), cells, weight, NARROW)
    pooled = F.interpolate(pooled, scale_factor=float(CELL), mode='bilinear', align_corners=False)
    apart = flow - pooled
    far = (apart ** 2).sum(1, keepdim=True)
    residual = lambda f: F.avg_pool2d((now - at_flow(before, f)).abs(), 3, 1, 1)
    own, other = residual(flow), residual(pooled)
    measured, follows = at_flow(small, flow), at_flow(small, pooled)
    explained = ramp(other - own)
    uncovered = ramp(at_flow(other, apart) - own)
    explained = torch.where(measured > follows, explained * uncovered, explained)
    close = 1 / (1 + (far / KEEP_DISTANCE ** 2) ** 2)
    keep = close + (1 - close) * explained
    same = (far < 1) | ((measured - follows).abs() < SAME_PROBABILITY)
    return pooled + torch.where(same, torch.ones_like(keep), keep) * apart
