"""Synthetic clips from photographs with region maps: exact masks, moving and deforming objects, occluders, light.

Four in ten clips move a whole photograph (camera and elastic motion) and follow one of its regions; the others move a
cut-out over another photograph, or over its own. Its twin may move beside it, something may pass in front. Four in ten
are as at 5 frames a second, a third are poor film, three in ten objects are small. Rendered on
the CPU, so that a real flow engine can be run on the frames afterwards and its mistakes be learned.
"""
import math

import cv2
import numpy as np

WIDTH, HEIGHT = 448, 252
SET_WEIGHT = {'bsds500': 0.14, 'ccp': 0.12, 'carparts': 0.08, 'camvid': 0.08, 'human290': 0.12, 'cats': 0.22, 'coco-free': 0.20, 'balloons': 0.04}
INSTANCE_SETS, UNKNOWN = ('cats', 'coco-free', 'balloons'), 255
"""Sets whose maps hold instance ids, and the id that is no instance."""
PROCEDURAL_SHARE = 0.12
OCCLUDER_SHARE, DISTRACTOR_SHARE, TWIN_SHARE = 0.3, 0.2, 0.35
FOLLOW_SHARE, OWN_PHOTO_SHARE, CAMOUFLAGE_SHARE = 0.4, 0.25, 0.25
WHOLE_SHARE = {'ccp': 0.65, 'carparts': 0.3}
"""How often a map of clothes or car parts is taken as one object rather than one of its parts (a car map lacks the body)."""


SLOW_SHARE, SLOW_PACE = 0.4, (1.5, 4.0)
"""Clips as at 5 frames a second, and how many times farther things go between two of their frames."""
SMALL_SHARE, SMALL_SIDE = 0.3, (0.05, 0.25)
"""Objects that are small, and their longer side in heights of the picture."""
POOR_SHARE, POOR_WIDTH, GREY_SHARE, FOG_SHARE = 0.35, (96, 288), 0.4, 0.3
"""Poor film: how many clips, how few pixels across; of these, how many are grey and how many flat."""


def uniform_log(rng, low, high):
    """A draw between low and high, even in the logarithm."""
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def decode(data, flag):
    """Image of encoded bytes."""
    return cv2.imdecode(np.frombuffer(data, np.uint8), flag)


class Photos:
    """Photographs: per set a list of encoded (image, region map), decoded when drawn."""

    def __init__(self, by_set):
        self.by_set = {k: v for k, v in by_set.items() if v}
        self.names = list(self.by_set)
        weights = np.array([SET_WEIGHT[k] for k in self.names])
        self.weights = weights / weights.sum()

    def draw(self, rng):
        """A random (set, BGR image, labels)."""
        name = self.names[rng.choice(len(self.names), p=self.weights)]
        image, labels = self.by_set[name][rng.integers(len(self.by_set[name]))]
        return name, decode(image, cv2.IMREAD_COLOR), decode(labels, cv2.IMREAD_UNCHANGED)

    def draw_object(self, rng):
        """(image, mask uint8 0/255) of a random object of 0.4 to 60 % of its photograph."""
        for _ in range(20):
            name, image, labels = self.draw(rng)
            mask = pick_region(rng, name, labels)
            if mask is not None and 0.004 < mask.mean() < 0.6:
                return image, mask.astype(np.uint8) * 255
        return image, np.full(labels.shape, 255, np.uint8)


def pick_region(rng, name, labels):
    """One object's boolean mask from a region map, or None."""
    ids = [int(i) for i in np.unique(labels) if i > 0]
    if name in INSTANCE_SETS:
        return pick_instance(rng, labels)
    if not ids:
        return None
    if name == 'camvid':
        found, parts = cv2.connectedComponents((np.isin(labels, (2, 6, 8, 9, 10)) * labels == rng.choice((2, 6, 8, 8, 9, 10))).astype(np.uint8))
        return parts == rng.integers(1, found) if found > 1 else None
    if name in WHOLE_SHARE and rng.random() > WHOLE_SHARE[name]:
        return labels == rng.choice(ids)
    if name == 'bsds500':
        mask = labels == rng.choice(ids)
        if rng.random() < 0.2:
            ring = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
            mask = mask | (labels == rng.choice(np.unique(labels[ring])))
        return mask
    return labels > 0


