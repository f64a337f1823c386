"""Open the batch of a model folder's encoder graphs that were exported for one picture; weights and results stay as they are.

    python -m maskstream_training.open_batch MODEL

Newer exports (export.py) are open already. The manifest goes on saying 1: the service gives one picture a run, and a number may be open in
the graph.
"""
import argparse
import hashlib
import json
import pathlib

import numpy as np
import onnx
from onnx import numpy_helper

BATCH = "pictures"


def constant_tensors(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    return tensors | {node.output[0]: a.t for node in graph.node if node.op_type == "Constant" for a in node.attribute if a.name == "value"}


def opened(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with an open first side of its inputs, outputs and Reshapes."""
    graph, tensors = model.graph, constant_tensors(model.graph)
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = BATCH
    for node in graph.node:
        tensor = tensors.get(node.input[1]) if node.op_type == "Reshape" else None
        if tensor is None:
            continue
        shape = numpy_helper.to_array(tensor).copy()
        if shape[0] == 1 and (shape > 0).all():
            shape[0] = -1
            tensor.CopyFrom(numpy_helper.from_array(shape.astype(np.int64), tensor.name))
    del graph.value_info[:]   # shapes on the way, of one picture
    onnx.checker.check_model(model)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    path = parser.parse_args().model / "manifest.json"
    manifest = json.loads(path.read_text())
    encoder = manifest["graphs"]["encoder"]
    for entry in (encoder, encoder["quantised"]):
        file = path.parent / entry["file"]
        onnx.save(opened(onnx.load(str(file))), str(file))
        data = file.read_bytes()
        entry.update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    path.write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
