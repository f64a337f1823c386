"""Photographs kept back from training: IoU of a box and of a click, in the whole photograph and in a region around it."""
import pathlib

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..data.instances import usable_instances
from ..data.prepare import SQUARE, extents, list_images, read_labels
from ..model.encoder import SIZE
from .clips import deepest
from .metrics import iou
from .network import Network
from .zoom import inside_region, region_around

MOST = 4        # objects of one photograph, the largest
BATCH = 32
ZOOM = 2.       # of the box


class Photographs:
    """Objects of the photographs kept back: squares u8[n,448,448,3], masks bool[n,448,448], boxes, clicks, sets."""

    def __init__(self, raw: pathlib.Path, device: torch.device, most: int | None = None):
        self.device, self.sets, images, masks, boxes, clicks = device, [], [], [], [], []
        for name, path, maps, named in list_images(raw, 1, back=True)[:most]:
            image = cv2.resize(cv2.imread(path)[:, :, ::-1], (SQUARE, SQUARE), interpolation=cv2.INTER_LINEAR)
            labels = cv2.resize(read_labels(maps[0]), (SQUARE, SQUARE), interpolation=cv2.INTER_NEAREST)
            found = extents(labels)
            for i in sorted(usable_instances(labels, found, named), key=lambda i: -found[i][4])[:MOST]:
                self.sets.append("cats" if name == "cats" else "things")
                images.append(image)
                masks.append(labels == i)
                boxes.append(found[i][:4])
                clicks.append(deepest(labels == i))
        self.images, self.masks = np.stack(images), torch.from_numpy(np.stack(masks))
        self.boxes = torch.tensor(np.array(boxes), dtype=torch.float32)
        self.clicks = (torch.tensor(clicks, dtype=torch.float32) + .5) / SQUARE

    def measure(self, network: Network) -> dict:
        """Means over the objects, by set and over all."""
        rows = [self._batch(network, slice(i, i + BATCH)) for i in range(0, len(self.sets), BATCH)]
        values = {name: torch.cat([row[name] for row in rows]) for name in rows[0]}
        where = {"all": torch.ones(len(self.sets), dtype=torch.bool)}
        where |= {name: torch.tensor([s == name for s in self.sets]) for name in dict.fromkeys(self.sets)}
        return {group: dict(objects=int(some.sum()), **{n: round(v[some].mean().item(), 4) for n, v in values.items()}) for group, some in where.items()}

    def _batch(self, network: Network, rows: slice) -> dict:
        picture = torch.from_numpy(self.images[rows]).to(self.device).permute(0, 3, 1, 2).float()
        truth, box, click = (t[rows].to(self.device) for t in (self.masks, self.boxes, self.clicks))
        region, whole = region_around(box, ZOOM), torch.tensor([0., 0., 1., 1.], device=self.device).expand(len(box), 4)
        out = {}
        for name, where in (("box", whole), ("box_region", region), ("click", whole)):
            points, labels = network.empty_points(len(box))
            if name == "click":
                points[:, 2], labels[:, 2] = click, 1
            else:
                points[:, 0], points[:, 1], labels[:, 0], labels[:, 1] = box[:, :2], box[:, 2:], 2, 3
            logits, score, _ = network.decode(network.encode_square(cut_square(picture, where, SIZE)), inside_region(points, where), labels)
            each = torch.stack([iou(spread(logits[:, k:k + 1], where), truth) for k in range(logits.shape[1])], 1)
            chosen = score.argmax(1) if name == "click" else torch.zeros(len(box), dtype=torch.long, device=self.device)
            out[name] = each.gather(1, chosen.unsqueeze(1))[:, 0].cpu()
            if name == "click":
                out["click_best"] = each.max(1)[0].cpu()
        return out


def cut_square(images: Tensor, region: Tensor, size: int) -> Tensor:
    theta = torch.zeros(len(region), 2, 3, device=region.device)
    theta[:, 0, 0], theta[:, 1, 1] = region[:, 2] - region[:, 0], region[:, 3] - region[:, 1]
    theta[:, :, 2] = region[:, :2] + region[:, 2:] - 1
    return F.grid_sample(images, F.affine_grid(theta, [len(region), 1, size, size], align_corners=False), padding_mode="border", align_corners=False)


def spread(logits: Tensor, region: Tensor) -> Tensor:
    """Logits [B,1,n,n] of regions -> masks bool[B,SQUARE,SQUARE], nothing outside the region."""
    side = region[:, 2:] - region[:, :2]
    theta = torch.zeros(len(region), 2, 3, device=region.device)
    theta[:, 0, 0], theta[:, 1, 1] = 1 / side[:, 0], 1 / side[:, 1]
    theta[:, :, 2] = (1 - region[:, :2] - region[:, 2:]) / side
    grid = F.affine_grid(theta, [len(region), 1, SQUARE, SQUARE], align_corners=False)
    found = F.grid_sample(logits, grid, padding_mode="border", align_corners=False)[:, 0] > 0
    return found & (grid.abs() <= 1).all(-1)
