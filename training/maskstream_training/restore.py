"""Rebuild weights to train on from the graphs of a model folder, which hold them as export.py arranges them.

    python -m maskstream_training.restore MODEL_FOLDER OUT --pictures RAW    # OUT/encoder.pt, OUT/decoder.pt, OUT/text.pt, OUT/area.pt

The encoder's batch norms were folded into its convolutions. Each gets back the statistics of its input on pictures of
RAW (as prepare.py reads it), with weight and bias that undo them: the same function, with running statistics as with
those of a batch. What deployed.py merged is taken apart; biases that it moved elsewhere stay there and restart at zero.
The written files are checked against the graphs; export.py and OUT give them back, but for the rounding to fp16.
"""
import argparse
import pathlib

import cv2
import numpy as np
import onnx
import torch
from torch import Tensor, nn

from .data.prepare import list_images
from .evaluate.zoom import cut
from .model.decoder import MASKS, Decoder
from .model.deployed import Deployed
from .model.encoder import Encoder
from .model.weights import load_weights, save_weights
from .onnx_graph import open_graph, run
from .text.joint_head import JointHead
from .text.vocabulary import NOUNS

PICTURES = 96
SMALLEST_REGION = .4   # side of a region, as a share of the picture's
CLOSE = 5e-3           # share of a tensor's largest value that rounding twice to fp16 may move it


def named_constants(path: pathlib.Path) -> tuple[onnx.ModelProto, dict, dict[str, Tensor], list[tuple[Tensor, Tensor]]]:
    """The graph, its constants, these by the name of their parameter, and (weight, bias) of convolutions in order.

    The exporter renames the weights of a Linear without bias, and of any in three dimensions; their node tells the module.
    """
    model, constants = open_graph(path)
    named = {name: torch.tensor(value) for name, value in constants.items() if not name.startswith(("/", "onnx::")) and not name.endswith("_half")}
    convolutions = []
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.input[1].startswith("onnx::"):
            module = node.name.strip("/").rsplit("/", 1)[0].replace("/", ".")
            named[module + ".weight"] = torch.tensor(constants[node.input[1]].T.copy())
        elif node.op_type == "Conv" and node.input[1].startswith("onnx::"):
            convolutions.append(tuple(torch.tensor(constants[name]) for name in node.input[1:]))
    return model, constants, named, convolutions


def pictures(raw: pathlib.Path) -> Tensor:
    """Training pictures from all sets, every other one as a region: [PICTURES,3,SIZE,SIZE] in 0..255."""
    listed = list_images(raw, 1)
    random, squares = np.random.default_rng(0), []
    for i, row in enumerate(np.linspace(0, len(listed) - 1, PICTURES).astype(int)):
        image = torch.from_numpy(cv2.imread(listed[row][1])[:, :, ::-1].copy()).permute(2, 0, 1).float()[None]
        side = random.uniform(SMALLEST_REGION, 1) if i % 2 else 1.
        low = torch.tensor(random.uniform(0, 1 - side, (1, 2)), dtype=torch.float32)
        squares.append(cut(image, torch.cat([low, low + side], 1)))
    return torch.cat(squares)


def normed_pairs(network: nn.Module) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Convolutions with their batch norms, in the order of registration, which but for the encoder's `top` is that of the graph."""
    modules = list(network.modules())
    return [(a, b) for a, b in zip(modules, modules[1:]) if isinstance(b, nn.BatchNorm2d)]


