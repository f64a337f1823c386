"""Train the text head on the frozen encoder, choose its thresholds, test it, and export it.

    python -m maskstream_training.text.train --data PREPARED --weights FOLDER --out OUT --seconds 75
    python -m maskstream_training.text.train --weights FOLDER --out OUT --export ONNX

Two heads learn from the same batches: the shipped one from all pictures but the test's, its twin without the validation pictures. Thresholds,
smallest instances and the nouns worth a closer look are the twin's on the validation pictures, as they are and in low light.

A folder that holds area.pt beside text.pt stands for the mean of both heads (`joint_head.py`), in `--heads` and in `--export`.
"""
import argparse
import contextlib
import json
import math
import pathlib
import time
from collections.abc import Callable

import torch
from torch import Tensor

from ..export import trace
from ..model.encoder import C4, C8, EMB, Encoder
from ..model.weights import load_weights, save_weights
from .evaluate import DEFAULT_AREA, DEFAULT_PROBABILITY, TILES, choose, choose_border, record, report, separated, some, twins
from .head import TextHead
from .joint_head import JointHead
from .loss import loss_of
from .samples import FINE, Images
from .vocabulary import ALSO, NOUNS, SEPARABLE

#: Pictures with two of a kind side by side, of each kind.
PAIRS = 48


class Averaged:
    """A head in training and the running mean of its weights."""

    def __init__(self, head: torch.nn.Module, device: torch.device, lr: float, loss: Callable = loss_of):
        self.head = head.to(device, memory_format=torch.channels_last).train()   # the layout that truth comes in
        self.loss = loss
        self.optimizer = torch.optim.AdamW(self.head.parameters(), lr=lr, betas=(.9, .98), weight_decay=.05)
        self.mean = [p.detach().clone() for p in self.head.parameters()]

    def step(self, features: tuple, batch, keep, lr: float, steps: int, autocast) -> Tensor:
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        with autocast():
            logits = self.head(*features)
        loss = self.loss(logits.float(), batch, keep)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.head.parameters(), 1.)
        self.optimizer.step()
        with torch.no_grad():
            for mean, p in zip(self.mean, self.head.parameters()):
                mean.lerp_(p, 1 - min(.998, (1 + steps) / (10 + steps)))
        return loss.detach()

    def finished(self) -> torch.nn.Module:
        with torch.no_grad():
            for mean, p in zip(self.mean, self.head.parameters()):
                p.copy_(mean)
        return self.head.eval()


def frozen_encoder(folder: pathlib.Path, device: torch.device) -> tuple[Encoder, Callable]:
    """The encoder of folder/encoder.pt, and what runs it in half precision where that pays."""
    encoder = Encoder()
    load_weights(folder / "encoder.pt", encoder)
    encoder.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)
    return encoder, (lambda: torch.autocast("cuda", dtype=torch.bfloat16)) if device.type == "cuda" else contextlib.nullcontext


def lessons(args, images: Images, encoder: Encoder, autocast, learn: Callable) -> int:
    """Calls learn(features, batch, everything, lr, step), which returns losses to print, for --seconds or --steps; returns the steps."""
    begun, step, progress = time.time(), 0, 0.
    while progress < 1:
        progress = step / args.steps if args.steps else (time.time() - begun) / args.seconds
        lr = args.lr * min(1, (step + 1) / 100) * (.5 + .5 * math.cos(math.pi * min(1, progress))) + 1e-6
        with torch.no_grad():
            batch = images.batch(args.batch)
            with autocast():
                features = encoder(batch.picture)
        losses = learn(features, batch, torch.ones_like(batch.validation, dtype=torch.float32), lr, step)
        step += 1
        if step % 100 == 0 or args.steps:
            print(f"step {step} loss {' '.join(f'{loss.item():.3f}' for loss in losses)} s {time.time() - begun:.0f}", flush=True)
    return step


def shipped_and_twin(args, images: Images, encoder: Encoder, autocast) -> tuple[TextHead, TextHead, int]:
    """The shipped head and its twin."""
    shipped, twin = (Averaged(TextHead(len(NOUNS)), images.device, args.lr) for _ in range(2))

    def learn(features: tuple, batch, everything: Tensor, lr: float, step: int) -> list[Tensor]:
        loss = shipped.step(features, batch, everything, lr, step, autocast)
        # Half of the batch is enough for thresholds, and leaves the shipped head more steps.
        half = batch.half()
        twin.step(tuple(f[::2] for f in features), half, (~half.validation).float(), lr, step, autocast)
        return [loss]

    steps = lessons(args, images, encoder, autocast, learn)
    return shipped.finished(), twin.finished(), steps


def train(args) -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(args.seed)
    images = Images(args.data, device)
    encoder, autocast = frozen_encoder(args.weights, device)
    if args.heads:
        head, steps = stored(args.heads, "text")
        # Without a twin, thresholds come from pictures that the head has learned from.
        twin = stored(args.heads, "twin")[0] if (args.heads / "twin.pt").exists() else head
        evaluate(args, images, encoder, (head.to(device), twin.to(device)), autocast, steps)
        return
    begun = time.time()
    head, twin, steps = shipped_and_twin(args, images, encoder, autocast)
    save_weights(args.out, {"text": head, "twin": twin}, step=steps, seconds=time.time() - begun)
    print(f"trained, {steps} steps, {time.time() - begun:.0f} s", flush=True)
    evaluate(args, images, encoder, (head, twin), autocast, steps)


