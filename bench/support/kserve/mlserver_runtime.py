"""A runtime of MLServer around ONNX Runtime; the model's settings name the graph's file."""

from __future__ import annotations

import asyncio

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse
from onnx_graph import OnnxGraph


class OnnxRuntime(MLModel):
    async def load(self) -> bool:
        extra = self.settings.parameters.extra
        self._graph = OnnxGraph(extra["file"], extra["threads"], extra["faults"])
        self._outputs = [tensor.name for tensor in self.settings.outputs]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        feeds = {tensor.name: NumpyCodec.decode_input(tensor) for tensor in payload.inputs}
        results = await asyncio.to_thread(self._graph.run, feeds, self._outputs)
        return InferenceResponse(
            model_name=self.name,
            outputs=[NumpyCodec.encode_output(name, value) for name, value in results.items()],
        )