@torch.no_grad()
def restored_encoder(named: dict[str, Tensor], convolutions: list, images: Tensor) -> Encoder:
    """Every channel's weights get the size that training gives them (about He's): folding left some hundreds of times
    smaller, and steps of Adam, which know no sizes, would be so much larger."""
    encoder = Encoder().eval()
    pairs = normed_pairs(encoder)
    if len(pairs) != len(convolutions):
        raise ValueError(f"expected {len(pairs)} convolutions with a norm, got {len(convolutions)}")
    normed = {id(p) for pair in pairs for module in pair for p in module.parameters()}
    for name, parameter in encoder.named_parameters():
        if id(parameter) not in normed:
            parameter.copy_(named[name])

    def measure(norm: nn.BatchNorm2d, bias: Tensor, gain: Tensor):
        # Runs before its norm, when those ahead are restored. Rounded as they are stored, so that the bias undoes what is stored.
        def hook(_, inputs: tuple) -> None:
            values = inputs[0]
            norm.running_mean.copy_(values.mean((0, 2, 3)).half())
            norm.running_var.copy_(values.var((0, 2, 3), unbiased=False).half())
            deviation = (norm.running_var + norm.eps).sqrt()
            norm.weight.copy_((deviation / gain).half())
            norm.bias.copy_(bias + norm.running_mean * norm.weight / deviation)
        return norm.register_forward_pre_hook(hook)

    hooks = []
    for (convolution, norm), (weight, bias) in zip(pairs, convolutions):
        size = weight.pow(2).mean((1, 2, 3)).sqrt()
        wanted = (2 / weight[0].numel()) ** .5
        gain = torch.where(size > 0, (wanted / size.clamp(min=1e-12)).log2().round().exp2(), 1.)   # a power of two rounds nothing
        convolution.weight.copy_(weight * gain.view(-1, 1, 1, 1))
        hooks.append(measure(norm, bias, gain))
    encoder(images)
    for hook in hooks:
        hook.remove()
    return encoder


