"""J, F, and how well a predicted IoU predicts."""
import torch
import torch.nn.functional as F
from torch import Tensor

TOLERANCE = 5   # pixels, 0.8 % of the diagonal of 448x252, as in DAVIS


def iou(a: Tensor, b: Tensor) -> Tensor:
    """bool [B,h,w] -> [B]; two empty masks agree."""
    both, either = (a & b).flatten(1).sum(1).float(), (a | b).flatten(1).sum(1).float()
    return torch.where(either > 0, both / either.clamp(min=1), torch.ones_like(either))


def outline(mask: Tensor) -> Tensor:
    edge = torch.zeros_like(mask)
    edge[:, :, :-1] |= mask[:, :, 1:] ^ mask[:, :, :-1]
    edge[:, :-1] |= mask[:, 1:] ^ mask[:, :-1]
    edge[:, :-1, :-1] |= mask[:, 1:, 1:] ^ mask[:, :-1, :-1]
    return edge


def boundary_f(a: Tensor, b: Tensor) -> Tensor:
    """F of outlines within TOLERANCE, [B]."""
    axis = torch.arange(-TOLERANCE, TOLERANCE + 1, device=a.device)
    disk = ((axis[:, None] ** 2 + axis[None] ** 2) <= TOLERANCE ** 2).float()[None, None]
    grow = lambda m: F.conv2d(m[:, None].float(), disk, padding=TOLERANCE)[:, 0] > .5
    edge_a, edge_b = outline(a), outline(b)
    count_a, count_b = edge_a.flatten(1).sum(1).float(), edge_b.flatten(1).sum(1).float()
    precision = torch.where(count_a > 0, (edge_a & grow(edge_b)).flatten(1).sum(1) / count_a.clamp(min=1), (count_b == 0).float())
    recall = torch.where(count_b > 0, (edge_b & grow(edge_a)).flatten(1).sum(1) / count_b.clamp(min=1), (count_a == 0).float())
    total = precision + recall
    return torch.where(total > 0, 2 * precision * recall / total.clamp(min=1e-9), torch.zeros_like(total))


def calibration(predicted: Tensor, true: Tensor, bins: int = 10) -> dict:
    """Correlation, mean error, and expected calibration error over equal-count bins."""
    order = predicted.argsort()
    chunks = [c for c in order.chunk(bins) if len(c)]
    ece = sum(len(c) * (predicted[c].mean() - true[c].mean()).abs() for c in chunks) / len(order)
    r = torch.corrcoef(torch.stack([predicted, true]))[0, 1]
    return dict(n=len(order), r=r.item(), bias=(predicted - true).mean().item(), mae=(predicted - true).abs().mean().item(), ece=float(ece))
