"""Trainable weights out of a published model folder: training goes on from what is shipped, without stored checkpoints.

    python -m maskstream_training.restore MODEL OUT --pictures RAW [--count 32]

MODEL holds encoder.onnx and decoder.onnx; OUT gets encoder.pt and decoder.pt for `train.run --weights`.  Exported again
they give the same graphs to the rounding of fp16.  Batch norms were folded into their convolutions: each gets back the
statistics of what its convolution gives on COUNT training pictures, and undoes them, so that training on batch
statistics starts from the same function.
"""
import argparse
import pathlib

import torch
from torch import Tensor, nn

from .model.decoder import MASKS, Decoder
from .model.encoder import Encoder
from .model.layers import CrossAttention
from .model.weights import save_weights
from .onnx_graph import open_graph, run
from .quantise import read_pictures

CLOSE = 1e-3   # of a restored encoder to its graph, as a share of the largest value


class Graph:
    """Constants of a graph by name, and those without one in the order in which nodes of a kind use them."""

    def __init__(self, path: pathlib.Path):
        self.model, constants = open_graph(path)
        self.constants = constants
        self.named = {name: torch.tensor(value) for name, value in constants.items()}

    def __getitem__(self, name: str) -> Tensor:
        return self.named[name]

    def unnamed(self, kind: str) -> list[tuple[Tensor, ...]]:
        """Constant inputs of every node of a kind whose weight lost its name at export."""
        nodes = [n for n in self.model.graph.node if n.op_type == kind and len(n.input) > 1 and n.input[1].startswith("onnx::")]
        return [tuple(self.named[name] for name in node.input[1:] if name in self.named) for node in nodes]


def restore_encoder(graph: Graph, pictures: Tensor) -> Encoder:
    encoder = Encoder()
    names = {name: graph[name] for name, _ in encoder.named_parameters() if name in graph.named}
    encoder.load_state_dict(names, strict=False)
    linear = iter(graph.unnamed("MatMul"))
    for block in encoder.blocks:
        for layer in (block.qkv, block.proj, block.fc1, block.fc2):
            layer.weight.data = next(linear)[0].T.contiguous()
    folded = graph.unnamed("Conv")
    convolutions = [m for m in encoder.modules() if isinstance(m, nn.Conv2d) and m is not encoder.top]
    norms = [m for m in encoder.modules() if isinstance(m, nn.BatchNorm2d)]
    if not len(folded) == len(convolutions) == len(norms):
        raise ValueError(f"expected {len(convolutions)} folded convolutions, found {len(folded)}")
    hooks = []
    for convolution, norm, (weight, bias) in zip(convolutions, norms, folded):
        convolution.weight.data = weight
        hooks.append(norm.register_forward_pre_hook(lambda module, inputs, bias=bias: refill(module, inputs[0], bias)))
    encoder.eval()
    with torch.no_grad():
        encoder(pictures)
    for hook in hooks:
        hook.remove()
    return encoder


def refill(norm: nn.BatchNorm2d, seen: Tensor, bias: Tensor) -> None:
    """A norm that knows the statistics of `seen`, undoes them and adds the folded bias."""
    mean, variance = seen.mean((0, 2, 3)), seen.var((0, 2, 3))
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.data = (variance + norm.eps).sqrt()
    norm.bias.data = bias + mean