def pick_instance(rng, labels):
    """The mask of an instance, large ones more often, or None."""
    ids, areas = np.unique(labels[(labels > 0) & (labels != UNKNOWN)], return_counts=True)
    if not len(ids):
        return None
    return labels == rng.choice(ids, p=np.sqrt(areas) / np.sqrt(areas).sum())


def star_mask(rng, size=256):
    """A procedural shape, uint8 0/255: a wavy blob, or a thin bar."""
    y, x = np.mgrid[:size, :size].astype(np.float32) / size * 2 - 1
    if rng.random() < 0.4:
        return ((np.abs(y) < rng.uniform(0.02, 0.15)) & (np.abs(x) < 0.9)).astype(np.uint8) * 255
    angle, radius = np.arctan2(y, x), np.full_like(x, 0.5)
    for k in range(1, 7):
        radius += rng.normal() * 0.18 / math.sqrt(k) * np.cos(k * angle + rng.uniform(0, 6.3)) * rng.random()
    return (np.hypot(x, y) < np.clip(radius, 0.1, 0.95)).astype(np.uint8) * 255


class Motion:
    """A smooth path of similarity transforms about a centre, with an elastic field that changes over time."""

    def __init__(self, rng, speed, elastic, pace=1.0):
        """`pace`: how many times farther and faster it sways; it does not leave sooner."""
        fast = speed * (2.5 if rng.random() < 0.2 else uniform_log(rng, 0.2, 1.2))
        self.velocity = rng.normal(size=2) * 0.012 * fast * WIDTH
        self.sway = rng.normal(size=2) * 0.012 * fast * WIDTH * pace
        self.turn, self.grow = rng.normal() * 0.02 * fast * pace ** 0.5, rng.normal() * 0.012 * fast * pace ** 0.5
        self.phase, self.rate = rng.uniform(0, 6.3), rng.uniform(0.3, 1.2) * pace ** 0.5
        cells = (int(rng.integers(3, 7)), int(rng.integers(4, 9)))
        self.fields = [rng.normal(size=(*cells, 2)).astype(np.float32) * elastic for _ in range(2)]

    def at(self, t):
        """(angle, scale, shift [2]) at time t in frames."""
        wave = math.sin(self.phase + self.rate * t) - math.sin(self.phase)
        return self.turn * t, math.exp(self.grow * t), self.velocity * t + self.sway * wave

    def field(self, t):
        """Elastic displacement [HEIGHT, WIDTH, 2] in pixels."""
        mix = self.fields[0] * math.sin(self.rate * t) + self.fields[1] * (1 - math.cos(self.rate * t))
        return cv2.resize(mix, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


GRID = np.stack(np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32)), -1)


