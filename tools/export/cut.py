"""Cuts a model into its ONNX graphs, each compared with PyTorch in ONNX Runtime."""

import contextlib
import io
import os
import warnings
from dataclasses import dataclass, field

import graphs as cuts
import numpy as np
import onnxruntime
import torch
from families import as_bytes, clip, prompts

OPSET = 18
#: The first opset with attention as one operator.
FUSED_OPSET = 23


@dataclass
class Cut:
    """One exported graph: its tensors by meaning, in order, and how far it is from PyTorch."""

    file: str
    inputs: dict
    outputs: dict
    difference: float = 0.0
    names: dict = field(default_factory=dict)


class Cutter:
    def __init__(self, model, out, fused=()):
        self.model, self.out, self.fused = model, out, fused
        self.cuts = {}
        os.makedirs(out, exist_ok=True)

    @torch.no_grad()
    def cut(self, role, module, arguments, inputs, outputs, dynamic=None, others=()):
        """`inputs`, `outputs`: meanings in order, which become tensor names; `others`: further arguments
        (of other lengths) that are compared too."""
        module.eval()
        path = f"{self.out}/{role}.onnx"
        expected = [module(*case) for case in (arguments, *others)]
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shapes = tuple((dynamic or {}).get(name) for name in inputs)
            torch.onnx.export(
                module,
                arguments,
                path,
                input_names=inputs,
                # A name may be input and output of a graph only once.
                output_names=[name if name not in inputs else f"{name}_out" for name in outputs],
                opset_version=FUSED_OPSET if role in self.fused else OPSET,
                dynamo=True,
                dynamic_shapes=shapes if dynamic else None,
                external_data=os.environ.get("EXTERNAL_DATA") == "1",
            )
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        taken = {value.name for value in session.get_inputs()}
        worst = 0.0
        for case, wanted in zip((arguments, *others), expected):
            feeds = {name: value.numpy() for name, value in zip(inputs, case) if name in taken}
            found = session.run(None, feeds)
            wanted = wanted if isinstance(wanted, tuple) else (wanted,)
            for one, two in zip(found, wanted):
                worst = max(worst, float(np.abs(one - two.numpy()).max()))
        self.cuts[role] = Cut(
            file=os.path.basename(path),
            inputs={value.name: value for value in session.get_inputs()},
            outputs=dict(zip(outputs, session.get_outputs())),
            difference=worst,
        )
        print(f"  {role:18s} {os.path.getsize(path) / 1e6:7.2f} MB  largest difference {worst:.1e}", flush=True)
        return session


