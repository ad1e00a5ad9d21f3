"""What the code says of a problem, and what the judge is asked to hold against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import inf
from random import Random
from typing import Any, TypeAlias

import numpy as np

from idealized_model import SparseAttentionHead
from idealized_model.risk import risk
from proofs_check.audit import language
from proofs_check.audit.kept import least
from proofs_check.claims.t8 import rollout
from proofs_check.problem import Problem
from theory import Example, HardHead, Law, Verdict, coverage, decide, retention
from theory.coordinates import Ids
from theory.examples import Label
from theory.guarantees import Guarantees, guarantees
from theory.heads import HeadClass, View, by_size
from theory.planted import PlantedLaw
from theory.ranked import RankedHead
from theory.retention_factor import Factor
from theory.soft import SoftGuarantees, SoftHead

Tokens: TypeAlias = tuple[int, ...]

SMALL = 150
"""Candidate sets, in both laws together, up to which the judge decides by itself; beyond it checks a certificate."""

DENSITIES = (0.3, 0.8)
"""The shares of views that heads score which κ0 and t are held against."""

OUTCOMES = ("unrealizable", "generalizes", "unseen", "flip", "abstains")


@dataclass(frozen=True)
class Part:
    """One request, with what the code expects for an answer.

    Attributes
    ----------
    name : what it is about.
    request : the line that asks, after lines that say what about.
    expected : the answer that the code gives.
    read : what of the judge's answer is compared.
    """

    name: str
    request: str
    expected: str
    read: Callable[[str], str] = str.strip


@dataclass(frozen=True)
class Question:
    """What code and judge must agree on, part by part.

    Attributes
    ----------
    kind : what it is about, for the counts.
    about : the lines that say what the requests are about.
    """

    kind: str
    about: str
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """What the judge reads."""
        return "\n".join((self.about, *(part.request for part in self.parts), ""))

    def differences(self, answers: Sequence[str]) -> dict[str, tuple[str, str]]:
        """{part: (what the code says, what the judge says)} where an answer is another one."""
        judged = [(part, part.read(answer)) for part, answer in zip(self.parts, answers, strict=True)]
        return {part.name: (part.expected, said) for part, said in judged if said != part.expected}


def questions(problem: Problem) -> Iterator[Question]:
    """Everything that the judge can be asked about a problem."""
    if problem.head is not None:
        yield from given(problem, problem.head)
        return
    if problem.ranked is not None:
        yield ranking(problem, problem.ranked)
    yield {"hard": hard, "ranked": ranked, "soft": soft}[problem.scores](problem)
    laws = (problem.train, problem.test)
    if n_cells(problem) > SMALL:
        return
    if problem.scores == "hard":
        yield scored(problem)
    if language.n_coordinates(*laws) == 1 and all(isinstance(law, PlantedLaw) for law in laws):
        yield planted(problem)
        if problem.scores == "hard" and not problem.heads.at_most:
            yield transfer(problem)


def hard(problem: Problem) -> Question:
    """T1's verdict: outcome, reason and example, the guaranteed share, the losses of the counterexample, the certificate."""
    heads, train, test = problem.heads, problem.train, problem.test
    verdict = decide(heads, train=train, test=test)
    number, about = _about(problem)
    outcome = verdict.reason or verdict.outcome
    assert outcome in OUTCOMES
    law = train if outcome == "unrealizable" else test
    place = _place(verdict, law)
    parts = []
    small = n_cells(problem) <= SMALL
    if small:
        parts.append(Part("verdict", "decide", _expected(verdict, _first_alike(heads, law, place)), _without_losses))
        parts.append(Part("guarantees", "guaranteed hard", _flags(guarantees(heads, train=train, test=test))))
        for name, own in (("train", train), ("test", test)):
            for i, example in enumerate(own.table()):
                shown = language.views_of(heads, example)
                parts.append(Part(f"views in {name}", f"views {name} {i}", shown, language.sorted_views))
    if isinstance(verdict.counterexample, HardHead):
        about += ["", *language.head(verdict.counterexample.answers, number)]
        if small:
            parts.append(Part("losses of its head", "losses", f"{verdict.train_loss} {verdict.test_loss}"))
        certificate = f"head {place}"
    elif outcome == "unrealizable":
        certificate = f"conflict {place}"
    else:
        certificate = f"domination {language.words(dominators(heads, train, test))}"
    parts.append(Part("certificate", f"certify {certificate}", "accepted"))
    how = "" if small else ", by certificate"
    return Question(f"hard{how}: {outcome}", "\n".join(about), tuple(parts))


