"""Losses of the refiner."""
import torch
import torch.nn.functional as F

EDGE_WEIGHT = 3.0
IOU_WEIGHT = 0.25
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


def refiner_loss(logits, iou_logit, batch):
    """(loss, figures): edge-weighted BCE + dice for the mask, cross-entropy to the true IoU for `iou`."""
    target, weight = batch['target'], batch['weight']
    total = weight.sum().clamp(min=1)
    cross = F.binary_cross_entropy_with_logits(logits, target, reduction='none') * edge_weight(target)
    cross = cross.mean((1, 2, 3))
    mask = torch.sigmoid(logits)
    both, sizes = (mask * target).sum((1, 2, 3)), mask.sum((1, 2, 3)) + target.sum((1, 2, 3))
    dice = 1 - (2 * both + 20) / (sizes + 20)
    with torch.no_grad():
        iou = true_iou(logits, target, batch['outside'])
        before = true_iou(batch['prior'] - 0.5, target, batch['outside'])
    rating = F.binary_cross_entropy_with_logits(iou_logit[:, 0], iou, reduction='none')
    loss = ((cross + dice + IOU_WEIGHT * rating) * weight).sum() / total
    with torch.no_grad():
        error = (torch.sigmoid(iou_logit[:, 0]) - iou).abs()
        figures = torch.stack([loss, *[(x * weight).sum() / total for x in (before, iou, error)], weight.mean()])
    return loss, figures
