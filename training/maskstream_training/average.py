"""The mean of several runs' weights: runs of one stage from one start that differ in their seed (Wortsman et al., "Model soups", ICML 2022).

    python -m maskstream_training.average RUN [RUN ...] --out OUT --pictures RAW    # OUT/encoder.pt, OUT/decoder.pt
    python -m maskstream_training.average OLD NEW --shares .75 .25 --out OUT --pictures RAW

Batch norms are folded into their convolutions before the mean is taken, so that runs whose norms are scaled otherwise
(restored ones) may take part, and get statistics of the mean's own activations on pictures of RAW.
"""
import argparse
import pathlib

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from .model.decoder import Decoder
from .model.encoder import Encoder
from .model.weights import load_weights, save_weights
from .restore import normed_pairs, pictures, restored_encoder


def folded(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    weight, bias = fuse_conv_bn_weights(convolution.weight, convolution.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias)
    return weight.detach(), bias.detach()


def mean(tensors, shares: list[float]) -> Tensor:
    return sum(share * tensor for share, tensor in zip(shares, tensors, strict=True))


@torch.no_grad()
def average(runs: list[pathlib.Path], shares: list[float], raw: pathlib.Path) -> tuple[Encoder, Decoder]:
    """shares: one a run, 1 in all."""
    encoders, decoders = [Encoder().eval() for _ in runs], [Decoder().eval() for _ in runs]
    for run, encoder, decoder in zip(runs, encoders, decoders):
        load_weights(run / "encoder.pt", encoder)
        load_weights(run / "decoder.pt", decoder)
    named = {name: mean((e.get_parameter(name) for e in encoders), shares) for name, _ in encoders[0].named_parameters()}
    convolutions = [tuple(mean(values, shares) for values in zip(*(folded(*pair) for pair in pairs))) for pairs in zip(*map(normed_pairs, encoders))]
    decoder = Decoder().eval()
    decoder.load_state_dict({name: mean((d.state_dict()[name] for d in decoders), shares) for name in decoder.state_dict()})
    return restored_encoder(named, convolutions, pictures(raw)), decoder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=pathlib.Path, nargs="+")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--shares", type=float, nargs="+", help="one a run. Default: equal")
    parser.add_argument("--pictures", type=pathlib.Path, required=True, help="the folder that prepare.py reads")
    args = parser.parse_args()
    shares = args.shares or [1 / len(args.runs)] * len(args.runs)
    if len(shares) != len(args.runs) or abs(sum(shares) - 1) > 1e-6:
        raise ValueError(f"expected {len(args.runs)} shares that are 1 in all, got {shares}")
    encoder, decoder = average(args.runs, shares, args.pictures)
    save_weights(args.out, {"encoder": encoder, "decoder": decoder}, runs=[run.name for run in args.runs], shares=shares)


if __name__ == "__main__":
    main()
