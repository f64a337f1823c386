"""Packs the training sets small enough to travel: DAVIS clips as H.264, photographs as WebP.

    python -m maskstream_training.refiner.pack --train DIR_WITH_TARS --out PACK_DIR

Writes PACK_DIR/davis.tar (NAME.mp4, NAME.npz with `bits`, the masks of all frames packed to bits)
and PACK_DIR/photos.tar (SET/NAME.webp, SET/NAME.png: its first region map; longest side PHOTO_SIDE).
"""
import argparse
import io
import os
import subprocess
import tarfile
import tempfile

import cv2
import numpy as np

DAVIS_SETS = ('davis-train', 'davis-train-odd')
PHOTO_STRIDE = {'bsds500': 1, 'ccp': 1, 'carparts': 1, 'camvid': 2, 'human290': 1}
"""Every n-th photograph of each set is taken, to bound the size of the pack."""
PHOTO_SIDE = 320
WEBP_QUALITY = 68
H264_CRF = '21'


def members(path):
    """Yields (base name, bytes) of every file in a tar."""
    with tarfile.open(path) as tar:
        for item in tar:
            if item.isfile():
                yield os.path.basename(item.name), tar.extractfile(item).read()


def add(tar, name, data):
    """Adds `data` to an open tar under `name`."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def encode_h264(frames):
    """frames: list of uint8 [H, W, 3] BGR -> bytes of an mp4 without B-frames."""
    height, width = frames[0].shape[:2]
    path = os.path.join(tempfile.gettempdir(), f'pack-{os.getpid()}.mp4')
    command = ['ffmpeg', '-v', 'error', '-y', '-threads', '1', '-f', 'rawvideo', '-pix_fmt', 'bgr24',
               '-s', f'{width}x{height}', '-r', '24', '-i', '-', '-c:v', 'libx264', '-preset', 'medium',
               '-crf', H264_CRF, '-bf', '0', '-pix_fmt', 'yuv420p', path]
    subprocess.run(command, input=b''.join(f.tobytes() for f in frames), check=True)
    with open(path, 'rb') as file:
        data = file.read()
    os.unlink(path)
    return data


def pack_davis(train, out):
    """One mp4 and one mask file per DAVIS clip, frames of both archives in time order."""
    files = {}
    for name in DAVIS_SETS:
        files.update(members(f'{train}/{name}.tar'))
    stems = sorted(n[:-4] for n in files if n.endswith('.jpg'))
    clips = {}
    for stem in stems:
        clips.setdefault(stem.rsplit('_', 1)[0], []).append(stem)
    with tarfile.open(f'{out}/davis.tar', 'w') as tar:
        for clip, frames in clips.items():
            decode = lambda name, flag: cv2.imdecode(np.frombuffer(files[name], np.uint8), flag)
            images = [decode(f'{s}.jpg', cv2.IMREAD_COLOR) for s in frames]
            masks = np.stack([decode(f'{s}.0.png', cv2.IMREAD_UNCHANGED) > 0 for s in frames])
            buffer = io.BytesIO()
            np.savez_compressed(buffer, bits=np.packbits(masks), shape=masks.shape)
            add(tar, f'{clip}.mp4', encode_h264(images))
            add(tar, f'{clip}.npz', buffer.getvalue())


def pack_photos(train, out):
    """Photographs and their region maps, scaled to PHOTO_SIDE."""
    with tarfile.open(f'{out}/photos.tar', 'w') as tar:
        for name, stride in PHOTO_STRIDE.items():
            files = dict(members(f'{train}/{name}.tar'))
            for stem in sorted(n[:-4] for n in files if n.endswith('.jpg'))[::stride]:
                image = cv2.imdecode(np.frombuffer(files[f'{stem}.jpg'], np.uint8), cv2.IMREAD_COLOR)
                scale = PHOTO_SIDE / max(image.shape[:2])
                size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
                small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
                data = cv2.imencode('.webp', small, [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY])[1]
                add(tar, f'{name}/{stem}.webp', data.tobytes())
                labels = cv2.imdecode(np.frombuffer(files[f'{stem}.0.png'], np.uint8), cv2.IMREAD_UNCHANGED)
                labels = labels[..., 0] if labels.ndim == 3 else labels
                data = cv2.imencode('.png', cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST))[1]
                add(tar, f'{name}/{stem}.png', data.tobytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--train', required=True, help='folder with the training tars')
    parser.add_argument('--out', required=True)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    os.makedirs(args.out, exist_ok=True)
    pack_davis(args.train, args.out)
    pack_photos(args.train, args.out)
    for name in ('davis.tar', 'photos.tar'):
        print(name, round(os.path.getsize(f'{args.out}/{name}') / 2 ** 20, 1), 'MiB')


if __name__ == '__main__':
    main()