def attention_scale(attention: CrossAttention) -> float:
    return (attention.q.out_features // attention.heads) ** -.5


def restore_attention(target: CrossAttention, q: Tensor, q_bias: Tensor, k: Tensor, v: Tensor, out: Tensor, out_bias: Tensor) -> None:
    """Weights [out, in]; q carries the scale; biases of keys change nothing and those of values have joined the output's."""
    scale = attention_scale(target)
    target.q.weight.data, target.q.bias.data = q / scale, q_bias / scale
    target.k.weight.data, target.v.weight.data = k.contiguous(), v.contiguous()
    target.out.weight.data, target.out.bias.data = out.contiguous(), out_bias
    target.k.bias.data.zero_()
    target.v.bias.data.zero_()


def restore_decoder(graph: Graph) -> Decoder:
    """Undoes model/deployed.py."""
    decoder = Decoder()
    state = decoder.state_dict()
    decoder.load_state_dict({name: graph["d." + name] for name in state if "d." + name in graph.named}, strict=False)
    width, key = decoder.norm.normalized_shape[0], decoder.memory.key_width
    decoder.outputs.data = graph["starts"][:2 + MASKS].clone()
    unnamed = iter(weight.T for weight, *_ in graph.unnamed("MatMul"))
    restore_memory(decoder, graph, width, key, next(unnamed))
    restore_block(decoder, graph, next(unnamed), next(unnamed))
    for i, block in enumerate(decoder.two_way):
        part = lambda name: graph[f"two_way.{i}.{name}"]
        own, reads, tells = block.self_attention, block.token_to_image, block.image_to_token
        restore_attention(own, part("self_attention.q.weight"), part("self_attention.q.bias"), next(unnamed), next(unnamed),
                          part("self_attention.out.weight"), part("self_attention.out.bias"))
        restore_reader(reads, part, "token_to_image.")
        q = part("image_to_token.q")   # [heads, C + 1, d]: the last row is the bias
        q, q_bias = q[:, :width].transpose(1, 2).reshape(-1, width), q[:, width].reshape(-1)
        out = part("image_to_token.out")
        restore_attention(tells, q, q_bias, part("image_to_token.k.weight"), next(unnamed), out.reshape(-1, width).T, part("image_to_token.bias"))
        tells.k.bias.data = part("image_to_token.k.bias")   # the deployed form keeps this one
    restore_reader(decoder.final, lambda name: graph["final." + name], "")
    return decoder.eval()


def restore_reader(target: CrossAttention, part, prefix: str) -> None:
    """TokensReadImage: k [heads, d, C], v [heads, C, d]."""
    k, v = part(prefix + "k"), part(prefix + "v")
    width = k.shape[2]
    restore_attention(target, part(prefix + "q.weight"), part(prefix + "q.bias"), k.reshape(-1, width), v.transpose(1, 2).reshape(-1, width),
                      part(prefix + "out.weight"), part(prefix + "out.bias"))


def restore_memory(decoder: Decoder, graph: Graph, width: int, key: int, out: Tensor) -> None:
    memory, frame, frame_bias = decoder.memory, graph["frame.weight"], graph["frame.bias"]
    decoder.emb.weight.data, decoder.emb.bias.data = frame[:width].clone(), frame_bias[:width].clone()
    memory.key.weight.data, memory.key.bias.data = frame[width:].clone(), frame_bias[width:].clone()
    memory.value.weight.data = graph["memory.read.weight"][key:].clone()
    memory.value.bias.data.zero_()
    first, second = memory.mask[0], memory.mask[2]
    first.weight.data = graph["memory.mark.0.weight"] / 2
    first.bias.data = graph["memory.mark.0.bias"] + first.weight.data.sum((1, 2, 3))
    second.weight.data = graph["memory.mark.2.weight"]
    second.bias.data.zero_()
    memory.out.weight.data, memory.out.bias.data = out.contiguous(), graph["memory.bias"]
    memory.temperature.data = graph["memory.heat"].log()
    memory.slot.data, memory.slot_bias.data = graph["memory.slot"].reshape(memory.slot.shape), graph["memory.slot_bias"]
    memory.nothing.data = graph["memory.nothing"]


def restore_block(decoder: Decoder, graph: Graph, k: Tensor, v: Tensor) -> None:
    block = decoder.block
    scale = (block.proj.in_features // block.heads) ** -.5
    block.qkv.weight.data = torch.cat([graph["block.q.weight"] / scale, k, v])
    block.qkv.bias.data = torch.cat([graph["block.q.bias"] / scale, torch.zeros(2 * len(k))])
    block.proj.weight.data, block.proj.bias.data = graph["block.proj.weight"], graph["block.proj.bias"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--pictures", type=pathlib.Path, required=True, help="folder of training pictures (raw/)")
    parser.add_argument("--count", type=int, default=32)
    args = parser.parse_args()
    graph, pictures = Graph(args.model / "encoder.onnx"), read_pictures(args.pictures, args.count)
    encoder = restore_encoder(graph, pictures)
    with torch.no_grad():
        found = encoder(pictures[:1])
    for name, value in zip(("emb", "f8", "f4"), found):
        wanted = run(graph.model, graph.constants, {"image": pictures[:1]})[name]
        difference = float((wanted - value).abs().max() / wanted.abs().max())
        print(f"{name}: {difference:.1e} from the graph")
        if difference > CLOSE:
            raise ValueError(f"{name}: the restored encoder is {difference:.1e} away from its graph")
    save_weights(args.out, {"encoder": encoder, "decoder": restore_decoder(Graph(args.model / "decoder.onnx"))}, source=str(args.model))


if __name__ == "__main__":
    main()