class Layer:
    """An image with a mask, placed in the frame with `zoom` so that its point `anchor` lies at `place`, and a motion."""

    def __init__(self, rng, image, mask, anchor, place, zoom, speed, elastic, pace=1.0):
        self.image, self.mask, self.anchor, self.place = image, mask, np.float32(anchor), np.float32(place)
        self.flip, self.zoom, self.tilt = rng.choice((-1.0, 1.0)), zoom, rng.normal() * 0.1
        self.motion = Motion(rng, speed, elastic, pace)
        self.colour = np.float32(np.exp(rng.normal() * 0.12) * (np.eye(3) + rng.normal(size=(3, 3)) * 0.04))
        self.offset = np.float32(rng.normal(size=3) * 5 + rng.normal() * 14)

    def render(self, t, border):
        """(colour float32 [H, W, 3], alpha float32 [H, W]) at time t."""
        angle, scale, shift = self.motion.at(t)
        q = GRID + self.motion.field(t) - (self.place + np.float32(shift))
        c, s = math.cos(angle + self.tilt), math.sin(angle + self.tilt)
        k = 1.0 / (self.zoom * scale)
        x = np.float32(k * self.flip) * (c * q[..., 0] + s * q[..., 1]) + self.anchor[0]
        y = np.float32(k) * (-s * q[..., 0] + c * q[..., 1]) + self.anchor[1]
        x, y = x.astype(np.float32), y.astype(np.float32)
        colour = cv2.remap(self.image, x, y, cv2.INTER_LINEAR, borderMode=border)
        alpha = cv2.remap(self.mask, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        return colour.astype(np.float32) @ self.colour.T + self.offset, alpha.astype(np.float32) / 255


def extent(mask):
    """(centre [2], longer side) of a mask's box, in its pixels."""
    ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(xs):
        return np.float32([mask.shape[1] / 2, mask.shape[0] / 2]), 20.0
    return np.float32([(xs[0] + xs[-1]) / 2, (ys[0] + ys[-1]) / 2]), float(max(xs[-1] - xs[0], ys[-1] - ys[0]) + 1)


def cut_out(rng, photos):
    """(image, mask) of a random object, or of a procedural shape with a photograph's texture."""
    image, mask = photos.draw_object(rng)
    if rng.random() < PROCEDURAL_SHARE:
        mask = cv2.resize(star_mask(rng), (image.shape[1], image.shape[0]))
    return image, mask


def elasticity(rng):
    """Standard deviation of a layer's elastic motion in pixels: mostly small, at times that of a dancer."""
    return rng.random() * (10 if rng.random() < 0.25 else 4)


def object_side(rng, low, high):
    """Longer side of an object in pixels; some are small."""
    return uniform_log(rng, *(SMALL_SIDE if rng.random() < SMALL_SHARE else (low, high))) * HEIGHT


def place_object(rng, cut, near=None, speed=1.0, pace=1.0):
    """A cut-out (image, mask) as a Layer, at `near` or anywhere."""
    image, mask = cut
    centre, side = extent(mask)
    size = object_side(rng, 0.18, 1.1)
    place = rng.uniform((0.2, 0.2), (0.8, 0.8)) * (WIDTH, HEIGHT) if near is None else near + rng.normal(size=2) * 45
    return Layer(rng, image, mask, centre, place, size / side, speed, elasticity(rng) * min(1.0, size / 60), pace)


def place_twin(rng, layer, pace=1.0):
    """The same cut-out once more beside a layer, on its way elsewhere or along with it, in nearly the same colours."""
    angle, gap = rng.uniform(0, 6.3), extent(layer.mask)[1] * layer.zoom * rng.uniform(0.4, 1.2)
    place = layer.place + np.float32([math.cos(angle), math.sin(angle)]) * gap
    copy = Layer(rng, layer.image, layer.mask, layer.anchor, place, layer.zoom * math.exp(rng.normal() * 0.15), 1.0, elasticity(rng), pace)
    if rng.random() < 0.5:
        copy.motion.velocity = layer.motion.velocity + rng.normal(size=2)
    copy.colour, copy.offset = layer.colour, layer.offset + np.float32(rng.normal() * 6)
    return copy


def camouflage(rng, layer, back):
    """Shifts a layer's colours towards the mean of the picture that it moves over."""
    inside = layer.mask > 127
    if inside.any():
        apart = back.image.reshape(-1, 3).mean(0) @ back.colour.T + back.offset - layer.image[inside].mean(0) @ layer.colour.T
        layer.offset = np.float32(layer.offset + rng.uniform(0.4, 1.0) * (apart - layer.offset))


def backdrop(rng, photos, follow, own=None, pace=1.0):
    """A photograph (`own` if given) that fills the frame; with `follow`, one of its regions is the object, kept in view."""
    if own is not None:
        image = own
    else:
        image, mask = photos.draw_object(rng) if follow else photos.draw(rng)[1:]
    cover = max(WIDTH / image.shape[1], HEIGHT / image.shape[0])
    if follow:
        centre, side = extent(mask)
        zoom = max(cover, object_side(rng, 0.25, 0.9) / side)
        place = rng.uniform((0.3, 0.3), (0.7, 0.7)) * (WIDTH, HEIGHT)
    else:
        mask = np.zeros(image.shape[:2], np.uint8)
        centre, zoom, place = np.float32([image.shape[1] / 2, image.shape[0] / 2]), cover * rng.uniform(1, 1.5), np.float32([WIDTH / 2, HEIGHT / 2])
    return Layer(rng, image, mask, centre, place, zoom, 0.8 if follow else 0.5, rng.random() * (6 if follow else 1.5), pace)


def shade(rng):
    """Light that differs over the picture and stays where it is while things move through it [H, W, 1]."""
    field = cv2.resize(rng.normal(size=(3, 4)).astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.exp(field * (0.25 * rng.random() ** 2))[..., None]


def poor_film(rng):
    """(pixels across, matrix of colours, offset) of a clip of poor film, or None."""
    if rng.random() >= POOR_SHARE:
        return None
    matrix, offset = np.eye(3, dtype=np.float32), 0.0
    if rng.random() < GREY_SHARE:
        matrix = np.full((3, 3), 1 / 3, np.float32)
    if rng.random() < FOG_SHARE:
        left = rng.uniform(0.2, 0.7)
        matrix, offset = matrix * np.float32(left), rng.uniform(60, 230) * (1 - left)
    return int(uniform_log(rng, *POOR_WIDTH)), matrix, offset


def impoverish(film, frame):
    """A uint8 frame with the colours and the few pixels of poor film."""
    width, matrix, offset = film
    small = cv2.resize(frame, (width, width * HEIGHT // WIDTH), interpolation=cv2.INTER_AREA)
    small = np.clip(small.astype(np.float32) @ matrix + np.float32(offset), 0, 255).astype(np.uint8)
    return cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)


def degrade(rng, settings, frame):
    """Blur, noise and JPEG on a uint8 BGR frame."""
    blur, noise, quality = settings
    if blur > 0.3:
        frame = cv2.GaussianBlur(frame, (0, 0), blur)
    if noise > 0.5:
        grain = rng.normal(size=(HEIGHT // 2, WIDTH // 2, 1)).astype(np.float32) * noise
        frame = np.clip(frame + cv2.resize(grain, (WIDTH, HEIGHT))[..., None], 0, 255).astype(np.uint8)
    return cv2.imdecode(cv2.imencode('.jpg', frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def render_clip(rng, photos, length):
    """(frames uint8 [T, H, W, 3] RGB, masks bool [T, H, W]) of one synthetic clip."""
    follow = rng.random() < FOLLOW_SHARE
    pace = rng.uniform(*SLOW_PACE) if rng.random() < SLOW_SHARE else 1.0
    cut = None if follow else cut_out(rng, photos)
    back = backdrop(rng, photos, follow, cut[0] if cut and rng.random() < OWN_PHOTO_SHARE else None, pace ** 0.5)
    target = back if follow else place_object(rng, cut, pace=pace)
    behind, front = [], []
    if not follow:
        if rng.random() < CAMOUFLAGE_SHARE:
            camouflage(rng, target, back)
        if rng.random() < TWIN_SHARE:
            (front if rng.random() < 0.35 else behind).append(place_twin(rng, target, pace))
        if rng.random() < DISTRACTOR_SHARE:
            behind.append(place_object(rng, cut_out(rng, photos), pace=pace))
    middle = target.place + np.float32(target.motion.at(length / 2)[2])
    if rng.random() < OCCLUDER_SHARE:
        front.append(place_object(rng, cut_out(rng, photos), middle, 2.0, pace))
    drift, hard, light = rng.normal() * 0.01, uniform_log(rng, 1.0, 3.0), shade(rng)
    film = poor_film(rng)
    settings = (max(0.0, rng.normal() * 0.8), rng.random() ** 2 * 9, int(rng.integers(45, 96)))
    frames, masks = [], []
    for t in range(length):
        picture, alpha = back.render(t, cv2.BORDER_REFLECT_101)
        visible = alpha if follow else np.zeros((HEIGHT, WIDTH), np.float32)
        for layer in behind + ([] if follow else [target]) + front:
            colour, alpha = layer.render(t, cv2.BORDER_REPLICATE)
            soft = np.clip((alpha - 0.5) * hard + 0.5, 0, 1) * (alpha > 0.02)
            picture += (colour - picture) * soft[..., None]
            visible = np.maximum(visible, soft) if layer is target else visible * (1 - soft)
        lit = np.clip(picture * light * (1 + drift * t), 0, 255).astype(np.uint8)
        frames.append(degrade(rng, settings, lit if film is None else impoverish(film, lit))[..., ::-1])
        masks.append(visible > 0.5)
    return np.stack(frames), np.stack(masks)