def stored(folder: pathlib.Path, name: str) -> tuple[torch.nn.Module, int]:
    """The head of folder/NAME.pt, in the mean with that of area.pt where there is one, and its steps."""
    area = folder / "area.pt"
    head = JointHead(len(NOUNS)) if area.exists() else TextHead(len(NOUNS))
    steps = load_weights(folder / f"{name}.pt", head.parts if area.exists() else head)["step"]
    if area.exists():
        load_weights(area, head.areas)
    return head.eval(), steps


def evaluate(args, images: Images, encoder: Encoder, heads: tuple, autocast, steps: int) -> None:
    """Thresholds first, so that a run cut short has them; then the test."""
    (head, twin), begun = heads, time.time()
    validation, test, count = some(images.validation, args.pictures), some(images.test, args.pictures), args.pictures or PAIRS

    def store(**more) -> None:
        result.update(more)
        (args.out / "text.json").write_text(json.dumps(result, indent=1))
        print(f"{', '.join(more)} at {time.time() - begun:.0f} s", flush=True)

    torch.manual_seed(1)
    result: dict = dict(steps=steps)
    seen = record(images, validation, encoder, twin, autocast, dark=True)
    store(chosen=choose(seen), border=None)
    chosen = result["chosen"]
    singles = {noun: seen[name] for noun, name in (("person", "ccp"), ("car", "carparts")) if name in seen}
    border = choose_border(twins(images, validation, encoder, twin, autocast, count), singles, chosen)
    store(border=border)
    pairs = twins(images, test, encoder, head, autocast, count)
    store(pairs={noun: {key: separated(found, chosen[noun]["minProbability"], chosen[noun]["minAreaRatio"], value)
                        for key, value in (("uncut", None), ("cut", border))} for noun, found in pairs.items()})
    store(test=report(record(images, test, encoder, head, autocast), chosen, border))
    store(validation=report(seen, chosen, border))
    (args.out / "text.md").write_text(table(result))
    print(table(result), flush=True)


def table(result: dict) -> str:
    lines = []
    for split in ("test", "validation"):
        lines += [f"{split}: | set | noun | threshold | tiles | precision | recall | IoU | IoU at .5 | best IoU whole / tiled | boxes: n, precision, recall |",
                  "|---|---|---|---|---|---|---|---|---|---|"]
        for name, nouns in result[split].items():
            lines += [f"| {name} | {noun} | {v['threshold']:.2f} | {'yes' if v['tiled'] else ''} | {v['precision']:.2f} | {v['recall']:.2f} | {v['iou']:.2f} "
                      f"| {v['iouAtHalf']:.2f} | {v['iouWhole']:.2f} / {v['iouTiled']:.2f} | {v['instances']}, {v['boxPrecision']:.2f}, {v['boxRecall']:.2f} |"
                      for noun, v in nouns.items()]
    return "\n".join([*lines, f"border {result['border']}, pairs {json.dumps(result['pairs'])}, steps {result['steps']}"]) + "\n"


def manifest_text(chosen: dict, border: float | None) -> dict:
    """The manifest's part about text."""
    entries = []
    for i, noun in enumerate(NOUNS):
        entry = dict(noun=noun, channel=i, alsoKnownAs=ALSO.get(noun, []), minProbability=chosen[noun]["minProbability"], minAreaRatio=chosen[noun]["minAreaRatio"])
        entries.append(entry | ({"tiled": True} if chosen[noun]["tiled"] else {}) | ({"separable": True} if border and noun in SEPARABLE else {}))
    text = dict(vocabulary=entries, minProbability=DEFAULT_PROBABILITY, minAreaRatio=DEFAULT_AREA)
    if border:
        text["border"] = dict(channel=len(NOUNS), minProbability=border)
    if any(c["tiled"] for c in chosen.values()):
        text["tiles"] = [dict(x=x0, y=y0, width=round(x1 - x0, 6), height=round(y1 - y0, 6)) for x0, y0, x1, y1 in TILES]
    return text


@torch.no_grad()
def export(weights: pathlib.Path, out: pathlib.Path) -> None:
    head, _ = stored(weights, "text")
    out.mkdir(parents=True, exist_ok=True)
    example = torch.randn(1, EMB, FINE // 4, FINE // 4), torch.randn(1, C8, FINE // 2, FINE // 2), torch.randn(1, C4, FINE, FINE)
    trace(head, example, out / "text.onnx", ("emb", "f8", "f4"), ("classes",))
    measured = json.loads((weights / "text.json").read_text())
    text = manifest_text(measured["chosen"], measured["border"])
    (out / "vocabulary.json").write_text(json.dumps(dict(channels=len(NOUNS) + 1, text=text), indent=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--weights", type=pathlib.Path, required=True, help="folder of encoder.pt; for --export, of text.pt, text.json and perhaps area.pt")
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--export", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=75)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--heads", type=pathlib.Path, help="folder of text.pt, and twin.pt and area.pt where there are such: test these, train none")
    parser.add_argument("--pictures", type=int, default=0, help="test so many pictures of each set only")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.export:
        export(args.weights, args.export)
    else:
        args.out.mkdir(parents=True, exist_ok=True)
        train(args)


if __name__ == "__main__":
    main()
