"""Losses at stride 2: focal + BCE + dice for masks, squared error for predicted IoU, BCE for object-present."""
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

FOCAL, IOU, PRESENT = 10., 2., .4
SPARE = .15      # weight of the better of masks 1 and 2 where mask 0 is the answer
ALL = .03        # weight of every mask on single clicks: keeps the losers alive


@dataclass
class Task:
    """What one decode is asked.  truth [B,1,192,192]; the rest [B]."""
    truth: Tensor
    present: Tensor      # the object is in the frame
    scored: Tensor       # weight of the mask and IoU losses
    absent: Tensor       # weight of the empty-mask loss
    ambiguous: Tensor    # a single click
    other: Tensor        # a second right answer to the click [B,1,192,192]
    has_other: Tensor


def mask_losses(logits: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """logits [B,K,192,192], truth [B,1,192,192] -> mask loss and BCE, both [B,K]."""
    p = torch.sigmoid(logits)
    ce = F.softplus(logits) - logits * truth
    wrong = 1 - (p * truth + (1 - p) * (1 - truth))
    bce = ce.mean((2, 3))
    dice = 1 - (2 * (p * truth).sum((2, 3)) + 1) / (p.sum((2, 3)) + truth.sum((2, 3)) + 1)
    return FOCAL * (ce * wrong ** 2).mean((2, 3)) + bce + dice, bce


def hard_iou(logits: Tensor, truth: Tensor) -> Tensor:
    """IoU of thresholded masks, [B,K]."""
    with torch.no_grad():
        a, b = logits > 0, truth > .5
        return ((a & b).sum((2, 3)) / (a | b).sum((2, 3)).clamp(min=1)).float()


def decode_loss(logits: Tensor, score: Tensor, present: Tensor, task: Task) -> tuple[Tensor, Tensor]:
    """Sum of the losses of one decode, and the true IoU of its masks [B,3].

    A clear prompt trains mask 0.  A single click with one known answer trains the best mask; with two known answers
    (a part and its whole) mask 1 must be the smaller, mask 2 the larger, mask 0 whichever it is nearer to.
    """
    count = logits.shape[0]
    large = F.interpolate(logits.float(), scale_factor=2, mode="bilinear", align_corners=False)
    loss, bce = mask_losses(large, task.truth)
    clear = loss[:, 0] + SPARE * loss[:, 1:].min(1)[0]
    single = loss.min(1)[0] + ALL * loss.mean(1)
    loss_other, _ = mask_losses(large, task.other)
    truth_smaller = task.truth.sum((1, 2, 3)) <= task.other.sum((1, 2, 3))
    small = torch.where(truth_smaller, loss[:, 1], loss_other[:, 1])
    whole = torch.where(truth_smaller, loss_other[:, 2], loss[:, 2])
    nested = .5 * (small + whole) + .5 * torch.minimum(loss[:, 0], loss_other[:, 0])
    per_row = torch.where(task.ambiguous, torch.where(task.has_other, nested, single), clear)
    true_iou = hard_iou(large, task.truth)
    scored = task.scored.sum().clamp(min=1)
    total = (per_row * task.scored).sum() / scored
    total = total + (bce.mean(1) * task.absent).sum() / count
    total = total + IOU * (((score - true_iou) ** 2).mean(1) * task.scored).sum() / scored
    judged = (task.scored + task.absent).clamp(max=1)
    known = F.binary_cross_entropy_with_logits(present[:, 0], task.present, reduction="none")
    return total + PRESENT * (known * judged).sum() / count, true_iou
