"""Checkpoints: fp16 weights split by module, and warm starts."""
import pathlib

import torch
from torch import nn


def half_state(module: nn.Module) -> dict:
    return {k: v.half().cpu() if v.is_floating_point() else v.cpu() for k, v in module.state_dict().items()}


def save_weights(folder: pathlib.Path, modules: dict[str, nn.Module], **facts) -> None:
    """Write folder/NAME.pt for each module: fp16 tensors, and the facts that say where they come from."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, module in modules.items():
        torch.save({"state": half_state(module), **facts}, folder / f"{name}.tmp")
        (folder / f"{name}.tmp").replace(folder / f"{name}.pt")   # a reader never sees half a file


def load_weights(path: pathlib.Path, module: nn.Module) -> dict:
    stored = torch.load(path, map_location="cpu")
    module.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in stored["state"].items()})
    return {k: v for k, v in stored.items() if k != "state"}


def load_ordered(module: nn.Module, stored: dict) -> None:
    """Load tensors whose names differ but whose order and shapes agree (weights of the recipe's earlier study)."""
    own = module.state_dict()
    if [tuple(v.shape) for v in own.values()] != [tuple(v.shape) for v in stored.values()]:
        raise ValueError("the stored tensors do not have the shapes of this module, in its order")
    module.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in zip(own, stored.values())})
