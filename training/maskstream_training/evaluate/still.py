"""Single frames: box, jittered box, one to three clicks, box and click."""
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import torch
from torch import Tensor

from ..model.decoder import FINE
from .clips import HEIGHT, WIDTH, Clips, deepest
from .metrics import calibration, iou
from .network import Network, box_of, to_frame
from .zoom import cut, inside_region, put_back, region_around

BATCH = 64
ZOOMS = (1.5, 2., 3.)   # of the box
CLICK_ZOOM = 2.         # of the box of the mask and its clicks


def correction(pair: tuple) -> tuple:
    """(prediction, truth) -> x, y, label of the next click: the centre of the largest error."""
    prediction, truth = pair
    best = (0., -1, -1, -1)
    for wrong, label in ((truth & ~prediction, 1), (prediction & ~truth, 0)):
        if wrong.any():
            depth = cv2.distanceTransform(np.pad(wrong.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1].max()
            if depth > best[0]:
                best = (depth, *deepest(wrong), label)
    return best[1:]


class StillFrames:
    def __init__(self, network: Network, clips: Clips, features: list, workers: int):
        self.network, self.clips, self.features, self.pool = network, clips, features, ThreadPoolExecutor(workers)
        self.true: dict = {}
        self.predicted: dict = {}

    def run(self) -> None:
        for i in range(0, len(self.clips.masks), BATCH):
            rows = torch.arange(i, min(len(self.clips.masks), i + BATCH), device=self.clips.device)
            features, truth = [f[rows] for f in self.features], self.clips.masks[rows]
            self._boxes(features, truth, i)
            self._clicks(features, truth, rows)
            self._zoomed(truth, rows)
            self._clicks_zoomed(truth, rows)

    def _record(self, name: str, value: Tensor, predicted: Tensor | None = None) -> None:
        self.true.setdefault(name, []).append(value)
        if predicted is not None:
            self.predicted.setdefault(name, []).append(predicted)

    def _ask(self, features, points, labels, mask=None):
        has = None if mask is None else torch.ones(len(points), device=self.clips.device)
        logits, score, _ = self.network.decode(features, points, labels, mask, has)
        return logits, score, to_frame(logits) > 0

    def _corrected(self, prediction: Tensor, truth: Tensor, points: Tensor, labels: Tensor, slot: int) -> tuple[Tensor, Tensor]:
        found = list(self.pool.map(correction, zip(prediction.cpu().numpy(), truth.cpu().numpy())))
        click = torch.tensor(found, device=self.clips.device).float()
        points, labels = points.clone(), labels.clone()
        points[:, slot] = (click[:, :2] + .5) / torch.tensor([WIDTH, HEIGHT], device=points.device)
        labels[:, slot] = click[:, 2]
        return points, labels

    def _boxes(self, features, truth: Tensor, seed: int) -> None:
        points, labels = self.network.empty_points(len(truth))
        box, _ = box_of(truth)
        labels[:, 0], labels[:, 1] = 2, 3
        points[:, 0], points[:, 1] = box[:, :2], box[:, 2:]
        logits, score, masks = self._ask(features, points, labels)
        each = torch.stack([iou(masks[:, k], truth) for k in range(3)], 1)
        self._record("box", each[:, 0], score[:, 0])
        self._record("box_best_of_3", each.max(1)[0])
        p, l = self._corrected(masks[:, 0], truth, points, labels, 2)
        _, score, corrected = self._ask(features, p, l, torch.sigmoid(logits[:, :1]))
        self._record("box_click", iou(corrected[:, 0], truth), score[:, 0])
        noise = torch.randn(len(box), 4, generator=torch.Generator().manual_seed(seed)).to(box.device)
        shaken = box + noise * (box[:, 2:] - box[:, :2]).repeat(1, 2) * .06
        points[:, 0], points[:, 1] = shaken[:, :2], shaken[:, 2:]
        self._record("box_jittered", iou(self._ask(features, points, labels)[2][:, 0], truth))

    def _clicks(self, features, truth: Tensor, rows: Tensor) -> None:
        points, labels = self.network.empty_points(len(truth))
        points[:, 2] = (self.clips.clicks[rows] + .5) / torch.tensor([WIDTH, HEIGHT], device=points.device)
        labels[:, 2] = 1
        logits, score, masks = self._ask(features, points, labels)
        each = torch.stack([iou(masks[:, k], truth) for k in range(3)], 1)
        row, best = torch.arange(len(truth), device=truth.device), score.argmax(1)
        self._record("click_1", each[row, best], score[row, best])
        self._record("click_1_best_of_3", each.max(1)[0])
        for k in range(3):
            self._record(f"click_1_mask_{k}", each[:, k])
        self._record("click_1_spread", 1 - iou(masks[:, 1], masks[:, 2]))
        current, prior = masks[row, best], logits[row, best].unsqueeze(1)
        for k in (2, 3):
            points, labels = self._corrected(current, truth, points, labels, 1 + k)
            logits, score, masks = self._ask(features, points, labels, torch.sigmoid(prior))
            current, prior = masks[:, 0], logits[:, :1]
            self._record(f"click_{k}", iou(current, truth), score[:, 0])

    def _zoomed(self, truth: Tensor, rows: Tensor) -> None:
        """The same box, with the encoder run on the region around it; then one corrective click there."""
        frames = self.clips.images[rows.to(self.clips.images.device)].to(rows.device).permute(0, 3, 1, 2).float()
        box, _ = box_of(truth)
        for factor in ZOOMS:
            region = region_around(box, factor)
            features = self.network.encode_square(cut(frames, region))
            points, labels = self.network.empty_points(len(truth))
            points[:, 0], points[:, 1], labels[:, 0], labels[:, 1] = box[:, :2], box[:, 2:], 2, 3
            logits, score, _ = self.network.decode(features, inside_region(points, region), labels)
            self._record(f"box_zoom_{factor:g}", iou(put_back(logits[:, :1], region)[:, 0] > 0, truth), score[:, 0])

    def _clicks_zoomed(self, truth: Tensor, rows: Tensor) -> None:
        """One to three clicks as the service answers them: each decode is followed by one with the region around its mask encoded."""
        frames = self.clips.images[rows.to(self.clips.images.device)].to(rows.device).permute(0, 3, 1, 2).float()
        row, everyone = torch.arange(len(truth), device=truth.device), torch.ones(len(truth), device=truth.device)
        points, labels = self.network.empty_points(len(truth))
        points[:, 2] = (self.clips.clicks[rows] + .5) / torch.tensor([WIDTH, HEIGHT], device=points.device)
        labels[:, 2] = 1
        logits, score, _ = self._ask([f[rows] for f in self.features], points, labels)
        current = to_frame(logits[row, score.argmax(1)].unsqueeze(1))
        for k in (1, 2, 3):
            if k > 1:
                points, labels = self._corrected(current[:, 0] > 0, truth, points, labels, 1 + k)
            box, found = box_of(current[:, 0] > 0)
            clicked = points[:, 2:2 + k]
            box = torch.cat([torch.minimum(box[:, :2], clicked.amin(1)), torch.maximum(box[:, 2:], clicked.amax(1))], 1)
            region = region_around(box, CLICK_ZOOM)
            features = self.network.encode_square(cut(frames, region))
            prior = cut(torch.sigmoid(current), region, FINE)
            logits, score, _ = self.network.decode(features, inside_region(points, region), labels, prior, everyone * found)
            current = put_back(logits[:, :1], region)
            self._record(f"click_{k}_zoom", iou(current[:, 0] > 0, truth), score[:, 0])

    def summary(self, group: list) -> dict:
        """Means over the clips of a group, per-clip box IoU, calibration of predicted IoU."""
        seen = self.clips.masks.flatten(1).any(1)
        inside = torch.tensor([n in group for n in self.clips.names], device=seen.device)[self.clips.clip] & seen
        out: dict = {}
        for name, parts in self.true.items():
            each = self.clips.per_clip(torch.cat(parts), inside)
            out[name] = round(sum(each[n] for n in group) / len(group), 4)
            if name in ("box", "click_1", "click_3"):
                out[f"{name}_per_clip"] = {n: round(each[n], 3) for n in group}
        for name, parts in self.predicted.items():
            out[f"{name}_calibration"] = {k: round(v, 4) for k, v in calibration(torch.cat(parts)[inside], torch.cat(self.true[name])[inside]).items()}
        return out

    def pairs(self, group: list) -> dict:
        seen = self.clips.masks.flatten(1).any(1)
        inside = torch.tensor([n in group for n in self.clips.names], device=seen.device)[self.clips.clip] & seen
        return {name: (torch.cat(p)[inside].cpu().numpy(), torch.cat(self.true[name])[inside].cpu().numpy()) for name, p in self.predicted.items()}
