"""Video: a first prompt, DIS flow between keyframes, a decode on each keyframe.  All clips run side by side."""
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..model.decoder import FINE, SLOTS
from .clips import HEIGHT, WIDTH, Clips
from .metrics import boundary_f, iou
from .network import Network, box_of, to_fine, to_frame
from .zoom import cut, inside_region, put_back, region_around


@dataclass(frozen=True)
class Policy:
    """interval 0: flow only.  memory: slots in use (0, 1 the prompt frame, 2 and a recent keyframe)."""
    interval: int
    start: str = "mask"              # mask, box, point
    memory: int = 2
    recent_every: int = 20           # the recent slot is replaced after at least so many frames
    recent_score: float = 0.         # and only by a keyframe of at least this predicted IoU
    box: bool = False                # give the box of the propagated mask
    prior: bool = True               # give the propagated mask
    twice: bool = True               # box and point starts: decode the first frame again from its own mask
    average: bool = False            # average with a decode from memory alone
    zoom: float = 0.                 # encode the region so many times the object's box instead of the frame
    lost: float = -99.               # below this object-present logit the mask is emptied

    def name(self) -> str:
        return " ".join(f"{k}={v}" for k, v in self.__dict__.items() if v != Policy.__dataclass_fields__[k].default)


class Tracker:
    def __init__(self, network: Network, clips: Clips, features: list, policy: Policy):
        self.network, self.clips, self.features, self.policy = network, clips, features, policy
        self.device = clips.device
        self.predicted = torch.full((len(clips.masks),), float("nan"), device=self.device)
        self.present = torch.full((len(clips.masks),), float("nan"), device=self.device)

    def _box(self, mask: Tensor, allowed: Tensor, margin: float) -> tuple[Tensor, Tensor]:
        box, found = box_of(mask)
        size = (box[:, 2:] - box[:, :2]).repeat(1, 2)
        box = (box + torch.tensor([-margin, -margin, margin, margin], device=self.device) * size).clamp(0, 1)
        points, labels = self.network.empty_points(len(mask))
        points[:, 0], points[:, 1] = box[:, :2], box[:, 2:]
        given = found & allowed
        labels[:, 0], labels[:, 1] = torch.where(given, 2., -1.), torch.where(given, 3., -1.)
        return points, labels

    def _first(self, rows: Tensor, features: list) -> Tensor:
        truth, everyone = self.clips.masks[rows], torch.ones(len(rows), dtype=torch.bool, device=self.device)
        if self.policy.start == "mask":
            return truth.float().unsqueeze(1)
        if self.policy.start == "box":
            points, labels = self._box(truth, everyone, 0.)
        else:
            points, labels = self.network.empty_points(len(rows))
            points[:, 2] = (self.clips.clicks[rows] + .5) / torch.tensor([WIDTH, HEIGHT], device=self.device)
            labels[:, 2] = 1
        logits, score, _ = self.network.decode(features, points, labels)
        best = score.argmax(1) if self.policy.start == "point" else torch.zeros(len(rows), dtype=torch.long, device=self.device)
        logits = logits[torch.arange(len(rows), device=self.device), best].unsqueeze(1)
        if self.policy.twice:
            logits = self.network.decode(features, points, labels, torch.sigmoid(logits), torch.ones(len(rows), device=self.device))[0][:, :1]
        return torch.sigmoid(to_frame(logits))

    def _warp(self, mask: Tensor, rows: Tensor) -> Tensor:
        source = self.clips.pixels + self.clips.flow[rows].float()
        grid = torch.stack([(source[..., 0] + .5) / WIDTH * 2 - 1, (source[..., 1] + .5) / HEIGHT * 2 - 1], -1)
        return F.grid_sample(mask, grid, padding_mode="border", align_corners=False)

    def _frames(self, rows: Tensor) -> Tensor:
        images = self.clips.images
        return images[rows.to(images.device)].to(rows.device).permute(0, 3, 1, 2).float()

    def _look(self, rows: Tensor, mask: Tensor) -> tuple[list, Tensor]:
        """Features of the frames, or of the regions around the masks, and the regions."""
        box, found = box_of(mask[:, 0] > .5)
        everything = torch.tensor([0., 0., 1., 1.], device=self.device).expand(len(rows), 4)
        if not self.policy.zoom:
            return [f[rows].float() for f in self.features], everything
        region = torch.where(found.unsqueeze(1), region_around(box, self.policy.zoom), everything)
        return [f.float() for f in self.network.encode_square(cut(self._frames(rows), region))], region

    def run(self) -> Tensor:
        """bool [f,252,448]"""
        policy, clips = self.policy, self.clips
        out = torch.zeros_like(clips.masks)
        first = [f[clips.start].float() for f in self.features]
        mask = self._first(clips.start, first)
        out[clips.start] = mask[:, 0] > .5
        count = len(clips.names)
        first, region = self._look(clips.start, mask)
        emb = first[0].unsqueeze(1).repeat(1, SLOTS, 1, 1, 1)
        marks = cut(mask, region, FINE).unsqueeze(1).repeat(1, SLOTS, 1, 1, 1)
        valid = torch.zeros(count, SLOTS, device=self.device)
        valid[:, 0] = float(policy.memory > 0)
        age = torch.zeros(count, device=self.device)
        for t in range(1, int(clips.length.max())):
            active = t < clips.length
            rows = torch.where(active, clips.start + t, clips.start + clips.length - 1)
            mask, age = self._warp(mask, rows), age + 1
            if policy.interval and t % policy.interval == 0:
                features, region = self._look(rows, mask)
                mask, score, present = self._refresh(features, region, mask, (emb, marks, valid))
                self.predicted[rows[active]], self.present[rows[active]] = score[active], present[active]
                renew = (age >= policy.recent_every) & (score >= policy.recent_score) & (mask[:, 0] > .5).flatten(1).any(1)
                if policy.memory > 1 and renew.any():
                    emb[renew, 1], marks[renew, 1], valid[renew, 1], age[renew] = features[0][renew], cut(mask, region, FINE)[renew], 1., 0.
            out[rows[active]] = mask[active, 0] > .5
        return out

    def _refresh(self, features, region: Tensor, moved: Tensor, memory) -> tuple[Tensor, Tensor, Tensor]:
        has = (moved[:, 0] > .5).flatten(1).sum(1) > 20
        points, labels = self._box(moved[:, 0] > .5, has & self.policy.box, .03)
        given = has.float() * self.policy.prior
        points = inside_region(points, region).clamp(0, 1)
        prior = cut(moved, region, FINE) if self.policy.zoom else to_fine(moved)
        logits, score, present = self.network.decode(features, points, labels, prior * given.view(-1, 1, 1, 1), given, memory)
        logits = logits[:, :1]
        if self.policy.average:
            alone, _, _ = self.network.decode(features, *self.network.empty_points(len(moved)), torch.zeros_like(prior), torch.zeros_like(given), memory)
            logits = (logits + alone[:, :1]) / 2
        mask = torch.sigmoid(put_back(logits, region) if self.policy.zoom else to_frame(logits)) * (present > self.policy.lost).float().view(-1, 1, 1, 1)
        return mask, score[:, 0], present


