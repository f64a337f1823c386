"""Rebuilds a checkpoint for export.py and evaluate.py from a published graph.

    python -m maskstream_training.refiner.restore refiner.onnx refiner.pt

Batch norms were folded into the convolutions; they come back as norms that change nothing, so train.py cannot go on from it.
"""
import pathlib
import sys

import torch

from ..restore import named_constants, normed_pairs
from .model import Refiner


@torch.no_grad()
def restored(path):
    """The refiner of a graph that export.py wrote."""
    _, constants, _, folded = named_constants(pathlib.Path(path))
    refiner = Refiner().eval()
    named = {name.removeprefix('refiner.'): torch.tensor(value) for name, value in constants.items() if name.startswith('refiner.')}
    unexpected = refiner.load_state_dict(named, strict=False).unexpected_keys
    if unexpected:
        raise ValueError(f'{path}: expected parameters of model.py, got {unexpected}')
    # The exporter numbers what has lost its name in the order of use, which is that of the modules.
    for (conv, norm), (weight, bias) in zip(normed_pairs(refiner), folded, strict=True):
        conv.weight.copy_(weight)
        norm.weight.fill_((1 + norm.eps) ** 0.5)
        norm.bias.copy_(bias)
    exponents = sorted((name for name in constants if name.startswith('onnx::Exp_')), key=lambda name: int(name.rsplit('_', 1)[1]))
    reach, *sharpness = (float(constants[name]) for name in exponents)
    refiner.cells.reach.fill_(reach / -2)
    refiner.cells.sharpness.copy_(torch.tensor(sharpness))
    return refiner


def main():
    source, path = sys.argv[1:]
    torch.save({'average': restored(source).state_dict()}, path)


if __name__ == '__main__':
    main()
