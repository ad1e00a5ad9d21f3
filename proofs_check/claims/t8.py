"""T8, from steps to rollouts: parity with a scratchpad, free-running heads, predicted IDs included (PPC)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np

from idealized_model import SparseAttentionHead
from idealized_model.learning import eliminate
from proofs_check.claims.claim import Claim, Facts, Measured, Profile, require
from proofs_check.problem import Problem
from theory import Example, FiniteLaw, HardHead, HeadClass, Law, View, claims, decide
from theory.examples import Label
from theory.tasks import ScratchpadParity, step_examples
from theory.tasks.parity import Coupling

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

claim = Claim(**vars(claims.get("T8")))

Prefix: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]
"""Tokens and IDs so far."""

StepLabel: TypeAlias = tuple[int, int]
"""The next token, and by how much its ID exceeds the last one."""

COUPLINGS: tuple[Coupling, ...] = get_args(Coupling)

Combine = Literal["sum", "max", "first", "mean"]


def _bound(losses: list[Fraction], *, factor: Fraction = Fraction(2), combine: Combine = "sum") -> Fraction:
    """What is claimed of the probability of an error anywhere, from the losses of the steps."""
    total = sum(losses, Fraction(0))
    combined = {"sum": total, "max": max(losses), "first": losses[0], "mean": total / len(losses)}
    return factor * combined[combine]


def steps(n: int, coupling: Coupling, *, shift: int = 0, spread: int = 1, ones: Fraction = Fraction(1, 2)) -> FiniteLaw:
    """All prediction steps of parity with a scratchpad on n bits, as examples with labels (token, ID increment).

    The task is `theory.tasks.ScratchpadParity`, with the IDs multiplied by `spread` and shifted. Bits are independent, 1
    with probability `ones`; every step of an episode weighs the same.

    Examples
    --------
    >>> for example in sorted(steps(1, "query").support(), key=repr): print(example.tokens, example.ids, example.label)
    (0, 2) (1, 1) (2, 1)
    (1, 2) (1, 1) (3, 1)
    >>> {example.ids: example.label for example in steps(1, "token", shift=5, spread=2).support()}[7, 5]
    (3, 2)
    """
    found: dict[Example, Fraction] = {}
    for instance in ScratchpadParity(coupling).support(n):
        n_ones = sum(instance.tokens[:n])
        weight = ones**n_ones * (1 - ones) ** (n - n_ones) / n
        ids = tuple(shift + spread * i for i in instance.ids)
        found |= dict.fromkeys(step_examples(instance, ids, increments=True), weight)
    return FiniteLaw(found)


def classes(coupling: Coupling) -> HeadClass:
    """The class that serves a coupling: token-coupled needs window 1 and the relative key, query-coupled neither."""
    task = ScratchpadParity(coupling)
    return HeadClass(task.sparsity, task.window, "relative" if coupling == "token" else "none", task.anchor)


def _targets(law: Iterable[Example]) -> dict[Prefix, StepLabel]:
    """The label of every prefix."""
    return {(example.tokens, example.ids): example.label for example in law}  # type: ignore[misc]


def rollout(head: SparseAttentionHead, prompt: Example, truth: Mapping[Prefix, StepLabel]) -> bool:
    """Whether a greedy free-running rollout from a prompt is right at every step; a tie counts as an error.

    Each next token, and each next ID, is the head's own prediction.
    """
    tokens, ids = prompt.tokens, prompt.ids
    while (tokens, ids) in truth:
        right = truth[tokens, ids]
        out = head(Example(tokens, ids, right))
        if out.law.get(right, Fraction(0)) <= max((p for label, p in out.law.items() if label != right), default=0):
            return False
        token, increment = right  # now also the prediction: no other label has as much mass
        tokens, ids = (*tokens, token), (*ids, ids[-1] + increment)
    return True


def step_of(example: Example) -> int:
    """Which step an example is: how many states it has seen."""
    return sum(token >= 2 for token in example.tokens)


@lru_cache(maxsize=512)
def _truth(law: Law) -> tuple[dict[Prefix, StepLabel], dict[int, dict[Example, int]]]:
    """The targets, and the examples of each step with their weights."""
    by_step: dict[int, dict[Example, int]] = {}
    for example, weight in law.table().items():
        by_step.setdefault(step_of(example), {})[example] = weight
    return _targets(law.table()), dict(sorted(by_step.items()))


@claim.refute
def refute(
    problem: Problem,
    *,
    factor: Fraction = Fraction(2),
    combine: Combine = "sum",
    increments: bool = True,
    without: str = "",
) -> Facts | None:
    """Exact rollout errors over all prompts against the exact step losses, and against T1's verdict on the steps.

    Without a head in question it is the largest one that is perfect in training.
    """
    truth, by_step = _truth(problem.test)
    prompts, n = by_step[1], len(by_step)
    head = SparseAttentionHead.hard(problem.head or eliminate(problem.heads, problem.train.support()))
    losses = [_mean({e: w * _step_loss(head, e, increments) for e, w in at.items()}, at) for at in by_step.values()]
    wrong = {e: w for e, w in prompts.items() if not rollout(head, e, truth)}
    error, bound = _mean(wrong, prompts), _bound(losses, factor=factor, combine=combine)
    if error > bound:
        return {"bits": n, "rollout_error": str(error), "bound": str(bound)}
    if error > 0 and _is_perfect(problem, head, without) and _carries_over(problem, without):
        return {"bits": n, "perfect_in_training": True, "rollout_error": str(error)}
    return None


claim.mutant("factor 1 for 2", factor=Fraction(1))
claim.mutant("the largest step loss for the sum", combine="max")
claim.mutant("only the first step", combine="first")
claim.mutant("the mean for the sum", combine="mean")
claim.mutant("tokens without ID increments", increments=False)


def _mean(values: Mapping[Example, Fraction | int], weights: Mapping[Example, int]) -> Fraction:
    return Fraction(sum(values.values())) / sum(weights.values())


def _is_perfect(problem: Problem, head: SparseAttentionHead, without: str) -> bool:
    """Whether a head loses nothing in training; where targets lack the ID increment, on tokens alone."""
    increments = without != "targets hold the ID increment"
    return all(_step_loss(head, example, increments) == 0 for example in problem.train.support())


def _carries_over(problem: Problem, without: str) -> bool:
    """Whether the statement says of heads that are perfect in training that their rollouts are exact."""
    train, test = list(problem.train.support()), list(problem.test.support())
    if without == "the steps generalize":
        return True
    if without == "every step":
        test = [example for example in test if step_of(example) == 1]
    elif without == "targets hold the ID increment":
        train, test = ([replace(e, label=e.label[0]) for e in law] for law in (train, test))  # type: ignore[index]
    else:
        return problem.verdict().outcome == "generalizes"
    return decide(problem.heads, train=train, test=test).outcome == "generalizes"


def _step_loss(head: SparseAttentionHead, example: Example, increments: bool = True) -> Fraction:
    """Of a step, with its ID increment or without."""
    out = head(example)
    if increments or out.abstains:
        return out.loss(example.label)
    right = example.label
    assert isinstance(right, tuple)
    return 1 - sum(
        (p for label, p in out.law.items() if isinstance(label, tuple) and label[0] == right[0]), Fraction(0)
    )


@claim.cases
def cases(problem: Problem) -> int:
    """One case a prompt."""
    return len(_truth(problem.test)[1][1])


@claim.decisive
def decisive(problem: Problem) -> int:
    """None where the bound is 1 or more, unless rollouts are to be exact."""
    if problem.head is None:
        return cases(problem)
    head = SparseAttentionHead.hard(problem.head)
    by_step = _truth(problem.test)[1].values()
    losses = [_mean({e: w * _step_loss(head, e) for e, w in at.items()}, at) for at in by_step]
    return cases(problem) if _bound(losses) < 1 else 0


@claim.nonvacuous
def nonvacuous(problem: Problem) -> bool:
    """Whether the steps generalize, or there is a head in question (then the union bound speaks)."""
    return problem.head is not None or problem.verdict().outcome == "generalizes"


# ── Families ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.family("parity with scratchpad, both couplings, n <= 3 in training, n <= 6 (full: 9) at test")
def _verdicts(profile: Profile) -> Iterator[Problem]:
    """T1's verdict on the steps carries over to rollouts, both couplings, shifts at test, longer n."""
    longest = 6 if profile == "quick" else 9
    for coupling in COUPLINGS:
        for train in range(1, 4):
            for test in range(train, longest + 1):
                for shift in (0, 5):
                    law = steps(test, coupling, shift=shift)
                    yield Problem(classes(coupling), steps(train, coupling), law)


