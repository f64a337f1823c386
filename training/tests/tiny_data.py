"""Tiny sets in the layout that the recipe reads: shapes on noise, a film of a moving disc."""
import pathlib

import cv2
import numpy as np

SIDE = (96, 128)          # height, width
PHOTOGRAPHS = 10
FRAMES = 8
FILMS = ("hike", "dance-jump", "drift-turn", "flamingo", "scooter-gray", "rhino")   # one that is trained on; the others are held out
UNKNOWN = 255


def picture(rng: np.random.Generator) -> np.ndarray:
    coarse = rng.integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return cv2.resize(coarse, SIDE[::-1], interpolation=cv2.INTER_CUBIC)


def with_shapes(image: np.ndarray, rng: np.random.Generator, count: int) -> np.ndarray:
    """Draws `count` discs on the picture; their ids as a label map."""
    labels = np.zeros(SIDE, np.uint8)
    for i in range(1, count + 1):
        centre = (int(rng.integers(20, SIDE[1] - 20)), int(rng.integers(20, SIDE[0] - 20)))
        radius, colour = int(rng.integers(10, 18)), tuple(int(c) for c in rng.integers(0, 256, 3))
        cv2.circle(image, centre, radius, colour, -1)
        cv2.circle(labels, centre, radius, i, -1)
    return labels


def write(folder: pathlib.Path, stem: str, image: np.ndarray, labels: np.ndarray) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / f"{stem}.jpg"), image)
    cv2.imwrite(str(folder / f"{stem}.0.png"), labels)


def write_instances(raw: pathlib.Path, name: str, classes: tuple[str, ...], count: int, rng: np.random.Generator) -> None:
    lines = ["name\tid\tclass\tcomplete\tpixels"]
    for k in range(count):
        image = picture(rng)
        labels = with_shapes(image, rng, 3)
        labels[:8, :8] = UNKNOWN
        write(raw / name, f"{k:04d}", image, labels)
        lines += [f"{k:04d}\t{i}\t{classes[i % len(classes)]}\tyes\t{int((labels == i).sum())}" for i in (1, 2, 3)]
    (raw / f"{name}.tsv").write_text("\n".join(lines) + "\n")


def write_film(raw: pathlib.Path, name: str, rng: np.random.Generator) -> None:
    ground = picture(rng)
    for t in range(FRAMES):
        image, labels = ground.copy(), np.zeros(SIDE, np.uint8)
        for target, value in ((image, (30, 200, 240)), (labels, 1)):
            cv2.circle(target, (30 + 6 * t, 48), 14, value, -1)
        write(raw / "davis-train", f"{name}_{t:05d}", image, labels)


def write_sets(raw: pathlib.Path) -> pathlib.Path:
    """Every kind of set; more photographs of the instance sets than are kept back of them."""
    rng = np.random.default_rng(0)
    for name, prefix, count in (("bsds500", "", 4), ("carparts", "", 4), ("ccp", "", 4), ("human290", "", 1), ("camvid", "0016E5_", 9)):
        for k in range(PHOTOGRAPHS):
            image = picture(rng)
            write(raw / name, f"{prefix}{k:04d}", image, with_shapes(image, rng, count))
    for prefix in ("0001TP_", "Seq05VD_"):   # the text head's test and validation sequences
        image = picture(rng)
        write(raw / "camvid", f"{prefix}0000", image, with_shapes(image, rng, 9))
    for name, classes, count in (("balloons", ("balloon",), 8), ("coco-free", ("cup", "person"), 35)):
        write_instances(raw, name, classes, count, rng)
    for film in FILMS:
        write_film(raw, film, rng)
    return raw
