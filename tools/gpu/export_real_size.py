"""Exports the graphs of one family at its real size: export_real_size.py FAMILY fp32|fp16 OUT [PART...]

Attention is exported as the operator `Attention` (opset 23) unless EXPORT_OPSET says an older one, and
files are named after it then. The fp16 encoder is
written three times: with float32 outputs, with float16 outputs (-h), and with uint8 input as well (-u8h).
"""

import json
import os
import sys
import time

import numpy as np
import onnx
import torch
from onnx import TensorProto as T
from onnx import helper, numpy_helper
from real_size_models import build, example, parts

OPSET = int(os.environ.get("EXPORT_OPSET", "23"))


def main() -> None:
    name, precision, out, *wanted = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    dtype = torch.float16 if precision == "fp16" else torch.float32
    start = time.time()
    model = build(name)
    graphs = parts(name, model, wanted)
    built = time.time() - start
    for part, (module, inputs, outputs) in graphs.items():
        start = time.time()
        module = module.to(dtype)
        path = f"{out}/{name}-{part}{'' if OPSET == 23 else OPSET}-{precision}.onnx"
        args = example(inputs, dtype)
        with torch.no_grad():
            torch.onnx.export(
                module,
                args,
                path,
                dynamo=True,
                opset_version=OPSET,
                input_names=[i[0] for i in inputs],
                output_names=outputs,
                external_data=name.startswith("sam3") and part == "encoder",
                verbose=False,
            )
        graph = onnx.load(path, load_external_data=False)
        kinds: dict[str, int] = {}
        for node in graph.graph.node:
            kinds[node.op_type] = kinds.get(node.op_type, 0) + 1
        facts = {"path": path, "nodes": len(graph.graph.node), "Attention": kinds.get("Attention", 0)}
        facts |= {"Softmax": kinds.get("Softmax", 0), "s": round(time.time() - start), "build_s": round(built)}
        print(json.dumps(facts), flush=True)
        if part == "encoder" and precision == "fp16":
            halve_outputs(graph)
            onnx.save(graph, path.replace(".onnx", "-h.onnx"))
            take_bytes(graph)
            onnx.save(graph, path.replace(".onnx", "-u8h.onnx"))


def halve_outputs(model: onnx.ModelProto) -> None:
    """Takes the last cast to float32 off each output."""
    graph = model.graph
    for output in graph.output:
        cast = next(n for n in graph.node if output.name in n.output)
        assert cast.op_type == "Cast", f"expected a cast before {output.name}, got {cast.op_type}"
        source = cast.input[0]
        producer = next(n for n in graph.node if source in n.output)
        for node in graph.node:  # others that read the float16 value go on with the output's name
            for k, value in enumerate(node.input):
                if value == source:
                    node.input[k] = output.name
        producer.output[list(producer.output).index(source)] = output.name
        graph.node.remove(cast)
        output.type.tensor_type.elem_type = T.FLOAT16
        for info in [v for v in graph.value_info if v.name in (source, output.name)]:
            graph.value_info.remove(info)


def take_bytes(model: onnx.ModelProto) -> None:
    """uint8 pictures in, normalised in the graph (mean and deviation 0.5 of the range)."""
    graph = model.graph
    for node in graph.node:
        for k, value in enumerate(node.input):
            if value == "image":
                node.input[k] = "image_normalised"
    graph.input[0].type.tensor_type.elem_type = T.UINT8
    scale = numpy_helper.from_array(np.float32(1 / 127.5), "byte_scale")
    shift = numpy_helper.from_array(np.float32(-1), "byte_shift")
    graph.initializer.extend([scale, shift])
    steps = [
        helper.make_node("Cast", ["image"], ["image_float"], to=T.FLOAT),
        helper.make_node("Mul", ["image_float", "byte_scale"], ["image_scaled"]),
        helper.make_node("Add", ["image_scaled", "byte_shift"], ["image_normalised"]),
    ]
    for k, step in enumerate(steps):
        graph.node.insert(k, step)


if __name__ == "__main__":
    main()
