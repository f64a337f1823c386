"""Packs the training sets small enough to travel: DAVIS clips as H.264, photographs as WebP.

    python -m maskstream_training.refiner.pack --train DIR_WITH_TARS --out PACK_DIR

Writes PACK_DIR/davis.tar (NAME.mp4, NAME.npz with `bits`, the masks of all frames packed to bits)
and PACK_DIR/photos.tar (SET/NAME.webp, SET/NAME.png: its first region map; longest side PHOTO_SIDE). The photographs that
the model's recipe keeps back (data/instances.py) are left out.
"""
import argparse
import io
import os
import tarfile

import cv2
import numpy as np

from ..data.instances import KEPT_BACK, kept_back

PHOTO_STRIDE = {'bsds500': 1, 'ccp': 2, 'carparts': 2, 'camvid': 2, 'human290': 1, 'cats': 1, 'coco-free': 1, 'balloons': 1}
"""Every n-th photograph of each set is taken, to bound the size of the pack."""
PHOTO_SIDE = 320
WEBP_QUALITY = 60


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


def pack_davis(train, out):
    """One mp4, as it is, and one mask file per DAVIS clip."""
    files = dict(members(f'{train}/davis-train.tar'))
    with tarfile.open(f'{out}/davis.tar', 'w') as tar:
        for clip in sorted(n[:-4] for n in files if n.endswith('.mp4')):
            maps = sorted(n for n in files if n.startswith(f'{clip}_') and n.endswith('.0.png'))
            masks = np.stack([cv2.imdecode(np.frombuffer(files[n], np.uint8), cv2.IMREAD_UNCHANGED) > 0 for n in maps])
            buffer = io.BytesIO()
            np.savez_compressed(buffer, bits=np.packbits(masks), shape=masks.shape)
            add(tar, f'{clip}.mp4', files[f'{clip}.mp4'])
            add(tar, f'{clip}.npz', buffer.getvalue())


def pack_photos(train, out):
    """Photographs and their region maps, scaled to PHOTO_SIDE."""
    with tarfile.open(f'{out}/photos.tar', 'w') as tar:
        for name, stride in PHOTO_STRIDE.items():
            files = dict(members(f'{train}/{name}.tar'))
            stems = sorted(n[:-4] for n in files if n.endswith('.jpg'))
            measured = kept_back(name, stems) if name in KEPT_BACK else ()
            for stem in [stem for stem in stems if stem not in measured][::stride]:
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
