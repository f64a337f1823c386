"""The host's side of a memory model in numpy and ONNX Runtime: what `src/inference/layouts` does, to
print how far exported graphs are from the original tracker."""

import os

import numpy as np
import onnxruntime


def bfloat16(values):
    """Rounded as PyTorch does: to the nearest, ties to even."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    return rounded.astype(np.uint32).view(np.float32)


class Graphs:
    def __init__(self, folder, names, others):
        """`others`: opened graphs that take the place of those in the folder."""
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.sessions = {
            name: others.get(name)
            or onnxruntime.InferenceSession(f"{folder}/{name}.onnx", options, providers=["CPUExecutionProvider"])
            for name in names
        }

    def run(self, name, feeds):
        session = self.sessions[name]
        taken = {value.name: feeds[value.name] for value in session.get_inputs()}
        outputs = [value.name.removesuffix("_out") for value in session.get_outputs()]
        return dict(zip(outputs, session.run(None, taken)))


class Track:
    """One object from frame to frame; every frame is a keyframe."""

    def __init__(self, graphs, constants, *, maps=7, pointers=16, is_bfloat16=True):
        self.graphs, self.table = graphs, np.array(constants["temporalPositions"], np.float32)
        self.maps, self.pointers, self.is_bfloat16 = maps, pointers, is_bfloat16
        self.traces = []

    def step(self, features, prompt=None):
        frame = {name: features[name] for name in ("features4", "features8", "embedding")}
        if isinstance(prompt, np.ndarray):
            answer = self.given(frame, prompt)
        else:
            seen = features["promptedEmbedding"] if prompt is not None else self.attended(features)
            points, labels = prompt or (np.zeros((1, 1, 1, 2), np.float32), -np.ones((1, 1, 1), np.int32))
            answer = self.graphs.run("decoder", {**frame, "embedding": seen, "points": points, "labels": labels})
        stored = self.graphs.run(
            "memoryEncoder",
            {
                "embedding": frame["embedding"],
                "highRes": answer["highRes"],
                "presence": answer["presence"].reshape(1, 1),
                "prompted": np.array(np.float32(prompt is not None)),
            },
        )
        kept = bfloat16(stored["map"]) if self.is_bfloat16 else stored["map"]
        self.traces.append((prompt is not None, kept, stored["positions"], answer["pointer"].reshape(-1)))
        return answer

    def given(self, frame, mask):
        pointer = self.graphs.run("maskPrompt", {**frame, "mask": mask})["pointer"]
        presence = np.array([[[10.0]]], np.float32)
        return {"highRes": mask * 20 - 10, "logits": None, "presence": presence, "pointer": pointer}

    def attended(self, features):
        now = len(self.traces)
        entries = list(enumerate(self.traces))
        prompted = [(trace, self.maps - 1) for _, trace in entries if trace[0]]
        recent = [(trace, now - t - 1) for t, trace in entries if not trace[0] and now - t < self.maps]
        shown = prompted + recent
        pointers = [(trace[3], now - t) for t, trace in entries if trace[0] or now - t < self.pointers]
        dim = self.table.shape[1]
        tokens = [pointer.reshape(-1, 1, dim) for pointer, _ in pointers]
        ages = np.array([age for _, age in pointers], np.float32) / (self.pointers - 1)
        places = np.zeros((len(ages), dim), np.float32)
        if "pointerPositions" in self.graphs.sessions:
            places = self.graphs.run("pointerPositions", {"ages": ages})["positions"]
        split = tokens[0].shape[0]

        return self.graphs.run(
            "memoryAttention",
            {
                "current": features["embedding"],
                "currentPositions": features["positions"],
                "maps": np.concatenate([trace[1] for trace, _ in shown]),
                "mapPositions": np.concatenate([trace[2] + self.table[row] for trace, row in shown]),
                "pointers": np.concatenate(tokens),
                "pointerPositions": np.repeat(places, split, 0)[:, None].astype(np.float32),
            },
        )["embedding"]


def compare(folder, constants, frames, prompt, original, is_bfloat16, others=None):
    """Largest difference of logits, and least IoU of masks, over the frames after the first."""
    names = ["encoder", "decoder", "maskPrompt", "memoryEncoder", "memoryAttention"]


    if os.path.exists(f"{folder}/pointerPositions.onnx"):
        names.append("pointerPositions")
    graphs = Graphs(folder, names, others or {})
    track = Track(graphs, constants, is_bfloat16=is_bfloat16)
    worst, least = 0.0, 1.0
    for t, frame in enumerate(frames):
        answer = track.step(graphs.run("encoder", {"image": frame[None]}), prompt if t == 0 else None)
        if answer["logits"] is None:
            continue
        found, wanted = answer["logits"][0, 0], original[t]
        worst = max(worst, float(np.abs(found - wanted).max()))
        either = ((found > 0) | (wanted > 0)).sum()
        both = ((found > 0) & (wanted > 0)).sum()
        least = min(least, float(both / either) if either else 1.0)
    return worst, least
