"""Unpacks the training pack into arrays, renders the synthetic clips and computes every flow.

    sh native/build.sh PACK_DIR/flow.so
    python -m maskstream_training.refiner.prepare PACK_DIR OUT_DIR [--synthetic 1000] [--clips N] [--workers N]

OUT_DIR gets images.npy [F, 3, 252, 448] uint8 RGB, masks.npy [F, 252, 448] uint8 0/1, flows.npy [K, 144, 256, 2] float16
(from a frame to the one before it, in flow-grid pixels) and sequences.npz: per sequence its frames, flows, set and clip.
Every DAVIS clip gives sequences forwards, backwards and at a half, a third and a fifth of the frame rate, with several flow
engines; `tracker` is the service's own, from PACK_DIR/flow.so.
"""
import argparse
import io
import os
import tarfile
import time
from concurrent.futures import ProcessPoolExecutor

import cv2
import numpy as np

from .geometry import FLOW_HEIGHT, FLOW_WIDTH
from .native_flow import NativeFlow, luma
from .synth import HEIGHT, WIDTH, Photos, render_clip

HELD_OUT = ('dance-jump', 'drift-turn', 'flamingo', 'scooter-gray', 'rhino')
SYNTHETIC_LENGTH = 14
TRAIN, HELD, SYNTHETIC = 0, 1, 2
ENGINES = ('dis-fast-256', 'dis-medium-320', 'farneback-256', 'dis-medium-384', 'tracker-256')
TRACKER = ENGINES.index('tracker-256')
DAVIS_VARIANTS = ((1, False, 4), (1, True, 4), (2, False, 4), (2, True, 4), (3, False, 4), (3, True, 4), (5, False, 4), (5, True, 4), (1, False, 1), (2, False, 2))
"""(stride in frames, reversed, engine) of the sequences made of each DAVIS training clip."""
HELD_VARIANTS = ((1, False, 4), (2, False, 4), (1, False, 1))
SYNTHETIC_ENGINES = (4, 1, 4, 3, 4, 0, 4, 2)


