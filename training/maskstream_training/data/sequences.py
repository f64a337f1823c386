"""Short sequences with exact masks, made on the device: a photograph or video frames, with pasted objects that move."""
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..model.encoder import SIZE
from . import shapes
from .photometric import colour, degrade, poor_film
from .shapes import affine
from .store import Store

FINE = SIZE // 4
PASTE_CHANCE = (.62, .34)
PROCEDURAL = .24      # of pasted objects
ATTACHED = .12        # pasted onto the object and moving with it: one composite object (rider and bicycle)
VANISH = .14          # of pasted objects: absent in a middle view, or from some view on
TWIN = .18            # of second pastes: a copy of the first object
ALIKE = .30           # of second pastes: of the first one's kind or class
SIBLING = .35         # of first pastes where the base object has siblings in its photograph: one of them, upon or beside it
FAR_PROMPT = .45      # of sequences: the prompt frame is not the frame before the first propagation
GAPS = (1, 1, 2, 3, 4, 5, 5, 6, 8, 10)
FRAMED = .5           # of sequences: framed as the tracker's encoder sees a keyframe, a region around the object that follows it
FRAME_SCALE = (1.3, 3.)   # of such a region, in boxes of the object
SMALL = .01           # of the square: smaller objects are framed, as the tracker frames them, but for a share of SequenceMaker's
FAST = .30            # of sequences: 5 frames a second, with jumps of up to the object's size and flow that misses it
FAST_GAPS = (5, 6, 8, 10)
FAST_OFF = 3.         # how much farther from its middle an object lies in a region that follows it
MISSED = .22          # of the steps of a fast sequence: the flow is not the object's
FARTHEST = .85        # where the middle of a jumping object may come to lie, of the half square
GROWS = .20           # of layers: grows or shrinks all along
GROWTH = 1.1          # at most, in all: natural logarithm of the scale


@dataclass
class Sequences:
    """V views of P sequences; everything but flow is flat and view-major: row v * P + p."""
    images: Tensor       # [V*P,3,384,384] 0..255
    target: Tensor       # [V*P,1,384,384] 0 or 1
    other: Tensor        # [V*P,1,96,96] a second right answer to a click: the part under it, or the whole around it
    region: Tensor       # [V*P,96,96] label ids of the base photograph (-1 where covered), to find the part under a click
    part_known: Tensor   # [V*P] the target is a whole whose parts are labelled in region
    flow: Tensor         # [V,P,96,96,2] where each pixel of view v was in view v-1 (approximate), -1..1; row 0 unused
    near: Tensor         # [P] view 0 is one keyframe before view 1, so that flow[1] means something
    fast: Tensor         # [P] few frames a second: flow[v] often misses the object


@dataclass
class Layer:
    """Geometry of one photograph or pasted object: source = crop(motion(x)); all affine, so that flow has a closed form."""
    candidate: Tensor    # [V*P] rows of the store, one a view
    crop: Tensor         # [P,2,2]
    shift: Tensor        # [P,2]
    motion: Tensor       # [V,P,2,2]; view 0 is the identity
    move: Tensor         # [V,P,2]


