"""Loss of the text head: every noun of every set counts alike, however few its pixels."""
import torch
import torch.nn.functional as F
from torch import Tensor

from .prepare import SETS
from .vocabulary import NOUNS, STREET, UNKNOWN, YES

#: A set that only says where a noun is not.
ABSENT_WEIGHT = .25
STREET_FACTOR = 1.5
BORDER_WEIGHT = 2.
MOST_POSITIVE_WEIGHT = 3.


def balance(yes: Tensor, no: Tensor) -> Tensor:
    """Weight of positives: the fourth root of what their number differs by; more of it and probabilities run too high to carry over to other streets."""
    return (no / yes.clamp(min=1)).sqrt().sqrt().clamp(1, MOST_POSITIVE_WEIGHT)


def pair_weights(device: torch.device) -> Tensor:
    weights = torch.ones(len(SETS), len(NOUNS), device=device)
    weights[SETS.index("camvid"), [NOUNS.index(n) for n in STREET]] = STREET_FACTOR
    return weights


def noun_loss(logits: Tensor, truth: Tensor, sets: Tensor, keep: Tensor) -> Tensor:
    """Balanced BCE and dice by (set, noun): small persons in a street are not lost among large ones in a studio."""
    known = (truth != UNKNOWN).float() * keep.view(-1, 1, 1, 1)
    yes = (truth == YES).float() * known
    no = known - yes
    member = F.one_hot(sets.long(), len(SETS)).float()
    sums = lambda x: member.T @ x.sum((2, 3))
    p = torch.sigmoid(logits)
    there, absent = sums(yes), sums(no)
    weight = balance(there, absent)
    bce = (weight * sums(F.softplus(-logits) * yes) + sums(F.softplus(logits) * no)) / (weight * there + absent + 1)
    hits = sums(p * yes)
    dice = 1 - (2 * hits + 1) / (hits + sums(p * no) + there + 1)
    present = (there > 0).float()
    judged = (there + absent > 0).float() * pair_weights(logits.device) * (present + ABSENT_WEIGHT * (1 - present))
    return ((4 * bce + dice * present) * judged).sum() / judged.sum().clamp(min=1)


def border_loss(logits: Tensor, border: Tensor, keep: Tensor) -> Tensor:
    known = (border != UNKNOWN).float() * keep.view(-1, 1, 1)
    yes = (border == YES).float() * known
    no = known - yes
    weight, p = balance(yes.sum(), no.sum()), torch.sigmoid(logits)
    dice = 1 - (2 * (p * yes).sum() + 1) / ((p * known).sum() + yes.sum() + 1)
    return .5 * dice + (weight * (F.softplus(-logits) * yes).sum() + (F.softplus(logits) * no).sum()) / (weight * yes.sum() + no.sum() + 1)


def loss_of(logits: Tensor, batch, keep: Tensor) -> Tensor:
    """Logits [B,nouns+1,96,96]; `keep` [B] leaves pictures out."""
    return noun_loss(logits[:, :-1], batch.truth, batch.set, keep) + BORDER_WEIGHT * border_loss(logits[:, -1], batch.border, keep)
