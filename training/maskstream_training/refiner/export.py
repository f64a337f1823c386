"""Writes refiner.onnx (opset 17, batch norm folded, N dynamic) from a checkpoint of train.py.

    python -m maskstream_training.refiner.export CHECKPOINT refiner.onnx [DEAD_ZONE]
"""
import sys

import onnx
import torch

from .geometry import CROP
from .model import APPEARANCE, Refiner

INPUTS = ['crop', 'prior', 'appearance']
OUTPUTS = ['logits', 'iou', 'appearance_out']


def export(graph, path):
    """Writes an Exported graph to `path` and checks it."""
    example = (torch.rand(2, 3, CROP, CROP) * 255, torch.rand(2, 1, CROP, CROP), torch.randn(2, *APPEARANCE))
    legacy = {} if torch.__version__ < '2.5' else {'dynamo': False}
    torch.onnx.export(graph, example, path, input_names=INPUTS, output_names=OUTPUTS, opset_version=17,
                      dynamic_axes={name: {0: 'N'} for name in INPUTS + OUTPUTS}, **legacy)
    onnx.checker.check_model(onnx.load(path))


def load(path, model=sys.modules[Refiner.__module__]):
    """The graph with the averaged weights of a checkpoint, in evaluation mode; `model` is the module that defines it."""
    refiner = model.Refiner()
    state = torch.load(path, map_location='cpu')['average']
    refiner.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
    return model.Exported(refiner).eval()


def main():
    checkpoint, path, *zone = sys.argv[1:]
    graph = load(checkpoint)
    if zone:
        graph.refiner.dead_zone = float(zone[0])
    export(graph, path)


if __name__ == '__main__':
    main()
