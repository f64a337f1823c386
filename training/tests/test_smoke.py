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


def test_weights_are_evaluated_on_clips_and_photographs(trained: pathlib.Path, raw: pathlib.Path, work: pathlib.Path) -> None:
    stage("evaluate.run", raw, trained, "--out", work / "eval.json", "--clips", 1, "--frames", 4, "--workers", 1, "--photographs", "--short")
    result = json.loads((work / "eval.json").read_text())[str(trained)]
    assert 0 <= result["photographs"]["all"]["box"] <= 1
    assert result["video"]


def test_export_quantise_and_publish(trained: pathlib.Path, raw: pathlib.Path, work: pathlib.Path) -> None:
    stage("export", trained, work / "onnx")
    stage("quantise", work / "onnx", "--calibration", raw, "--pictures", 4)
    shutil.copytree(MODEL, work / "model")
    stage("publish", work / "onnx", work / "model")
    manifest = json.loads((work / "model" / "manifest.json").read_text())
    assert manifest["graphs"]["encoder"]["bytes"] == (work / "onnx" / "encoder.onnx").stat().st_size


def test_a_published_model_is_restored(raw: pathlib.Path, work: pathlib.Path) -> None:
    text = stage("restore", MODEL, work / "restored", "--pictures", raw)
    assert "outputs and weights compared" in text


def test_the_text_head_trains_and_is_exported(trained: pathlib.Path, raw: pathlib.Path, work: pathlib.Path) -> None:
    stage("text.prepare", raw, work / "prepared-text", "--workers", 1)
    assert (work / "prepared-text" / "tables.npz").exists()


def test_the_data_manifest_names_what_differs(raw: pathlib.Path) -> None:
    pytest.importorskip("maskstream_training")
    from maskstream_training.data.manifest import differences, sets_under
    assert "davis-train" not in sets_under("commercial") and "cats" in sets_under("commercial")
    found = differences(raw, ("balloons", "cats"))
    assert found[0].startswith("balloons: expected 146 files") and found[1] == "cats: not there"
