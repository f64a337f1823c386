"""Windows, crops, pasting and warping, as the tracker does them (src/tracking/mask/refine-window.ts, mask/warp.ts).

Coordinates are continuous: pixel i covers [i, i + 1). Masks live on the analysis picture, 448x252 in training; flow lives
on its own coarser grid. A change here is a change of the model's contract.
"""
from typing import NamedTuple

import torch
import torch.nn.functional as F

ANALYSIS_WIDTH, ANALYSIS_HEIGHT = 448, 252
FLOW_WIDTH, FLOW_HEIGHT = 256, 144
THRESHOLD = 0.5
MAX_LOGIT = 6.0
"""Logits beyond this carry no more certainty; it keeps a prior's logit finite."""


class Framing(NamedTuple):
    """What a network sees of an object: a window around its mask, and how finely."""

    crop: int
    """Side of the crop in pixels."""
    factor: float
    """Side of the window over the longer side of the mask's box."""
    least: float
    """Side of the smallest window in analysis pixels."""


CORRECTION = Framing(128, 1.6, 48.0)
"""The refiner's."""


def box_of(mask):
    """mask [B, 1, H, W] -> (box [B, 4] as x0, y0, x1, y1 with exclusive ends, found [B] bool)."""
    inside = mask[:, 0] >= THRESHOLD
    columns, rows = inside.any(1), inside.any(2)
    width, height = mask.shape[-1], mask.shape[-2]
    box = torch.stack([columns.float().argmax(1), rows.float().argmax(1),
                       width - columns.float().flip(1).argmax(1), height - rows.float().flip(1).argmax(1)], 1)
    return box.float(), columns.any(1)


class Window:
    """Square windows of a batch: `centre` [B, 2], `side` [B] in analysis pixels, `turn` [B, 2, 2]; seen as `crop` x `crop` pixels.

    A crop position q in [-0.5, 0.5]^2 lies at centre + side * turn q. `turn` is the identity in use;
    in training it holds flips and small rotations, so its inverse is its transpose.
    """

    def __init__(self, centre, side, crop, turn=None):
        self.centre, self.side, self.crop = centre, side, crop
        self.turn = torch.eye(2, device=side.device).expand(len(side), 2, 2) if turn is None else turn

    @staticmethod
    def around(mask, framing, turn=None, factor=None, shift=None):
        """The window of a mask, centred on its box, as `framing` has it.

        `factor` [B] and `shift` [B, 2] (in window sides) jitter it in training.
        Returns (window, found [B]: whether the mask had a pixel over the threshold).
        """
        box, found = box_of(mask)
        size = (box[:, 2:] - box[:, :2]).amax(1)
        side = (framing.factor * size).clamp(min=framing.least)
        side = side if factor is None else side * factor
        centre = (box[:, :2] + box[:, 2:]) / 2
        centre = centre if shift is None else centre + shift * side[:, None]
        return Window(centre, side, framing.crop, turn), found

    def grid(self):
        """Sampling grid [B, crop, crop, 2] of the crop in the frame's normalised coordinates."""
        crop = self.crop
        step = (torch.arange(crop, device=self.side.device) + 0.5) / crop - 0.5
        q = torch.stack([step.view(1, -1).expand(crop, -1), step.view(-1, 1).expand(-1, crop)], -1).view(1, -1, 2)
        at = torch.matmul(q, self.turn.transpose(1, 2)) * self.side[:, None, None] + self.centre[:, None]
        size = at.new_tensor([ANALYSIS_WIDTH, ANALYSIS_HEIGHT])
        return (at / size * 2 - 1).view(-1, crop, crop, 2)

    def inverse_grid(self):
        """Crop coordinates (-1..1 inside) of every pixel of the analysis picture: [B, H, W, 2]."""
        q = (pixel_centres(self.side.device).view(1, -1, 2) - self.centre[:, None]) / self.side[:, None, None]
        return (torch.matmul(q, self.turn) * 2).view(-1, ANALYSIS_HEIGHT, ANALYSIS_WIDTH, 2)


def pixel_centres(device):
    """Positions [H, W, 2] of the analysis picture's pixel centres."""
    x = torch.arange(ANALYSIS_WIDTH, device=device) + 0.5
    y = torch.arange(ANALYSIS_HEIGHT, device=device) + 0.5
    return torch.stack([x.view(1, -1).expand(ANALYSIS_HEIGHT, -1), y.view(-1, 1).expand(-1, ANALYSIS_WIDTH)], -1)


def logit_of(probability):
    """Logit, clipped to MAX_LOGIT."""
    return torch.log((probability + 1e-6) / (1 - probability + 1e-6)).clamp(-MAX_LOGIT, MAX_LOGIT)


def crop_mask(mask, window):
    """mask [B, 1, H, W] -> [B, 1, crop, crop], 0 outside the picture."""
    return F.grid_sample(mask, window.grid(), align_corners=False)


def crop_image(image, window):
    """image [B, 3, H, W] -> [B, 3, crop, crop], plain bilinear, border repeated."""
    return F.grid_sample(image, window.grid(), padding_mode='border', align_corners=False)


def paste(mask, prior, logits, window):
    """The mask [B, 1, H, W] after the refiner: its change of `prior` (the mask's crop) is added to the finer mask.

    0 outside the window. `prior` and `logits` are [B, 1, crop, crop].
    """
    grid = window.inverse_grid()
    change = logits.clamp(-MAX_LOGIT, MAX_LOGIT) - logit_of(prior)
    change = F.grid_sample(change, grid, padding_mode='border', align_corners=False)
    return torch.sigmoid(logit_of(mask) + change) * (grid.abs().amax(-1) <= 1).unsqueeze(1)


def warp(mask, flow):
    """mask [B, 1, H, W] of the frame before, flow [B, 2, 144, 256] in flow pixels from this frame to it -> this frame's mask."""
    size = (ANALYSIS_HEIGHT, ANALYSIS_WIDTH)
    fine = F.interpolate(flow.float(), size=size, mode='bilinear', align_corners=False).permute(0, 2, 3, 1)
    at = pixel_centres(mask.device) + fine * (ANALYSIS_WIDTH / FLOW_WIDTH)
    grid = at / at.new_tensor([ANALYSIS_WIDTH, ANALYSIS_HEIGHT]) * 2 - 1
    return F.grid_sample(mask, grid, padding_mode='border', align_corners=False)


def iou(a, b):
    """Intersection over union [B] of boolean masks [B, ...]; 1 where both are empty."""
    a, b = a.flatten(1), b.flatten(1)
    union = (a | b).sum(1).float()
    return torch.where(union > 0, (a & b).sum(1) / union.clamp(min=1), torch.ones_like(union))
