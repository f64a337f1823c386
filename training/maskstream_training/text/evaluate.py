"""Choose thresholds on the validation pictures with the twin, and test the shipped head with them."""
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..model.encoder import SIZE
from .instances import find, matched
from .samples import FINE, Crops, Images, dusk
from .vocabulary import NOUNS, SEPARABLE, UNKNOWN, YES

GRID = 2 * FINE
BINS = 50
LOWEST, HIGHEST = 5, 46   # bins that may become a threshold
#: Close-ups beside the whole picture: x0, y0, x1, y1. A street's small things gain by them.
TILES = ((0., 0., .6, 1.), (.4, 0., 1., 1.))
LEAST_TILE_GAIN = .01
#: Share of the best IoU that a threshold nearer to .5 must reach: light and streets that nobody chose it on move the best one.
GOOD_ENOUGH = .97
DEFAULT_PROBABILITY, DEFAULT_AREA = .5, .0008
AREAS = (.0002, .0004, .0008, .0015, .003, .006)
SMALLEST_TRUE = .0004
BORDERS = (.15, .2, .3, .4, .5, .6)
PART = 16
SINGLES = 40


def grid_of(size: int, device) -> Tensor:
    axis = (torch.arange(size, device=device) + .5) / size * 2 - 1
    return torch.stack([axis.view(1, -1).expand(size, -1), axis.view(-1, 1).expand(-1, size)], -1).unsqueeze(0)


@torch.no_grad()
def probabilities(pictures: Tensor, encoder, head, autocast) -> Tensor:
    """Square pictures of any size -> [B,nouns+1,96,96]."""
    x = F.interpolate(pictures.float(), size=(SIZE, SIZE), mode="bilinear", align_corners=False)
    with autocast():
        return torch.sigmoid(head(*encoder(x)).float())


def both_views(pictures: Tensor, encoder, head, autocast) -> tuple[Tensor, Tensor]:
    """The whole picture's maps, and their mean with those of the tiles, both [B,nouns+1,192,192]."""
    side = pictures.shape[-1]
    whole = F.interpolate(probabilities(pictures, encoder, head, autocast), size=(GRID, GRID), mode="bilinear", align_corners=False)
    total, covered = torch.zeros_like(whole), torch.zeros_like(whole[:1, :1])
    places = (grid_of(GRID, pictures.device) + 1) / 2
    for x0, y0, x1, y1 in TILES:
        part = pictures[..., round(y0 * side):round(y1 * side), round(x0 * side):round(x1 * side)]
        low, high = torch.tensor([x0, y0], device=pictures.device), torch.tensor([x1, y1], device=pictures.device)
        at = (places - low) / (high - low) * 2 - 1
        inside = (at.abs() <= 1).all(-1).unsqueeze(1).float()
        seen = probabilities(part, encoder, head, autocast)
        total += inside * F.grid_sample(seen, at.expand(len(seen), -1, -1, -1), padding_mode="border", align_corners=False)
        covered += inside
    return whole, (whole + total / covered) / 2


def looks(images: Images, rows: np.ndarray, encoder, head, autocast, dark: bool = False):
    """(views, truth) of the pictures, some at a time; `dark` adds each once more in low light."""
    for part in np.array_split(rows, max(1, math.ceil(len(rows) / PART))):
        part = torch.from_numpy(part).to(images.device)
        pictures = images.images[part].permute(0, 3, 1, 2).float()
        truth = images.truth(part, grid_of(GRID, images.device).expand(len(part), -1, -1, -1))
        yield both_views(pictures, encoder, head, autocast), truth
        if dark:
            yield both_views(dusk(pictures, 1.), encoder, head, autocast), truth


def histogram(p: Tensor, truth: Tensor) -> np.ndarray:
    """Known cells by noun, answer and probability: [nouns,2,BINS]."""
    noun = torch.arange(len(NOUNS), device=p.device).view(1, -1, 1, 1)
    index = (noun * 2 + (truth == YES).long()) * BINS + (p * BINS).long().clamp(0, BINS - 1)
    return torch.bincount(index[truth != UNKNOWN], minlength=len(NOUNS) * 2 * BINS).view(len(NOUNS), 2, BINS).cpu().numpy()