def score_video(network: Network, clips: Clips, features: list, policy: Policy, groups: dict) -> tuple[dict, dict]:
    """J and F by group (means over clips), and (predicted, true) IoU of the keyframes by group."""
    tracker = Tracker(network, clips, features, policy)
    out = tracker.run()
    chunks = range(0, len(out), 128)
    j = torch.cat([iou(out[i:i + 128], clips.masks[i:i + 128]) for i in chunks])
    f = torch.cat([boundary_f(out[i:i + 128], clips.masks[i:i + 128]) for i in chunks])
    use, result, pairs = clips.inner(), {}, {}
    j_clip, f_clip = clips.per_clip(j, use), clips.per_clip(f, use)
    for group, names in groups.items():
        mean = lambda d: round(sum(d[n] for n in names) / len(names), 4)
        result[group] = dict(J=mean(j_clip), F=mean(f_clip), JF=round((mean(j_clip) + mean(f_clip)) / 2, 4),
                             clips={n: round((j_clip[n] + f_clip[n]) / 2, 3) for n in names})
        key = torch.tensor([n in names for n in clips.names], device=j.device)[clips.clip] & ~tracker.predicted.isnan()
        pairs[group] = (tracker.predicted[key].cpu().numpy(), j[key].cpu().numpy())
    return result, pairs
