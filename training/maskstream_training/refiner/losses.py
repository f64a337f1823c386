"""Losses of the refiner."""
import torch
import torch.nn.functional as F

from .geometry import logit_of

EDGE_WEIGHT = 3.0
IOU_WEIGHT = 0.5
HARM_PIXEL, HARM_IOU = 1.0, 2.0
"""What a pixel, or a mask's IoU, made worse costs on top; times 1 + CAUTION for a prior that was right."""
CAUTION = 3.0
RIGHT_FROM, RIGHT_AT = 0.70, 0.90
"""IoU of the prior between which caution grows."""
EMPTY_PIXELS = 16.0


def edge_weight(target):
    """1 far from the true edge, 1 + EDGE_WEIGHT within some 4 crop pixels of it: [B, 1, S, S]."""
    near = F.max_pool2d(target, 9, 1, 4) + F.max_pool2d(-target, 9, 1, 4)
    return 1 + EDGE_WEIGHT * near


def true_iou(logits, target, outside):
    """IoU [B] of the output with all of the visible object, `outside` the window included; 0 where nothing is visible."""
    output, truth = logits > 0, target > 0.5
    both = (output & truth).sum((1, 2, 3)).float()
    whole = (output | truth).sum((1, 2, 3)).float() + outside
    return torch.where(truth.sum((1, 2, 3)) + outside > EMPTY_PIXELS, both / whole.clamp(min=1), torch.zeros_like(both))


def soft_iou(mask, target):
    """IoU [B] of a soft mask, differentiable."""
    both = (mask * target).sum((1, 2, 3))
    return (both + 10) / (mask.sum((1, 2, 3)) + target.sum((1, 2, 3)) - both + 10)


def refiner_loss(logits, iou_logit, batch):
    """(loss, figures): edge-weighted BCE + soft IoU for the mask, what was made worse on top, cross-entropy to the true IoU."""
    target, weight = batch['target'], batch['weight']
    total = weight.sum().clamp(min=1)
    start = logit_of(batch['prior'])
    with torch.no_grad():
        iou = true_iou(logits, target, batch['outside'])
        before = true_iou(start, target, batch['outside'])
        caution = 1 + CAUTION * ((before - RIGHT_FROM) / (RIGHT_AT - RIGHT_FROM)).clamp(0, 1)
        edge = edge_weight(target)
        start_cross = F.binary_cross_entropy_with_logits(start, target, reduction='none')
        start_iou = soft_iou(torch.sigmoid(start), target)
    cross = F.binary_cross_entropy_with_logits(logits, target, reduction='none')
    worse = F.relu(cross - start_cross)
    cross = ((cross + HARM_PIXEL * caution.view(-1, 1, 1, 1) * worse) * edge).mean((1, 2, 3))
    reached = soft_iou(torch.sigmoid(logits), target)
    overlap = 1 - reached + HARM_IOU * caution * F.relu(start_iou - reached)
    rating = F.binary_cross_entropy_with_logits(iou_logit[:, 0], iou, reduction='none')
    loss = ((cross + overlap + IOU_WEIGHT * rating) * weight).sum() / total
    with torch.no_grad():
        error = (torch.sigmoid(iou_logit[:, 0]) - iou).abs()
        mean = lambda x, w: (x * w).sum() / w.sum().clamp(min=1)
        right = weight * (before > 0.85)
        figures = torch.stack([loss, mean(before, weight), mean(iou, weight), mean(iou - before, right),
                               mean((iou < before - 0.01).float(), right), mean(error, weight), weight.mean()])
    return loss, figures
