"""The refiner in 8-bit integers: MODEL/refiner.onnx -> OUT/refiner-int8.onnx.

    python -m maskstream_training.refiner.quantise MODEL --calibration CLIPS --check CLIPS [--out OUT]

CLIPS as maskstream_training.confidence_clips writes them: `trained` for the ranges, `held-out` to say what the integers cost. Their objects
are followed from true and from slightly wrong masks, and what the refiner is asked on the way are the examples. How: maskstream_training/integers.py.

The graph is arranged (deployed.py) first. In fp32 stay the convolutions of 16 channels or fewer, which are no slower for lack of changes
of layout and cost most of the accuracy, and those of 1x1, which are slower in integers.
"""
import argparse
import pathlib
import tempfile

import numpy as np
import torch

from ..integers import Plan, quantised
from ..onnx_graph import open_graph, run, save_graph
from .deployed import Deployed
from .evaluate import MILD, Report, Runner
from .export import INPUTS, OUTPUTS, export
from .geometry import CORRECTION, Window
from .model import Exported
from .prepare import ENGINES, HELD_OUT
from .restore import restored
from .rollout import corrupt_start

ENGINE = ENGINES.index('dis-medium-320')
LIFE, SEED = 12, 1
EXAMPLES = 48
LEAST_CHANNELS = 17
CLOSE = 1e-4
"""How far the arranged graph's outputs may be from those of the trained one."""
LEAST_AGREEMENT = 0.99
"""Mean IoU of the masks with those of the graph in fp32; less is a mistake, the shipped graph has 0.998."""


class RefinerPlan(Plan):
    """Convolutions of 3x3 between others, and the residuals that one of them reads."""

    def is_convolution(self, node):
        if not super().is_convolution(node):
            return False
        _, channels, *kernel = self.constants[node.input[1]].shape
        return channels >= LEAST_CHANNELS and kernel == [3, 3]

    def is_sum(self, node):
        return super().is_sum(node) and any(map(self.is_convolution, self.users.get(self.result(node), [])))

    def is_linear(self, node):
        return False


class Recorder:
    """A graph that keeps what it is asked, for a Runner."""

    def __init__(self, graph):
        self.graph, self.asked = graph, []
        self.appearance, self.framing = graph.appearance, graph.framing

    def __call__(self, *inputs):
        self.asked.append(inputs)
        return self.graph(*inputs)


@torch.no_grad()
def followed(clips, graph):
    """Inputs by name, of every frame of two tracks a clip: one from a true mask, one from a mask as a decoder leaves it."""
    torch.manual_seed(SEED)
    count = len(clips.names)
    sequence = torch.arange(count).repeat(2)
    time = (torch.rand(2 * count) * (clips.length[sequence] - LIFE - 1)).long()
    mask = clips.mask(sequence, time)
    mask[count:] = corrupt_start(mask[count:], Window.around(mask[count:], CORRECTION)[0], torch.full((count,), MILD))
    recorder = Recorder(graph)
    runner = Runner(clips, recorder, sequence, follow=True)
    runner.keyframe(time, mask)
    for age in range(1, LIFE + 1):
        runner.advance(time + age)
    return dict(zip(INPUTS, map(torch.cat, zip(*recorder.asked))))


def arranged(graph, examples):
    """An Exported graph as Deployed; throws where it differs on `examples`."""
    deployed = Deployed(graph.refiner).eval()
    with torch.no_grad():
        for name, wanted, found in zip(OUTPUTS, graph(*examples), deployed(*examples)):
            difference = float((wanted - found).abs().max())
            if not difference <= CLOSE:
                raise ValueError(f'{name}: the arranged graph is {difference:.1e} away from the trained one')
    return deployed


def check(exact, found):
    """Prints what the integers change; throws where that is a mistake."""
    before, after = (torch.sigmoid(outputs['logits']) for outputs in (exact, found))
    inside, other = before >= 0.5, after >= 0.5
    shared = (inside & other).sum((1, 2, 3)) / (inside | other).sum((1, 2, 3)).clamp(min=1)
    agreement = float(shared[inside.any(3).any(2).any(1)].mean())
    differences = [float((a - b).abs().mean()) for a, b in ((before, after), (exact['iou'], found['iou']))]
    print(f'{len(shared)} crops: masks agree with an IoU of {agreement:.4f}, mean difference of probabilities {differences[0]:.5f}, '
          f'of expected IoU {differences[1]:.4f}')
    if agreement < LEAST_AGREEMENT:
        raise ValueError(f'expected an agreement of {LEAST_AGREEMENT} or more')


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('model', type=pathlib.Path)
    parser.add_argument('--calibration', required=True)
    parser.add_argument('--check', required=True)
    parser.add_argument('--out', type=pathlib.Path, help='default: MODEL')
    args = parser.parse_args()
    graph = Exported(restored(args.model / 'refiner.onnx'))
    clips = Report(args.calibration, ENGINE)
    if set(clips.names) & set(HELD_OUT):
        raise ValueError(f'{args.calibration}: expected training clips, got held-out ones')
    seen = followed(clips, graph)
    picked = np.random.default_rng(SEED).choice(len(seen['crop']), EXAMPLES, replace=False)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / 'refiner.onnx'
        export(arranged(graph, [seen[name][picked] for name in INPUTS]), str(path))
        model, constants = open_graph(path)
    examples = ({name: values[i:i + 1] for name, values in seen.items()} for i in picked)
    integers = quantised(model, RefinerPlan(model, constants), examples)
    unseen = followed(Report(args.check, ENGINE), graph)
    check(*(run(*one, unseen) for one in ((model, constants), integers)))
    save_graph(*integers, (args.out or args.model) / 'refiner-int8.onnx')


if __name__ == '__main__':
    main()