def gray_at(image, width):
    """image uint8 [3, H, W] RGB -> gray at `width`, area-averaged."""
    gray = cv2.cvtColor(np.ascontiguousarray(image.transpose(1, 2, 0)), cv2.COLOR_RGB2GRAY)
    return cv2.resize(gray, (width, width * 9 // 16), interpolation=cv2.INTER_AREA)


def flow_between(engine, image, before):
    """Flow [144, 256, 2] float16 in flow-grid pixels from `image` to `before`, both [3, H, W] RGB."""
    name, width = ENGINES[engine].rsplit('-', 1)
    a, b = gray_at(image, int(width)), gray_at(before, int(width))
    if name == 'farneback':
        flow = cv2.calcOpticalFlowFarneback(a, b, None, 0.5, 4, 13, 3, 5, 1.1, 0)
    else:
        preset = cv2.DISOPTICAL_FLOW_PRESET_FAST if name == 'dis-fast' else cv2.DISOPTICAL_FLOW_PRESET_MEDIUM
        flow = cv2.DISOpticalFlow_create(preset).calc(a, b, None)
    if flow.shape[1] != FLOW_WIDTH:
        scale = FLOW_WIDTH / flow.shape[1]
        flow = cv2.resize(flow, (FLOW_WIDTH, FLOW_HEIGHT), interpolation=cv2.INTER_AREA) * scale
    return np.clip(flow, -200, 200).astype(np.float16)


def open_array(path, shape=None, dtype=None):
    """The memory-mapped array at `path`, created when a shape is given."""
    if shape is not None:
        return np.lib.format.open_memmap(path, 'w+', dtype, shape)
    return np.load(path, mmap_mode='r+')


def read_davis(pack, limit):
    """{clip: (mp4 bytes, masks bool [T, H, W])}, held-out clips first, `limit` clips at most."""
    with tarfile.open(f'{pack}/davis.tar') as tar:
        files = {m.name: tar.extractfile(m).read() for m in tar}
    names = sorted((n[:-4] for n in files if n.endswith('.mp4')), key=lambda n: (n not in HELD_OUT, n))[:limit]
    clips = {}
    for name in names:
        data = np.load(io.BytesIO(files[f'{name}.npz']))
        shape = tuple(data['shape'])
        clips[name] = (files[f'{name}.mp4'], np.unpackbits(data['bits'], count=int(np.prod(shape))).reshape(shape))
    return clips


def read_photos(pack, stride):
    """Photos of the pack, every `stride`-th one."""
    with tarfile.open(f'{pack}/photos.tar') as tar:
        files = {m.name: tar.extractfile(m).read() for m in tar}
    by_set = {}
    for name in sorted(n for n in files if n.endswith('.webp'))[::stride]:
        by_set.setdefault(name.split('/')[0], []).append((files[name], files[name[:-5] + '.png']))
    return Photos(by_set)


STATE = {}


def start_worker(out, pack, stride):
    """Notes where a worker finds its files; it opens them on first use."""
    cv2.setNumThreads(1)
    STATE.update(out=out, pack=pack, stride=stride)


def array(name):
    """A worker's view of an output array."""
    if name not in STATE:
        STATE[name] = open_array(f'{STATE["out"]}/{name}.npy')
    return STATE[name]


def do_davis(job):
    """Decodes one clip into the arrays."""
    first, data, masks = job
    path = f'{STATE["out"]}/clip-{first}.mp4'
    with open(path, 'wb') as file:
        file.write(data)
    video = cv2.VideoCapture(path)
    for t in range(len(masks)):
        ok, frame = video.read()
        if not ok:
            raise RuntimeError(f'clip at frame {first}: expected {len(masks)} frames, decoded {t}')
        array('images')[first + t] = frame[..., ::-1].transpose(2, 0, 1)
    array('masks')[first:first + len(masks)] = masks
    os.unlink(path)


def do_synthetic(job):
    """Renders one synthetic clip into the arrays."""
    first, seed = job
    if 'photos' not in STATE:
        STATE['photos'] = read_photos(STATE['pack'], STATE['stride'])
    frames, masks = render_clip(np.random.default_rng(seed), STATE['photos'], SYNTHETIC_LENGTH)
    array('images')[first:first + len(frames)] = frames.transpose(0, 3, 1, 2)
    array('masks')[first:first + len(masks)] = masks


def do_flows(job):
    """Flows of one sequence: flow k leads from frames[k + 1] to frames[k]."""
    first, frames, engine = job
    images, native = array('images'), NativeFlow(f'{STATE["pack"]}/flow.so') if engine == TRACKER else None
    for k in range(len(frames) - 1):
        before, now = images[frames[k]], images[frames[k + 1]]
        array('flows')[first + k] = flow_between(engine, now, before) if native is None else native.between(luma(before), luma(now))


def plan_sequences(clips, first_synthetic, synthetic):
    """List of (set, name, frame numbers, engine)."""
    plan, first = [], 0
    for name, (_, masks) in clips.items():
        held = name in HELD_OUT
        for stride, backwards, engine in HELD_VARIANTS if held else DAVIS_VARIANTS:
            frames = np.arange(first, first + len(masks), stride)
            plan.append((HELD if held else TRAIN, name, frames[::-1] if backwards else frames, engine))
        first += len(masks)
    for k in range(synthetic):
        frames = np.arange(SYNTHETIC_LENGTH) + first_synthetic + k * SYNTHETIC_LENGTH
        plan.append((SYNTHETIC, 'synthetic', frames[::-1] if k % 2 else frames, SYNTHETIC_ENGINES[k % len(SYNTHETIC_ENGINES)]))
    return plan


def prepare(pack, out, synthetic, limit, workers, stride):
    """Writes all arrays; see the module's text."""
    started = time.time()
    os.makedirs(out, exist_ok=True)
    clips = read_davis(pack, limit)
    real = sum(len(m) for _, m in clips.values())
    count = real + synthetic * SYNTHETIC_LENGTH
    plan = plan_sequences(clips, real, synthetic)
    firsts = np.cumsum([0] + [len(p[2]) - 1 for p in plan])
    for name, shape, dtype in (('images', (count, 3, HEIGHT, WIDTH), np.uint8), ('masks', (count, HEIGHT, WIDTH), np.uint8),
                               ('flows', (int(firsts[-1]), FLOW_HEIGHT, FLOW_WIDTH, 2), np.float16)):
        open_array(f'{out}/{name}.npy', shape, dtype).flush()
    starts = np.cumsum([0] + [len(m) for _, m in clips.values()])
    with ProcessPoolExecutor(workers, initializer=start_worker, initargs=(out, pack, stride)) as pool:
        davis = pool.map(do_davis, [(int(f), *clip) for f, clip in zip(starts, clips.values())])
        rendered = pool.map(do_synthetic, [(real + k * SYNTHETIC_LENGTH, k) for k in range(synthetic)], chunksize=4)
        list(davis), list(rendered)
        print(f'prepare: {real} real and {count - real} synthetic frames, {time.time() - started:.0f} s', flush=True)
        list(pool.map(do_flows, [(int(f), p[2], p[3]) for f, p in zip(firsts, plan)], chunksize=2))
    longest = max(len(p[2]) for p in plan)
    frames = np.stack([np.pad(p[2], (0, longest - len(p[2])), mode='edge') for p in plan])
    np.savez(f'{out}/sequences.npz', kind=[p[0] for p in plan], name=[p[1] for p in plan], engine=[p[3] for p in plan],
             frames=frames, length=[len(p[2]) for p in plan], first_flow=firsts[:-1])
    print(f'prepare: {len(plan)} sequences, {firsts[-1]} flows, {time.time() - started:.0f} s', flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('pack')
    parser.add_argument('out')
    parser.add_argument('--synthetic', type=int, default=1000, help='number of synthetic clips')
    parser.add_argument('--clips', type=int, default=99, help='DAVIS clips at most, held-out ones first')
    parser.add_argument('--photo-stride', type=int, default=1)
    parser.add_argument('--workers', type=int, default=os.cpu_count())
    args = parser.parse_args()
    prepare(args.pack, args.out, args.synthetic, args.clips, args.workers, args.photo_stride)


if __name__ == '__main__':
    main()
