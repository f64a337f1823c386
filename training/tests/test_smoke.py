"""Every stage of the recipe on tiny generated data, on a CPU: data, sequences, training, resuming, evaluation, text, export, publishing.

    python -m pytest training/tests

It proves that the stages run and hand on to each other, not that the weights are good.
"""
import importlib.util
import json
import pathlib
import shutil
import subprocess
import sys

import pytest

NEEDED = ("torch", "cv2", "onnx")
missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(missing), reason=f"the training smoke test is skipped: {', '.join(missing)} not installed (pip install -r training/requirements.lock)")

PACKAGE = pathlib.Path(__file__).parents[1]
MODEL = PACKAGE.parent / "models" / "maskstream-tiny"


def stage(name: str, *arguments: object) -> str:
    """Run one module of the package in a process of its own, as a user does."""
    command = [sys.executable, "-m", f"maskstream_training.{name}", *map(str, arguments)]
    done = subprocess.run(command, cwd=PACKAGE, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def raw(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    from tiny_data import write_sets
    return write_sets(tmp_path_factory.mktemp("raw"))


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="session")
def prepared(raw: pathlib.Path, work: pathlib.Path) -> pathlib.Path:
    stage("data.prepare", raw, work / "prepared", "--workers", 2)
    return work / "prepared"


@pytest.fixture(scope="session")
def trained(prepared: pathlib.Path, work: pathlib.Path) -> pathlib.Path:
    out = work / "run"
    text = stage("train.run", "--data", prepared, "--out", out, "--steps", 2, "--sequences", 2, "--views", 2, "--long-views", 4, "--long-every", 2,
                 "--encoder-lr", 1, "--checkpointing")
    assert "trained 2 steps" in text
    return out


def test_terms_decide_which_sets_are_prepared(raw: pathlib.Path, work: pathlib.Path) -> None:
    import numpy as np
    text = stage("data.prepare", raw, work / "free", "--workers", 2, "--terms", "commercial")
    assert "'video': 0" in text and "'region': 0" in text
    table = np.load(work / "free" / "candidates.npz")
    assert str(table["terms"]) == "commercial" and len(table["image"]) > 0


def test_unknown_pixels_are_never_an_object(prepared: pathlib.Path) -> None:
    import numpy as np
    table = np.load(prepared / "candidates.npz")
    from maskstream_training.data.prepare import KINDS
    instances = np.isin(table["kind"], [KINDS.index("thing"), KINDS.index("cat")])
    assert instances.any() and not table["lut"][instances, 255].any()


def test_a_run_goes_on_from_its_weights(trained: pathlib.Path, prepared: pathlib.Path, work: pathlib.Path) -> None:
    text = stage("train.run", "--data", prepared, "--out", work / "on", "--steps", 3, "--sequences", 2, "--views", 2, "--weights", trained, "--continue")
    assert "start at step 2" in text and "trained 3 steps" in text


def test_the_decoder_alone_learns_on_and_is_published(trained: pathlib.Path, prepared: pathlib.Path, raw: pathlib.Path, work: pathlib.Path) -> None:
    import torch
    stage("train.run", "--data", prepared, "--out", work / "decoder", "--steps", 2, "--sequences", 2, "--views", 2, "--weights", trained, "--warm-up", 1,
          "--frozen-encoder", "--clicks", 2, "--wholes", "--small-whole", .35, "--pull", 2)
    state = lambda folder, name: torch.load(folder / f"{name}.pt")["state"]
    before, after = state(trained, "encoder"), state(work / "decoder", "encoder")
    assert all(torch.equal(before[name], after[name]) for name in before)
    kernel = "refine4.first.0.weight"
    before, after = state(trained, "decoder")[kernel], state(work / "decoder", "decoder")[kernel]
    assert not torch.equal(before, after)
    stage("average", trained, work / "decoder", "--shares", .75, .25, "--out", work / "mixed", "--pictures", raw)
    assert torch.allclose(state(work / "mixed", "decoder")[kernel].float(), before.float().lerp(after.float(), .25), atol=1e-3)
    stage("export", work / "mixed", work / "mixed-onnx", "--decoder-only")
    shutil.copytree(MODEL, work / "mixed-model")
    stage("publish", work / "mixed-onnx", work / "mixed-model")
    files = {name: (work / "mixed-model" / f"{name}.onnx").read_bytes() == (MODEL / f"{name}.onnx").read_bytes() for name in ("encoder", "encoder-int8", "decoder")}
    assert files == {"encoder": True, "encoder-int8": True, "decoder": False}


def test_weights_are_evaluated_on_clips_and_photographs(trained: pathlib.Path, raw: pathlib.Path, work: pathlib.Path) -> None:
    stage("evaluate.run", raw, trained, "--out", work / "eval.json", "--clips", 1, "--frames", 4, "--workers", 1, "--photographs", "--short")
    result = json.loads((work / "eval.json").read_text())[str(trained)]
    assert 0 <= result["photographs"]["all"]["box"] <= 1
    assert result["video"]


def test_finetune_goes_from_annotations_to_a_model_folder(raw: pathlib.Path, work: pathlib.Path) -> None:
    """Restores the published weights, prepares, trains, evaluates, exports, quantises and publishes."""
    from test_annotations import coco
    for k in range(6):
        shutil.copyfile(raw / "ccp" / f"{k:04d}.jpg", work / f"{k}.png")
    stage("finetune", MODEL, coco(work / "own.json", 6), work, work / "tuned", "--steps", 1, "--sequences", 2, "--workers", 1)
    report = json.loads((work / "tuned" / "report.json").read_text())
    assert report["pictures"] == 6 and 0 <= report["after"]["box"] <= 1
    encoder = json.loads((work / "tuned" / "model" / "manifest.json").read_text())["graphs"]["encoder"]
    for entry in (encoder, encoder["quantised"]):
        file = work / "tuned" / "model" / entry["file"]
        assert file.stat().st_size == entry["bytes"] and file.read_bytes() != (MODEL / entry["file"]).read_bytes()
    import onnx
    assert onnx.load(str(work / "tuned" / "model" / "encoder.onnx")).graph.input[0].type.tensor_type.shape.dim[0].dim_param == "pictures"


def test_a_published_encoder_with_a_closed_batch_is_opened(work: pathlib.Path) -> None:
    import numpy as np
    import torch

    from maskstream_training.onnx_graph import open_graph, run
    shutil.copytree(MODEL, work / "open")
    stage("open_batch", work / "open")
    pictures = torch.from_numpy(np.random.default_rng(0).uniform(0, 255, (2, 3, 384, 384)).astype(np.float32))
    together = run(*open_graph(work / "open" / "encoder.onnx"), {"image": pictures})["emb"]
    alone = run(*open_graph(MODEL / "encoder.onnx"), {"image": pictures[1:]})["emb"]
    assert float((together[1:] - alone).abs().max()) < 1e-3


def test_the_refiner_is_restored_and_exported(work: pathlib.Path) -> None:
    """Its data and training need a C compiler and 25 GB of arrays, and are not run here."""
    stage("refiner.restore", MODEL / "refiner.onnx", work / "refiner.pt")
    stage("refiner.export", work / "refiner.pt", work / "refiner.onnx")
    assert (work / "refiner.onnx").stat().st_size > 1e6


def test_the_text_head_trains_and_is_exported(trained: pathlib.Path, raw: pathlib.Path, work: pathlib.Path) -> None:
    stage("text.prepare", raw, work / "prepared-text", "--workers", 1)
    stage("text.train", "--data", work / "prepared-text", "--weights", trained, "--out", work / "text", "--steps", 1, "--batch", 2, "--pictures", 1)
    stage("text.train", "--weights", work / "text", "--export", work / "text-onnx")
    assert (work / "text-onnx" / "text.onnx").exists()


def test_the_data_manifest_names_what_differs(raw: pathlib.Path) -> None:
    pytest.importorskip("maskstream_training")
    from maskstream_training.data.manifest import differences, sets_under
    assert "davis-train" not in sets_under("commercial") and "cats" in sets_under("commercial")
    found = differences(raw, ("balloons", "cats"))
    assert found[0].startswith("balloons: expected 146 files") and found[1] == "cats: not there"
