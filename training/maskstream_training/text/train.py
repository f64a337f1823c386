"""Train the text head on the frozen encoder, test it, and export it.

    python -m maskstream_training.text.train --data PREPARED --weights FOLDER --out OUT --seconds 60
    python -m maskstream_training.text.train --weights FOLDER --out OUT --export ONNX
"""
import argparse
import json
import math
import pathlib
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..data.photometric import colour, degrade
from ..data.shapes import affine
from ..export import trace
from ..model.encoder import C4, C8, EMB, SIZE, Encoder
from ..model.text_head import TextHead
from ..model.weights import load_weights, save_weights
from .prepare import SETS
from .vocabulary import ALSO, NOUNS, UNKNOWN

FINE = SIZE // 4
SET_SHARE = dict(zip(SETS, (.38, .27, .08, .17, .10)))
MIN_PROBABILITY, MIN_AREA = .5, .0008


class Images:
    def __init__(self, root: pathlib.Path, device: torch.device):
        tables = np.load(root / "tables.npz")
        self.device = device
        self.images = torch.from_numpy(np.load(root / "images.npy")).to(device)
        self.labels = torch.from_numpy(np.load(root / "labels.npy")).to(device)
        self.rules, self.rule = (torch.from_numpy(tables[k]).to(device) for k in ("rules", "rule"))
        self.test = {name: np.flatnonzero((tables["split"] == 1) & (tables["set"] == i)) for i, name in enumerate(SETS)}
        weight = np.zeros(len(tables["set"]))
        for i, name in enumerate(SETS):
            rows = (tables["set"] == i) & (tables["split"] == 0)
            if rows.any():
                weight[rows] = SET_SHARE[name] / rows.sum()
        self.weight = torch.from_numpy(weight).float().to(device)
        self.half = torch.float16 if device.type == "cuda" else torch.float32

    def truth(self, rows: Tensor, at: Tensor) -> Tensor:
        """YES / NO / UNKNOWN [B,nouns,96,96] at source positions [B,96,96,2]; outside the picture unknown."""
        side = self.labels.shape[-1]
        cell = ((at + 1) * (side / 2)).long().clamp(0, side - 1)
        labels = self.labels[rows][torch.arange(len(rows), device=self.device).view(-1, 1, 1), cell[..., 1], cell[..., 0]].long()
        known = self.rules[self.rule[rows]][torch.arange(len(rows), device=self.device).view(-1, 1, 1), labels]
        outside = (at.abs() > 1).any(-1, keepdim=True)
        return torch.where(outside, torch.full_like(known, UNKNOWN), known).permute(0, 3, 1, 2)

    def batch(self, count: int) -> tuple[Tensor, Tensor]:
        uniform = lambda lo=0., hi=1.: torch.rand(count, device=self.device) * (hi - lo) + lo
        rows = torch.multinomial(self.weight, count, True)
        scale = torch.exp(uniform(math.log(.3), math.log(1.15)))
        aspect = torch.exp(torch.randn(count, device=self.device) * .15)
        flip = torch.where(uniform() < .5, -1., 1.)
        crop = affine(scale * aspect * flip, scale / aspect, torch.randn(count, device=self.device) * .08)
        shift = torch.stack([uniform(-1, 1), uniform(-1, 1)], -1) * (1 - scale).clamp(min=0)[:, None]

        def positions(size: int) -> Tensor:
            axis = (torch.arange(size, device=self.device) + .5) / size * 2 - 1
            grid = torch.stack([axis.view(1, -1).expand(size, -1), axis.view(-1, 1).expand(-1, size)], -1).view(1, -1, 2)
            return torch.baddbmm(shift.unsqueeze(1), grid.expand(count, -1, -1), crop.transpose(1, 2)).view(count, size, size, 2)

        pixels = self.images[rows].permute(0, 3, 1, 2).to(self.half).contiguous()
        image = F.grid_sample(pixels, positions(SIZE).to(self.half), padding_mode="border", align_corners=False)
        return degrade(colour(image, .8)).float(), self.truth(rows, positions(FINE))


def loss_of(logits: Tensor, truth: Tensor) -> Tensor:
    """BCE and dice by noun over the pixels where the answer is known."""
    known, yes = (truth != UNKNOWN).float(), (truth == 1).float()
    ce = F.binary_cross_entropy_with_logits(logits, yes, reduction="none") * known
    p = torch.sigmoid(logits) * known
    sums = lambda x: x.sum((0, 2, 3))
    dice = 1 - (2 * sums(p * yes) + 1) / (sums(p) + sums(yes) + 1)
    judged = (sums(known) > 0).float()
    bce = sums(ce) / (sums(known) + 1)
    return ((4 * bce + dice) * judged).sum() / judged.sum().clamp(min=1)


