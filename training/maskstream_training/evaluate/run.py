"""Evaluate checkpoints on held-out training clips and, with --dev, on clips of other kinds (both to tune on), on photographs kept back
with --photographs, and, with --report, on clips that are only reported.

    python -m maskstream_training.evaluate.run RAW WEIGHTS [WEIGHTS ...] --out eval.json [--dev] [--photographs] [--report] [--full]

RAW holds davis-train/, dev/ and report/ as pack.py unpacks them.  Each evaluation with --report is logged in RUNS.md.
"""
import argparse
import json
import pathlib
import time

import numpy as np
import torch

from ..data.prepare import HELD_OUT_CLIPS
from .clips import Clips
from .network import Network
from .photographs import Photographs
from .still import StillFrames
from .video import Policy, score_video

REPORT_CLIPS = ("blackswan", "bmx-trees", "camel", "car-shadow", "dance-twirl", "goat", "libby", "soapbox")
#: Objects by clip of other kinds than DAVIS.
DEV_OBJECTS = {"panda-2": 3, "panda-3": 1, "panda-4": 3, "panda-5": 1, "panda-6": 2, "panda-7": 1, "sbi-caviar2": 1, "sbi-cavignal": 1, "sbi-highwayii": 1,
               "ucsd-boats": 1, "ucsd-cyclists": 1, "ucsd-flock": 1, "ucsd-peds": 1, "ucsd-skiing": 1, "ucsd-surf": 1, "ucsd-traffic": 1, "ucsd-zodiac": 1}
#: What the service does, roughly: a few policies for a look during training.
SHORT = [Policy(k, zoom=2.) for k in (1, 5)] + [Policy(5, start=s, zoom=2.) for s in ("box", "point")]
QUICK = [Policy(0), Policy(5, memory=0), Policy(5), Policy(1), Policy(10), Policy(5, start="box")]
FULL = [Policy(0), *[Policy(k, memory=m) for k in (1, 5, 10) for m in (0, 1)], *[Policy(k) for k in (1, 2, 3, 5, 10)],
        *[Policy(k, start=s) for s in ("box", "point") for k in (1, 5, 10)], Policy(5, start="box", twice=False), Policy(5, start="point", twice=False),
        *[Policy(k, zoom=2.) for k in (1, 5, 10)]]
#: Choices judged on the held-out clips alone.
TUNE = [*[Policy(k, recent_every=r) for k in (1, 5, 10) for r in (1, 5, 10, 40)], *[Policy(k, recent_score=s) for k in (1, 5) for s in (.75, .85)],
        *[Policy(k, box=True) for k in (1, 5, 10)], *[Policy(k, average=True) for k in (1, 5, 10)], *[Policy(k, zoom=z) for k in (1, 5, 10) for z in (1.5, 3.)],
        Policy(5, lost=-1.), Policy(5, lost=0.), Policy(5, prior=False)]


def group_clips(args: argparse.Namespace) -> tuple[dict, list]:
    """Names of the clips by group, and (folder, name, frames) of each."""
    few = args.clips or None
    groups = {"held_out": list(HELD_OUT_CLIPS)[:few]}
    if args.dev:
        groups["dev"] = [f"{name}#{k + 1}" for name, count in DEV_OBJECTS.items() for k in range(count)][:few]
    if args.report:
        groups["report"] = list(REPORT_CLIPS)[:few]
    folders = {"held_out": "davis-train", "dev": "dev", "report": "report"}
    return groups, [(str(args.raw / folders[g]), n, args.frames or None) for g, names in groups.items() for n in names]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw", type=pathlib.Path)
    parser.add_argument("weights", type=pathlib.Path, nargs="+")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--dev", action="store_true")
    parser.add_argument("--photographs", action="store_true")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--short", action="store_true", help="only what comes nearest to the service, without single frames")
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--clips", type=int, default=0, help="only so many clips of each group, for a smoke test")
    parser.add_argument("--frames", type=int, default=0, help="only the first frames of each clip, for a smoke test")
    parser.add_argument("--workers", type=int, default=16)
    args = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    groups, listed = group_clips(args)
    begun = time.time()
    clips = Clips(listed, device, args.workers)
    # After the clips: forked readers hang where OpenCV's threads have started before them.
    photographs = Photographs(args.raw, device, args.clips or None) if args.photographs else None
    print("clips", len(clips.names), "frames", len(clips.masks), round(time.time() - begun, 1), "s", flush=True)
    results, pairs = {}, {}
    for folder in args.weights:
        begun = time.time()
        network = Network(folder, device)
        features = network.encode(clips.images)
        result = results[str(folder)] = {"still": {}, "video": {}}
        if photographs:
            result["photographs"] = photographs.measure(network)
            print(folder.name, "photographs", json.dumps(result["photographs"]), flush=True)
        if not args.short:
            still = StillFrames(network, clips, features, args.workers)
            still.run()
            result["still"] = {g: still.summary(names) for g, names in groups.items()}
        for group, values in result["still"].items():
            print(folder.name, group, json.dumps(values), round(time.time() - begun, 1), "s", flush=True)
            pairs.update({f"{group}/{k}/{i}": v for k, both in still.pairs(groups[group]).items() for i, v in zip(("predicted", "true"), both)})
        policies = [(p, groups) for p in (FULL if args.full else SHORT if args.short else QUICK)]
        policies += [(p, {"held_out": groups["held_out"]}) for p in TUNE] if args.tune else []
        for policy, judged in policies:
            scores, keyframes = score_video(network, clips, features, policy, judged)
            result["video"][policy.name()] = scores
            for group, both in keyframes.items():
                if policy.interval:
                    pairs.update({f"{group}/video {policy.name()}/{i}": v for i, v in zip(("predicted", "true"), both)})
            print(policy.name(), {g: (s["J"], s["F"], s["JF"]) for g, s in scores.items()}, flush=True)
        print(folder.name, round(time.time() - begun, 1), "s", flush=True)
    args.out.write_text(json.dumps(results))
    np.savez_compressed(args.out.with_suffix(".npz"), **pairs)


if __name__ == "__main__":
    main()
