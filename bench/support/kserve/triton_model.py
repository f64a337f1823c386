"""A model of Triton's Python back end around ONNX Runtime; its configuration names the graph's file."""

from __future__ import annotations

import json
import os
import sys

import numpy as np
import triton_python_backend_utils as pb_utils

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from onnx_graph import OnnxGraph  # noqa: E402


class TritonPythonModel:
    """Requests of one batch run together where the model has batches."""

    def initialize(self, args: dict[str, str]) -> None:
        config = json.loads(args["model_config"])
        settings = {name: value["string_value"] for name, value in config["parameters"].items()}
        self._graph = OnnxGraph(settings["file"], int(settings["threads"]), settings["faults"])
        self._batched = config["max_batch_size"] > 0
        self._inputs = [tensor["name"] for tensor in config["input"]]
        self._outputs = {
            tensor["name"]: pb_utils.triton_string_to_numpy(tensor["data_type"])
            for tensor in config["output"]
        }

    def execute(self, requests: list) -> list:
        if not self._batched:
            return [self._answer(self._run(self._feeds(request))) for request in requests]
        feeds = [self._feeds(request) for request in requests]
        sizes = [len(next(iter(one.values()))) for one in feeds]
        together = {name: np.concatenate([one[name] for one in feeds]) for name in self._inputs}
        results = self._run(together)
        ends = np.cumsum(sizes)
        return [
            self._answer({name: value[end - size : end] for name, value in results.items()})
            for size, end in zip(sizes, ends)
        ]

    def _feeds(self, request) -> dict[str, np.ndarray]:
        return {
            name: pb_utils.get_input_tensor_by_name(request, name).as_numpy() for name in self._inputs
        }

    def _run(self, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return self._graph.run(feeds, list(self._outputs))

    def _answer(self, results: dict[str, np.ndarray]):
        tensors = [
            pb_utils.Tensor(name, np.ascontiguousarray(value, dtype=self._outputs[name]))
            for name, value in results.items()
        ]
        return pb_utils.InferenceResponse(output_tensors=tensors)