def given(problem: Problem, head: HardHead) -> Iterator[Question]:
    """The losses of the head of a problem, and its free-running rollouts where the test law is one of steps (T8)."""
    number, about = _about(problem, head.answers.values())
    attending = SoftHead(head.heads, {view: (1, {label: 1}) for view, label in head.answers.items()})
    about += ["", *language.soft_head(attending.answers, number)]
    exact = " ".join(str(risk(head, law).loss) for law in (problem.train, problem.test))
    parts = [Part("losses of the head", "losses soft", exact)]
    if (steps := Steps.of(problem.test)) is not None:
        flags = [rollout(SparseAttentionHead.hard(head), prompt, steps.truth) for prompt in steps.prompts]
        parts.append(Part("rollouts", "answers greedy", _yes(flags), partial(steps.judged, number=number)))
    yield Question("a given head" + ", rollouts" * (len(parts) > 1), "\n".join(about), tuple(parts))


def ranking(problem: Problem, head: RankedHead) -> Question:
    """The losses and the answers of the ranked head of a problem."""
    number, about = _about(problem, head.answers.values())
    about += ["", *language.head(head.answers, number, ranked=True)]
    losses = (
        sum((weight * head.loss(e) for e, weight in law.table().items()), Fraction(0)) / law.denominator
        for law in (problem.train, problem.test)
    )
    parts = (
        Part("losses of the head", "losses ranked", " ".join(map(str, losses))),
        Part("answers of the head", "answers ranked", _answers(head, problem.test, number)),
    )
    return Question("a given ranked head", "\n".join(about), parts)


@dataclass(frozen=True)
class Steps:
    """Steps of episodes: each prompt is followed by what the labels (token, ID increment) add to it.

    Attributes
    ----------
    prompts : the examples that continue no other one.
    truth : {(tokens, IDs): label}.
    """

    prompts: tuple[Example, ...]
    truth: dict[tuple[Tokens, Ids], Any]

    @classmethod
    def of(cls, law: Law) -> Steps | None:
        """The steps of a law; None where no example continues another one."""
        table = list(law.table())
        truth: dict[tuple[Tokens, Ids], Any] = {}
        for example in table:
            step = example.label if isinstance(example.label, tuple) else ()
            if len(step) != 2 or not all(isinstance(own, int) for own in (*step, example.ids[-1])):
                return None
            truth[example.tokens, example.ids] = step
        later = {_continued(*prefix, label) for prefix, label in truth.items()} & truth.keys()
        prompts = tuple(example for example in table if (example.tokens, example.ids) not in later)
        return cls(prompts, truth) if later else None

    def judged(self, answers: str, *, number: dict[Label, int]) -> str:
        """Of each prompt whether the answers to all of its prefixes are right, from what the judge answers to each."""
        said = dict(zip(self.truth, answers.split(), strict=True))
        flags = []
        for prompt in self.prompts:
            prefix, right = (prompt.tokens, prompt.ids), True
            while right and prefix in self.truth:
                right = said[prefix] == str(number[self.truth[prefix]])
                prefix = _continued(*prefix, self.truth[prefix])
            flags.append(right)
        return _yes(flags)


def _continued(tokens: Tokens, ids: Ids, label: tuple[int, int]) -> tuple[Tokens, Ids]:
    return (*tokens, label[0]), (*ids, ids[-1] + label[1])


def scored(problem: Problem) -> Question:
    """Exact losses of random soft heads under both laws, by whatever routes the code takes (T10).

    Under planted laws also of heads without key, window and anchor, for which there are shorter ones.
    """
    laws = (problem.train, problem.test)
    number, about = _about(problem)
    asked = [(problem.heads, False)]
    if isinstance(problem.train, PlantedLaw) and language.n_coordinates(*laws) == 1:
        asked += [(HeadClass(problem.heads.arity), False), (HeadClass(problem.heads.arity), True)]
    parts = []
    for heads, order_free in asked:
        own = soft_one(heads, laws, number, order_free=order_free)
        score = {view: answer[0] for view, answer in own.answers.items()}
        value = {view: answer[1] for view, answer in own.answers.items()}
        found = [risk(SparseAttentionHead(heads, score=score, value=value), law) for law in laws]
        lines = (language.head_class(heads, language.n_coordinates(*laws)), *language.soft_head(own.answers, number))
        routes = " and ".join(dict.fromkeys(one.route for one in found))
        request = "\n".join((*lines, "losses soft"))
        parts.append(Part(f"losses by {routes}", request, " ".join(str(one.loss) for one in found)))
    return Question("a soft head", "\n".join(about), tuple(parts))