@claim.family(
    "every hard head of the query-coupled class, disturbed token-coupled heads, n <= 3 (full: 6), ones as frequent "
    "as zeros and rare"
)
def _imperfect(profile: Profile) -> Iterator[Problem]:
    """Every hard head of the query-coupled class that answers with increment 1, and disturbed token-coupled heads.

    Where ones are rare, so are the views that hold them, and a head that errs there loses little.
    """
    longest = 3 if profile == "quick" else 6
    query, token = classes("query"), classes("token")
    views = [View((bit, state), ()) for bit in (0, 1) for state in (2, 3)]
    for n, ones in product(range(1, longest + 1), (Fraction(1, 2), Fraction(1, 10))):
        law = steps(n, "query", ones=ones)
        for answers in product((None, (2, 1), (3, 1)), repeat=4):
            chosen = {view: answer for view, answer in zip(views, answers, strict=True) if answer is not None}
            yield Problem(query, law, law, HardHead(query, chosen))
        law = steps(n, "token", ones=ones)
        full = eliminate(token, law.support())
        for extra, answer in product(
            sorted({v for e in law.support() for v in token.views(e)}), ((2, 1), (3, 1), (3, 2))
        ):
            yield Problem(token, law, law, HardHead(token, {**full.answers, extra: answer}))


