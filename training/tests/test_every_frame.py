"""The pass on every frame: it starts as the model's own eyes and changes nothing yet, trains, and is exported."""
import importlib.util
import pathlib

import pytest

pytestmark = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="the test of the pass on every frame is skipped: torch not installed")


def write_arrays(folder: pathlib.Path) -> pathlib.Path:
    """Discs that drift over noise, as refiner/prepare.py writes its clips; the flow is that of a still camera."""
    import numpy as np
    clips, length = 2, 14
    rng, (y, x) = np.random.default_rng(0), np.mgrid[:252, :448]
    images, masks = np.zeros((clips * length, 3, 252, 448), np.uint8), np.zeros((clips * length, 252, 448), np.uint8)
    for clip in range(clips):
        ground = rng.integers(0, 255, (3, 252, 448))
        for t in range(length):
            row = clip * length + t
            masks[row] = (y - 120 - t) ** 2 + (x - 200 - 2 * t) ** 2 < 40 ** 2
            images[row] = np.where(masks[row], 200, ground)
    folder.mkdir()
    np.save(folder / "images.npy", images)
    np.save(folder / "masks.npy", masks)
    np.save(folder / "flows.npy", np.zeros((clips * (length - 1), 144, 256, 2), np.float16))
    np.savez(folder / "sequences.npz", frames=np.arange(clips * length).reshape(clips, length), length=[length] * clips,
             first_flow=np.arange(clips) * (length - 1), kind=[0, 2], name=["film", "synthetic"], engine=[4, 4])
    return folder


def test_it_starts_from_the_models_weights_and_leaves_masks_as_they_are() -> None:
    import torch

    from maskstream_training.model.decoder import Decoder
    from maskstream_training.model.encoder import Encoder
    from maskstream_training.refiner.every_frame import APPEARANCE, CROP, Refiner
    torch.manual_seed(0)
    encoder, refiner = Encoder(), Refiner().eval()
    refiner.take(encoder, Decoder())
    assert torch.equal(refiner.eyes.stage16[1].first[0].weight, encoder.stage16[1].first[0].weight)
    crop, prior = torch.rand(2, 3, CROP, CROP) * 255, (torch.rand(2, 1, CROP, CROP) > 0.5).float()
    with torch.no_grad():
        known = refiner.appearance(crop, prior)
        logits, rating, own = refiner(crop, prior, known)
    assert known.shape == (2, *APPEARANCE) and rating.shape == (2, 1)
    assert torch.allclose(own, known, atol=1e-5)
    assert torch.equal(logits > 0, prior > 0.5)


def test_flow_misses_as_many_masks_as_its_hardship_says(tmp_path: pathlib.Path) -> None:
    import numpy as np
    import torch

    from maskstream_training.refiner.geometry import CORRECTION
    from maskstream_training.refiner.prepare import SYNTHETIC, TRAIN
    from maskstream_training.refiner.rollout import CORRECTING, GROUPS, Clips, Tracks
    folder = write_arrays(tmp_path / "arrays")
    np.save(folder / "flows.npy", np.full_like(np.load(folder / "flows.npy"), 3))
    stays = {}
    for missed in (0.0, 1.0):
        torch.manual_seed(0)
        tracks = Tracks(Clips(folder, torch.device("cpu")), 2 * GROUPS, (TRAIN, SYNTHETIC), CORRECTION, CORRECTING._replace(missed=missed))
        before = tracks.mask.clone()
        tracks.time += 1
        tracks.carry()
        stays[missed] = torch.equal(tracks.mask, before)
    assert stays == {0.0: False, 1.0: True}


def test_it_trains_and_is_exported(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnx

    from maskstream_training.model.decoder import Decoder
    from maskstream_training.model.encoder import Encoder
    from maskstream_training.model.weights import save_weights
    from maskstream_training.refiner import export, train
    save_weights(tmp_path, {"encoder": Encoder(), "decoder": Decoder()})
    words = [write_arrays(tmp_path / "arrays"), tmp_path / "run", "--start", tmp_path, "--steps", 1, "--batch", 24]
    monkeypatch.setattr("sys.argv", ["train", *map(str, words)])
    train.main()
    monkeypatch.setattr("sys.argv", ["export", str(tmp_path / "run" / "refiner.pt"), str(tmp_path / "refiner.onnx")])
    export.main()
    shapes = {i.name: [d.dim_value for d in i.type.tensor_type.shape.dim[1:]] for i in onnx.load(str(tmp_path / "refiner.onnx")).graph.input}
    assert shapes == {"crop": [3, 160, 160], "prior": [1, 160, 160], "appearance": [100, 190]}
