"""Graphs in 8-bit integers: which nodes, ranges of tensors, and the nodes of the quantised graph.

Weights get one scale per output channel, activations one scale and zero point per tensor, whichever lose least of what is
seen on examples.

Convolutions are written as QuantizeLinear / DequantizeLinear pairs, which every runtime understands.  Linear layers are
written as ONNX Runtime's MatMulIntegerToFloat: it would turn pairs around them into fp32 products of weights that it
widens in every run.
"""
from collections.abc import Iterable

import numpy as np
import onnx
import torch
from onnx import helper

from .onnx_graph import attributes, run

SAMPLES = 4096   # values looked at of each tensor and example, beside its extremes
PAIR = 127       # see weight_scale


def activation_range(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scale and zero point (uint8) with the least squared error over `values`: clipping rare extremes may pay."""
    low, high = min(0., float(values.min())), max(0., float(values.max()))
    best = (np.inf, np.float32(1), np.uint8(0))
    for share in np.linspace(1, .5, 26):
        scale = max((high - low) * share / 255, 1e-8)
        zero = int(np.clip(round(-low * share / scale), 0, 255))
        error = float(np.square((np.clip(np.round(values / scale) + zero, 0, 255) - zero) * scale - values).mean())
        best = min(best, (error, np.float32(scale), np.uint8(zero)), key=lambda found: found[0])
    return np.array(best[1]), np.array(best[2])


def weight_scale(rows: np.ndarray) -> np.ndarray:
    """Scales of rows [outputs, K], in the order in which the runtime multiplies.

    Processors without VNNI add two neighbouring products in 16 bits, which 255 * 127 + 255 * 127 would overflow: the
    scale keeps the positive and the negative weights of each pair within PAIR.  That costs a channel 0.4 bits on average
    (one pair in 40 would overflow), and every processor gives the same result.
    """
    pairs = np.pad(rows, ((0, 0), (0, rows.shape[1] % 2))).reshape(len(rows), -1, 2)
    largest = [np.abs(rows).max(1), np.maximum(pairs, 0).sum(2).max(1), np.maximum(-pairs, 0).sum(2).max(1)]
    return np.maximum(np.max(largest, 0) / PAIR, 1e-9).astype(np.float32)


def quantise_weight(weight: np.ndarray, rows: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    scale = weight_scale(rows)
    shape = [-1 if i == axis else 1 for i in range(weight.ndim)]
    return np.clip(np.round(weight / scale.reshape(shape)), -PAIR, PAIR).astype(np.int8), scale


class Plan:
    """Which nodes of a graph run in integers, and which tensors travel as integers between them: as the encoder wants it."""

    def __init__(self, model: onnx.ModelProto, constants: dict):
        self.constants = constants
        self.outputs = {output.name for output in model.graph.output}
        self.producer = {name: node for node in model.graph.node for name in node.output}
        self.users: dict[str, list] = {}
        for node in model.graph.node:
            for name in node.input:
                self.users.setdefault(name, []).append(node)

    def relu_after(self, node: onnx.NodeProto) -> onnx.NodeProto | None:
        users = self.users.get(node.output[0], [])
        return users[0] if len(users) == 1 and users[0].op_type == "Relu" else None

    def result(self, node: onnx.NodeProto) -> str:
        """Name of a node's output after its ReLU: a zero point of 0 clips as the ReLU does, so it is dropped."""
        relu = self.relu_after(node)
        return relu.output[0] if relu else node.output[0]

    def is_convolution(self, node: onnx.NodeProto) -> bool:
        """Those between other convolutions."""
        source = self.producer.get(node.input[0])
        return node.op_type == "Conv" and source is not None and source.op_type == "Relu" and node.output[0] not in self.outputs

    def is_sum(self, node: onnx.NodeProto) -> bool:
        """The end of a residual: a quantised convolution added to what went by it, then a ReLU."""
        made = [self.producer[name] for name in node.input if name in self.producer]
        return node.op_type == "Add" and len(made) == 2 and any(map(self.is_convolution, made)) and self.relu_after(node) is not None

    def is_linear(self, node: onnx.NodeProto) -> bool:
        return node.op_type == "MatMul" and node.input[1] in self.constants

    def tensors(self) -> set[str]:
        """Names of all tensors that become integers."""
        found = set()
        for node in {id(n): n for n in self.producer.values()}.values():
            if self.is_convolution(node):
                found |= {node.input[0], self.result(node)}
            elif self.is_sum(node):
                found |= {*node.input, self.result(node)}
            elif self.is_linear(node):
                found.add(node.input[0])
        return found


class Writer:
    """Writes the nodes of the quantised graph, in order."""

    def __init__(self, plan: Plan, ranges: dict):
        self.plan, self.ranges = plan, ranges
        self.nodes: list = []
        self.constants: dict = dict(plan.constants)
        self.pairs: set[str] = set()
        self.made: set[str] = set()   # results of integers; what else has a pair can be read as it is

    def node(self, kind: str, inputs: list[str], output: str, **attrs) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output + "/" + kind, **attrs))
        return output

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants[name] = value
        return name

    def parameters(self, name: str) -> list[str]:
        scale, zero = self.ranges[name]
        return [self.constant(name + "/scale", scale), self.constant(name + "/zero", zero)]

    def quantise(self, name: str, source: str | None = None) -> None:
        """The pair after tensor `name`, which node output `source` holds in fp32."""
        self.node("QuantizeLinear", [source or name, *self.parameters(name)], name + "/int8")
        self.node("DequantizeLinear", [name + "/int8", *self.parameters(name)], name + "/rounded")
        self.pairs.add(name)
        if source:
            self.made.add(name)

    def read(self, name: str) -> str:
        return name + "/rounded" if name in self.made else name

    def integer(self, name: str) -> str:
        if name not in self.pairs:
            self.quantise(name)
        return name + "/rounded"

    def stored(self, name: str, value: np.ndarray, scale: np.ndarray, axis: int) -> str:
        parameters = [self.constant(name + "/scale", scale), self.constant(name + "/zero", np.zeros(len(scale), value.dtype))]
        return self.node("DequantizeLinear", [self.constant(name + "/int", value), *parameters], name + "/rounded", axis=axis)

    def convolution(self, node: onnx.NodeProto) -> None:
        source, weight, bias = node.input
        x = self.integer(source)
        values = self.constants[weight]
        rows = values.transpose(0, 2, 3, 1).reshape(len(values), -1)   # the runtime computes with channels last
        value, scale = quantise_weight(values, rows, 0)
        bias_scale = (scale * self.ranges[source][0]).astype(np.float32)
        whole = np.round(self.constants[bias] / bias_scale).astype(np.int32)
        inputs = [x, self.stored(weight, value, scale, 0), self.stored(bias, whole, bias_scale, 0)]
        self.node("Conv", inputs, node.output[0], **attributes(node))
        self.quantise(self.plan.result(node), node.output[0])

    def linear(self, node: onnx.NodeProto, add: onnx.NodeProto) -> None:
        source, weight = node.input
        if source not in self.pairs:
            self.node("QuantizeLinear", [source, *self.parameters(source)], source + "/int8")
        value, scale = quantise_weight(self.constants[weight], self.constants[weight].T, 1)
        x_scale, x_zero = self.parameters(source)
        inputs = [source + "/int8", self.constant(weight + "/int", value), x_scale, self.constant(weight + "/scale", scale), x_zero,
                  self.constant(weight + "/zero", np.zeros(len(scale), np.int8)), next(i for i in add.input if i != node.output[0])]
        self.node("MatMulIntegerToFloat", inputs, add.output[0], domain="com.microsoft")

    def write(self, nodes: Iterable[onnx.NodeProto]) -> None:
        done: set[str] = set()
        for node in nodes:
            if node.output[0] in done:
                continue
            if self.plan.is_convolution(node):
                self.convolution(node)
                done.add(self.plan.result(node))
            elif self.plan.is_sum(node):
                self.node("Add", [self.integer(name) for name in node.input], node.output[0])
                self.quantise(self.plan.result(node), node.output[0])
                done.add(self.plan.result(node))
            elif self.plan.is_linear(node):
                add = self.plan.users[node.output[0]][0]
                self.linear(node, add)
                done.add(add.output[0])
            else:
                copy = onnx.NodeProto()
                copy.CopyFrom(node)
                copy.input[:] = [self.read(name) for name in node.input]
                self.nodes.append(copy)


def observe(model: onnx.ModelProto, constants: dict, names: set[str], examples: Iterable[dict[str, torch.Tensor]]) -> dict:
    """Scale and zero point of each tensor of `names`; an example is what the graph is fed."""
    rng, samples = np.random.default_rng(1), {name: [] for name in names}

    def seen(name: str, value: torch.Tensor) -> None:
        if name in samples:
            flat = value.flatten().numpy()
            samples[name].append(np.append(flat[rng.integers(0, flat.size, SAMPLES)], [flat.min(), flat.max()]))

    for example in examples:
        run(model, constants, example, seen)
    return {name: activation_range(np.concatenate(values)) for name, values in samples.items()}


def quantised(model: onnx.ModelProto, plan: Plan, examples: Iterable[dict[str, torch.Tensor]]) -> tuple[onnx.ModelProto, dict]:
    """The graph in integers as `plan` has it, and its constants."""
    writer = Writer(plan, observe(model, plan.constants, plan.tensors(), examples))
    writer.write(model.graph.node)
    made = onnx.ModelProto()
    made.CopyFrom(model)
    del made.graph.node[:]
    made.graph.node.extend(writer.nodes)
    made.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return made, writer.constants