def soft_one(
    heads: HeadClass, laws: Iterable[Law], labels: Iterable[Label], *, density: float = 0.8, order_free: bool = False
) -> SoftHead:
    """A random soft head on the views of some laws, the same each time.

    Parameters
    ----------
    density : the probability that a view is scored.
    order_free : whether its answers ignore the order of tokens.
    """
    views = sorted({view for law in laws for example in law.table() for view in heads.views(example)}, key=by_size)
    rng, known = Random(f"{len(views)} {density} {order_free}"), list(labels)
    answers: dict[Any, tuple[Fraction, dict[Label, Fraction]] | None] = {}
    for view in views:
        seen = (tuple(sorted(view.tokens)), view.key) if order_free else view
        if seen not in answers:
            share = Fraction(rng.randint(1, 3), 3)
            shares = {rng.choice(known): share, (label := rng.choice(known)): 1 - share}
            shares[label] = 1 - sum((p for other, p in shares.items() if other != label), Fraction(0))
            answers[seen] = (Fraction(rng.randint(1, 4), 2), shares) if rng.random() < density else None
    named = {view: answers[(tuple(sorted(view.tokens)), view.key) if order_free else view] for view in views}
    return SoftHead(heads, {view: own for view, own in named.items() if own is not None})


def planted(problem: Problem) -> Question:
    """Planted laws: the placements, and `PlantedEnsemble.at`, mass by mass."""
    _, about, laws = _about_planted(problem)
    parts = []
    for name, law in laws:
        if (listing := language.listing(name, law)) is not None:
            parts.append(Part(f"placements in {name}", listing, "accepted"))
        parts.append(Part(f"{name} law", f"planted {name}", "accepted"))
    return Question("planted laws", "\n".join(about), tuple(parts))


def transfer(problem: Problem) -> Question:
    """T3 and T11: pattern masses one by one, κ and N_T, κ0 and t by weights on kept sets."""
    (train, test), heads = problem.planted, problem.heads
    number, about, _ = _about_planted(problem)
    found = coverage(heads, train=train, test=test)
    bounds = {
        "κ0": ("kappa0", Factor(found.kappa0, found.kappa0_lower), least(heads, train, test, survive=False)),
        "t": ("retention", retention(heads, train=train, test=test), least(heads, train, test, survive=True)),
    }
    parts = [
        Part(
            "pattern masses", "patterns", language.patterns(found.masses, train.ensemble.arity), language.sorted_views
        ),
        Part("κ and N_T", "kappa", f"kappa {found.kappa} candidates {found.candidates}"),
    ]
    missing = []
    for name, (request, factor, weights) in bounds.items():
        if weights is None or weights.t > factor.value:
            missing += [name] * (factor.value < inf)
            continue
        lines = "\n".join(language.kept(weights, test))
        if factor.value < inf:
            parts.append(Part(name, f"{lines}\n{request} {factor.value}", "accepted"))
        if weights.t < factor.lower:  # so it is not, or the weights are wrong
            parts.append(Part(f"least {name}", f"{lines}\n{request} {weights.t}", "refused"))
    for density in DENSITIES:
        own = soft_one(heads, (train, test), number, density=density)
        abstaining = {
            view: (score, dict.fromkeys(number, 1)) for view, (score, _) in own.answers.items()
        }  # right, or silent
        for name, about_what, answers in (("t", "a soft head", own.answers), ("κ0", "abstentions", abstaining)):
            if (most := bounds[name][1].value) < inf:
                head = "\n".join(language.soft_head(answers, number))
                read = partial(_within, factor=Fraction(most))
                parts.append(Part(f"{name} for {about_what}", f"{head}\nlosses soft", "within", read))
    without = f", {' and '.join(missing)} without certificate" if missing else ""
    return Question(f"κ, κ0 and t{without}", "\n".join(about), tuple(parts))


def _within(losses: str, *, factor: Fraction) -> str:
    """Whether the second loss is at most so many times the first."""
    trained, tested = map(Fraction, losses.split())
    return "within" if tested <= factor * trained else f"{tested} > {factor} x {trained}"


