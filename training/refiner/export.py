"""Writes refiner.onnx (opset 17, batch norm folded, N dynamic) from a checkpoint of train.py.

    python3 export.py CHECKPOINT refiner.onnx
"""
import sys

import onnx
import torch

from geometry import CROP
from model import APPEARANCE, Exported, Refiner

INPUTS = ['crop', 'prior', 'appearance']
OUTPUTS = ['logits', 'iou', 'appearance_out']


def export(graph, path):
    """Writes an Exported graph to `path` and checks it."""
    example = (torch.rand(2, 3, CROP, CROP) * 255, torch.rand(2, 1, CROP, CROP), torch.randn(2, 2, APPEARANCE))
    legacy = {} if torch.__version__ < '2.5' else {'dynamo': False}
    torch.onnx.export(graph, example, path, input_names=INPUTS, output_names=OUTPUTS, opset_version=17,
                      dynamic_axes={name: {0: 'N'} for name in INPUTS + OUTPUTS}, **legacy)
    onnx.checker.check_model(onnx.load(path))


def load(path):
    """The graph with the averaged weights of a checkpoint, in evaluation mode."""
    refiner = Refiner()
    state = torch.load(path, map_location='cpu')['average']
    refiner.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
    return Exported(refiner).eval()


if __name__ == '__main__':
    export(load(sys.argv[1]), sys.argv[2])
