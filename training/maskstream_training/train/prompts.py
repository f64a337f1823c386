"""Prompts drawn from masks, and the damage that stale masks carry.  Masks are [B,1,96,96]; draws are made on their device."""
import torch
import torch.nn.functional as F
from torch import Tensor

from ..model.decoder import FINE, POINTS


def per_row(x: Tensor) -> Tensor:
    return x.view(-1, 1, 1, 1)


def chance(mask: Tensor, probability: float) -> Tensor:
    """[B] bool"""
    return torch.rand(mask.shape[0], device=mask.device) < probability


def box_of(mask: Tensor) -> Tensor:
    """bool [B,h,w] -> x0, y0, x1, y1 in 0..1."""
    side = mask.shape[-1]
    xs, ys = mask.any(1).float(), mask.any(2).float()
    return torch.stack([xs.argmax(1), ys.argmax(1), side - xs.flip(1).argmax(1), side - ys.flip(1).argmax(1)], 1).float() / side


def jitter(box: Tensor) -> Tensor:
    """Boxes as detectors and hands draw them: off by about .7 % of their size, 2 % or 8 %."""
    size = torch.cat([box[:, 2:] - box[:, :2]] * 2, 1)
    draw = torch.rand(len(box), 1, device=box.device)
    amount = torch.where(draw < .45, .007, torch.where(draw < .75, .02, .08))
    return (box + torch.randn_like(box) * size * amount).clamp(0, 1)


def usable(box: Tensor) -> Tensor:
    return (box[:, 2] - box[:, 0] > .004) & (box[:, 3] - box[:, 1] > .004)


def pick_point(weight: Tensor) -> Tensor:
    """A point [B,2] in 0..1 drawn from weight [B,1,h,w]."""
    flat = weight.flatten(1).float()
    flat = flat + (flat.sum(1, keepdim=True) <= 1e-12).float() * 1e-3
    cell, side = torch.multinomial(flat, 1)[:, 0], weight.shape[-1]
    inside = torch.rand(2, len(cell), device=weight.device)
    return torch.stack([(cell % side + inside[0]) / side, (cell // side + inside[1]) / side], 1)


def inner_point(mask: Tensor) -> Tensor:
    """A click on the object, mostly well inside."""
    hard = (mask > .5).float()
    hard = torch.where(hard.sum((2, 3), keepdim=True) < 1, mask, hard)
    deep = F.avg_pool2d(hard, 11, 1, 5) ** 6 + 1e-6
    return pick_point(hard * torch.where(per_row(chance(mask, .65)), deep, torch.ones_like(deep)))


def error_weight(prediction: Tensor, truth: Tensor) -> Tensor:
    """Where a user would click next: inside the wrong areas, the largest first."""
    wrong = [((prediction > .5) & (truth <= .5)).float(), ((prediction <= .5) & (truth > .5)).float()]
    return sum(e * (F.avg_pool2d(e, 7, 1, 3) ** 2 + 1e-5) for e in wrong) + 1e-9 * (truth > .5)


def no_points(mask: Tensor) -> tuple[Tensor, Tensor]:
    count = mask.shape[0]
    return torch.zeros(count, POINTS, 2, device=mask.device), torch.full((count, POINTS), -1., device=mask.device)


def put_box(points: Tensor, labels: Tensor, box: Tensor, given: Tensor) -> None:
    points[:, 0], points[:, 1] = box[:, :2], box[:, 2:]
    labels[:, 0] = torch.where(given, 2., -1.)
    labels[:, 1] = torch.where(given, 3., -1.)


def damage(mask: Tensor, strength: float = 1.3) -> Tensor:
    """Shift, scale, bend, grow, shrink, holes, leaks and blur: what propagation does to a mask."""
    count, device = mask.shape[0], mask.device
    uniform = lambda: torch.rand(count, device=device)
    normal = lambda *more: torch.randn(count, *more, device=device)
    amount = uniform() * strength
    scale, turn = torch.exp(normal() * .1 * amount), normal() * .12 * amount
    c, s = torch.cos(turn) * scale, torch.sin(turn) * scale
    move = normal(2) * (.05 * amount)[:, None]
    theta = torch.stack([torch.stack([c, -s, move[:, 0]], 1), torch.stack([s, c, move[:, 1]], 1)], 1)
    smooth = lambda cells, channels: F.interpolate(normal(channels, cells, cells), size=(FINE, FINE), mode="bicubic", align_corners=False)
    bend = smooth(4, 2) * per_row(.05 * amount) + smooth(14, 2) * per_row(.022 * uniform() * amount)
    grid = F.affine_grid(theta, list(mask.shape), align_corners=False) + bend.permute(0, 2, 3, 1)
    out = F.grid_sample(mask, grid, align_corners=False)
    blurred = F.avg_pool2d(F.avg_pool2d(out, 5, 1, 2), 5, 1, 2)
    regrown = torch.sigmoid((blurred - per_row(.15 + .7 * uniform())) * per_row(8 + 40 * uniform()))
    out = torch.where(per_row(uniform() < .5), regrown, out)
    out = torch.where((smooth(6, 1) > 1) & per_row(uniform() < .35), torch.zeros_like(out), out)
    beside = F.max_pool2d(out, 13, 1, 6) > .5
    out = torch.where((smooth(6, 1) > 1) & beside & per_row(uniform() < .35), torch.ones_like(out), out)
    return torch.where(per_row(uniform() < .25), F.avg_pool2d(out, 3, 1, 1), out).clamp(0, 1)