@claim.proof("a greedy error costs at least one half, symbolic in the masses", notices=("factor 1 for 2",))
def prove_pathwise(*, factor: Fraction = Fraction(2)) -> int:
    """A greedy step errs only where its loss is >= 1/2: 1{error} <= 2 loss; and the first error bounds the rollout.

    With right mass p and another label's mass q >= p, p + q <= 1: the loss 1 - p >= 1/2. Symbolic, then summed: the
    rollout's error indicator is at most the sum of the steps', for any number of steps.
    """
    import sympy

    p, extra, rest = sympy.symbols("p e r", nonnegative=True)
    total = p + (p + extra) + rest  # the mass of the right label, of one at least as large, and of the others
    loss = sympy.factor(1 - p / total)
    gap = sympy.factor(factor * loss - 1)
    require(gap.subs({p: 1, extra: 0, rest: 0}) == 0, "a tie attains the factor")
    require(sympy.simplify(gap - (extra + rest) / total) == 0, f"2 loss - 1 = {gap}")
    require((extra + rest).is_nonnegative is True, "the sign of the gap")
    return 3


@claim.sampler(
    "random and disturbed heads, couplings, lengths, spreads, frequencies of ones",
    quick=60,
    full=500,
    notices=("only the first step", "tokens without ID increments"),
)
def _random_problems() -> SearchStrategy[Problem]:
    """Random hard heads on the views of the steps, and heads that are nearly right."""
    from hypothesis import strategies as st

    @st.composite
    def problems(draw: DrawFn) -> Problem:
        coupling = draw(st.sampled_from(COUPLINGS))
        heads = classes(coupling)
        n, spread = draw(st.integers(1, 4)), draw(st.integers(1, 2)) if coupling == "query" else 1
        shift, ones = draw(st.integers(-3, 3)), Fraction(1, draw(st.integers(2, 30)))
        law = steps(n, coupling, shift=shift, spread=spread, ones=ones)
        views = sorted({view for example in law.support() for view in heads.views(example)})
        nearly = draw(st.booleans())
        answers: dict[View, Label] = dict(eliminate(heads, law.support()).answers) if nearly else {}
        labels = [*sorted(law.labels, key=repr), (2, spread + 1)]
        some = st.dictionaries(st.sampled_from(views), st.sampled_from(labels), max_size=2 if nearly else 8)
        return Problem(heads, law, law, HardHead(heads, answers | draw(some)))

    return problems()


@claim.measurement("sampled", "long rollouts", notices=("only the first step",))
def _long_rollouts(
    rng: np.random.Generator, profile: Profile, tick: Callable[[int], None], *, combine: Combine = "sum"
) -> Measured:
    """n = 40 bits, few of them 1: a perfect head learned at n = 3, and one that errs at a view with a 1; the bound holds
    pathwise."""
    n, prompts = 40, 20 if profile == "quick" else 200
    instances, decisive, summary = 0, 0, []
    for coupling in COUPLINGS:
        heads = classes(coupling)
        learned = eliminate(heads, steps(3, coupling).support())
        rare = max(learned.answers)
        flipped = {**learned.answers, rare: (5 - learned.answers[rare][0], 1)}  # type: ignore[index]
        for name, answers in (("learned", learned.answers), ("one view flipped", flipped)):
            head = SparseAttentionHead.hard(HardHead(heads, answers))
            failed = 0
            for _ in range(prompts):
                bits = (rng.random(n) < 1 / n).astype(int).tolist()
                instance = ScratchpadParity(coupling).solve((*bits, 2))
                episode = list(step_examples(instance, instance.ids, increments=True))
                losses = [head(example).loss(example.label) for example in episode]
                error = not rollout(head, episode[0], _targets(episode))
                failed += error
                instances, decisive = instances + 1, decisive + (_bound(losses, combine=combine) < 1)
                tick(1)
                if error > _bound(losses, combine=combine):
                    law = steps(4, coupling)
                    facts = {"bits": n, "losses": str(sum(losses)), "error": error}
                    return Measured(instances, f"{coupling}, {name}: {facts}", (Problem(heads, law, law), facts))
            summary.append(f"{coupling}-coupled {name}: {failed}/{prompts} fail")
    return Measured(instances, f"n = 40: {', '.join(summary)}", decisive=decisive)


# ── Necessity ────────────────────────────────────────────────────────────────────────────────────────────────────────


@claim.without("the steps generalize")
def _short_training() -> Iterator[Problem]:
    """One bit in training: s_1 = s_0 xor b_1 with s_0 = 0 never shows a step from state 1."""
    for coupling in reversed(COUPLINGS):
        yield Problem(classes(coupling), steps(1, coupling), steps(3, coupling))


@claim.without("every step")
def _first_step_only() -> Iterator[Problem]:
    """The first steps of three bits, which one bit shows; the later ones come from state 1 too."""
    yield Problem(classes("query"), steps(1, "query"), steps(3, "query"))


@claim.without("targets hold the ID increment")
def _wrong_increments() -> Iterator[Problem]:
    """A head whose tokens are right and whose IDs run ahead."""
    law = steps(2, "query")
    right = eliminate(classes("query"), law.support())
    ahead: dict[View, Label] = {view: (answer[0], 2) for view, answer in right.answers.items()}  # type: ignore[index]
    yield Problem(classes("query"), law, law, HardHead(classes("query"), ahead))