def cross_attention(named: dict[str, Tensor], name: str, inner: int, heads: int) -> dict[str, Tensor]:
    """q, k, v and out of a CrossAttention, whichever of deployed.py's three arrangements holds them."""
    get, scale = lambda key: named.get(f"{name}.{key}"), (inner // heads) ** -0.5
    parts = {"k.weight": get("k.weight"), "v.weight": get("v.weight"), "out.weight": get("out.weight"), "out.bias": get("out.bias"),
             "q.weight": get("q.weight"), "q.bias": get("q.bias"), "k.bias": get("k.bias")}
    if get("v") is not None:      # TokensReadImage
        parts["k.weight"], parts["v.weight"] = get("k").flatten(0, 1), get("v").transpose(1, 2).flatten(0, 1)
    if get("out") is not None:    # ImageReadsTokens
        parts["q.weight"], parts["q.bias"] = get("q")[:, :-1].transpose(1, 2).flatten(0, 1), get("q")[:, -1].flatten()
        parts["out.weight"], parts["out.bias"] = get("out").flatten(0, 1).T, get("bias")
    if parts["k.bias"] is None:
        parts["k.bias"] = torch.zeros(inner)
    parts |= {"q.weight": parts["q.weight"] / scale, "q.bias": parts["q.bias"] / scale, "v.bias": torch.zeros(inner)}
    return {f"{name}.{key}": value for key, value in parts.items()}


def restored_decoder(named: dict[str, Tensor]) -> Decoder:
    """Takes apart what deployed.py arranged."""
    decoder = Decoder().eval()
    state = {name[2:]: value for name, value in named.items() if name.startswith("d.")}
    width, key, heads = decoder.memory.out.in_features, decoder.memory.key_width, decoder.block.heads

    def split(name: str, first: str, second: str, rows: int) -> None:
        for part in ("weight", "bias"):
            state[f"{first}.{part}"], state[f"{second}.{part}"] = named[f"{name}.{part}"][:rows], named[f"{name}.{part}"][rows:]

    split("frame", "emb", "memory.key", width)
    split("memory.read", "memory.key", "memory.value", key)
    first = named["memory.mark.0.weight"] / 2     # of a mask in -1..1 in place of 0..1
    state |= {"memory.mask.0.weight": first, "memory.mask.0.bias": named["memory.mark.0.bias"] + first.sum((1, 2, 3)),
              "memory.mask.2.weight": named["memory.mark.2.weight"], "memory.mask.2.bias": torch.zeros(width),
              "memory.out.weight": named["memory.out.weight"], "memory.out.bias": named["memory.bias"],
              "memory.temperature": named["memory.heat"].log(), "memory.slot": named["memory.slot"].reshape(-1, width),
              "memory.slot_bias": named["memory.slot_bias"], "memory.nothing": named["memory.nothing"],
              "outputs": named["starts"][:2 + MASKS]}
    scale = (width // heads) ** -0.5
    state |= {"block.qkv.weight": torch.cat([named["block.q.weight"] / scale, named["block.k.weight"], named["block.v.weight"]]),
              "block.qkv.bias": torch.cat([named["block.q.bias"] / scale, torch.zeros(2 * width)]),
              "block.proj.weight": named["block.proj.weight"], "block.proj.bias": named["block.proj.bias"]}
    for name, module in decoder.named_modules():
        if type(module).__name__ == "CrossAttention":
            state |= cross_attention(named, name, module.q.out_features, module.heads)
    decoder.load_state_dict(state)
    return decoder


def restored_text(named: dict[str, Tensor]) -> JointHead:
    """The graph keeps the names of the heads' parameters: they have no norms to fold."""
    head = JointHead(len(NOUNS)).eval()
    head.load_state_dict({name: named[name] for name in head.state_dict()})
    return head


def difference(found: Tensor, wanted: Tensor) -> float:
    return float((found - wanted).abs().max() / wanted.abs().max().clamp(min=1e-3))


@torch.no_grad()
def check(out: pathlib.Path, encoder_graph: tuple, decoder_tensors: dict[str, Tensor], images: Tensor) -> None:
    """Throws where the written weights are not those of the graphs; prints how far the encoder moves with a batch's statistics."""
    encoder, decoder = Encoder().eval(), Decoder().eval()
    load_weights(out / "encoder.pt", encoder)
    load_weights(out / "decoder.pt", decoder)
    differences = {}
    wanted = run(*encoder_graph, {"image": images[:1]})
    for name, found in zip(("emb", "f8", "f4"), encoder(images[:1])):
        differences[name] = difference(found, wanted[name])
    arranged = Deployed(decoder).state_dict()
    for name in decoder_tensors.keys() & arranged.keys():
        differences[name] = difference(arranged[name], decoder_tensors[name])
    largest = max(differences, key=differences.get)
    print(f"{len(differences)} outputs and weights compared, largest difference {differences[largest]:.1e} of the largest value: {largest}", flush=True)
    if differences[largest] > CLOSE:
        raise ValueError(f"{largest}: the restored weights are {differences[largest]:.1e} away from the graph")
    still = encoder(images)
    for name, a, b in zip(("emb", "f8", "f4"), still, encoder.train()(images)):
        print(f"{name}: a batch's statistics in place of the stored ones move it by {float((a - b).pow(2).mean().sqrt() / a.std()):.1e} of its deviation", flush=True)


def restore(model_folder: pathlib.Path, out: pathlib.Path, raw: pathlib.Path) -> None:
    images = pictures(raw)
    graph, constants, named, convolutions = named_constants(model_folder / "encoder.onnx")
    _, _, decoder_tensors, _ = named_constants(model_folder / "decoder.onnx")
    modules = {"encoder": restored_encoder(named, convolutions, images), "decoder": restored_decoder(decoder_tensors)}
    if (model_folder / "text.onnx").exists():
        text = restored_text(named_constants(model_folder / "text.onnx")[2])
        modules |= {"text": text.parts, "area": text.areas}
    save_weights(out, modules, restored_from=model_folder.name, step=0)
    check(out, (graph, constants), decoder_tensors, images)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model_folder", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--pictures", type=pathlib.Path, required=True, help="the folder that prepare.py reads")
    args = parser.parse_args()
    restore(args.model_folder, args.out, args.pictures)


if __name__ == "__main__":
    main()