def cut_model(model, out, kinds=("dynamic",), fused=(), normalised_by=None):
    """Writes all graphs of a model; `kinds` of attention: dynamic, fixed, slots; `fused`: roles whose
    attention is one operator; `normalised_by`: mean and deviation of an encoder that takes bytes."""
    cutter = Cutter(model, out, fused)
    side = model.image_size
    f = model.backbone_feature_sizes[2][0]
    dim, split = model.mem_dim, model.hidden_dim // model.mem_dim
    maps, pointers = model.num_maskmem, model.config.max_object_pointers_in_encoder
    picture = torch.from_numpy(clip(side, 1))
    encoder = cuts.Encoder(model)
    with torch.no_grad():
        fine, middle, coarse, prompted, positions = encoder(picture)
    features = ["features4", "features8", "embedding"]
    if "encoder" in fused:
        model.set_attn_implementation("sdpa")
    if normalised_by is not None:
        encoder = cuts.BytesEncoder(model, *normalised_by)
        picture = torch.from_numpy(as_bytes(picture.numpy(), *normalised_by)[0])
    cutter.cut(
        "encoder", encoder, (picture,), ["image"], [*features, "promptedEmbedding", "positions"]
    )
    decoder = cuts.Decoder(model)
    count = torch.export.Dim("points", min=1, max=64)
    asked = prompts(side)
    click, box = ([torch.from_numpy(part) for part in asked[kind]] for kind in ("click", "box"))
    empty = (torch.zeros(1, 1, 1, 2), -torch.ones(1, 1, 1, dtype=torch.int32))
    both = (torch.cat([box[0], click[0]], 2), torch.cat([box[1], click[1]], 2))
    seen = (fine, middle, prompted)
    cutter.cut(
        "decoder",
        decoder,
        (*seen, *both),
        [*features, "points", "labels"],
        ["logits", "highRes", "iou", "presence", "pointer"],
        {"points": {2: count}, "labels": {2: count}},
        [(*seen, *box), (*seen, *click), (*seen, *empty)],
    )
    mask = torch.from_numpy(asked["mask"])
    cutter.cut(
        "maskPrompt", cuts.MaskPrompt(decoder), (fine, middle, coarse, mask), [*features, "mask"], ["pointer"]
    )
    with torch.no_grad():
        logits, high = decoder(*seen, *box)[:2]
    yes, no, score = torch.tensor(1.0), torch.tensor(0.0), torch.tensor([[2.0]])
    memory = cuts.MemoryEncoder(model)
    cutter.cut(
        "memoryEncoder",
        memory,
        (coarse, high, score, yes),
        ["embedding", "highRes", "presence", "prompted"],
        ["map", "positions"],
        others=[(coarse, high, score, no), (coarse, high, -score, no)],
    )
    with torch.no_grad():
        tokens = memory(coarse, high, score, yes)[0].shape[0]
    generator = torch.Generator().manual_seed(1)

    def noise(*shape):
        return torch.randn(*shape, generator=generator)

    def sequence(values):
        return values.flatten(2).permute(2, 0, 1).contiguous()

    current = (sequence(coarse), sequence(positions))
    names = ["current", "currentPositions"]
    if "dynamic" in kinds:
        some = torch.export.Dim("maps", min=1, max=64)
        length = torch.export.Dim("pointer_tokens", min=1, max=1024)
        bank = ["maps", "mapPositions", "pointers", "pointerPositions"]

        def dynamic(m, p):
            spatial = [noise(m * tokens, 1, dim) for _ in range(2)]
            return (coarse, positions, *spatial, *[noise(p * split, 1, dim) for _ in range(2)])

        sizes = dict(zip(bank, [{0: tokens * some}] * 2 + [{0: length}] * 2))
        attention = cuts.DynamicAttention(model, tokens)
        attention.is_fused = "memoryAttention" in fused
        cutter.cut(
            "memoryAttention", attention, dynamic(3, 3), [*names, *bank], ["embedding"], sizes, [dynamic(1, 1), dynamic(7, 16)]
        )
    if "fixed" in kinds:
        length = maps * tokens + pointers * split
        attention = cuts.FixedAttention(model, maps, pointers * split)
        bank = [noise(length, 1, dim) for _ in range(2)]
        cutter.cut("fixedAttention", attention, (*current, *bank), [*names, "memory", "memoryPositions"], ["embedding"])
    if "slots" in kinds:
        low = cuts.LowResMemoryEncoder(model)
        cutter.cut(
            "lowResMemoryEncoder",
            low,
            (coarse, logits, yes),
            ["embedding", "logits", "prompted"],
            ["map", "positions"],
            others=[(coarse, logits, no)],
        )
        with torch.no_grad():
            places = low(coarse, logits, yes)[1][:, None].repeat(1, maps, 1, 1)
        full = torch.ones(1, maps * tokens + pointers * split, dtype=torch.bool)
        part = full.clone()
        part[:, 2 * tokens : maps * tokens] = False
        part[:, maps * tokens + split :] = False
        rows = torch.tensor([6, 0, 1, 2, 3, 4, 5])
        slots = (noise(1, maps, tokens, dim), places, rows)
        pointer = noise(1, pointers, model.hidden_dim)
        cutter.cut(
            "slotAttention",
            cuts.SlotAttention(model),
            (*current, *slots, full, pointer),
            [*names, "maps", "mapPositions", "mapRows", "mask", "pointers"],
            ["embedding"],
            others=[(*current, *slots, part, pointer)],
        )
    has_pointer_positions = not isinstance(
        model.temporal_positional_encoding_projection_layer, torch.nn.Identity
    )
    if has_pointer_positions:
        ages = torch.export.Dim("pointers", min=1, max=64)
        cutter.cut(
            "pointerPositions",
            cuts.PointerPositions(model),
            (torch.arange(3) / 15.0,),
            ["ages"],
            ["positions"],
            {"ages": {0: ages}},
            [(torch.arange(16) / 15.0,)],
        )
    constants = {
        "temporalPositions": model.memory_temporal_positional_encoding.reshape(maps, dim).tolist(),
        "noMemoryEmbedding": model.no_memory_embedding.reshape(-1).tolist(),
    }
    return cutter.cuts, constants, tokens
