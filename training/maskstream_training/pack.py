"""Pack the training sets small enough to travel to a GPU machine, and unpack them there.

Photographs become WebP, clips become H.264, label maps stay PNG (they must stay exact).  The recipe trains
equally well from the original files; packing only saves bytes.

    python -m maskstream_training.pack pack RAW OUT [--report DIR] [--dev DIR] [--films DIR]   # OUT/SET.tar, OUT/davis-train.tar, …
    python -m maskstream_training.pack unpack TAR RAW                                        # restores the folders that prepare.py reads

--films: the training clips as H.264 already, DIR/NAME.mp4, which travel as they are.
"""
import argparse
import io
import pathlib
import subprocess
import tarfile
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

PHOTO_SETS = ("bsds500", "camvid", "carparts", "ccp", "human290", "cats", "coco-free", "coco-research", "balloons")
VIDEO_SET = "davis-train"
WEBP_QUALITY = 60
H264_CRF = 19
REPORT_WIDTH = 448


def add_bytes(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def encode_clip(frames: list, fps: int = 24, crf: int = H264_CRF) -> bytes:
    """BGR frames of one size -> an H.264 file; odd sizes are padded by ffmpeg to even ones."""
    height, width = frames[0].shape[:2]
    command = ["ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{width}x{height}", "-r", str(fps),
               "-i", "-", "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-c:v", "libx264", "-crf", str(crf), "-preset", "medium",
               "-pix_fmt", "yuv420p", "-threads", "1", "-movflags", "frag_keyframe+empty_moov", "-f", "mp4", "-"]
    return subprocess.run(command, input=b"".join(f.tobytes() for f in frames), capture_output=True, check=True).stdout


def pack_photos(raw: pathlib.Path, out: pathlib.Path) -> None:
    def encode(path: pathlib.Path):
        image = cv2.imread(str(path))
        return path, cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY])[1].tobytes()

    for name in PHOTO_SETS:
        with tarfile.open(out / f"{name}.tar", "w") as tar, ThreadPoolExecutor(2) as pool:
            for path, data in pool.map(encode, sorted((raw / name).glob("*.jpg"))):
                add_bytes(tar, f"{name}/{path.stem}.webp", data)
            for path in sorted((raw / name).glob("*.png")):
                add_bytes(tar, f"{name}/{path.name}", path.read_bytes())
            if (raw / f"{name}.tsv").exists():
                add_bytes(tar, f"{name}.tsv", (raw / f"{name}.tsv").read_bytes())


def pack_video(raw: pathlib.Path, out: pathlib.Path, films: pathlib.Path | None) -> None:
    folder = raw / VIDEO_SET
    names = sorted({p.stem.rsplit("_", 1)[0] for p in folder.glob("*.jpg")})

    def encode(name: str):
        if films:
            return name, (films / f"{name}.mp4").read_bytes()
        return name, encode_clip([cv2.imread(str(p)) for p in sorted(folder.glob(f"{name}_[0-9]*.jpg"))])

    with tarfile.open(out / f"{VIDEO_SET}.tar", "w") as tar, ThreadPoolExecutor(2) as pool:
        for name, data in pool.map(encode, names):
            add_bytes(tar, f"{VIDEO_SET}/{name}.mp4", data)
        for path in sorted(folder.glob("*.png")):
            add_bytes(tar, f"{VIDEO_SET}/{path.name}", path.read_bytes())


def pack_clips(clips: pathlib.Path, name: str, out: pathlib.Path) -> None:
    """Clips to evaluate on, clips/NAME/{clip.mp4,masks/*.png}, labelled on every frame, as OUT/name.tar."""
    with tarfile.open(out / f"{name}.tar", "w") as tar:
        for clip in sorted(clips.iterdir()):
            pack_clip(tar, clip, name)


def pack_clip(tar: tarfile.TarFile, clip: pathlib.Path, folder: str) -> None:
    capture = cv2.VideoCapture(str(clip / "clip.mp4"))
    frames = []
    while True:
        ok, frame = capture.read()
        if not ok:
            break
        width = min(REPORT_WIDTH, frame.shape[1])
        frames.append(cv2.resize(frame, (width, round(frame.shape[0] * width / frame.shape[1])), interpolation=cv2.INTER_AREA))
    masks = sorted((clip / "masks").glob("*.png"))
    if len(masks) != len(frames):
        return  # sparsely labelled clips are not evaluated here
    add_bytes(tar, f"{folder}/{clip.name}.mp4", encode_clip(frames))
    from PIL import Image
    for path in masks:
        small = cv2.resize(np.array(Image.open(path)), (frames[0].shape[1], frames[0].shape[0]), interpolation=cv2.INTER_NEAREST)
        add_bytes(tar, f"{folder}/{clip.name}_{path.stem}.0.png", cv2.imencode(".png", small)[1].tobytes())


def unpack(archive: pathlib.Path, raw: pathlib.Path, workers: int = 16) -> None:
    with tarfile.open(archive) as tar:
        films = [raw / name for name in tar.getnames() if name.endswith(".mp4")]   # those of this archive: others may be unpacked beside it
        tar.extractall(raw, filter="data")
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(frames_of, sorted(films)))


def frames_of(clip: pathlib.Path) -> None:
    """Write the frames of DIR/NAME.mp4 as DIR/NAME_NNNNN.jpg, which is how the original archives name them."""
    labels = sorted(clip.parent.glob(f"{clip.stem}_[0-9]*.png"))
    capture = cv2.VideoCapture(str(clip))
    for label in labels:
        ok, frame = capture.read()
        if not ok:
            raise RuntimeError(f"{clip}: fewer frames than the {len(labels)} label maps")
        height, width = cv2.imread(str(label), cv2.IMREAD_UNCHANGED).shape[:2]
        cv2.imwrite(str(clip.parent / (label.name.split(".")[0] + ".jpg")), frame[:height, :width], [cv2.IMWRITE_JPEG_QUALITY, 97])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=("pack", "unpack"))
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("target", type=pathlib.Path)
    for name in ("report", "dev", "films"):
        parser.add_argument(f"--{name}", type=pathlib.Path)
    args = parser.parse_args()
    args.target.mkdir(parents=True, exist_ok=True)
    if args.verb == "pack":
        pack_photos(args.source, args.target)
        pack_video(args.source, args.target, args.films)
        for name in ("report", "dev"):
            if getattr(args, name):
                pack_clips(getattr(args, name), name, args.target)
    else:
        unpack(args.source, args.target)


if __name__ == "__main__":
    main()
