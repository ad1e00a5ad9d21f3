"""What a source depends on, as advice needs it: declared by a task, or inferred from a black box.

>>> from theory.tasks import Copy
>>> facts = facts_of(Copy(2), name="copy")
>>> facts.sparsity, facts.growth, [step["words"] for step in facts.steps]
(1, 'bounded', ['reads 1 token, at the IDs (1,) from that of its query'])
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from proofs_check.advice.coupling import lengths_of
from proofs_check.evidence import Kind
from theory.dependencies import fit_growth, infer
from theory.dependencies.sources import Source
from theory.errors import AssumptionViolated, InvalidArgument
from theory.tasks import Instance, Step, Task
from theory.tasks.faults import sampled

RANDOM = 3
"""So many steps that are random are named."""

GROWTHS = {"constant": "bounded", "logarithmic": "logarithmic", "linear": "linear"}
"""What a model of `fit_growth` says of dependency sets."""


@dataclass(frozen=True)
class Fact:
    """Something that was found, of which kind the evidence is, and on what it rests."""

    what: str
    kind: Kind
    scope: str

    def to_data(self) -> dict[str, str]:
        """As JSON data."""
        return {"what": self.what, "kind": self.kind, "scope": self.scope}

    def __str__(self) -> str:
        return f"{self.what} [{self.kind}: {self.scope}]"


@dataclass(frozen=True)
class Facts:
    """What is known of a source before anything is decided.

    Attributes
    ----------
    sparsity, growth : of its dependency sets; None where no rule was found.
    steps : the rule, by kind of step: in words, and as data.
    task : with the sets and the rule; None where there is no rule.
    source : what can be asked; None for a task.
    random : steps whose token is no function of the past, in words.
    evidence : what this rests on.
    inferred : what `infer` found; None for a task.
    """

    name: str
    sparsity: int | None
    growth: str | None
    steps: tuple[dict[str, Any], ...]
    task: Task | None
    source: Source | None
    random: tuple[str, ...]
    evidence: tuple[Fact, ...]
    inferred: Any = field(default=None, repr=False)


def facts_of(
    source: object,
    *,
    name: str,
    alphabet: Sequence[int | str] | None = None,
    prompts: Callable[[int], Any] | None = None,
    lengths: Sequence[int] | None = None,
    seconds: float = 30,
    seed: int = 0,
    ids: Callable[..., Sequence[int]] | None = None,
) -> Facts:
    """What a task declares, or what is inferred from anything else.

    Raises
    ------
    InvalidArgument : for what is no source, and for one that goes wrong.

    Cost: that of `infer`; for a task that of some instances.
    """
    if isinstance(source, Task) and ids is None:
        return _declared(source)
    try:
        asked = Source.of(source, alphabet, prompts, seconds=min(5.0, seconds))
    except InvalidArgument as error:
        fix = error.fix + " On the command line: --alphabet 0,1." * (error.argument == "alphabet" and alphabet is None)
        raise InvalidArgument("advise", error.argument, got=error.got, expected=error.expected, fix=fix) from None
    found = infer(asked, lengths=lengths, seconds=seconds, seed=seed, ids=ids)
    task: Task | None = None
    notes: list[Fact] = []
    if found.sparsity is not None:
        try:
            task = found.task(name)
        except AssumptionViolated as error:
            notes.append(Fact(f"the rule is no task of one table: {error}", "inconclusive", "its kinds of steps"))
    return Facts(
        name,
        found.sparsity,
        found.growth,
        tuple({"words": str(rule), "data": rule.data} for rule in found.steps),
        task,
        asked,
        tuple(map(str, found.random)),
        (*_inferred(found), *notes),
        found,
    )


def _inferred(found: Any) -> Iterator[Fact]:
    """What the inference rests on."""
    said = found.explain().split("\n")[0]
    exact = ", ".join(map(str, found.exact_lengths))
    if found.exact_lengths:
        yield Fact(said, "exhausted", f"every instance of lengths {exact}")
    else:
        instances = sum(seen.instances for seen in found.sampled)
        yield Fact(said, "supported", f"{instances:,} instances, up to length {max(s.length for s in found.sampled)}")
    for seen in found.sampled:
        if seen.fresh and found.steps:
            what = f"{seen.wrong or 'none'} wrong, {seen.unseen or 'none'} unseen of {seen.fresh} fresh instances"
            yield Fact(what, "supported", f"length {seen.length}: at most {float(seen.bound):.2g} are, 99 % sure")
    if found.refuted is not None:
        prompt = " ".join(map(str, found.refuted.prompt))
        rules = "; ".join(map(str, found.refuted.rules))
        yield Fact(f"no rule: {rules}", "refuted", f"step {found.refuted.step} of the prompt {prompt}")
    for step in found.random[:RANDOM]:
        yield Fact(str(step), "refuted", "one past, several tokens: the step is no function of it")
    if found.open_ended:
        what = "where outputs end is not predicted: end each with a token that they have nowhere else"
        yield Fact(
            what, "supported", "prompts of as many tokens have outputs of different lengths, without such a token"
        )
    for note in found.notes:
        yield Fact(note, "inconclusive", "what was looked at")


def _declared(task: Task) -> Facts:
    """What a task says of itself."""
    lengths = lengths_of(task)
    rng = np.random.default_rng(0)
    seen = {length: [sampled(task, length, rng, "advise") for _ in range(16)] for length in lengths}
    sizes = [max(len(step.sources) for instance in some for step in instance.steps) for some in seen.values()]
    growth = "bounded"
    if task.sparsity is None:
        growth = GROWTHS[fit_growth(lengths, sizes).model] if len(lengths) > 2 else "linear"
    keys: dict[tuple[int, tuple[int, ...]], None] = {}
    for some in seen.values():
        for instance in some:
            keys |= dict.fromkeys((len(step.sources), instance.key(step)) for step in instance.steps)
    steps = tuple(_kind(size, key) for size, key in sorted(keys)) if len(keys) <= 8 else ()
    if not steps:
        most = "all that a step needs" if task.sparsity is None else f"up to {task.sparsity} tokens"
        steps = ({"words": f"reads {most}, at many distances", "data": {"size": task.sparsity}},)
    k = "dense" if task.sparsity is None else f"{task.sparsity}-sparse"
    scope = "as the task declares; its contracts are put to the test by lengthgen task"
    return Facts(task.name, task.sparsity, growth, steps, task, None, (), (Fact(k, "supported", scope),))


def _kind(size: int, key: tuple[int, ...]) -> dict[str, Any]:
    words = (
        f"reads {size} token{'s' * (size != 1)}, at the IDs {key} from that of its query" if size else "reads nothing"
    )
    return {"words": words, "data": {"size": size, "offsets": list(key)}}


# ── Without a rule ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Opaque(Task):
    """A source without a rule, as a dense task: every step reads all that is before it.

    Examples
    --------
    >>> task = Opaque(Source.of(lambda prompt: (sum(prompt) % 2,), alphabet=(0, 1)), "parity", (0, 1))
    >>> task.solve((1, 1)).steps, task.sparsity
    ((Step(position=2, sources=(0, 1)),), None)
    """

    source: Source
    label: str
    vocabulary: tuple[int | str, ...]
    single: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "anchor", "none" if self.single else "last")

    @property
    def name(self) -> str:
        return self.label

    @cached_property
    def alphabet(self) -> tuple[str, ...]:
        return tuple(str(token) for token in self.vocabulary)

    @property
    def sparsity(self) -> None:
        return None

    @cached_property
    def numbers(self) -> dict[int | str, int]:
        """The number of each token."""
        return {token: code for code, token in enumerate(self.vocabulary)}

    def made(self, pair: tuple[tuple[int | str, ...], tuple[int | str, ...]]) -> Instance:
        """The instance of a prompt and its output.

        Raises
        ------
        InvalidArgument : for a token that was not seen before, or no output.
        """
        prompt, output = pair
        new = [token for token in (*prompt, *output) if token not in self.numbers]
        if new or not output:
            got = f"the token {new[0]!r}, which the lengths that were looked at do not have" if new else "no output"
            fix = "Give lengths at which all tokens occur, and outputs with tokens."
            raise InvalidArgument("advise", "source", got=got, expected="known tokens", fix=fix)
        row = tuple(self.numbers[token] for token in (*prompt, *output))
        n = len(prompt)
        return Instance(row, tuple(range(len(row))), tuple(Step(i, tuple(range(i))) for i in range(n, len(row))))

    def solve(self, prompt: tuple[int, ...]) -> Instance:
        asked = tuple(self.vocabulary[code] for code in prompt)
        return self.made((asked, self.source.answer(asked)))

    def n_instances(self, length: int) -> int:
        return self.source.n_prompts(length) or 0

    def instances(self, length: int) -> Iterator[Instance]:
        return map(self.made, self.source.all_pairs(length))

    def draw(self, length: int, rng: np.random.Generator) -> Instance:
        return self.made(next(self.source.draw(length, 1, rng)))

    def rule(self, read: tuple[int, ...]) -> int:
        """The next token after all tokens so far, where these are a prompt."""
        return self.solve(read).tokens[len(read)]
