"""Exported graphs in float16: half the memory, twice to five times the speed on a GPU."""

import os

import numpy as np
import onnx
import onnxruntime
from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16

#: The large feature maps, which only graphs read: they stay float16 on their way through the host.
#: All other tensors that cross it are float32 as before.
PASSED_ON = ("features4", "features8")

#: Coordinates need more than eleven bits: what turns points into positions stays float32.
BLOCKED = [*DEFAULT_OP_BLOCK_LIST, "Sin", "Cos"]

#: A few numbers a keyframe, of ages that need their bits.
EXACT_ROLES = ("pointerPositions",)


def half_name(file):
    """encoder.onnx -> encoder_fp16.onnx"""
    return file.replace(".onnx", "_fp16.onnx")


def open_half(path):
    """On the CPU. Not all optimizations: that to blocked layouts (NCHWc) ends the process on memory attention."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def halve_all(folder, cuts, picture):
    """Writes every graph in float16 beside itself, and prints how far the encoder's features are from what they were.
    Returns the sessions by role."""
    exact = onnxruntime.InferenceSession(f"{folder}/{cuts['encoder'].file}", providers=["CPUExecutionProvider"])
    before = exact.run(None, {"image": picture})
    del exact
    sessions = {}
    for role, cut in cuts.items():
        if role not in EXACT_ROLES:
            halve(f"{folder}/{cut.file}")
            sessions[role] = open_half(f"{folder}/{half_name(cut.file)}")
    after = sessions["encoder"].run(None, {"image": picture})
    for meaning, one, two in zip(cuts["encoder"].outputs, after, before):
        error = np.linalg.norm(one.astype(np.float32) - two) / np.linalg.norm(two)
        print(f"  float16 {meaning:18s} relative difference {error:.1e}", flush=True)
    return sessions


def halve(path):
    """Writes PATH_fp16.onnx, with its weights in a file beside it where the graph's own are."""
    model = onnx.load(path)
    name_constants(model.graph)
    values = [*model.graph.input, *model.graph.output]
    kept = [value.name for value in values if value.name not in PASSED_ON]
    # Types stand in the file for every value; a shape inference would need all of it in 2 GB.
    half = convert_float_to_float16(model, keep_io_types=kept, disable_shape_infer=True, op_block_list=BLOCKED)
    drop_repeated(half.graph)
    out = half_name(path)
    data = os.path.basename(f"{out}.data")
    if os.path.exists(f"{out}.data"):  # else weights are added to it
        os.remove(f"{out}.data")
    onnx.save(half, out, save_as_external_data=os.path.exists(f"{path}.data"), location=data, size_threshold=1024)


def name_constants(graph):
    """Outputs that are constants get an operator of their own: the converter would name both alike."""
    outputs = {value.name for value in graph.output}
    for constant in graph.initializer:
        if constant.name in outputs:
            output, constant.name = constant.name, f"{constant.name}_constant"
            for node in graph.node:
                for index, name in enumerate(node.input):
                    if name == output:
                        node.input[index] = constant.name
            graph.node.append(onnx.helper.make_node("Identity", [constant.name], [output]))


def drop_repeated(graph):
    """A value that two blocked operators read is cast by the converter twice, under one name."""
    seen = set()
    for node in list(graph.node):
        if node.op_type == "Cast" and node.output[0] in seen:
            graph.node.remove(node)
        seen.update(node.output)
