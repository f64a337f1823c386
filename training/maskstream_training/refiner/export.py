"""Writes refiner.onnx (opset 17, batch norm folded, N dynamic) from a checkpoint of train.py.

    python -m maskstream_training.refiner.export CHECKPOINT refiner.onnx [DEAD_ZONE]
"""
import sys

import onnx
import torch

from . import every_frame, model

INPUTS = ['crop', 'prior', 'appearance']
OUTPUTS = ['logits', 'iou', 'appearance_out']


def export(graph, path, kind=model):
    """Writes an Exported graph of the module `kind` to `path` and checks it."""
    side = kind.Refiner.framing.crop
    example = (torch.rand(2, 3, side, side) * 255, torch.rand(2, 1, side, side), torch.randn(2, *kind.APPEARANCE))
    legacy = {} if torch.__version__ < '2.5' else {'dynamo': False}
    torch.onnx.export(graph, example, path, input_names=INPUTS, output_names=OUTPUTS, opset_version=17,
                      dynamic_axes={name: {0: 'N'} for name in INPUTS + OUTPUTS}, **legacy)
    onnx.checker.check_model(onnx.load(path))


def averaged(path):
    """The averaged weights of a checkpoint."""
    return {k: v.float() if v.is_floating_point() else v for k, v in torch.load(path, map_location='cpu')['average'].items()}


def kind_of(state):
    """The module that weights belong to."""
    return every_frame if 'draw4.0.weight' in state else model


def load(path, kind=None):
    """The graph with the averaged weights of a checkpoint, in evaluation mode; `kind` is the module that defines it."""
    state = averaged(path)
    kind = kind or kind_of(state)
    refiner = kind.Refiner()
    refiner.load_state_dict(state)
    return kind.Exported(refiner).eval()


def main():
    checkpoint, path, *zone = sys.argv[1:]
    graph = load(checkpoint)
    if zone:
        graph.refiner.dead_zone = float(zone[0])
    export(graph, path, kind_of(graph.refiner.state_dict()))


if __name__ == '__main__':
    main()
