"""The shared table of small cases: ensembles, position schemes, head classes and laws that every layer is tested on.

Each is small enough to list, and each is there for a reason, which its comment says.
"""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import product
from typing import get_args

from theory import Example, FiniteLaw, HeadClass, Law, PlantedEnsemble, mixture, positions, support
from theory.examples import Label
from theory.heads import Anchor, Key
from theory.positions import PositionScheme
from theory.support import SupportLaw, SupportRule

KEYS: tuple[Key, ...] = get_args(Key)
ANCHORS: tuple[Anchor, ...] = get_args(Anchor)


def parity(arity: int, rule: SupportRule | None = None) -> PlantedEnsemble:
    """Parity of `arity` marked bits among noise: token 0 is noise, token 1 a marked 0, token 2 a marked 1."""
    words = list(product((1, 2), repeat=arity))
    return PlantedEnsemble(
        vocabulary=3,
        background=[1, 0, 0],
        planted={word: Fraction(1, len(words)) for word in words},
        target={word: sum(token == 2 for token in word) % 2 for word in words},
        support=support.uniform() if rule is None else rule,
    )


def every_set_by_width(length: int) -> SupportLaw:
    """The uniform law on all sets, written as a local law: equal as a law, another class."""
    return support.local(length - 1)


def _skewed(length: int) -> SupportLaw:
    return support.fixed({(0, 1): "1/2", (0, length - 1): "1/3", (1, length - 1): "1/6"})


def _noisy(rule: SupportRule) -> PlantedEnsemble:
    """Background that holds planted tokens, unequal weights, one word of probability 0, a label that never occurs."""
    return PlantedEnsemble(
        vocabulary=3,
        background=["1/2", "1/3", "1/6"],
        planted={(0, 1): "1/6", (1, 1): "1/2", (2, 0): "1/3", (2, 2): 0},
        target={(0, 1): "x", (1, 1): "y", (2, 0): "x", (2, 2): "z", (1, 2): "z"},
        support=rule,
        labels=["y", "x", "never"],
    )


ENSEMBLES: dict[str, PlantedEnsemble] = {
    # The simplest: one marked token says the label.
    "one": PlantedEnsemble(2, ["1/2", "1/2"], {(0,): "1/4", (1,): "3/4"}, {(0,): 0, (1,): 1}, support.uniform()),
    "parity": parity(2),
    "parity, every set by width": parity(2, every_set_by_width),
    "parity, local": parity(2, support.local(1)),
    "parity, paired": parity(2, support.paired()),
    "parity, anchored": parity(2, support.uniform("last")),
    "parity of three": parity(3),
    "noisy": _noisy(support.uniform()),
    "noisy, local": _noisy(support.local(2)),
    "noisy, skewed": _noisy(_skewed),
    # A deterministic background of a planted token, and one label for all words.
    "one label": PlantedEnsemble(2, [0, 1], {(0, 1): "1/2", (1, 0): "1/2"}, {(0, 1): 7, (1, 0): 7}, support.uniform()),
}

SCHEMES: dict[str, PositionScheme] = {
    "absolute": positions.absolute(),
    "shift": positions.random_shift(-1, 2),
    "ordered": positions.random_ordered(-2, 3),
    "chunked": positions.chunked_shift(1, 6, 2),
    "coupled": positions.coupled(positions.blocks(2)),
    "coupled, shift": positions.coupled(positions.blocks(2), positions.random_shift(0, 2)),
    "coupled, ordered": positions.coupled(positions.blocks(2), positions.random_ordered(0, 3)),
}

HEADS: list[HeadClass] = [
    HeadClass(arity, window, key, anchor)
    for arity in (1, 2, 3)
    for window in (None, 0, 1, 2)
    for key in KEYS
    for anchor in ANCHORS
]

LAWS: dict[str, Law] = {
    **{f"{name} at 4": ensemble.at(4) for name, ensemble in ENSEMBLES.items()},
    **{f"noisy at 4, {name}": ENSEMBLES["noisy, local"].at(4, positions=scheme) for name, scheme in SCHEMES.items()},
    "parity at 2": ENSEMBLES["parity"].at(2),  # no background token at all
    "mixture of lengths": mixture([(ENSEMBLES["noisy"].at(length), Fraction(length, 9)) for length in (2, 3, 4)]),
    "mixture of kinds": mixture(
        [(ENSEMBLES["parity"].at(3), "1/6"), (FiniteLaw({Example((1, 2), (5, 5), "own"): 1}), "5/6")]
    ),
    "finite": FiniteLaw({Example((0, 1), (3, 3), "a"): "2/7", Example((1,), (0,), "b"): "5/7"}, labels=["b", "a", "c"]),
}

TRANSFERS: dict[str, tuple[HeadClass, Law, Law]] = {
    # (head class, training law, test law) of one planting, on which T3 is checked head by head.
    "exchangeable": (HeadClass(2), ENSEMBLES["parity"].at(4), ENSEMBLES["parity"].at(5)),
    "exchangeable, mixture": (
        HeadClass(2),
        mixture([(ENSEMBLES["parity"].at(4), "1/3"), (ENSEMBLES["parity"].at(5), "2/3")]),
        mixture([(ENSEMBLES["parity"].at(5), "1/4"), (ENSEMBLES["parity"].at(6), "3/4")]),
    ),
    "exchangeable, by width": (
        HeadClass(2),
        ENSEMBLES["parity, every set by width"].at(4),
        ENSEMBLES["parity, every set by width"].at(6),
    ),
    "local, relative": (
        HeadClass(2, 1, "relative"),
        ENSEMBLES["parity, local"].at(4),
        ENSEMBLES["parity, local"].at(6, positions=positions.random_shift(0, 2)),
    ),
    "paired, coupled": (
        HeadClass(2, 0, "relative"),
        ENSEMBLES["parity, paired"].at(4, positions=SCHEMES["coupled"]),
        ENSEMBLES["parity, paired"].at(6, positions=SCHEMES["coupled"]),
    ),
    "anchored": (
        HeadClass(2, None, "none", "last"),
        ENSEMBLES["parity, anchored"].at(3),
        ENSEMBLES["parity, anchored"].at(5),
    ),
    "absolute, shifted": (
        HeadClass(1, None, "absolute"),
        ENSEMBLES["one"].at(2, positions=positions.random_shift(0, 2)),
        ENSEMBLES["one"].at(3, positions=positions.random_shift(0, 1)),
    ),
    "smaller arity": (HeadClass(1), ENSEMBLES["noisy"].at(3), ENSEMBLES["noisy, local"].at(4)),
    "order, chunked": (
        HeadClass(2, 3, "order"),
        ENSEMBLES["parity, local"].at(3, positions=positions.chunked_shift(0, 4, 2)),
        ENSEMBLES["parity, local"].at(4, positions=positions.chunked_shift(0, 4, 2)),
    ),
}


def example(tokens: tuple[int, ...], label: Label = 0, ids: tuple[int, ...] | None = None) -> Example:
    """An example with the IDs 0, 1, 2, ... unless said."""
    return Example(tokens, tuple(range(len(tokens))) if ids is None else ids, label)


def named(value: object) -> str:
    """A short name for a test parameter, the same in every process."""
    return re.sub(r" at 0x\w+", "", repr(value))[:60]
