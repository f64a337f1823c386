"""One training step: interactive prompts on every view, corrections, then propagation through the views with memory."""
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..data.sequences import Sequences
from ..model.decoder import SLOTS
from .losses import Task, decode_loss
from .prompts import box_of, chance, damage, error_weight, inner_point, jitter, no_points, per_row, pick_point, put_box, usable

PRESENT_AREA, ABSENT_AREA = 3e-4, 3e-5
BOX, CLICK, BOX_AND_CLICK = .46, .40, .07     # interactive prompts; the rest start from a damaged mask
CUT = .06                                     # of sequences end in another scene


@dataclass
class Truth:
    """Masks of every view at two scales, and whether the object is there; rows v * P + p."""
    fine: Tensor       # [V*P,1,96,96]
    loss: Tensor       # [V*P,1,192,192]
    present: Tensor    # [V*P] bool
    gone: Tensor       # [V*P] bool


def truth_of(batch: Sequences) -> Truth:
    target = batch.target.float()
    area = target.mean((1, 2, 3))
    return Truth(F.avg_pool2d(target, 4), (F.avg_pool2d(target, 2) > .5).float(), area > PRESENT_AREA, area < ABSENT_AREA)


class Rollout:
    """Holds the networks; step() returns a loss to differentiate and a row of running figures."""

    FIGURES = ("box", "click", "click_best", "corrected", "propagated", "last_view", "score_error", "present_right")

    def __init__(self, encoder: nn.Module, decoder: nn.Module, views: int, autocast: torch.dtype | None, clicks: int = 0):
        """clicks: single clicks that every view is asked with besides."""
        self.encoder, self.decoder, self.views, self.autocast, self.clicks = encoder, decoder, views, autocast, clicks

    def _decode(self, features, points, labels, mask, has_mask, memory):
        with self._precision(mask.device):
            return self.decoder(*features, points, labels, mask, has_mask.float(), *memory)

    def _precision(self, device: torch.device):
        return torch.autocast(device.type, dtype=self.autocast or torch.bfloat16, enabled=self.autocast is not None)

    def _no_memory(self, emb: Tensor):
        count = emb.shape[0]
        shape = lambda *s: torch.zeros(s, device=emb.device)
        return emb.detach().unsqueeze(1).expand(-1, SLOTS, -1, -1, -1), shape(count, SLOTS, 1, 96, 96), shape(count, SLOTS)

    def step(self, batch: Sequences, own: float) -> tuple[Tensor, Tensor]:
        """own: the share of propagations that start from the network's own masks (rises from 0 as it learns)."""
        truth = truth_of(batch)
        with self._precision(batch.images.device):
            features = self.encoder(batch.images.float())
        loss, first, figures = self._interactive(batch, truth, features)
        more, masks, corrected = self._correct(batch, truth, features, first)
        figures["corrected"] = corrected
        video, along = self._propagate(batch, truth, features, masks, own)
        figures.update(along)
        return loss + more + video + self._clicked(batch, truth, features), torch.stack([figures[k] for k in self.FIGURES])

    # -- a still frame ------------------------------------------------------------------------------------------------
    @torch.no_grad()
    def _prompts(self, truth: Truth) -> dict:
        fine, present = truth.fine, truth.present
        draw = torch.rand(len(fine), device=fine.device)
        wants_box = (draw < BOX) | ((draw >= BOX + CLICK) & (draw < BOX + CLICK + BOX_AND_CLICK))
        wants_click = (draw >= BOX) & (draw < BOX + CLICK + BOX_AND_CLICK)
        wants_mask = draw >= BOX + CLICK + BOX_AND_CLICK
        points, labels = no_points(fine)
        box = jitter(box_of(truth.loss[:, 0] > .5))
        put_box(points, labels, box, wants_box & present & usable(box))
        points[:, 2] = inner_point(fine)
        labels[:, 2] = torch.where(wants_click & present, 1., -1.)
        prior = damage(fine) * per_row(wants_mask & present).float()
        return dict(points=points, labels=labels, prior=prior, has_mask=wants_mask & present,
                    single=wants_click & ~wants_box & present, box_only=wants_box & ~wants_click & present)

    @torch.no_grad()
    def _second_answer(self, batch: Sequences, truth: Truth, points: Tensor) -> tuple[Tensor, Tensor]:
        """The part under the click where the target is a whole, else the whole around it; [B,1,192,192] and whether it is known."""
        cell = (points[:, 2] * batch.region.shape[-1]).long().clamp(0, batch.region.shape[-1] - 1)
        row = torch.arange(len(cell), device=cell.device)
        clicked = batch.region[row, cell[:, 1], cell[:, 0]]
        part = (batch.region == clicked.view(-1, 1, 1)).float().unsqueeze(1)
        part = part * (truth.fine > .5)
        use_part = batch.part_known & (clicked > 0)
        other = torch.where(per_row(use_part), part, (batch.other > .5).float())
        share = other.sum((1, 2, 3)) / (truth.fine > .5).float().sum((1, 2, 3)).clamp(min=1)
        hit = other[row, 0, cell[:, 1], cell[:, 0]] > .5
        known = hit & (other.sum((1, 2, 3)) > 6) & ((share < .8) | (share > 1.25))
        return (F.interpolate(other, scale_factor=2, mode="bilinear", align_corners=False) > .5).float(), known

    def _interactive(self, batch: Sequences, truth: Truth, features):
        ask = self._prompts(truth)
        other, known = self._second_answer(batch, truth, ask["points"])
        memory = self._no_memory(features[0])
        logits, score, present = self._decode(features, ask["points"], ask["labels"], ask["prior"], ask["has_mask"], memory)
        scored = truth.present.float()
        task = Task(truth.loss, scored, scored, torch.zeros_like(scored), ask["single"], other, known)
        loss, iou = decode_loss(logits, score, present, task)
        chosen = torch.where(ask["single"], score.argmax(1), 0)
        mean = lambda values, rows: (values * rows).sum() / rows.sum().clamp(min=1)
        rows = torch.arange(len(chosen), device=chosen.device)
        figures = dict(box=mean(iou[:, 0], ask["box_only"].float()), click=mean(iou[rows, chosen], ask["single"].float()),
                       click_best=mean(iou.max(1)[0], ask["single"].float()), score_error=mean((score[:, 0] - iou[:, 0]).detach().abs(), scored))
        ask["mask"] = torch.sigmoid(logits[rows, chosen].float()).unsqueeze(1).detach()
        return loss, ask, figures

    def _clicked(self, batch: Sequences, truth: Truth, features):
        """Mean loss of more single clicks on every view, each somewhere else: where the encoder is not trained they cost little."""
        loss, scored = 0., truth.present.float()
        for _ in range(self.clicks):
            points, labels = no_points(truth.fine)
            points[:, 2] = inner_point(truth.fine)
            labels[:, 2] = torch.where(truth.present, 1., -1.)
            other, known = self._second_answer(batch, truth, points)
            empty = torch.zeros_like(truth.fine)
            logits, score, present = self._decode(features, points, labels, empty, torch.zeros_like(truth.present), self._no_memory(features[0]))
            loss = loss + decode_loss(logits, score, present, Task(truth.loss, scored, scored, scored * 0, truth.present, other, known))[0]
        return loss / max(1, self.clicks)

    def _correct(self, batch: Sequences, truth: Truth, features, first: dict):
        """One or two corrective clicks with the network's own mask as the prior; on the prompt frame, one or two more after them."""
        count = len(first["mask"]) // self.views
        ask = (first["points"].clone(), first["labels"].clone(), first["mask"])
        loss, iou, ask = self._corrected(truth.fine, truth.loss, truth.present, features, ask, (3, 4))
        opening = tuple(part[:count].clone() for part in ask)
        more, _, last = self._corrected(truth.fine[:count], truth.loss[:count], truth.present[:count], [f[:count] for f in features], opening, (5, 6))
        masks = torch.cat([last[2], ask[2][count:]])
        scored = truth.present.float()
        return loss + more / self.views, masks, (iou * scored).sum() / scored.sum().clamp(min=1)

    def _corrected(self, fine: Tensor, full: Tensor, present: Tensor, features, ask: tuple, slots: tuple):
        """Clicks into the two slots (the second for half of the rows), a decode from them; half of the masks become the new ones."""
        points, labels, mask = ask
        with torch.no_grad():
            weight = error_weight(mask, fine)
            row = torch.arange(len(mask), device=mask.device)
            for slot, given in ((slots[0], present), (slots[1], present & chance(mask, .5))):
                point = pick_point(weight)
                cell = (point * mask.shape[-1]).long().clamp(0, mask.shape[-1] - 1)
                inside = (fine[row, 0, cell[:, 1], cell[:, 0]] > .5).float()
                points[:, slot] = point
                labels[:, slot] = torch.where(given, inside, torch.full_like(inside, -1.))
        logits, score, seen = self._decode(features, points, labels, mask, present, self._no_memory(features[0]))
        scored = present.float()
        never = torch.zeros_like(present)
        loss, iou = decode_loss(logits, score, seen, Task(full, scored, scored, scored * 0, never, full, never))
        better = torch.where(per_row(chance(mask, .5)), torch.sigmoid(logits[:, :1].float()).detach(), mask)
        return loss, iou[:, 0], (points, labels, better)

    # -- along the sequence -------------------------------------------------------------------------------------------
    def _propagate(self, batch: Sequences, truth: Truth, features, masks: Tensor, own: float):
        views, count, device = self.views, truth.fine.shape[0] // self.views, truth.fine.device
        at = lambda tensor, v: tensor[v * count:(v + 1) * count]
        uniform = lambda: torch.rand(count, device=device)
        # The prompt frame: the true mask (mask prompts), or what the network made of a box or clicks.
        with torch.no_grad():
            start_iou = _iou(at(masks, 0), at(truth.fine, 0))
            exact = (uniform() < .5) | (start_iou < .5) | (uniform() > own)
            start = torch.where(per_row(exact), at(truth.fine, 0), at(masks, 0))
        started = at(truth.present, 0)
        memory_mask = [start]
        loss, propagated, right = 0., [], []
        previous = start
        for v in range(1, views):
            here = [at(f, v) for f in features]
            fine, present, gone = at(truth.fine, v), at(truth.present, v), at(truth.gone, v)
            full = at(truth.loss, v)
            if v == views - 1:   # a cut: the frame of another sequence, where the object is not
                cut = uniform() < CUT
                here = [torch.where(per_row(cut), f.roll(1, 0), f) for f in here]
                present, gone = present & ~cut, gone | cut
                fine, full = fine * per_row(~cut).float(), full * per_row(~cut).float()
            prior, has_mask = self._prior(batch, v, previous, at(truth.fine, v - 1), fine, own)
            points, labels = no_points(fine)
            box = jitter(box_of(prior[:, 0] > .5))
            put_box(points, labels, box, (uniform() < .5) & has_mask & usable(box) & (prior.flatten(1).amax(1) > .5))
            recent = 0 if v == 1 else int(torch.randint(1, v, (1,)))
            bank, marks, valid = self._memory(features[0], memory_mask, recent, count, uniform, started)
            asked = has_mask | (valid.amax(1) > 0)
            logits, score, seen = self._decode(here, points, labels, prior, has_mask, (bank, marks, valid))
            never = torch.zeros_like(present)
            scored, absent = (present & asked).float(), (gone & asked & started).float()
            more, iou = decode_loss(logits, score, seen, Task(full, present.float(), scored, absent, never, full, never))
            loss = loss + more
            mask = torch.sigmoid(logits[:, :1].float())
            memory_mask.append(mask)
            previous = mask.detach()
            propagated.append((iou[:, 0] * scored).sum() / scored.sum().clamp(min=1))
            judged = (scored + absent).clamp(max=1)
            right.append((((seen[:, 0] > 0) == present).float() * judged).sum() / judged.sum().clamp(min=1))
        figures = dict(propagated=torch.stack(propagated).mean(), last_view=propagated[-1], present_right=torch.stack(right).mean())
        return loss, {k: x.detach() for k, x in figures.items()}

    @torch.no_grad()
    def _prior(self, batch: Sequences, v: int, previous: Tensor, true_previous: Tensor, fine: Tensor, own: float):
        """The mask that propagation brings: the last mask moved by flow, a damaged true mask, a stale one, an empty one, or none."""
        uniform = lambda: torch.rand(len(fine), device=fine.device)
        source = torch.where(per_row(uniform() < own), previous, true_previous)
        flowed = F.grid_sample(source, batch.flow[v].to(source.dtype), padding_mode="border", align_corners=False)
        follows = batch.near if v == 1 else torch.ones_like(batch.near)
        prior = torch.where(per_row(follows & (uniform() < .8)), flowed, damage(fine))
        prior = torch.where(per_row(uniform() < torch.where(batch.fast, .12, .06)), source, prior)   # the flow failed
        prior = torch.where(per_row(uniform() < .25), damage(prior), prior)
        prior = torch.where(per_row(uniform() < .04), damage(prior.roll(1, 0)), prior)   # another object's
        prior = torch.where(per_row(uniform() < .05), torch.zeros_like(prior), prior)    # lost
        prior = torch.where(per_row(uniform() < .15), (prior > .5).float(), prior)
        has_mask = uniform() < .88
        return prior * per_row(has_mask).float(), has_mask

    def _memory(self, emb: Tensor, masks: list, recent: int, count: int, uniform, started: Tensor):
        """Slot 0: the prompt frame; slot 1: an earlier view under the network's own mask, which carries gradient."""
        slots = [emb[:count], emb[recent * count:(recent + 1) * count]]
        marks = [masks[0], masks[recent]]
        hard = per_row(uniform() < .3)
        marks[1] = torch.where(hard, (marks[1].detach() > .5).float(), marks[1])
        first = (uniform() < .94) & started
        second = (uniform() < .8) & (torch.full_like(started, recent > 0))
        return torch.stack(slots, 1), torch.stack(marks, 1), torch.stack([first, second], 1).float()


def _iou(a: Tensor, b: Tensor) -> Tensor:
    a, b = a > .5, b > .5
    return (a & b).flatten(1).sum(1) / (a | b).flatten(1).sum(1).clamp(min=1)