def scores(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """[...,2,BINS] -> precision, recall, IoU at each bin's lower end."""
    above = counts[..., ::-1].cumsum(-1)[..., ::-1].astype(float)
    hits, wrong, there = above[..., 1, :], above[..., 0, :], counts[..., 1, :].sum(-1, keepdims=True)
    return hits / np.maximum(hits + wrong, 1), hits / np.maximum(there, 1), hits / np.maximum(there + wrong, 1)


def some(rows: dict, count: int) -> dict:
    """The first `count` rows of each set; 0: all."""
    return {name: r[:count] if count else r for name, r in rows.items()}


def record(images: Images, rows: dict, encoder, head, autocast, dark: bool = False) -> dict:
    """Set -> what a head says of its pictures."""
    return {name: Recorded(looks(images, r, encoder, head, autocast, dark)) for name, r in rows.items() if len(r)}


class Recorded:
    """What a head says of one set of pictures: histograms of both views, and maps of them for instances."""

    def __init__(self, looked):
        self.counts, self.maps, self.truth = np.zeros((2, len(NOUNS), 2, BINS), np.int64), ([], []), []
        for views, truth in looked:
            for i, view in enumerate(views):
                self.counts[i] += histogram(view[:, :-1], truth)
                self.maps[i].append((view * 255).round().byte().cpu().numpy())
            self.truth.append(truth.cpu().numpy())
        join = lambda parts: np.concatenate(parts) if parts else np.zeros((0, len(NOUNS) + 1, GRID, GRID), np.uint8)
        self.maps, self.truth = tuple(map(join, self.maps)), join(self.truth)[:, :len(NOUNS)]

    def instances(self, noun: int, view: int, threshold: float, border: float | None = None, most: int | None = None):
        """(found, true) boxes of each picture that may hold the noun."""
        for i in np.flatnonzero((self.truth[:, noun] != UNKNOWN).any((1, 2)))[:most]:
            known, maps = self.truth[i, noun] != UNKNOWN, self.maps[view][i]
            true = find((self.truth[i, noun] == YES).astype(np.float32), .5)
            edge = None if border is None else maps[-1] / 255
            found = find(np.where(known, maps[noun], 0) / 255, threshold, edge, .5 if border is None else border)
            yield found, true[true[:, 4] >= SMALLEST_TRUE * GRID * GRID]


def instance_scores(pairs, least_area: float) -> tuple[float, float, int]:
    """Precision and recall of boxes (IoU .5 or more), number of true ones."""
    hits = found_count = true_count = 0
    for found, true in pairs:
        found = found[found[:, 4] >= least_area * GRID * GRID]
        hits, found_count, true_count = hits + matched(found, true), found_count + len(found), true_count + len(true)
    return hits / max(1, found_count), hits / max(1, true_count), true_count


def choose(recorded: dict) -> dict:
    """noun -> threshold, smallest area, whether tiles pay; by the mean IoU over the sets that show it."""
    chosen = {}
    for n, noun in enumerate(NOUNS):
        shown = [r for r in recorded.values() if r.counts[0, n, 1].sum() > 0]
        if not shown:
            chosen[noun] = dict(minProbability=DEFAULT_PROBABILITY, minAreaRatio=DEFAULT_AREA, tiled=False)
            continue
        # A neighbour's mean smooths what few pictures say: [sets, views, thresholds].
        smooth = lambda row: np.convolve(np.pad(row, 2, mode="edge"), np.ones(5) / 5, "valid")
        iou = np.stack([[smooth(row) for row in scores(r.counts[:, n])[2]] for r in shown])[..., LOWEST:HIGHEST]
        gain = iou[:, 1].max(-1) - iou[:, 0].max(-1)
        tiled = bool(gain.max() >= LEAST_TILE_GAIN and gain.min() >= -LEAST_TILE_GAIN)
        mean = iou[:, int(tiled)].mean(0)
        good = np.flatnonzero(mean >= GOOD_ENOUGH * mean.max()) + LOWEST
        threshold = int(good[np.abs(good - BINS // 2).argmin()]) / BINS
        pairs = [pair for r in shown for pair in r.instances(n, int(tiled), threshold)]
        harmonic = lambda p, r, _: 2 * p * r / max(1e-9, p + r)
        area = max(AREAS, key=lambda a: harmonic(*instance_scores(pairs, a)))
        chosen[noun] = dict(minProbability=threshold, minAreaRatio=area, tiled=tiled)
    return chosen


@torch.no_grad()
def twins(images: Images, rows: dict, encoder, head, autocast, count: int) -> dict:
    """noun -> [(probability, border, mask of the one in front, mask of the other)] of pictures with two of a kind side by side."""
    torch.manual_seed(7)
    made = {}
    for name, noun in (("ccp", "person"), ("carparts", "car")):
        n, made[noun] = NOUNS.index(noun), []
        if len(rows[name]) == 0:
            continue
        pick = lambda: torch.from_numpy(np.random.default_rng(len(made)).choice(rows[name], count)).to(images.device)
        behind, front = pick(), pick().flip(0)
        eye = torch.eye(2, device=images.device).expand(count, 2, 2) * 1.25
        side = torch.where(torch.arange(count, device=images.device) % 2 == 0, 1., -1.)
        apart = (.45 if noun == "person" else .6)
        shift = lambda sign: torch.stack([sign * side * apart, torch.zeros_like(side)], -1)
        back, things = Crops(behind, eye, shift(1)), Crops(front, eye, shift(-1))
        picture, truth = images.pixels(back), images.truth(behind, back.at(FINE))
        mine = truth[:, n] == YES
        picture, _, _, here = images.compose(picture, truth, images.set[behind], things, torch.full_like(behind, n))
        seen = probabilities(picture, encoder, head, autocast)
        both = (here.flatten(1).sum(1) > 150) & ((mine & ~here).flatten(1).sum(1) > 150)
        for i in torch.nonzero(both)[:, 0].tolist():
            made[noun].append(tuple(x[i].cpu().numpy() for x in (seen[:, n], seen[:, -1], here, mine & ~here)))
    return made


def separated(pairs: list, threshold: float, least_area: float, border: float | None) -> dict:
    """How many pairs come out as two boxes, each on its own thing."""
    two = exact = 0
    for probability, edge, front, other in pairs:
        found = find(probability, threshold, None if border is None else edge, border or .5)
        found = found[found[:, 4] >= least_area * FINE * FINE]
        true = np.concatenate([largest(find(m.astype(np.float32), .5)) for m in (front, other)])
        hits = matched(found, true)
        two, exact = two + (hits == 2), exact + (hits == 2 and len(found) == 2)
    return dict(pairs=len(pairs), apart=two, exactly=exact)


def largest(boxes: np.ndarray) -> np.ndarray:
    return boxes[boxes[:, 4].argmax()][None]


def choose_border(made: dict, singles: dict, chosen: dict) -> float | None:
    """The border threshold that keeps most pairs apart without cutting single things; None if none is worth it."""
    def right(border: float | None) -> float:
        parts = []
        for noun, pairs in made.items():
            if not pairs or noun not in singles:
                continue
            t, a, n = chosen[noun]["minProbability"], chosen[noun]["minAreaRatio"], NOUNS.index(noun)
            apart = separated(pairs, t, a, border)
            p, r, _ = instance_scores(singles[noun].instances(n, 0, t, border, SINGLES), a)
            parts += [apart["apart"] / apart["pairs"], p, r]
        return float(np.mean(parts)) if parts else 0.
    best = max(BORDERS, key=right)
    return best if right(best) > right(None) else None


def report(recorded: dict, chosen: dict, border: float | None) -> dict:
    """Per set and noun: pixels at the thresholds, at .5 and with tiles; instances."""
    result: dict = {}
    for name, r in recorded.items():
        result[name] = {}
        for n, noun in enumerate(NOUNS):
            if r.counts[0, n, 1].sum() == 0:
                continue
            c = chosen[noun]
            view, bin_ = int(c["tiled"]), round(c["minProbability"] * BINS)
            precision, recall, iou = scores(r.counts[:, n])
            boxes = instance_scores(r.instances(n, view, c["minProbability"], border if noun in SEPARABLE else None), c["minAreaRatio"])
            value = dict(precision=precision[view, bin_], recall=recall[view, bin_], iou=iou[view, bin_], iouAtHalf=iou[0, BINS // 2],
                         iouWhole=iou[0].max(), iouTiled=iou[1].max(), boxPrecision=boxes[0], boxRecall=boxes[1])
            result[name][noun] = {k: round(float(v), 3) for k, v in value.items()} | dict(instances=boxes[2], threshold=c["minProbability"], tiled=c["tiled"])
    return result
