"""Writes the small models and golden files of the contract tests (test/fixtures/small-models).

    python contract_models.py OUT [FAMILY …]

Graphs are committed without the weights that were made from a seed: a test makes those again
(test/fixtures/small-models.ts) from `weights.json`. Golden files hold what the original tracker of
`transformers` says: logits and scores of every frame, and the maps and pointers that it stored.
"""

import json
import os
import shutil
import sys
import tempfile

import families
import numpy as np
import onnx
from cut import cut_model
from onnx import external_data_helper, numpy_helper

FRAMES = 10
#: From so many values on a tensor's weights are left out.
LEAST_VALUES = 64
#: One value that tests choose: whether the object score crosses zero.
PRESENCE_BIAS = "pred_obj_score_head.proj_out.bias"
ELEMENT_TYPES = {"tensor(float)": "float32", "tensor(int32)": "int32", "tensor(int64)": "int64", "tensor(bool)": "bool"}


def strip(path, out, parameters):
    """Copies a graph without seeded weights; returns how to make them, in the order of the file."""
    model = onnx.load(path)
    recipes, offset = [], 0
    name = os.path.basename(path)
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        found = parameters.get(values.tobytes())
        if tensor.name.endswith(PRESENCE_BIAS):
            found = {}
        if found is None:
            continue
        count = values.size
        recipes.append({**found, "count": count})
        tensor.ClearField("float_data")
        tensor.raw_data = values.tobytes()
        external_data_helper.set_external_data(tensor, f"{name}.weights", offset, count * 4)
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        offset += count * 4
    for node in model.graph.node:
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
    for value in [*model.graph.initializer, *model.graph.value_info, *model.graph.input, *model.graph.output]:
        value.ClearField("metadata_props")
        value.ClearField("doc_string")
    model.graph.ClearField("metadata_props")
    model.graph.ClearField("value_info")
    model.ClearField("metadata_props")
    with open(f"{out}/{name}", "wb") as file:
        file.write(model.SerializeToString())
    return recipes


def parameters_of(model):
    """Bytes of every seeded parameter, and of its transpose -> how to make it."""
    table = {}
    for parameter in model.parameters():
        made = getattr(parameter, "seeded", None)
        if made is None or parameter.numel() < LEAST_VALUES:
            continue
        seed, bound = made
        values = parameter.detach().numpy()
        if values.tobytes() != families.seeded(seed, values.shape, bound).tobytes():
            continue  # changed since
        table[values.tobytes()] = {"seed": seed, "bound": bound, "columns": 0}
        if values.ndim == 2:
            table[np.ascontiguousarray(values.T).tobytes()] = {"seed": seed, "bound": bound, "columns": values.shape[1]}
    return table


def tensors(values):
    return {
        meaning: {
            "name": value.name,
            "type": ELEMENT_TYPES[value.type],
            "shape": [side if isinstance(side, int) else f"N{i}" for i, side in enumerate(value.shape)],
        }
        for meaning, value in values.items()
    }


class Golden:
    """One binary file of float32 values, and where each array lies in it."""

    def __init__(self):
        self.index, self.parts, self.at = {}, [], 0

    def put(self, name, values):
        values = np.ascontiguousarray(values, np.float32)
        self.index[name] = {"at": self.at, "shape": list(values.shape)}
        self.parts.append(values.tobytes())
        self.at += values.size

    def read(self, name):
        at, shape = self.index[name]["at"], self.index[name]["shape"]
        values = np.frombuffer(b"".join(self.parts), np.float32)
        return values[at : at + int(np.prod(shape))].reshape(shape)

    def case(self, name, model, frames, prompts_by_frame, with_state=False):
        logits, scores, session = families.track(model, frames, prompts_by_frame)
        self.put(f"{name}/logits", logits)
        self.put(f"{name}/scores", scores)
        if not with_state:
            return logits, scores
        stored = session.output_dict_per_obj[0]
        both = {**stored["cond_frame_outputs"], **stored["non_cond_frame_outputs"]}
        maps = [both[t]["maskmem_features"].float().numpy().reshape(-1) for t in range(len(frames))]
        pointers = [both[t]["object_pointer"].numpy().reshape(-1) for t in range(len(frames))]
        self.put(f"{name}/maps", np.stack(maps))
        self.put(f"{name}/pointers", np.stack(pointers))
        return logits, scores


def absent_case(golden, model, side, box):
    """A stream on which the object goes and comes back: the score's bias for it, which is chosen so
    that scores lie on both sides of zero and none near it."""
    bias = model.mask_decoder.pred_obj_score_head.proj_out.bias
    usual, frames = float(bias), families.clip(side, 25)
    seen = golden.read("long/scores")[1:]
    tries = []
    for share in (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9):
        chosen = np.float32(usual - np.quantile(seen, share))
        bias.data.fill_(float(chosen))
        scores = families.track(model, frames, {0: box})[1]
        fewest = min((scores[1:] > 0).sum(), (scores[1:] <= 0).sum())
        tries.append((fewest >= 3, float(np.abs(scores).min()), float(chosen)))
    best = max(tries)
    if not best[0]:
        raise SystemExit("no bias makes the object go and come back")
    bias.data.fill_(best[2])
    scores = golden.case("absent", model, frames, {0: box})[1]
    bias.data.fill_(usual)
    print(f"  scores of `absent`: {np.round(scores, 2).tolist()}", flush=True)
    return best[2]


def write_family(family, out):
    print(family)
    model = families.small(family)
    side = model.image_size
    kinds = {"sam2": ("dynamic", "fixed"), "sam3": ("dynamic",), "edgetam": ("dynamic", "slots")}[family]
    folder = f"{out}/{family}"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    golden = Golden()
    asked = families.prompts(side)
    frames = families.clip(side, FRAMES)
    for kind, prompt in asked.items():
        golden.case(kind, model, frames, {0: prompt}, with_state=True)
    golden.case("long", model, families.clip(side, 25), {0: asked["box"]})
    golden.case("second-prompt", model, frames, {0: asked["click"], 5: asked["box"]})
    golden.case("every-fifth", model, families.clip(side, 46)[::5], {0: asked["click"]})
    bias = absent_case(golden, model, side, asked["box"])
    with tempfile.TemporaryDirectory() as work:
        cuts, constants, tokens = cut_model(model, work, kinds)
        parameters = parameters_of(model)
        weights = {f"{role}.onnx": strip(f"{work}/{role}.onnx", folder, parameters) for role in cuts}
    describe = {
        "side": side,
        "tokensPerMap": tokens,
        "tokensPerPointer": model.hidden_dim // model.mem_dim,
        "presenceBias": {"usual": families.PRESENCE_BIAS, "absent": bias},
        "graphs": {
            role: {"file": cut.file, "inputs": tensors(cut.inputs), "outputs": tensors(cut.outputs)}
            for role, cut in cuts.items()
        },
        "weights": weights,
        "golden": golden.index,
    }
    with open(f"{folder}/model.json", "w") as file:
        json.dump(describe, file, indent=1)
        file.write("\n")
    with open(f"{folder}/constants.json", "w") as file:
        json.dump(constants, file)
        file.write("\n")
    with open(f"{folder}/golden.bin", "wb") as file:
        file.write(b"".join(golden.parts))
    size = sum(os.path.getsize(f"{folder}/{name}") for name in os.listdir(folder))
    print(f"  {size / 1e6:.2f} MB in {folder}")


if __name__ == "__main__":
    families.quiet()
    for each in sys.argv[2:] or ["sam2", "edgetam", "sam3"]:
        write_family(each, sys.argv[1])
