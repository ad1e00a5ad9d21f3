"""Random problems for the audit: every key, anchor and window, one to three labels, IDs repeated, negative and unordered."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from random import Random
from typing import get_args

from idealized_model.learning import eliminate
from proofs_check.claims.t8 import COUPLINGS, classes, steps
from proofs_check.problem import Problem
from theory import Example, FiniteLaw, HardHead, HeadClass, InvalidArgument, PlantedEnsemble, positions, support
from theory.coordinates import joined
from theory.examples import Label
from theory.guarantees import Scores
from theory.heads import Anchor, Key, View
from theory.positions import PositionScheme
from theory.support import SupportLaw

KEYS: tuple[Key, ...] = get_args(Key)
ANCHORS: tuple[Anchor, ...] = get_args(Anchor)
WINDOWS = (None, None, 0, 1, 2, 3)
SCORES: tuple[Scores, ...] = ("hard", "hard", "ranked", "soft")
PLANTED = 0.3
"""The share of problems whose laws are planted."""

ROLLOUTS = 0.03
"""The share of problems about the rollouts of one head."""

MOST = 100
"""Examples that a planted law may have."""


def drawn(rng: Random) -> Problem:
    """A random problem, with laws that are listed or planted."""
    if rng.random() < ROLLOUTS:
        return episodes(rng)
    scores: Scores = rng.choice(SCORES)
    if rng.random() < PLANTED:
        return planted(rng, scores)
    vocabulary, labels = rng.randint(1, 3), rng.randint(1, 3)
    ruled, d = rng.random() < 0.75, 1 + (rng.random() < 0.15)
    arity = rng.randint(1, 3)
    train, test = (_listed(rng, number, longest, vocabulary, labels, ruled, d) for number, longest in ((8, 5), (3, 6)))
    return Problem(_heads(rng, arity, d), train, test, scores=scores)


def _heads(rng: Random, arity: int, d: int = 1) -> HeadClass:
    """A class of heads, on IDs of d coordinates with a window and a key for all of them, or one for each."""
    each = d > 1 and rng.random() < 0.7
    window = tuple(rng.choice(WINDOWS) for _ in range(d)) if each else rng.choice(WINDOWS)
    key = tuple(rng.choice(KEYS) for _ in range(d)) if each else rng.choice(KEYS)
    return HeadClass(arity, window, key, rng.choice(ANCHORS), rng.random() < 0.2)


def _listed(rng: Random, most: int, longest: int, vocabulary: int, labels: int, ruled: bool, d: int) -> FiniteLaw:
    """A law of random examples, with labels by a rule or without."""
    weights: dict[Example, int] = {}
    for _ in range(rng.randint(1, most)):
        tokens = tuple(rng.randrange(vocabulary) for _ in range(rng.randint(1, longest)))
        label = (max(tokens) if ruled else rng.randrange(3)) % labels
        ids = joined([_ids(rng, len(tokens)) for _ in range(d)])
        weights[Example(tokens, ids, label)] = rng.randint(1, 5)
    total = sum(weights.values())
    return FiniteLaw({example: Fraction(weight, total) for example, weight in weights.items()})


def _ids(rng: Random, length: int) -> tuple[int, ...]:
    """IDs that are positions, or increase and may be negative, or repeat in any order."""
    kind = rng.random()
    if kind < 0.5:
        return tuple(range(length))
    if kind < 0.75:
        return tuple(sorted(rng.sample(range(-3, 7), length)))
    return tuple(rng.randint(-2, 3) for _ in range(length))


def planted(rng: Random, scores: Scores = "hard") -> Problem:
    """A problem of one random planting at two lengths."""
    while True:
        arity, vocabulary = rng.randint(1, 2), rng.randint(2, 3)
        noise = [rng.randint(0, 2) for _ in range(vocabulary)]
        if not any(noise):
            continue
        words = rng.sample(list(product(range(vocabulary), repeat=arity)), rng.randint(1, min(4, vocabulary**arity)))
        weights = [rng.randint(1, 3) for _ in words]
        labels = rng.randint(1, 3)
        background = [Fraction(weight, sum(noise)) for weight in noise]
        chances = {word: Fraction(weight, sum(weights)) for word, weight in zip(words, weights, strict=True)}
        target = {word: rng.randrange(labels) for word in words}
        ensemble = PlantedEnsemble(vocabulary, background, chances, target, _support(rng))
        scheme = _scheme(rng)
        short = rng.randint(arity, 4)
        try:
            train, test = (ensemble.at(length, positions=scheme) for length in (short, short + rng.randint(0, 2)))
        except InvalidArgument:  # the scheme or the support law is undefined at this length
            continue
        if max(train.size, test.size) <= MOST:
            return Problem(_heads(rng, rng.randint(1, 2)), train, test, scores=scores)


def _support(rng: Random) -> SupportLaw:
    return rng.choice((support.uniform(), support.uniform("last"), support.local(2), support.paired()))


def _scheme(rng: Random) -> PositionScheme:
    low = rng.randint(-2, 1)
    return rng.choice((
        positions.absolute(), positions.random_shift(low, low + 1), positions.random_ordered(0, 5),
        positions.coupled(positions.blocks(2), positions.absolute()), positions.chunked_shift(0, 5),
        positions.coupled(positions.blocks(2), positions.random_ordered(-1, 3)),
    ))  # fmt: skip


def episodes(rng: Random) -> Problem:
    """The steps of parity with a scratchpad, and a head that is nearly right on them or any."""
    coupling = rng.choice(COUPLINGS)
    heads, law = classes(coupling), steps(rng.randint(2, 3), coupling, shift=rng.randint(-2, 2))
    views = sorted({view for example in law.table() for view in heads.views(example)})
    labels = [*sorted(law.labels, key=repr), (2, 2)]
    nearly = rng.random() < 0.6
    answers: dict[View, Label] = dict(eliminate(heads, law.support()).answers) if nearly else {}
    answers |= {view: rng.choice(labels) for view in views if rng.random() < (0.1 if nearly else 0.6)}
    return Problem(heads, law, law, HardHead(heads, answers))
