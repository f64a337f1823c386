"""Rebuilds a checkpoint for export.py and evaluate.py from a published graph.

    PYTHONPATH=training python3 restore.py refiner.onnx refiner.pt

Batch norms were folded into the convolutions; they come back as norms that change nothing, so train.py cannot go on from it.
"""
import pathlib
import sys

import torch
import torch.nn as nn

from maskstream_training.onnx_graph import open_graph
from model import Refiner


@torch.no_grad()
def restored(path):
    """The refiner of a graph that export.py wrote."""
    model, constants = open_graph(pathlib.Path(path))
    refiner = Refiner().eval()
    named = {name.removeprefix('refiner.'): torch.tensor(value) for name, value in constants.items() if name.startswith('refiner.')}
    unexpected = refiner.load_state_dict(named, strict=False).unexpected_keys
    if unexpected:
        raise ValueError(f'{path}: expected parameters of model.py, got {unexpected}')
    # The exporter numbers what has lost its name in the order of use, which is that of the modules.
    folded = [node.input[1:] for node in model.graph.node if node.op_type == 'Conv' and node.input[1].startswith('onnx::')]
    modules = list(refiner.modules())
    normed = [(a, b) for a, b in zip(modules, modules[1:]) if isinstance(b, nn.BatchNorm2d)]
    for (conv, norm), (weight, bias) in zip(normed, folded, strict=True):
        conv.weight.copy_(torch.tensor(constants[weight]))
        norm.weight.fill_((1 + norm.eps) ** 0.5)
        norm.bias.copy_(torch.tensor(constants[bias]))
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
