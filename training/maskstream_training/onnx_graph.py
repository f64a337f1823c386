"""ONNX graphs with their constants at hand, and an interpreter in PyTorch for the operators of the encoder's and the refiner's.

The interpreter shows every tensor on the way, which is what choosing ranges needs; it needs no runtime for Python.
"""
import pathlib
from collections.abc import Callable

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

WIDENED = {TensorProto.FLOAT: np.float32, TensorProto.INT64: np.int64}
TYPES = {TensorProto.FLOAT: torch.float32, TensorProto.INT64: torch.int64}


def attributes(node: onnx.NodeProto) -> dict:
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def open_graph(path: pathlib.Path) -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    """A graph and its constants by name. What only computes constants (the widening of fp16 too) leaves the list of nodes."""
    model = onnx.load(str(path))
    constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        if node.op_type == "Constant":
            constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
        elif node.op_type == "Cast" and node.input[0] in constants:
            constants[node.output[0]] = constants[node.input[0]].astype(WIDENED[attributes(node)["to"]])
        elif node.op_type in OPERATORS and all(name in constants for name in node.input):
            values = run_node(node, [torch.tensor(constants[name]) for name in node.input])
            constants.update({name: value.numpy() for name, value in zip(node.output, values)})
        else:
            nodes.append(node)
    del model.graph.node[:], model.graph.initializer[:], model.graph.value_info[:]
    model.graph.node.extend(nodes)
    return model, constants


def save_graph(model: onnx.ModelProto, constants: dict[str, np.ndarray], path: pathlib.Path) -> None:
    """Writes the graph with those constants that it uses."""
    used = {name for node in model.graph.node for name in node.input}
    model.graph.initializer.extend(numpy_helper.from_array(np.array(v, order="C"), k) for k, v in constants.items() if k in used)
    onnx.save(model, str(path))


def along(parameter: Tensor, x: Tensor, axis: int) -> Tensor:
    return parameter.reshape([-1 if i == axis % x.dim() else 1 for i in range(x.dim())]) if parameter.dim() else parameter


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None = None, **a) -> Tensor:
    pads = a.get("pads", [0])
    if len(set(pads)) > 1:
        raise ValueError(f"expected equal padding on all sides, got {pads}")
    return F.conv2d(x, weight, bias, a.get("strides", [1, 1]), pads[0], groups=a.get("group", 1))


def quantise(x: Tensor, scale: Tensor, zero: Tensor, axis: int = 1) -> Tensor:
    low, high = torch.iinfo(zero.dtype).min, torch.iinfo(zero.dtype).max
    return (torch.round(x / along(scale, x, axis)) + along(zero.float(), x, axis)).clamp(low, high).to(zero.dtype)


def dequantise(q: Tensor, scale: Tensor, zero: Tensor, axis: int = 1) -> Tensor:
    return (q.float() - along(zero.float(), q, axis)) * along(scale, q, axis)


def integer_matmul(a: Tensor, b: Tensor, a_scale: Tensor, b_scale: Tensor, a_zero: Tensor, b_zero: Tensor, bias: Tensor) -> Tensor:
    return dequantise(a, a_scale, a_zero) @ dequantise(b, b_scale, b_zero) + bias


def resize(x: Tensor, _roi, scales: Tensor, mode: bytes = b"nearest", coordinate_transformation_mode: bytes = b"half_pixel", **_) -> Tensor:
    factors = scales[2:].tolist()
    if (mode, coordinate_transformation_mode) == (b"linear", b"half_pixel"):
        return F.interpolate(x, scale_factor=factors, mode="bilinear", align_corners=False)
    if (mode, coordinate_transformation_mode) == (b"nearest", b"asymmetric"):
        return F.interpolate(x, scale_factor=factors, mode="nearest")
    raise ValueError(f"expected a linear half-pixel or a nearest asymmetric Resize, got {mode!r}, {coordinate_transformation_mode!r}")


def unsqueeze(x: Tensor, axes: Tensor) -> Tensor:
    for axis in sorted(axes.tolist()):
        x = x.unsqueeze(axis)
    return x


def gemm(x: Tensor, weight: Tensor, bias: Tensor, alpha: float = 1., beta: float = 1., transB: int = 0) -> Tensor:
    return alpha * (x @ (weight.T if transB else weight)) + beta * bias