class SequenceMaker:
    def __init__(self, store: Store, views: int, small_whole: float = 0.):
        """small_whole: share of the small objects that are shown in the whole picture, where a click on them is first answered."""
        self.store, self.views, self.device, self.small_whole = store, views, store.device, small_whole
        self.grid = self._grid(SIZE)
        self.fine_grid = self._grid(FINE)

    def _grid(self, size: int) -> Tensor:
        axis = (torch.arange(size, device=self.device) + .5) / size * 2 - 1
        return torch.stack([axis.view(1, -1).expand(size, -1), axis.view(-1, 1).expand(-1, size)], -1)

    def _uniform(self, *shape, lo=0., hi=1.) -> Tensor:
        return torch.rand(*shape, device=self.device) * (hi - lo) + lo

    def _normal(self, *shape) -> Tensor:
        return torch.randn(*shape, device=self.device)

    def _rep(self, x: Tensor) -> Tensor:
        return x.repeat(self.views, *[1] * (x.ndim - 1))

    # -- time ---------------------------------------------------------------------------------------------------------
    def _schedule(self, count: int) -> dict:
        gap, gap_fast = (torch.tensor(gaps, device=self.device)[torch.randint(0, len(gaps), (count,), device=self.device)] for gaps in (GAPS, FAST_GAPS))
        fast = self._uniform(count) < FAST
        gap = torch.where(fast, gap_fast, gap)
        far = self._uniform(count) < FAR_PROMPT
        lead = torch.where(far, self._uniform(count, lo=11, hi=50).long(), gap)
        return dict(gap=gap, near=~far, lead=lead, side=torch.randint(0, 2, (count,), device=self.device), start=self._uniform(count),
                    framed=self._uniform(count) < FRAMED, fast=fast)

    def _times(self, candidate: Tensor, plan: dict) -> tuple[Tensor, Tensor]:
        """candidate [n] -> candidates of the views [V*n], gap [n]; a photograph stays itself."""
        first, last = self.store.first[candidate], self.store.last[candidate]
        length = last - first
        gap = torch.minimum(plan["gap"], (length // self.views).clamp(min=1))
        lead = torch.where(plan["near"], gap, torch.minimum(plan["lead"], (length - gap * (self.views - 2)).clamp(min=1)))
        free = (length - lead - gap * (self.views - 2)).clamp(min=0)
        begin = (plan["start"] * (free + 1)).long()
        rows = []
        for v in range(self.views):
            offset = begin + (0 if v == 0 else lead + gap * (v - 1))
            offset = torch.minimum(offset, length)
            rows.append(torch.where(plan["side"] == 0, first + offset, last - offset))
        return torch.cat(rows), gap

    # -- motion -------------------------------------------------------------------------------------------------------
    def _motion(self, count: int, amount: float) -> tuple[Tensor, Tensor]:
        """Random walk of scale, rotation and position, with some velocity: motion [V,n,2,2], move [V,n,2]."""
        strength = amount * min(1., 3 / max(1, self.views - 1)) ** .5 * (1 + 1.6 * (self._uniform(count) < .3).float())
        steps = self.views - 1
        walk = self._normal(steps, count, 4) + .8 * self._normal(1, count, 4)
        walk = torch.cat([torch.zeros(1, count, 4, device=self.device), walk.cumsum(0)]) * strength.view(1, -1, 1)
        size, turn = torch.exp(walk[..., 0] * .05), walk[..., 1] * .05
        stretch = torch.exp(self._normal(self.views, count) * .02)
        stretch[0] = 1
        return affine((size * stretch).flatten(), size.flatten(), turn.flatten()).view(self.views, count, 2, 2), walk[..., 2:] * .065

    def _grow(self, motion: Tensor, move: Tensor, centre: Tensor) -> tuple[Tensor, Tensor]:
        """A steady change of scale about the object's centre [n,2] (of view 0), for some of the layers."""
        count, steps = motion.shape[1], self.views - 1
        total = self._uniform(count, lo=-GROWTH, hi=GROWTH) * (self._uniform(count) < GROWS)
        along = torch.arange(self.views, device=self.device).view(-1, 1) / max(1, steps)
        scale = torch.exp(-along * total)
        return motion * scale[..., None, None], move * scale.unsqueeze(-1) + centre * (1 - scale).unsqueeze(-1)

    def _jump(self, move: Tensor, centre: Tensor, size: Tensor, fast: Tensor) -> Tensor:
        """Jumps of up to size [n,2] (in half squares) a view, the object's middle staying in the picture."""
        steps, count = self.views - 1, len(centre)
        jumps = self._uniform(steps, count, 2, lo=-1., hi=1.) * size
        jumped = move + torch.cat([torch.zeros(1, count, 2, device=self.device), jumps.cumsum(0)])
        edge = torch.maximum(centre.abs(), torch.full_like(centre, FARTHEST))
        jumped = torch.minimum(torch.maximum(jumped, centre - edge), centre + edge)
        return torch.where(fast.view(1, -1, 1), jumped, move)

    def _positions(self, layer: Layer, grid: Tensor, elastic: float) -> tuple[Tensor, Tensor]:
        """Object-frame positions and source positions of every pixel, both [V*P,h,w,2]."""
        rows, (height, width) = layer.candidate.shape[0], grid.shape[:2]
        motion, move = layer.motion.flatten(0, 1), layer.move.flatten(0, 1)
        at = torch.baddbmm(move.unsqueeze(1), grid.view(1, -1, 2).expand(rows, -1, -1), motion.transpose(1, 2)).view(rows, height, width, 2)
        if elastic:
            amount = self._uniform(rows) * (self._uniform(rows) < .5) * elastic
            amount[:rows // self.views] = 0
            bend = self._normal(rows, 2, 5, 5) * amount.view(-1, 1, 1, 1)
            at = at + F.interpolate(bend, size=(height, width), mode="bicubic", align_corners=False).permute(0, 2, 3, 1)
        return at, self._source(layer, at)

    def _source(self, layer: Layer, at: Tensor) -> Tensor:
        crop, shift = self._rep(layer.crop), self._rep(layer.shift)
        return torch.baddbmm(shift.unsqueeze(1), at.flatten(1, 2), crop.transpose(1, 2)).view_as(at)

    def _layer_flow(self, layer: Layer, gap: Tensor, side: Tensor) -> Tensor:
        """Positions in view v-1 of the pixels of view v for this layer: [V-1,n,96,96,2]."""
        views, count = layer.motion.shape[:2]
        _, source = self._positions(layer, self.fine_grid, 0.)
        source = source[count:]
        moved = source + self.store.displacement(layer.candidate[count:], gap.repeat(views - 1), side.repeat(views - 1), source)
        undo_crop = torch.linalg.inv_ex(layer.crop)[0].repeat(views - 1, 1, 1)
        at = (moved.flatten(1, 2) - layer.shift.repeat(views - 1, 1).unsqueeze(1)) @ undo_crop.transpose(1, 2)
        undo_motion = torch.linalg.inv_ex(layer.motion[:-1].flatten(0, 1))[0]
        at = (at - layer.move[:-1].flatten(0, 1).unsqueeze(1)) @ undo_motion.transpose(1, 2)
        return at.view(views - 1, count, FINE, FINE, 2)

    # -- layers -------------------------------------------------------------------------------------------------------
    def _base(self, count: int, plan: dict) -> tuple[Layer, Tensor, Tensor]:
        store = self.store
        candidate = torch.multinomial(store.base_weight, count, True)
        small = (store.box[candidate, 4] > 0) & (store.box[candidate, 4] < SMALL)
        plan["framed"] = torch.where(small, self._uniform(count) >= self.small_whole, plan["framed"])
        rows, gap = self._times(candidate, plan)
        box = store.box[candidate]
        centre = torch.stack([box[:, 0] + box[:, 2], box[:, 1] + box[:, 3]], -1) - 1
        extent = torch.maximum(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1])
        lowest = (extent * .8).clamp(.25, .95)
        scale = torch.exp(self._uniform(count) * (math.log(1.08) - lowest.log()) + lowest.log())
        scale = torch.where(self._uniform(count) < .2, torch.ones_like(scale), scale)
        aspect = torch.exp(self._normal(count) * .2)
        sides = torch.stack([(scale * aspect).clamp(.22, 1.1), (scale / aspect).clamp(.22, 1.1)], -1)
        shift = self._inside(centre + self._uniform(count, 2, lo=-.6, hi=.6) * sides, sides)
        framed = plan["framed"].view(1, -1, 1)
        region_sides, region_shift = self._regions(rows, count, plan["fast"])
        sides = torch.where(framed[0], region_sides[0], sides)
        shift = torch.where(framed[0], region_shift[0], shift)
        flip = torch.where(self._uniform(count) < .5, -1., 1.)
        crop = affine(sides[:, 0] * flip, sides[:, 1], self._normal(count) * .14 * (self._uniform(count) < .5))
        motion, move = self._motion(count, 1.)
        undo_crop = torch.linalg.inv_ex(crop)[0]
        middle = torch.einsum("nij,nj->ni", undo_crop, centre - shift).clamp(-1, 1)
        motion, move = self._grow(motion, move, middle)
        span = torch.stack([box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]], -1) / sides * 2
        # The camera's jumps are shorter: beyond its border a photograph has nothing to show.
        move = self._jump(move, middle, (span / 2).clamp(max=.35), plan["fast"])
        # Real video moves by itself: a still camera half the time, a slight one otherwise, or a region that follows the object.
        video = store.last[candidate] > store.first[candidate]
        keep = torch.where(video, .3 * (self._uniform(count) < .5), 1.)
        motion, move = self._weaken(motion, move, keep)
        follows = framed & video.view(1, -1, 1)
        motion = torch.where(follows.unsqueeze(-1), torch.diag_embed(region_sides / region_sides[:1]), motion)
        away = torch.einsum("nij,vnj->vni", undo_crop, region_shift - region_shift[:1])
        return Layer(rows, crop, shift, motion, torch.where(follows, away, move)), candidate, gap

    def _inside(self, shift: Tensor, sides: Tensor) -> Tensor:
        limit = (1 - sides).clamp(min=0)
        return torch.minimum(torch.maximum(shift, -limit), limit)

    def _regions(self, rows: Tensor, count: int, fast: Tensor) -> tuple[Tensor, Tensor]:
        """Half sides and centres of the regions around the objects, [V,n,2]; an object that is gone keeps the region before."""
        box = self.store.box[rows].view(self.views, count, -1)
        low, high = math.log(FRAME_SCALE[0]), math.log(FRAME_SCALE[1])
        factor = torch.exp(self._uniform(1, count, 1, lo=low, hi=high) + self._normal(self.views, count, 2) * .08)
        sides = ((box[..., 2:4] - box[..., :2]) * factor).clamp(.25, 1)
        off = self._uniform(self.views, count, 2, lo=-.2, hi=.2) * torch.where(fast, FAST_OFF, 1.).view(1, -1, 1)
        shift = self._inside(box[..., :2] + box[..., 2:4] - 1 + off * sides, sides)
        for v in range(1, self.views):
            seen = box[v, :, 4:5] > 0
            sides[v], shift[v] = torch.where(seen, sides[v], sides[v - 1]), torch.where(seen, shift[v], shift[v - 1])
        return sides, shift

    def _weaken(self, motion: Tensor, move: Tensor, keep: Tensor) -> tuple[Tensor, Tensor]:
        eye = torch.eye(2, device=self.device)
        return eye + (motion - eye) * keep.view(1, -1, 1, 1), move * keep.view(1, -1, 1)

    def _paste(self, candidate: Tensor, plan: dict, onto: Tensor | None) -> tuple[Layer, Tensor]:
        """onto [n,2] (or NaN): where the object must lie in view 0."""
        store, count = self.store, len(candidate)
        rows, gap = self._times(candidate, plan)
        box = store.box[candidate]
        centre = torch.stack([box[:, 0] + box[:, 2], box[:, 1] + box[:, 3]], -1) - 1
        extent = torch.maximum(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]).clamp(min=.03)
        wanted = (extent * torch.exp(self._uniform(count, lo=math.log(.4), hi=math.log(1.6)))).clamp(.1, .95)
        wanted = torch.where(plan["framed"], self._uniform(count, lo=1 / FRAME_SCALE[1], hi=1 / FRAME_SCALE[0]), wanted)
        zoom, aspect = extent / wanted, torch.exp(self._normal(count) * .2)
        flip = torch.where(self._uniform(count) < .5, -1., 1.)
        crop = affine(zoom * aspect * flip, zoom / aspect, self._normal(count) * .2)
        place = self._uniform(count, 2, lo=-.75, hi=.75) * torch.where(plan["framed"], .4, 1.).unsqueeze(1)
        place = torch.where(onto.isnan(), place, onto.nan_to_num())
        shift = centre - torch.einsum("bij,bj->bi", crop, place)
        motion, move = self._grow(*self._motion(count, 1.3), place)
        move = self._jump(move, place, (2 * wanted).clamp(max=.9).unsqueeze(-1).expand(-1, 2), plan["fast"])
        return Layer(rows, crop, shift, motion, move), gap

    def _presence(self, count: int) -> Tensor:
        """[V,n]: 0 where a pasted object has left; some return in the last view."""
        views = torch.arange(self.views, device=self.device).view(-1, 1)
        leaves = torch.randint(1, self.views, (count,), device=self.device)
        returns = self._uniform(count) < .5
        gone = (views >= leaves) & ~(returns & (views == self.views - 1) & (leaves < self.views - 1))
        return (~(gone & (self._uniform(count) < VANISH))).to(self.store.half)

    def _pasted_pixels(self, layer: Layer, count: int) -> tuple[Tensor, Tensor]:
        """Images and coverage of a pasted layer; the first PROCEDURAL share are drawn shapes under a photograph's texture."""
        store = self.store
        at, source = self._positions(layer, self.grid, .03)
        image, mask = store.sample_images(store.image_of[layer.candidate], source), store.sample_masks(layer.candidate, source)
        drawn = max(1, int(count * PROCEDURAL))
        rows = (torch.arange(self.views, device=self.device).view(-1, 1) * count + torch.arange(drawn, device=self.device)).flatten()
        coverage, shade = shapes.draw(at[rows], SIZE, self.views)
        mask = mask.index_copy(0, rows, coverage.to(mask.dtype))
        picture = torch.randint(0, store.images.shape[0], (drawn,), device=self.device)
        # A small window gives a smooth surface, a large one a busy texture.
        window = torch.exp(self._uniform(drawn, lo=math.log(.02), hi=math.log(.8)))
        texture_at = at[rows] * self._rep(window).view(-1, 1, 1, 1) + self._rep(self._uniform(drawn, 2, lo=-.5, hi=.5)).view(-1, 1, 1, 2)
        texture = store.sample_images(self._rep(picture), texture_at, "reflection")
        shaded = self._rep((self._uniform(drawn) < .6).float()).view(-1, 1, 1, 1)
        texture = (texture * (1 + (shade - 1) * shaded).to(texture.dtype)).clamp(0, 255)
        return colour(image.index_copy(0, rows, texture), .8, self.views), mask

    # -- the whole ----------------------------------------------------------------------------------------------------
    @torch.no_grad()
    def make(self, count: int) -> Sequences:
        store, views = self.store, self.views
        plan = self._schedule(count)
        base, candidate, gap = self._base(count, plan)
        elastic = 0. if views == 1 else .012
        _, source = self._positions(base, self.grid, elastic)
        image = colour(store.sample_images(store.image_of[base.candidate], source), 1., views)
        target = store.sample_masks(base.candidate, source)
        fine_source = F.avg_pool2d(source.permute(0, 3, 1, 2), 4).permute(0, 2, 3, 1)
        region = store.sample_label_ids(base.candidate, fine_source)
        inside = (fine_source.abs() <= 1).all(-1)
        parent = store.parent[candidate]
        whole = store.sample_masks(self._rep(parent.clamp(min=0)), fine_source) * self._rep((parent >= 0).float()).view(-1, 1, 1, 1).to(target.dtype)
        region = torch.where(inside, region, torch.full_like(region, -1))
        part_known = self._rep((store.kind[candidate] == 1) | (store.kind[candidate] == 4) | (store.kind[candidate] == 6))
        flow = self._layer_flow(base, gap, plan["side"])
        previous = None
        for number, chance in enumerate(PASTE_CHANCE):
            n = int(count * chance)
            if n == 0:
                continue
            rows = (torch.arange(views, device=self.device).view(-1, 1) * count + torch.arange(n, device=self.device)).flatten()
            pasted = torch.multinomial(store.paste_weight, n, True)
            onto = torch.full((n, 2), float("nan"), device=self.device)
            attached = torch.zeros(n, dtype=torch.bool, device=self.device)
            if number == 0:
                attached, onto = self._attach(target[:n], onto)
                other, some = store.sibling(candidate[:n])
                sibling = some & ~attached & (self._uniform(n) < SIBLING)
                pasted = torch.where(sibling, other, pasted)
            else:
                sibling = torch.zeros_like(attached)
                draw = self._uniform(n)
                pasted = torch.where(draw < ALIKE, store.look_alike(previous[:n]), pasted)
                pasted = torch.where(draw < TWIN, previous[:n], pasted)
            previous = pasted
            part = {k: v[:n] for k, v in plan.items()}
            layer, paste_gap = self._paste(pasted, part, onto)
            layer.motion = torch.where(attached.view(1, -1, 1, 1), base.motion[:, :n], layer.motion)
            layer.move = torch.where(attached.view(1, -1, 1), base.move[:, :n], layer.move)
            pixels, mask = self._pasted_pixels(layer, n)
            mask = mask * self._presence(n).view(-1, 1, 1, 1)
            sharp = self._rep(torch.exp(self._uniform(n, hi=1.2))).view(-1, 1, 1, 1).to(mask.dtype)
            alpha = torch.where(mask > .02, ((mask - .5) * sharp + .5).clamp(0, 1), torch.zeros_like(mask))
            below, wanted = image[rows], target[rows]
            # A sibling mostly passes before or beside the object.
            share = torch.where(sibling, .3, .72 if number == 0 else .4)
            is_target = self._rep((self._uniform(n) < share) & ~attached).view(-1, 1, 1, 1)
            hard, joined = (alpha > .5).to(mask.dtype), self._rep(attached).view(-1, 1, 1, 1)
            kept = wanted * (1 - hard)
            new_target = torch.where(joined, torch.maximum(kept, hard), torch.where(is_target, hard, kept))
            image = image.index_copy(0, rows, below + (pixels - below) * alpha)
            target = target.index_copy(0, rows, new_target)
            # A click on a pasted object may also mean the object together with what it was put on.
            fine_hard, fine_kept = F.avg_pool2d(hard, 4), F.avg_pool2d(kept, 4)
            touching = (F.max_pool2d(fine_hard, 5, 1, 2) * fine_kept).flatten(1).sum(1) > 30
            both = torch.maximum(fine_hard, fine_kept) * (touching & self._rep(self._uniform(n) < .35)).view(-1, 1, 1, 1)
            alone = fine_hard * touching.view(-1, 1, 1, 1)
            whole_below = whole[rows] * (1 - fine_hard)
            whole = whole.index_copy(0, rows, torch.where(joined, alone, torch.where(is_target, both, whole_below)))
            region = region.index_copy(0, rows, torch.where(fine_hard[:, 0] > .5, torch.full_like(region[rows], -1), region[rows]))
            part_known = part_known.index_copy(0, rows, part_known[rows] & ~(is_target | joined).flatten())
            layer_flow = self._layer_flow(layer, paste_gap, part["side"])
            missed = part["fast"].view(1, -1) & (self._uniform(views - 1, n) < MISSED)
            cover = (fine_hard.view(views, n, FINE, FINE, 1)[1:] > .5) & ~missed[..., None, None, None]
            flow[:, :n] = torch.where(cover, layer_flow, flow[:, :n])
        image = degrade(colour(poor_film(image, views), .25))
        flow = torch.cat([flow[:1], self._disturb(flow, plan["fast"])])
        return Sequences(image, (target > .5).to(target.dtype), whole, region, part_known, flow, plan["near"], plan["fast"])

    def _attach(self, target: Tensor, onto: Tensor) -> tuple[Tensor, Tensor]:
        """Which pasted objects join the base object, and a point near that object to put them at."""
        n = len(onto)
        weight = F.avg_pool2d(target.float(), 16).flatten(1)
        held = weight.sum(1) > .5
        cell = torch.multinomial(weight + 1e-6, 1)[:, 0]
        side = SIZE // 16
        point = torch.stack([cell % side, cell // side], -1).float() / side * 2 - 1 + self._normal(n, 2) * .1
        attached = held & (self._uniform(n) < ATTACHED)
        # Some others are put upon the object, too: occluders and things in hands.
        near = held & (self._uniform(n) < .3)
        return attached, torch.where((attached | near).unsqueeze(1), point, onto)

    def _disturb(self, flow: Tensor, fast: Tensor) -> Tensor:
        """Errors of an estimated flow: blurred across outlines, off by a share of the motion, lost in places. [V-1,P,h,w,2]"""
        lost = torch.where(fast, MISSED, .05).repeat(flow.shape[0])
        rows = flow.shape[0] * flow.shape[1]
        moved = (flow - self.fine_grid).flatten(0, 1).permute(0, 3, 1, 2)
        kind = self._uniform(rows).view(-1, 1, 1, 1)
        soft = F.avg_pool2d(moved, 9, 1, 4, count_include_pad=False)
        moved = torch.where(kind < .5, soft, moved)
        size = moved.abs().mean((1, 2, 3), keepdim=True)
        noise = F.interpolate(self._normal(rows, 2, 6, 6), size=(FINE, FINE), mode="bicubic", align_corners=False)
        moved = moved * (1 - .15 * self._uniform(rows).view(-1, 1, 1, 1)) + noise * (.004 + .25 * size) * self._uniform(rows).view(-1, 1, 1, 1)
        moved = torch.where((self._uniform(rows) < lost).view(-1, 1, 1, 1), torch.zeros_like(moved), moved)
        return moved.permute(0, 2, 3, 1).reshape_as(flow) + self.fine_grid
