"""What a training step costs: milliseconds of its parts and peak memory, plain, with gradient checkpointing, compiled.

    python -m maskstream_training.train.measure --variants plain checkpointing [--steps 20] --out OUT.json -- --data PREPARED --out RUN [...]

What follows "--" goes to train.run.
"""
import argparse
import json
import pathlib
import sys
import time

import torch

from .run import Trainer, arguments, compiled

WARM = 6   # steps ahead of those measured, longer than cuDNN tries algorithms and the compiler compiles
PARTS = ("data", "forward", "backward", "update")


def clock(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def step_times(trainer: Trainer) -> list[float]:
    """Seconds of the parts of one step."""
    (rollout, maker), now = trainer.lessons[0], lambda: clock(trainer.device)
    times = [now()]
    batch = maker.make(trainer.args.sequences)
    times.append(now())
    loss, _ = rollout.step(batch, .85)
    times.append(now())
    trainer.gradients.zero_()
    loss.backward()
    times.append(now())
    trainer.optimizer.step()
    times.append(now())
    return [b - a for a, b in zip(times, times[1:])]


def measured(trainer: Trainer, variant: str, steps: int) -> dict:
    trainer.encoder.checkpointed = variant == "checkpointing"
    networks = compiled(trainer.encoder, trainer.decoder, variant if variant in ("encoder", "both") else "no")
    for rollout, _ in trainer.lessons:
        rollout.encoder, rollout.decoder = networks
    begun = time.time()
    for _ in range(WARM):
        step_times(trainer)
    cuda = trainer.device.type == "cuda"
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    warm = time.time() - begun
    rows = torch.tensor([step_times(trainer) for _ in range(steps)])
    parts = rows.median(0)[0]
    images = trainer.args.sequences * trainer.args.views
    return dict({f"{part}_ms": round(1000 * x, 1) for part, x in zip(PARTS, parts.tolist())}, images_a_second=round(images / parts.sum().item()),
                peak_gib=round(torch.cuda.max_memory_allocated() / 2 ** 30, 2) if cuda else None, warm_up_s=round(warm, 1))


def main() -> None:
    own = sys.argv[1:sys.argv.index("--")]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", nargs="+", choices=("plain", "checkpointing", "encoder", "both"), default=["plain", "checkpointing"])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args(own)
    trainer, results = Trainer(arguments(sys.argv[sys.argv.index("--") + 1:])), {}
    for variant in args.variants:
        results[variant] = measured(trainer, variant, args.steps)
        print(variant, json.dumps(results[variant]), flush=True)
        args.out.write_text(json.dumps(results))


if __name__ == "__main__":
    main()