def ranked(problem: Problem) -> Question:
    """T13's verdict and its share, which test examples are guaranteed, the losses and answers of heads, and certificates."""
    heads, train, test = problem.heads, problem.train, problem.test
    verdict = decide(heads, train=train, test=test, scores="ranked")
    found = guarantees(heads, train=train, test=test, scores="ranked")
    number, about = _about(problem)
    small, parts = n_cells(problem) <= SMALL, []
    if small:
        parts.append(Part("verdict", "decide ranked", _shared(verdict)))
        parts.append(Part("guarantees", "guaranteed ranked", _flags(found)))
    cases = [(heads.views(example), example.label) for example in train.table()]
    flags = _certain(verdict, found)
    if verdict.outcome == "unrealizable":
        left = sorted({*rest(cases), _place(verdict, train)})  # the example that the verdict names is one of them
        parts.append(Part("certificate", f"certify ranked stuck {language.words(left)}", "accepted"))
    else:
        parts.append(Part("share", f"share {_yes(flags)}", str(verdict.guaranteed)))
    if isinstance(verdict.counterexample, RankedHead):
        lines = [*language.head(verdict.counterexample.answers, number, ranked=True), "losses ranked"]
        parts.append(Part("losses of its head", "\n".join(lines), f"{verdict.train_loss} {verdict.test_loss}"))
        parts.append(Part("its example", f"certify ranked head {_place(verdict, test)}", "accepted"))
    for row, example in enumerate(test.table()) if verdict.outcome != "unrealizable" else ():
        if flags[row]:
            left = rest(cases, heads.views(example))
            parts.append(Part("rest", f"certify ranked rest {row} {language.words(left)}", "accepted"))
        else:
            head, mass = found.erring(row)
            assert isinstance(head, RankedHead)
            lines = [*language.head(head.answers, number, ranked=True), "losses ranked"]
            parts.append(Part("losses of a head", "\n".join(lines), f"0 {mass}"))
            parts.append(Part("answers of a head", "answers ranked", _answers(head, test, number)))
            parts.append(Part("counterexample", f"certify ranked head {row}", "accepted"))
    how = "" if small else ", by certificate"
    return Question(f"ranked{how}: {verdict.outcome}", "\n".join(about), tuple(parts))


def rest(cases: Sequence[tuple[frozenset[View], Label]], without: frozenset[View] = frozenset()) -> list[int]:
    """What the closure without some views leaves of training examples, by number.

    Examples
    --------
    >>> a, b = View((0,), ()), View((1,), ())
    >>> rest([(frozenset({a}), 0), (frozenset({a, b}), 1)]), rest([(frozenset({a}), 0), (frozenset({a, b}), 1)], frozenset({b}))
    ([], [0, 1])
    """
    left = list(range(len(cases)))
    while True:
        labels: dict[View, set[Label]] = {}
        for i in left:
            for view in cases[i][0] - without:
                labels.setdefault(view, set()).add(cases[i][1])
        placed = {view for view, own in labels.items() if len(own) == 1}
        if not placed:
            return left
        left = [i for i in left if not cases[i][0] & placed]


def soft(problem: Problem) -> Question:
    """T14's verdict by certificates: a combination of rays for each guaranteed example, a head against each other one."""
    heads, train, test = problem.heads, problem.train, problem.test
    verdict = decide(heads, train=train, test=test, scores="soft")
    found = guarantees(heads, train=train, test=test, scores="soft")
    number, about = _about(problem)
    criterion, parts = found.criterion, list[Part]()
    assert isinstance(criterion, SoftGuarantees)
    flags, realizable = _certain(verdict, found), verdict.outcome != "unrealizable"
    if len(number) == 1:
        vacuous = _yes([True] * len(flags))  # where no head is perfect, and all are right
        parts.append(Part("guarantees", "guaranteed soft", _flags(found) if realizable else vacuous))
    elif realizable:
        assert criterion.weights is not None
        views = found.seen.views(np.arange(len(criterion.weights)))
        lines = [*language.matrix(criterion.weights, views, list(number.values())), "certify soft perfect"]
        parts.append(Part("a perfect head", "\n".join(lines), "accepted"))
    else:
        own = {term.example for term in criterion.combination}
        terms = criterion.combination if _place(verdict, train) in own else ()  # none is refused
        lines = [*language.terms({0: terms}), "certify soft cancels"]
        parts.append(Part("combination that cancels", "\n".join(lines), "accepted"))
    if realizable:
        parts.append(Part("share", f"share {_yes(flags)}", str(verdict.guaranteed)))
    if isinstance(verdict.counterexample, SoftHead):
        lines = [*language.soft_head(verdict.counterexample.answers, number), "losses greedy"]
        parts.append(Part("losses of its head", "\n".join(lines), f"{verdict.train_loss} {verdict.test_loss}"))
        if len(number) > 1:
            parts.append(Part("its example", f"certify soft head {_place(verdict, test)}", "accepted"))
    for row, certain in enumerate(flags) if realizable else ():
        if not certain:
            head, mass = found.erring(row)
            assert isinstance(head, SoftHead)
            lines = [*language.soft_head(head.answers, number), "losses greedy"]
            parts.append(Part("losses of a head", "\n".join(lines), f"0 {mass}"))
            parts.append(Part("answers of a head", "answers greedy", _answers(head, test, number)))
            if len(number) > 1:
                parts.append(Part("counterexample", f"certify soft head {row}", "accepted"))
        elif len(number) > 1:
            lines = [*language.terms(criterion.certificate(row)), f"certify soft cone {row}"]
            parts.append(Part("cone", "\n".join(lines), "accepted"))
    return Question(f"soft: {verdict.outcome}", "\n".join(about), tuple(parts))