@torch.no_grad()
def test(images: Images, encoder, head, autocast) -> dict:
    """Pixel precision, recall and IoU of each noun on the test images of each set, at MIN_PROBABILITY."""
    axis = (torch.arange(FINE, device=images.device) + .5) / FINE * 2 - 1
    grid = torch.stack([axis.view(1, -1).expand(FINE, -1), axis.view(-1, 1).expand(-1, FINE)], -1)
    result: dict = {}
    for name, rows in images.test.items():
        hits, said, there = (torch.zeros(len(NOUNS), device=images.device) for _ in range(3))
        for part in np.array_split(rows, max(1, math.ceil(len(rows) / 32))):
            if len(part) == 0:
                continue
            part = torch.from_numpy(part).to(images.device)
            x = F.interpolate(images.images[part].permute(0, 3, 1, 2).float(), size=(SIZE, SIZE), mode="bilinear", align_corners=False)
            with autocast():
                logits = head(*encoder(x)).float()
            truth = images.truth(part, grid.expand(len(part), -1, -1, -1))
            yes, known, found = truth == 1, truth != UNKNOWN, torch.sigmoid(logits) > MIN_PROBABILITY
            count = lambda m: m.sum((0, 2, 3))
            hits, said, there = hits + count(found & yes), said + count(found & known), there + count(yes)
        result[name] = {n: dict(precision=round((hits[i] / said[i].clamp(min=1)).item(), 3), recall=round((hits[i] / there[i]).item(), 3),
                                iou=round((hits[i] / (said[i] + there[i] - hits[i])).item(), 3)) for i, n in enumerate(NOUNS) if there[i] > 0}
    return result


def train(args) -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(args.seed)
    images, encoder, head = Images(args.data, device), Encoder(), TextHead(len(NOUNS)).to(device)
    load_weights(args.weights / "encoder.pt", encoder)
    encoder.to(device).eval().requires_grad_(False)
    autocast = lambda: torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda")
    optimizer = torch.optim.AdamW(head.parameters(), lr=args.lr, betas=(.9, .98), weight_decay=.05)
    averaged = [p.detach().clone() for p in head.parameters()]
    begun, step, progress = time.time(), 0, 0.
    while progress < 1:
        progress = step / args.steps if args.steps else (time.time() - begun) / args.seconds
        for group in optimizer.param_groups:
            group["lr"] = args.lr * min(1, (step + 1) / 100) * (.5 + .5 * math.cos(math.pi * min(1, progress))) + 1e-6
        with torch.no_grad():
            picture, truth = images.batch(args.batch)
            with autocast():
                features = encoder(picture)
        with autocast():
            logits = head(*features)
        loss = loss_of(logits.float(), truth)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(head.parameters(), 1.)
        optimizer.step()
        step += 1
        with torch.no_grad():
            for a, p in zip(averaged, head.parameters()):
                a.lerp_(p, 1 - min(.998, (1 + step) / (10 + step)))
        if step % 100 == 0 or args.steps:
            print(f"step {step} loss {loss.item():.3f} s {time.time() - begun:.0f}", flush=True)
    with torch.no_grad():
        for a, p in zip(averaged, head.parameters()):
            p.copy_(a)
    head.eval()
    save_weights(args.out, {"text": head}, step=step, seconds=time.time() - begun)
    result = test(images, encoder, head, autocast)
    (args.out / "text.json").write_text(json.dumps(result, indent=1))
    for name, nouns in result.items():
        for noun, value in nouns.items():
            print(f"{name:10s} {noun:12s} precision {value['precision']:.3f} recall {value['recall']:.3f} IoU {value['iou']:.3f}")


@torch.no_grad()
def export(weights: pathlib.Path, out: pathlib.Path) -> None:
    head = TextHead(len(NOUNS)).eval()
    load_weights(weights / "text.pt", head)
    out.mkdir(parents=True, exist_ok=True)
    example = torch.randn(1, EMB, FINE // 4, FINE // 4), torch.randn(1, C8, FINE // 2, FINE // 2), torch.randn(1, C4, FINE, FINE)
    trace(head, example, out / "text.onnx", ("emb", "f8", "f4"), ("classes",))
    entries = [dict(noun=n, channel=i, alsoKnownAs=ALSO.get(n, [])) for i, n in enumerate(NOUNS)]
    (out / "vocabulary.json").write_text(json.dumps(dict(channels=len(NOUNS), vocabulary=entries, minProbability=MIN_PROBABILITY, minAreaRatio=MIN_AREA)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--weights", type=pathlib.Path, required=True, help="folder of encoder.pt; for --export, of text.pt")
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--export", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.export:
        export(args.weights, args.export)
    else:
        train(args)


if __name__ == "__main__":
    main()
