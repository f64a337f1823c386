"""One ONNX graph behind an inference server: runs it, and fails on demand as a broken server does."""

from __future__ import annotations

import json
import os
import time

import numpy as np
import onnxruntime


class OnnxGraph:
    """A graph file; faults are read from a JSON file before each run."""

    def __init__(self, file: str, threads: int, faults: str = "") -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        self._types = {tensor.name: tensor.type for tensor in self._session.get_inputs()}
        self._faults = faults

    def run(self, feeds: dict[str, np.ndarray], outputs: list[str]) -> dict[str, np.ndarray]:
        """Outputs by name. Bytes become float32 where the graph wants that."""
        fault = self._fault()
        time.sleep(fault.get("slow", 0))
        wanted = {name: _as(self._types[name], value) for name, value in feeds.items()}
        results = dict(zip(outputs, self._session.run(outputs, wanted)))
        if fault.get("nan"):
            results[outputs[0]].flat[0] = np.nan
        if fault.get("shape"):
            results[outputs[0]] = results[outputs[0]][..., :-1].copy()
        return results

    def _fault(self) -> dict:
        if not self._faults or not os.path.exists(self._faults):
            return {}
        with open(self._faults, encoding="utf8") as file:
            return json.load(file)


def _as(kind: str, value: np.ndarray) -> np.ndarray:
    return value.astype(np.float32) if kind == "tensor(float)" else value