def _certain(verdict: Verdict, found: Guarantees) -> list[bool]:
    """Of each test example whether the code says that it is guaranteed: all of them, where the verdict is that."""
    flags: list[bool] = found.criterion.guaranteed.tolist()
    return [True] * len(flags) if verdict.outcome == "generalizes" else flags


def _place(verdict: Verdict, law: Law) -> int:
    """The number of the example that a verdict names; -1 for none."""
    return -1 if verdict.example is None else [*law.table()].index(verdict.example)


def _shared(verdict: Verdict) -> str:
    """The judge's words for the verdict about ranked heads."""
    if verdict.outcome == "unrealizable":
        return "unrealizable"
    return f"{verdict.outcome} share {verdict.guaranteed}"


def _flags(found: Guarantees) -> str:
    """Of each test example, whether it is guaranteed."""
    return _yes(found.criterion.guaranteed.tolist()) if found.realizable else "unrealizable"


def _yes(flags: Iterable[bool]) -> str:
    """The judge's words for truth values."""
    return " ".join("yes" if own else "no" for own in flags)


def _answers(head: RankedHead | SoftHead, test: Law, number: dict[Label, int]) -> str:
    """The answer of a head to each test example."""
    said = (head.answer(e.tokens, e.ids) if isinstance(head, RankedHead) else head.answer(e) for e in test.table())
    return " ".join("-" if label is None else str(number[label]) for label in said)


def _about(problem: Problem, more: Iterable[Label] = ()) -> tuple[dict[Label, int], list[str]]:
    """Numbers of the labels, and the lines of the class, of both laws and of the labels."""
    number = language.numbering(problem.train, problem.test)
    for label in more:
        number.setdefault(label, len(number))
    d = language.n_coordinates(problem.train, problem.test)
    return number, [
        language.head_class(problem.heads, d), *language.law("train", problem.train, number),
        *language.law("test", problem.test, number), f"labels {language.words(number.values())}",
    ]  # fmt: skip


def _about_planted(problem: Problem) -> tuple[dict[Label, int], list[str], tuple[tuple[str, PlantedLaw], ...]]:
    """The same with the planting and the placements, and the laws by name."""
    train, test = problem.planted
    number, about = _about(problem)
    laws = (("train", train), ("test", test))
    about += language.planting(train.ensemble, number)
    return number, about + [line for name, law in laws for line in language.places(name, law)], laws


def n_cells(problem: Problem) -> int:
    """The candidate sets of all examples of both laws."""
    return sum(problem.heads.n_candidates(e.ids) for law in (problem.train, problem.test) for e in law.table())


def _expected(verdict: Verdict, place: int) -> str:
    """The judge's words for a verdict."""
    if verdict.outcome == "unrealizable":
        return f"unrealizable {place}"
    if verdict.outcome == "generalizes":
        return f"generalizes share {verdict.guaranteed}"
    return f"fails {verdict.reason} {place} share {verdict.guaranteed}"


def _without_losses(answer: str) -> str:
    """The losses of T1's own head are those of another head than the code's."""
    return answer.partition(" losses ")[0].strip()


def _first_alike(heads: HeadClass, law: Law, place: int) -> int:
    """The first example with the views and the label of the one in this place: no head tells them apart."""
    if place < 0:
        return place
    seen = [(Counter(heads.view_counts(example)), example.label) for example in law.table()]
    return seen.index(seen[place])


def dominators(heads: HeadClass, train: Law, test: Law) -> list[int]:
    """For every test example a training example all of whose consistent views it shows; one too many where there is none."""
    trained = [(heads.views(example), example.label) for example in train.table()]
    labels: dict[View, set[Label]] = {}
    for views, label in trained:
        for view in views:
            labels.setdefault(view, set()).add(label)
    first: dict[frozenset[View], int] = {}
    for i, (views, _) in enumerate(trained):
        first.setdefault(frozenset(view for view in views if len(labels[view]) == 1), i)
    shown = (heads.views(example) for example in test.table())
    return [next((i for own, i in first.items() if own <= views), len(trained)) for views in shown]
