"""Procedural objects: blobs, boxes, rings and jointed rods, with shading."""
import math

import torch
from torch import Tensor


def affine(scale_x: Tensor, scale_y: Tensor, rotation: Tensor) -> Tensor:
    """[n,2,2]"""
    c, s = torch.cos(rotation), torch.sin(rotation)
    return torch.stack([torch.stack([scale_x * c, -scale_x * s], -1), torch.stack([scale_y * s, scale_y * c], -1)], -2)


def draw(at: Tensor, size: int, views: int) -> tuple[Tensor, Tensor]:
    """Object-frame positions at [views*n,h,w,2] -> coverage and shading (factor about 1), both [views*n,1,h,w]; one shape a sequence."""
    device, count = at.device, at.shape[0] // views
    uniform = lambda lo=0., hi=1., *more: torch.rand(count, *more, device=device) * (hi - lo) + lo
    rep = lambda t: t.repeat(views, *[1] * (t.ndim - 1))
    centre = uniform(-.6, .6, 2)
    scale = torch.exp(uniform(math.log(.12), math.log(.6)))
    stretch, turn = torch.exp(torch.randn(count, device=device) * .5), uniform(0, math.pi)
    ones = torch.ones_like(turn)
    to_shape = affine(1 / (scale * stretch), stretch / scale, turn * 0) @ affine(ones, ones, turn)
    q = torch.einsum("bhwc,bdc->bhwd", at - rep(centre)[:, None, None], rep(to_shape))
    flat = lambda t: rep(t).view(-1, 1, 1)
    x, y = q[..., 0], q[..., 1]
    radius, angle = q.pow(2).sum(-1).add(1e-8).sqrt(), torch.atan2(y, x)
    blob = torch.ones_like(radius)
    amplitude = uniform() ** 2 * .6
    for k in range(1, 7):
        blob = blob + flat(torch.randn(count, device=device) * amplitude / k ** .5) * torch.cos(k * angle + flat(uniform(0, 6.283)))
    blob = blob.clamp(min=.15) - radius
    power = flat(torch.exp(uniform(math.log(2.), math.log(10.))))
    box = 1 - ((x.abs() + 1e-4) ** power + (y.abs() + 1e-4) ** power) ** (1 / power)
    ring = flat(uniform(.12, .3)) - (radius - .8).abs()
    # A mug: a box with half a ring at one side.
    handle = .12 - (((x - .9) ** 2 + y ** 2 + 1e-8).sqrt() - .45).abs()
    mug = torch.maximum(box, handle)
    rods = capsule(q, flat(uniform(-1, 1)), flat(uniform(-1, 1)), flat(uniform(-.3, .3)), flat(uniform(-.3, .3)), flat(uniform(.06, .25)))
    for _ in range(2):
        rods = torch.maximum(rods, capsule(q, flat(uniform(-.3, .3)), flat(uniform(-.3, .3)), flat(uniform(-1, 1)), flat(uniform(-1, 1)), flat(uniform(.06, .25))))
    family = flat(torch.randint(0, 8, (count,), device=device))
    inside = torch.where(family < 3, blob, torch.where(family < 5, box, torch.where(family == 5, mug, torch.where(family == 6, ring, rods))))
    coverage = (inside * (rep(scale) * size / 4).view(-1, 1, 1) + .5).clamp(0, 1).unsqueeze(1)
    shade = 1 + flat(uniform(-.5, .5)) * x.clamp(-1.5, 1.5) + flat(uniform(-.3, .3)) * y.clamp(-1.5, 1.5)
    return coverage, shade.clamp(.2, 1.8).unsqueeze(1)


def capsule(q: Tensor, x0: Tensor, y0: Tensor, x1: Tensor, y1: Tensor, width: Tensor) -> Tensor:
    """Positive inside a rod from (x0, y0) to (x1, y1)."""
    dx, dy = x1 - x0, y1 - y0
    along = (((q[..., 0] - x0) * dx + (q[..., 1] - y0) * dy) / (dx * dx + dy * dy + 1e-4)).clamp(0, 1)
    return width - ((q[..., 0] - x0 - along * dx) ** 2 + (q[..., 1] - y0 - along * dy) ** 2 + 1e-8).sqrt()
