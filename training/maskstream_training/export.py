"""Export encoder and decoder to ONNX (opset 17) with weights stored in fp16 and widened at load.

The decoder is exported as model/deployed.py arranges it, which is checked against the trained one.

    python -m maskstream_training.export WEIGHTS OUT [--decoder-only]
"""
import argparse
import inspect
import pathlib

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from .model.decoder import FINE, GRID, POINTS, SLOTS, Decoder
from .model.deployed import Deployed
from .model.encoder import EMB, SIZE, Encoder
from .model.weights import load_weights

FEATURES = ("emb", "f8", "f4")
DECODER_INPUTS = (*FEATURES, "points", "labels", "mask", "has_mask", "mem_emb", "mem_mask", "mem_valid")
DECODER_OUTPUTS = ("logits", "iou", "obj")
SMALLEST_HALF = 256   # constants below so many values stay fp32
CLOSE = 1e-4          # of the arranged decoder to the trained one, as a share of the largest value


def example_prompts(objects: int) -> tuple:
    """points, labels, mask, has_mask, mem_emb, mem_mask, mem_valid"""
    points, labels = torch.rand(objects, POINTS, 2), torch.full((objects, POINTS), -1.)
    points[:, 0], points[:, 1] = torch.tensor([.2, .2]), torch.tensor([.7, .8])
    labels[:, 0], labels[:, 1], labels[:, 2] = 2, 3, 1
    return (points, labels, torch.rand(objects, 1, FINE, FINE), torch.ones(objects), torch.randn(objects, SLOTS, EMB, GRID, GRID),
            torch.rand(objects, SLOTS, 1, FINE, FINE), torch.ones(objects, SLOTS))


def without_identities(graph: onnx.GraphProto) -> None:
    """Newer exporters keep one of equal constants behind Identity nodes; every reader then wants its own name again."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    kept = []
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in constants:
            copy = graph.initializer.add()
            copy.CopyFrom(constants[node.input[0]])
            copy.name = node.output[0]
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)


def store_half(path: pathlib.Path) -> None:
    """Rewrite a graph in place: large fp32 constants become fp16 behind a Cast, which the runtime folds at load."""
    model = onnx.load(str(path))
    graph, casts, kept = model.graph, [], []
    without_identities(graph)

    def halve(tensor, name: str):
        kept.append(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), name + "_half"))
        return helper.make_node("Cast", [name + "_half"], [name], to=TensorProto.FLOAT)

    large = lambda t: t.data_type == TensorProto.FLOAT and np.prod(t.dims) >= SMALLEST_HALF
    for tensor in graph.initializer:
        if large(tensor):
            casts.append(halve(tensor, tensor.name))
        else:
            kept.append(tensor)
    nodes = []
    for node in graph.node:
        value = next((a.t for a in node.attribute if a.name == "value"), None) if node.op_type == "Constant" else None
        nodes.append(halve(value, node.output[0]) if value is not None and large(value) else node)
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(casts + nodes)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def trace(module: torch.nn.Module, inputs: tuple, path: pathlib.Path, names: tuple, outputs: tuple, axes: dict | None = None) -> None:
    legacy = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
    torch.onnx.export(module, inputs, str(path), opset_version=17, do_constant_folding=True, input_names=list(names),
                      output_names=list(outputs), dynamic_axes=axes, **legacy)
    store_half(path)


def arranged(decoder: Decoder, features: tuple) -> Deployed:
    """The decoder for a CPU runtime; throws where it differs from the trained one, with memory and without."""
    deployed = Deployed(decoder).eval()
    for valid in ([[1., 1.], [1., 0.]], [[0., 0.], [0., 1.]]):
        points, labels, mask, _, mem_emb, mem_mask, _ = example_prompts(2)
        prompts = (points, labels, mask, torch.tensor([1., 0.]), mem_emb, mem_mask, torch.tensor(valid))
        for name, wanted, found in zip(DECODER_OUTPUTS, decoder(*features, *prompts), deployed(*features, *prompts)):
            difference = float((wanted - found).abs().max() / wanted.abs().max())
            if difference > CLOSE:
                raise ValueError(f"{name}: the arranged decoder is {difference:.1e} away from the trained one")
    return deployed


@torch.no_grad()
def export(weights: pathlib.Path, out: pathlib.Path, decoder_only: bool = False) -> dict:
    """Writes OUT/encoder.onnx, unless it stays as it is, and OUT/decoder.onnx; returns inputs and outputs to check the graphs against."""
    encoder, decoder = Encoder().eval(), Decoder().eval()
    load_weights(weights / "encoder.pt", encoder)
    load_weights(weights / "decoder.pt", decoder)
    out.mkdir(parents=True, exist_ok=True)
    image = torch.rand(1, 3, SIZE, SIZE) * 255
    pictures = {name: {0: "pictures"} for name in ("image", *FEATURES)}
    if not decoder_only:
        trace(encoder, (image,), out / "encoder.onnx", ("image",), FEATURES, pictures)
    features, prompts = encoder(image), example_prompts(2)
    axes = {name: {0: "objects"} for name in (*DECODER_INPUTS[3:], *DECODER_OUTPUTS)}
    trace(arranged(decoder, features), (*features, *prompts), out / "decoder.onnx", DECODER_INPUTS, DECODER_OUTPUTS, axes)
    tensors = {"image": image, **dict(zip(DECODER_INPUTS, (*features, *prompts))), **dict(zip(DECODER_OUTPUTS, decoder(*features, *prompts)))}
    return {k: v.numpy() for k, v in tensors.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--decoder-only", action="store_true", help="of weights whose encoder was frozen: leave the published encoder as it is")
    parser.add_argument("--check", type=pathlib.Path, help="write example tensors here (.bin, float32) for another runtime")
    args = parser.parse_args()
    tensors = export(args.weights, args.out, args.decoder_only)
    if args.check:
        args.check.mkdir(parents=True, exist_ok=True)
        for name, value in tensors.items():
            value.astype(np.float32).tofile(args.check / f"{name}.bin")


if __name__ == "__main__":
    main()
