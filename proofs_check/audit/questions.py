"""What the code says of a problem, and what the judge is asked to hold against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from proofs_check.audit import language
from proofs_check.problem import Problem
from theory import HardHead, Law, Verdict, coverage, decide
from theory.examples import Label
from theory.guarantees import Guarantees, guarantees
from theory.heads import HeadClass, View
from theory.planted import PlantedLaw
from theory.ranked import RankedHead
from theory.soft import SoftGuarantees, SoftHead

SMALL = 150
"""Candidate sets, in both laws together, up to which the judge decides by itself; beyond it checks a certificate."""

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
    yield {"hard": hard, "ranked": ranked, "soft": soft}[problem.scores](problem)
    laws = (problem.train, problem.test)
    plain = problem.scores == "hard" and not problem.heads.at_most and language.n_coordinates(*laws) == 1
    if plain and all(isinstance(law, PlantedLaw) for law in laws) and n_cells(problem) <= SMALL:
        yield planted(problem)


def hard(problem: Problem) -> Question:
    """T1's verdict: outcome, reason and example, the guaranteed share, the losses of the counterexample, the certificate."""
    heads, train, test = problem.heads, problem.train, problem.test
    verdict = decide(heads, train=train, test=test)
    number, about = _about(problem)
    outcome = verdict.reason or verdict.outcome
    assert outcome in OUTCOMES
    law = train if outcome == "unrealizable" else test
    place = -1 if verdict.example is None else [*law.table()].index(verdict.example)
    parts = []
    small = n_cells(problem) <= SMALL
    if small:
        parts.append(Part("verdict", "decide", _expected(verdict, _first_alike(heads, law, place)), _without_losses))
        parts.append(Part("guarantees", "guaranteed hard", _flags(guarantees(heads, train=train, test=test))))
        for name, own in (("train", train), ("test", test)):
            shown = language.views_of(heads, next(iter(own.table())))
            parts.append(Part(f"views in {name}", f"views {name} 0", shown, language.sorted_views))
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


def planted(problem: Problem) -> Question:
    """Planted laws: `PlantedEnsemble.at`, mass by mass, and κ with N_T of T3."""
    train, test = problem.planted
    number, about = _about(problem)
    about += language.planting(train.ensemble, number)
    about += [line for name, law in (("train", train), ("test", test)) for line in language.places(name, law)]
    found = coverage(problem.heads, train=train, test=test)
    parts = (
        Part("training law", "planted train", "accepted"), Part("test law", "planted test", "accepted"),
        Part("κ and N_T", "kappa", f"kappa {found.kappa} candidates {found.candidates}"),
    )  # fmt: skip
    return Question("planted laws, κ", "\n".join(about), parts)


def ranked(problem: Problem) -> Question:
    """T13's verdict: which test examples are guaranteed, the losses and answers of the counterexample, and certificates."""
    heads, train, test = problem.heads, problem.train, problem.test
    found = guarantees(heads, train=train, test=test, scores="ranked")
    number, about = _about(problem)
    small, parts = n_cells(problem) <= SMALL, []
    if small:
        parts.append(Part("verdict", "decide ranked", _shared(found)))
        parts.append(Part("guarantees", "guaranteed ranked", _flags(found)))
    outcome = "unrealizable" if not found.realizable else "generalizes" if found.first is None else "fails"
    cases = [(heads.views(example), example.label) for example in train.table()]
    if outcome == "unrealizable":
        parts.append(Part("certificate", f"certify ranked stuck {language.words(rest(cases))}", "accepted"))
    for row, example in enumerate(test.table()) if outcome != "unrealizable" else ():
        if found.criterion.guaranteed[row]:
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
    return Question(f"ranked{how}: {outcome}", "\n".join(about), tuple(parts))


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
    found = guarantees(heads, train=train, test=test, scores="soft")
    number, about = _about(problem)
    criterion, parts = found.criterion, list[Part]()
    assert isinstance(criterion, SoftGuarantees)
    outcome = "unrealizable" if not found.realizable else "generalizes" if found.first is None else "fails"
    if len(number) == 1:
        vacuous = " ".join(["yes"] * len(test.table()))  # where no head is perfect, and all are right
        parts.append(Part("guarantees", "guaranteed soft", _flags(found) if found.realizable else vacuous))
    elif outcome == "unrealizable":
        lines = [*language.terms({0: criterion.combination}), "certify soft cancels"]
        parts.append(Part("combination that cancels", "\n".join(lines), "accepted"))
    for row in range(len(test.table())) if outcome != "unrealizable" else ():
        if not criterion.guaranteed[row]:
            head, mass = found.erring(row)
            assert isinstance(head, SoftHead)
            lines = [*language.soft_head(head, number), "losses greedy"]
            parts.append(Part("losses of a head", "\n".join(lines), f"0 {mass}"))
            parts.append(Part("answers of a head", "answers greedy", _answers(head, test, number)))
            if len(number) > 1:
                parts.append(Part("counterexample", f"certify soft head {row}", "accepted"))
        elif len(number) > 1:
            lines = [*language.terms(criterion.certificate(row)), f"certify soft cone {row}"]
            parts.append(Part("cone", "\n".join(lines), "accepted"))
    return Question(f"soft: {outcome}", "\n".join(about), tuple(parts))


def _shared(found: Guarantees) -> str:
    """The judge's words for the share of ranked heads."""
    if not found.realizable:
        return "unrealizable"
    return f"{'generalizes' if found.first is None else 'fails'} share {found.share}"


def _flags(found: Guarantees) -> str:
    """Of each test example, whether it is guaranteed."""
    if not found.realizable:
        return "unrealizable"
    return " ".join("yes" if own else "no" for own in found.criterion.guaranteed.tolist())


def _answers(head: RankedHead | SoftHead, test: Law, number: dict[Label, int]) -> str:
    """The answer of a head to each test example."""
    said = (head.answer(e.tokens, e.ids) if isinstance(head, RankedHead) else head.answer(e) for e in test.table())
    return " ".join("-" if label is None else str(number[label]) for label in said)


def _about(problem: Problem) -> tuple[dict[Label, int], list[str]]:
    """Numbers of the labels, and the lines of the class, of both laws and of the labels."""
    number = language.numbering(problem.train, problem.test)
    d = language.n_coordinates(problem.train, problem.test)
    return number, [
        language.head_class(problem.heads, d), *language.law("train", problem.train, number),
        *language.law("test", problem.test, number), f"labels {language.words(number.values())}",
    ]  # fmt: skip


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
