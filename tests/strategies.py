"""Random small instances for the tests, in plain data: Hypothesis shrinks them to what a person would write."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import NamedTuple

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from proofs_check.strategies import examples, head_classes, laws_on, position_schemes
from theory import Example, FiniteLaw, HeadClass, InvalidArgument, Law, PlantedEnsemble, PlantedLaw, mixture
from theory import support as supports
from theory.positions import Ids
from theory.support import SupportLaw

__all__ = [
    "Question", "Transfer", "examples", "finite_laws", "heads", "ids", "laws_on", "questions", "support_laws", "transfers",
]  # fmt: skip


def heads(max_arity: int = 3, *, at_most: bool = True) -> SearchStrategy[HeadClass]:
    """Head classes of every key and anchor, with windows 0..3 or none; with `at_most` also of arity at most k."""
    return head_classes(max_arity=max_arity, max_window=3, at_most=at_most)


def ids(max_size: int = 6) -> SearchStrategy[Ids]:
    """Any IDs: in any order, with repeats, negative ones too."""
    return st.lists(st.integers(-2, 4), min_size=1, max_size=max_size).map(tuple)


class Question(NamedTuple):
    """What `decide` is asked."""

    heads: HeadClass
    train: list[Example]
    test: list[Example]


@st.composite
def questions(draw: DrawFn) -> Question:
    """A head class with training and test examples that share most of their views."""
    own = examples(vocabulary=draw(st.integers(1, 3)), n_labels=draw(st.integers(1, 3)))
    train = draw(st.lists(own, min_size=1, max_size=4))
    test = draw(st.lists(st.one_of(own, st.sampled_from(train)), min_size=1, max_size=3))
    return Question(draw(heads(max_arity=2)), train, test)


@st.composite
def finite_laws(draw: DrawFn, *, n_labels: int = 2) -> FiniteLaw:
    """Laws on a few examples."""
    items = draw(st.lists(examples(n_labels=n_labels), min_size=1, max_size=4, unique=True))
    return FiniteLaw(draw(laws_on(items)))


@st.composite
def support_laws(draw: DrawFn, length: int, arity: int) -> SupportLaw:
    """Every kind of support law, and explicit ones on some of the sets."""
    kind = draw(st.sampled_from(["uniform", "last", "local", "fixed"]))
    if kind == "local":
        return supports.local(draw(st.integers(arity - 1, length)))
    if kind == "fixed":
        sets = list(combinations(range(length), arity))
        chosen = draw(st.lists(st.sampled_from(sets), min_size=1, max_size=3, unique=True))
        return supports.fixed(draw(laws_on(chosen)))
    return supports.uniform("last" if kind == "last" else "none")


class Transfer(NamedTuple):
    """What `coverage` is asked."""

    heads: HeadClass
    train: Law
    test: Law


@st.composite
def transfers(draw: DrawFn, max_length: int = 4) -> Transfer:
    """A head class, and training and test laws of one random planting under random supports, schemes and lengths."""
    arity, vocabulary = draw(st.integers(1, 2)), draw(st.integers(2, 3))
    tokens = st.integers(0, vocabulary - 1)
    words = draw(st.lists(st.tuples(*[tokens] * arity), min_size=1, max_size=3, unique=True))
    noise = draw(laws_on(draw(st.lists(tokens, min_size=1, max_size=2, unique=True))))
    planted = draw(laws_on(words))
    target = {word: draw(st.integers(0, 1)) for word in words}

    def law(shortest: int) -> PlantedLaw:
        length = draw(st.integers(max(arity, shortest), max_length))
        background = [noise.get(t, Fraction(0)) for t in range(vocabulary)]
        own = PlantedEnsemble(vocabulary, background, planted, target, draw(support_laws(length, arity)), [0, 1])
        try:
            return own.at(length, positions=draw(position_schemes(max_id=4)))
        except InvalidArgument:  # the scheme is undefined at this length
            assume(False)
            raise

    if draw(st.booleans()):
        share = Fraction(1, draw(st.integers(2, 4)))
        train = mixture([(law(1), share), (law(2), 1 - share)])
    else:
        train = law(1)
    test = law(2)
    assume(train.size <= 600)
    assume(test.size <= 600)
    return Transfer(draw(heads(max_arity=2, at_most=False)), train, test)
