"""Cutting a region out of a frame for the encoder, and putting its mask back."""
import torch
import torch.nn.functional as F
from torch import Tensor

from ..model.encoder import SIZE
from .clips import HEIGHT, WIDTH

SMALLEST_SIDE = .25   # of the frame
OUTSIDE = -10.        # logit outside the region


def region_around(box: Tensor, factor: float) -> Tensor:
    """Boxes [B,4] in 0..1 -> regions [B,4] factor times as large, inside the frame."""
    centre, size = (box[:, :2] + box[:, 2:]) / 2, (box[:, 2:] - box[:, :2]) * factor
    size = size.clamp(SMALLEST_SIDE, 1)
    low = torch.minimum((centre - size / 2).clamp(min=0), 1 - size)
    return torch.cat([low, low + size], 1)


def cut(images: Tensor, region: Tensor, size: int = SIZE) -> Tensor:
    """[B,c,h,w] and regions -> [B,c,size,size]."""
    axis = (torch.arange(size, device=images.device) + .5) / size
    x = region[:, 0:1] + axis * (region[:, 2:3] - region[:, 0:1])
    y = region[:, 1:2] + axis * (region[:, 3:4] - region[:, 1:2])
    grid = torch.stack([x.unsqueeze(1).expand(-1, size, -1), y.unsqueeze(2).expand(-1, -1, size)], -1) * 2 - 1
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def put_back(logits: Tensor, region: Tensor) -> Tensor:
    """Logits [B,k,n,n] of regions -> [B,k,252,448]."""
    x = ((torch.arange(WIDTH, device=logits.device) + .5) / WIDTH - region[:, 0:1]) / (region[:, 2:3] - region[:, 0:1])
    y = ((torch.arange(HEIGHT, device=logits.device) + .5) / HEIGHT - region[:, 1:2]) / (region[:, 3:4] - region[:, 1:2])
    grid = torch.stack([x.unsqueeze(1).expand(-1, HEIGHT, -1), y.unsqueeze(2).expand(-1, -1, WIDTH)], -1)
    inside = ((grid >= 0) & (grid <= 1)).all(-1).unsqueeze(1)
    out = F.grid_sample(logits, grid * 2 - 1, padding_mode="border", align_corners=False)
    return torch.where(inside, out, torch.full_like(out, OUTSIDE))


def inside_region(points: Tensor, region: Tensor) -> Tensor:
    """Points [B,n,2] of the frame in coordinates of the region."""
    low, size = region[:, None, :2], region[:, None, 2:] - region[:, None, :2]
    return (points - low) / size
