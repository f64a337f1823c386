"""Monotone tables from predicted to expected IoU, by kind of prompt, fitted on the held-out training clips.

    python -m maskstream_training.calibrate EVAL.npz [--out calibration.json]

EVAL.npz is what evaluate.run writes.  Isotonic regression (pool adjacent violators) over equal-count groups; the
clips that are only reported are used to judge the table, never to fit it.
"""
import argparse
import json
import pathlib

import numpy as np

KNOTS = 10
#: kind in the manifest -> recordings of the evaluation
KINDS = {"click": ("click_1",), "clicks": ("click_2", "click_3", "box_click"), "box": ("box",),
         "mask": tuple(f"video interval={k} memory=0" for k in (1, 5, 10)),
         "memory": tuple(f"video interval={k}" for k in (1, 2, 3, 5, 10))}


def isotonic(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Nearest non-decreasing sequence in the weighted least-squares sense."""
    blocks: list = []
    for v, w in zip(values, weights):
        blocks.append([v, w, 1])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            v1, w1, n1 = blocks.pop()
            v0, w0, n0 = blocks.pop()
            blocks.append([(v0 * w0 + v1 * w1) / (w0 + w1), w0 + w1, n0 + n1])
    return np.concatenate([np.full(n, v) for v, _, n in blocks])


def fit(predicted: np.ndarray, true: np.ndarray) -> list:
    """Knots (predicted, expected), both rising.

    Outside the recorded range the table runs to (0, 0) and keeps its last offset up to 1: nothing was seen there.
    """
    order = np.argsort(predicted)
    groups = np.array_split(order, KNOTS)
    x = np.array([predicted[g].mean() for g in groups])
    y = isotonic(np.array([true[g].mean() for g in groups]), np.array([len(g) for g in groups], float))
    knots = [(0., 0.)]
    for a, b in zip(x, y):
        if a > knots[-1][0] + 1e-3 and b > knots[-1][1] + 1e-3:   # strictly rising, so that the order of masks survives
            knots.append((float(a), float(b)))
    last_x, last_y = knots[-1]
    if last_x < .999:
        knots.append((1., min(1., last_y + (1 - last_x))))
    return [[round(a, 4), round(b, 4)] for a, b in knots]


def apply(knots: list, predicted: np.ndarray) -> np.ndarray:
    return np.interp(predicted, [k[0] for k in knots], [k[1] for k in knots])


def expected_error(predicted: np.ndarray, true: np.ndarray, bins: int = 10) -> float:
    groups = np.array_split(np.argsort(predicted), bins)
    return float(sum(len(g) * abs(predicted[g].mean() - true[g].mean()) for g in groups) / len(predicted))


def recorded(pairs, group: str, names: tuple) -> tuple[np.ndarray, np.ndarray]:
    have = [n for n in names if f"{group}/{n}/predicted" in pairs]
    join = lambda side: np.concatenate([pairs[f"{group}/{n}/{side}"] for n in have]).astype(float) if have else np.zeros(0)
    return join("predicted"), join("true")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path)
    args = parser.parse_args()
    pairs, table = np.load(args.pairs), {}
    for kind, names in KINDS.items():
        predicted, true = recorded(pairs, "held_out", names)
        table[kind] = fit(predicted, true)
        for group in ("held_out", "report"):
            p, t = recorded(pairs, group, names)
            if len(p):
                q = apply(table[kind], p)
                print(f"{kind:7s} {group:9s} n {len(p):5d}  r {np.corrcoef(p, t)[0, 1]:.3f} -> {np.corrcoef(q, t)[0, 1]:.3f}"
                      f"  error {expected_error(p, t):.4f} -> {expected_error(q, t):.4f}  bias {np.mean(p - t):+.4f} -> {np.mean(q - t):+.4f}")
    every = [recorded(pairs, "held_out", names) for names in KINDS.values()]
    table["all"] = fit(*(np.concatenate(side) for side in zip(*every)))
    if args.out:
        args.out.write_text(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