def pixel_shuffle(x: Tensor, blocksize: int, mode: bytes = b"DCR") -> Tensor:
    if mode != b"CRD":
        raise ValueError(f"expected DepthToSpace in the order CRD, got {mode!r}")
    return F.pixel_shuffle(x, blocksize)


def cut(x: Tensor, starts: Tensor, ends: Tensor, axes: Tensor, *_) -> Tensor:
    index = [slice(None)] * x.dim()
    for start, end, axis in zip(starts.tolist(), ends.tolist(), axes.tolist()):
        index[axis] = slice(start, end)
    return x[tuple(index)]


def reshape(x: Tensor, shape: Tensor, **_) -> Tensor:
    return x.reshape([x.shape[i] if side == 0 else side for i, side in enumerate(shape.tolist())])


OPERATORS: dict[str, Callable] = {
    "Add": lambda a, b: a + b, "Sub": lambda a, b: a - b, "Mul": lambda a, b: a * b, "Div": lambda a, b: a / b, "Pow": lambda a, b: a ** b,
    "Relu": torch.relu, "Erf": torch.erf, "MatMul": torch.matmul, "Softmax": lambda x, axis=-1: torch.softmax(x, axis), "Conv": convolve,
    "LayerNormalization": lambda x, w, b, epsilon=1e-5, **_: F.layer_norm(x, w.shape, w, b, epsilon), "Resize": resize,
    "Shape": lambda x: torch.tensor(x.shape), "Slice": cut, "Concat": lambda *x, axis: torch.cat(x, axis), "Reshape": reshape,
    "Transpose": lambda x, perm: x.permute(*perm), "Split": lambda x, sizes, axis=0: torch.split(x, sizes.tolist(), axis),
    "Squeeze": lambda x, axes: x.squeeze(*axes.tolist()), "QuantizeLinear": quantise, "DequantizeLinear": dequantise,
    "MatMulIntegerToFloat": integer_matmul, "Exp": torch.exp, "Log": torch.log, "Sqrt": torch.sqrt, "Sigmoid": torch.sigmoid,
    "Min": torch.minimum, "Max": torch.maximum, "Clip": torch.clamp, "Gemm": gemm, "DepthToSpace": pixel_shuffle,
    "Cast": lambda x, to: x.to(TYPES[to]), "Gather": lambda x, index, axis=0: x.select(axis, int(index)),
    "Unsqueeze": unsqueeze, "Flatten": lambda x, axis=1: x.flatten(axis),
    "ConstantOfShape": lambda shape, value: torch.full(shape.tolist(), float(numpy_helper.to_array(value)[0])),
    "AveragePool": lambda x, kernel_shape, **_: F.avg_pool2d(x, kernel_shape),
    "ReduceMean": lambda x, axes, keepdims=1: x.mean(axes, keepdim=bool(keepdims)),
    "ReduceSum": lambda x, axes, keepdims=1: x.sum(axes.tolist(), keepdim=bool(keepdims)),
}


def run_node(node: onnx.NodeProto, inputs: list) -> list[Tensor]:
    if node.op_type not in OPERATORS:
        raise ValueError(f"{node.name}: the interpreter does not know {node.op_type}")
    result = OPERATORS[node.op_type](*inputs, **attributes(node))
    return list(result) if isinstance(result, (tuple, list)) else [result]


@torch.no_grad()
def run(model: onnx.ModelProto, constants: dict, feeds: dict[str, Tensor], seen: Callable[[str, Tensor], None] | None = None) -> dict:
    """The graph's outputs by name; `seen` is told every tensor on the way."""
    values = {"": None, **{name: torch.tensor(value) for name, value in constants.items()}, **feeds}
    wanted = {output.name for output in model.graph.output}
    last_use = {name: i for i, node in enumerate(model.graph.node) for name in node.input}
    for i, node in enumerate(model.graph.node):
        for name, value in zip(node.output, run_node(node, [values[name] for name in node.input])):
            values[name] = value
            if seen:
                seen(name, value)
        for name in set(node.input) - wanted - {""}:
            if last_use[name] == i:
                del values[name]
    return {name: values[name] for name in wanted}
