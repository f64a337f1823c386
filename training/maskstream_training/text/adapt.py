"""Bring trained text heads to another encoder: both learn on, on its features, from where they are.

    python -m maskstream_training.text.adapt --data PREPARED --weights FOLDER --heads HEADS --manifest MANIFEST --out OUT --seconds 60

FOLDER/encoder.pt is the new encoder, HEADS holds text.pt and area.pt (restore.py takes them out of a model folder). Both heads have learned from the
validation pictures before, so the thresholds stay those of the manifest. OUT/text.pt, OUT/area.pt, OUT/text.json (thresholds, and the test of the heads
on the new encoder as they were and as they are) are what `train --export` reads.
"""
import argparse
import json
import pathlib
import time

import torch

from ..model.weights import save_weights
from .evaluate import record, report, some
from .loss import noun_loss
from .samples import Images
from .train import Averaged, frozen_encoder, lessons, stored
from .vocabulary import NOUNS


def thresholds(manifest: pathlib.Path) -> tuple[dict, float | None]:
    """(what `choose` would give, the border's threshold) as a manifest has them."""
    text = json.loads(manifest.read_text())["text"]
    chosen = {e["noun"]: dict(minProbability=e["minProbability"], minAreaRatio=e["minAreaRatio"], tiled=e.get("tiled", False)) for e in text["vocabulary"]}
    if list(chosen) != NOUNS:
        raise ValueError(f"{manifest}: expected the nouns {NOUNS}, got {list(chosen)}")
    return chosen, text.get("border", {}).get("minProbability")


def mean_iou(tested: dict) -> dict:
    """Set -> mean over its nouns."""
    return {name: round(sum(noun["iou"] for noun in nouns.values()) / len(nouns), 3) for name, nouns in tested.items() if nouns}


def adapt(args) -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(args.seed)
    images = Images(args.data, device)
    encoder, autocast = frozen_encoder(args.weights, device)
    joint, steps = stored(args.heads, "text")
    joint = joint.to(device)
    chosen, border = thresholds(args.manifest)
    test = lambda: report(record(images, some(images.test, args.pictures), encoder, joint.eval(), autocast), chosen, border)
    before = test()
    print("as they were", mean_iou(before), flush=True)
    areas_loss = lambda logits, batch, keep: noun_loss(logits, batch.truth, batch.set, keep)
    heads = Averaged(joint.parts, device, args.lr), Averaged(joint.areas, device, args.lr, areas_loss)
    begun = time.time()
    step = lessons(args, images, encoder, autocast, lambda *lesson: [head.step(*lesson, autocast) for head in heads])
    parts, areas = (head.finished() for head in heads)   # joint's own
    save_weights(args.out, {"text": parts, "area": areas}, step=steps + step, seconds=time.time() - begun)
    after = test()
    (args.out / "text.json").write_text(json.dumps(dict(steps=steps + step, chosen=chosen, border=border, before=before, test=after), indent=1))
    print("as they are", mean_iou(after), f"{step} steps", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("data", "weights", "heads", "manifest", "out"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--steps", type=int, default=0, help="so many steps instead (smoke test)")
    parser.add_argument("--pictures", type=int, default=0, help="test so many pictures of each set only")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    adapt(args)


if __name__ == "__main__":
    main()
