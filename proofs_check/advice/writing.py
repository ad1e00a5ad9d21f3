"""The module of a task that was found: dependency sets, rule and IDs, in code that can be read and changed."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from proofs_check.advice.coupling import Assigned, Blocks, Coupling, Following, by_steps
from proofs_check.advice.found import Found
from proofs_check.advice.marks import Marked
from theory.dependencies import At, Chain, Domain, FoldTask, Named, Occurrence, PlaneRule, StepRule, Walk
from theory.dependencies.inferred_tasks import InferredTask
from theory.dependencies.pointers import Pointer
from theory.errors import AssumptionViolated
from theory.tasks import Instance, Task
from theory.tasks.faults import running

LENGTHS, DRAWN = 6, 128
"""From how many lengths, and instances of each, the form of prompts and outputs is read off."""

LARGEST = 20_000
"""Readings of a table at most."""

BY_HAND = "Write the task by hand: see docs/your-own-task.md."

MODULE = '''"""{title}"""

from __future__ import annotations

from collections.abc import Sequence

from theory.tasks import Instance, Step, Task

{constants}
class {name}(Task):
    """{summary}

    >>> task = {name}()
    >>> print(task.show(task.solve({prompt})))
    {table}
    """

    name = {label!r}
    alphabet = {alphabet!r}
    sparsity = {sparsity}{claims}

    def choices(self, length: int) -> Sequence[Sequence[int]]:
        """For each position of a prompt the tokens that it may hold."""
        return {choices}

    def solve(self, prompt: tuple[int, ...]) -> Instance:
        """The sequence of a prompt: each output token by the rule, from the tokens that its step reads."""
        n = {n}
        row, steps = [*{start}], list[Step]()
        for j in range({number}):
            read = self.sources(row, n, j{more})
{stop}            steps.append(Step({position}, {places}))
            row.append(self.rule(tuple(row[i] for i in read)))
        tokens = (*prompt, *row[len(row) - len(steps) :])
        return Instance(tokens, ids_of(len(prompt), tuple(steps), tokens), tuple(steps))

{sources}

    def rule(self, read: tuple[int, ...]) -> int:
        """The predicted token, by the tokens read."""
{rule}
{ids}
'''
"""The module of a task."""

FROM_TASK = '''"""{title}"""

from proofs_check.advice.coupling import Assigned, {assign}
from theory.tasks import find_task


def {name}() -> Assigned:
    """{summary}"""
    return Assigned(find_task({source!r}), {assign})
'''
"""The module of IDs for a task that has its sets and its rule already."""


class _Body(NamedTuple):
    """What stands in a module for the kind of task that it is."""

    constants: str
    n: str
    start: str
    number: str
    more: str
    stop: str
    position: str
    places: str
    sources: str
    rule: str


def module_of(advice: Found, command: str = "") -> str:
    """A module with a subclass of Task, for what advice found.

    Raises
    ------
    AssumptionViolated : where there is no rule, or prompts and outputs have no form that was recognised.
    """
    pad, coupling = advice.scratchpad, advice.coupling
    if pad is not None and (coupling is None or coupling.kind == "none"):
        coupling = pad.coupling
    if coupling is None:
        got = "a source without a rule" + (": dense" if advice.growth in ("linear", "logarithmic") else "")
        raise _refused(got, "a rule for every step", "Follow the advice first, and ask about what that makes.")
    by = f"\n\nWritten by: {command}\n" if command else ""
    title = _plain(f"{advice.name}: what lengthgen advise found, as a task.{by}")
    summary = _plain(_summary(advice, coupling))
    name, task = class_name(advice.name), coupling.task
    inner = task.task if isinstance(task, Assigned) else task
    core = inner.task if isinstance(inner, Marked) else inner
    if isinstance(core, FoldTask):
        body = _fold_body(core)
    elif isinstance(core, InferredTask):
        body = _rule_body(core, isinstance(inner, Marked))
    else:
        return FROM_TASK.format(title=title, name=name, summary=summary, source=core.name, assign=_assign(coupling))
    example, offsets = coupling.example(), _offsets(task)
    claims = "" if offsets is None else f"\n    offsets = frozenset({{{', '.join(map(repr, offsets))}}})"
    claims += "" if task.min_length == 1 else f"\n    min_length = {task.min_length}"
    return MODULE.format(
        title=title,
        summary=summary,
        name=name,
        prompt=example.tokens[: example.n_prompt],
        table=_plain("\n    ".join(task.show(example).split("\n"))),
        label=task.name,
        alphabet=tuple(task.alphabet),
        sparsity=task.sparsity,
        claims=claims,
        choices=_choices(inner),
        ids=_ids(coupling),
        **body._asdict(),
    )


def _assign(coupling: Coupling) -> str:
    """The name of what assigns IDs, for a task that is there already."""
    task = coupling.task
    known = {"positions": "positions", "by_steps": "by_steps"}
    name = known.get(getattr(task.assign, "__name__", "")) if isinstance(task, Assigned) else None
    if name is None:
        got, fix = f"{task.name!r}, whose own IDs are of the kind that is advised", "Use the task itself."
        raise _refused(got, "a source that gains by other IDs", fix)
    return name


# ── Inferred rules ───────────────────────────────────────────────────────────────────────────────────────────────────


def _rule_body(task: InferredTask, marked: bool) -> _Body:
    rules = task.steps
    repeated = _repeated(rules)
    table = {read: token for read, token in task.table.items() if len(read) not in repeated}
    if len(table) > LARGEST:
        got, fix = f"a table of {len(table):,} readings", "Ask with fewer tokens in the alphabet."
        raise _refused(got, f"at most {LARGEST:,}", fix)
    number, by_end = _n_steps(task), any(_uses_end(rule.domain) for rule in rules)
    walks = all(isinstance(rule.program[0], Walk) for rule in rules if rule.program)
    if number is None and (by_end or not walks):
        raise _refused("outputs whose number does not follow from the length", "a number that does", BY_HAND)
    told = [
        f"        if len(read) == {size}:\n            return read[{slot}]" for size, slot in sorted(repeated.items())
    ]
    if not table and len(repeated) == 1:
        told = [f"        return read[{slot}]" for slot in repeated.values()]
    elif table:
        told.append("        return TABLE[read]")
    constants = _constant("TABLE: dict[tuple[int, ...], int]", table, "The token for every reading that was seen.")
    for pointer in _tabled(rules):
        constants += _constant(_jumps(rules, pointer), dict(pointer.steps), "By token, how far it points.")
    return _Body(
        constants,
        n="len(prompt) - 1  # the last token is the mark" if marked else "len(prompt)",
        start="prompt[:n]" if marked else "prompt",
        number=number or "n",
        more=f", {number}" if by_end else "",
        stop="" if number is not None else "            if read[0] >= n:\n                break\n",
        position="n + 1 + j" if marked else "n + j",
        places="tuple(i + (i >= n) for i in read)" if marked else "tuple(read)",
        sources=_sources(rules, by_end),
        rule="\n".join(told),
    )


def _repeated(rules: Sequence[StepRule]) -> dict[int, int]:
    """By the size of a reading, the slot that is repeated, where all rules of that size repeat it."""
    slots: dict[int, set[int | None]] = {}
    for rule in rules:
        slots.setdefault(rule.size, set()).add(rule.copies)
    return {size: slot for size, own in slots.items() if len(own) == 1 and (slot := next(iter(own))) is not None}


def _constant(name: str, table: Mapping[Any, int], what: str) -> str:
    """A table as a constant of a module; nothing for an empty one."""
    rows = "".join(f"    {key!r}: {value},\n" for key, value in sorted(table.items()))
    return f'{name} = {{\n{rows}}}\n"""{what}"""\n\n' if table else ""


def _tabled(rules: Sequence[StepRule]) -> list[Named | Walk]:
    """The pointers that follow a table, each once."""
    return [*dict.fromkeys(one for rule in rules for one in rule.program if isinstance(one, Named | Walk))]


def _jumps(rules: Sequence[StepRule], pointer: Pointer) -> str:
    """The name of the table of a pointer."""
    known: list[Pointer] = [*_tabled(rules)]
    return "JUMPS" if len(known) == 1 else f"JUMPS_{known.index(pointer)}"


def _uses_end(domain: Domain) -> bool:
    return bool(domain.last) or (domain.only is not None and domain.only < 0)


def _sources(rules: Sequence[StepRule], by_end: bool) -> str:
    """The method that says what a step reads."""
    lines = [f"    def sources(self, row: Sequence[int], n: int, j: int{', m: int' * by_end}) -> tuple[int, ...]:"]
    lines.append('        """What step j = 0, 1, ... reads of row: a prompt of n tokens, and the output so far."""')
    for rule in rules:
        condition = _condition(rule.domain)
        if condition:
            lines.append(f"        if {condition}:")
        lines += [f"{' ' * (12 if condition else 8)}{line}" for line in _program(rule, rules)]
        if not condition:
            return "\n".join(lines)
    lines.append('        raise ValueError(f"no rule says what step {j} of a prompt of {n} tokens reads")')
    return "\n".join(lines)


def _condition(domain: Domain) -> str:
    """When a step is one of a domain, as an expression; nothing where it always is."""
    if domain.only is not None:
        return f"j == {domain.only}" if domain.only >= 0 else f"j == m - {-domain.only}"
    parts = []
    if domain.first:
        parts.append(f"j >= {domain.first}")
    if domain.last:
        parts.append(f"j < m - {domain.last}")
    if domain.period > 1:
        parts.append(f"{f'(j - {domain.first})' if domain.first else 'j'} % {domain.period} == {domain.turn}")
    if domain.border is not None:
        parts.append(f"j {'>=' if domain.beyond else '<'} {_at(domain.border)}")
    return " and ".join(parts)


def _program(rule: StepRule, rules: Sequence[StepRule]) -> Iterator[str]:
    """The lines that find the positions of a rule."""
    names = [f"at{slot}" for slot in range(len(rule.program))]
    for name, pointer in zip(names, rule.program, strict=True):
        if isinstance(pointer, At):
            yield f"{name} = {_at(pointer)}"
        elif isinstance(pointer, Occurrence):
            span = f"range(at{pointer.slot} - 1, -1, -1)" if pointer.last else f"range(at{pointer.slot})"
            shift = f" {'+' if pointer.shift > 0 else '-'} {abs(pointer.shift)}" if pointer.shift else ""
            mark = "" if pointer.mark is None else f" and row[i + 1] == {pointer.mark}"
            yield f"{name} = next(i for i in {span} if row[i] == row[at{pointer.slot}]{mark}){shift}"
        elif isinstance(pointer, Named):
            yield f"{name} = {_at(pointer.base)} + {_jumps(rules, pointer)}[row[at{pointer.slot}]]"
        elif isinstance(pointer, Walk):
            yield f"{name} = {_at(pointer.start)}"
            yield "for _ in range(j):"
            yield f"    {name} += {_jumps(rules, pointer)}[row[{name}]] if {name} < n else 0"
        elif isinstance(pointer, Chain):
            mark = "" if pointer.mark is None else f" and row[i + 1] == {pointer.mark}"
            yield f"{name}, wanted = n - 1, row[n - 1]"
            yield "for _ in range(j + 1):"
            yield f"    {name} = next(i for i in range({name} - 1, -1, -1) if row[i] == wanted{mark})"
            yield f"    wanted = row[{name} + {pointer.far}]"
            if pointer.shift:
                yield f"{name} += {pointer.shift}"
        else:
            yield f"{name} = [i for i in range(n) if row[i] != {pointer.background}][{pointer.index}]"
    yield f"return ({', '.join(names)}{',' * (len(names) == 1)})"


def _at(at: At) -> str:
    """A position as an expression in n and j."""
    if at.side:
        raise _refused("positions by the side of a grid", "positions by n and the step", BY_HAND)
    text = ""
    for factor, name in ((at.a, "n"), (at.b, "j"), (at.c, "")):
        if factor:
            size = str(abs(factor)) if not name else name if abs(factor) == 1 else f"{abs(factor)} * {name}"
            text += (size if factor > 0 else f"-{size}") if not text else f" {'+' if factor > 0 else '-'} {size}"
    return (text or "0") if at.over == 1 else f"({text or '0'}) // {at.over}"


# ── Running states ───────────────────────────────────────────────────────────────────────────────────────────────────


def _fold_body(task: FoldTask) -> _Body:
    fold, n = task.fold, len(task.fold.alphabet)
    rows = enumerate(fold.transition)
    table = {(n + state, token): n + later for state, row in rows for token, later in enumerate(row)}
    told = ", ".join(f"s{state}: {' '.join(map(str, out))}" for state, out in enumerate(fold.output) if out is not None)
    what = f"The next state, by state and token. The last state tells the answer: {told}."
    lines = (
        "    def sources(self, row: Sequence[int], n: int, j: int) -> tuple[int, ...]:",
        '        """The state before, and the next token of the prompt."""',
        "        return (n + j, j)",
    )
    return _Body(
        _constant("TABLE: dict[tuple[int, ...], int]", table, _plain(what)),
        n="len(prompt) - 1  # the last token is the first state",
        start="prompt", number="n", more="", stop="", position="n + 1 + j", places="read",
        sources="\n".join(lines), rule="        return TABLE[read]",
    )  # fmt: skip


# ── IDs ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

IDS = "def ids_of(n: int, steps: tuple[Step, ...], tokens: tuple[int, ...]) -> tuple[int, ...]:"


def _ids(coupling: Coupling) -> str:
    """The function of the IDs, and what predicts them."""
    task = coupling.task
    if isinstance(task, Assigned) and isinstance(task.assign, Blocks | PlaneRule):
        got = "IDs by blocks" if isinstance(task.assign, Blocks) else "IDs of two coordinates"
        raise _refused(got, "IDs by positions or steps", "Write them by hand: the advice says the rule.")
    if isinstance(task, Assigned) and isinstance(task.assign, Following):
        least = min(task.increments.values())
        constant = _constant("INCREMENTS", task.increments, "By how much the ID grows, by reading.")
        return f'''
    def increment(self, read: tuple[int, ...]) -> int:
        """By how much the ID of the predicted token exceeds the last one."""
        return INCREMENTS.get(read, {least})


{constant}
{IDS}
    """Of the prompt its positions; the token that a step predicts from has the ID of what the step reads."""
    queries = [step.sources[{task.assign.slot}] for step in steps]
    last = tuple(tokens[i] for i in steps[-1].sources)
    return (*range(n - 1), *queries, queries[-1] + INCREMENTS.get(last, {least}))'''
    if coupling.kind in ("positions", "none"):
        return f'\n\n{IDS}\n    """Positions."""\n    return tuple(range(len(tokens)))'
    query = coupling.convention == "query"
    example = coupling.example()
    first = example.ids == by_steps(example, query=query)
    own = "the token that it predicts from" if query else "the token that it predicts"
    return f'''

{IDS}
    """Step t = 1, 2, ... has the ID t: {own}, and what it reads {"first" if first else "last"} of the prompt."""
    ids = [0] * (n - 1)
    for step in {"reversed(steps)" if first else "steps"}:
        for source in step.sources:
            if source < n - 1:
                ids[source] = step.position - n + 1
    return (*ids, *range({int(query)}, len(tokens) - n + {1 + int(query)}))'''


def _offsets(task: Task) -> list[tuple[int, ...]] | None:
    """The IDs of sources less that of their query that occur, where the longest lengths show the same ones."""
    shown = [{one.key(step) for one in some for step in one.steps} for _, some in _seen(task)]
    if len(shown) < 3 or not shown[-1] == shown[-2] == set().union(*shown) or len(shown[-1]) > 12:
        return None
    return sorted(shown[-1], key=lambda key: (len(key), key))


# ── The form of prompts and outputs ──────────────────────────────────────────────────────────────────────────────────


def _seen(task: Task) -> Iterator[tuple[int, list[Instance]]]:
    """Instances of the least lengths: all, or some that are drawn."""
    rng, found = np.random.default_rng(0), 0
    for length in range(task.min_length, task.min_length + 4 * LENGTHS):
        with running(task, "advise"):
            size = task.n_instances(length)
            if size == 0:
                continue
            some = [*task.instances(length)] if size <= DRAWN else [task.sample(length, rng) for _ in range(DRAWN)]
        yield length, some
        found += 1
        if found == LENGTHS:
            return


def _n_steps(task: Task) -> str | None:
    """How many steps a prompt of n tokens has, as an expression; None where that does not follow from n."""
    pairs = {(one.n_prompt, len(one.steps)) for _, some in _seen(task) for one in some}
    sizes = dict(pairs)
    return _line(sizes, "n") if len(sizes) == len(pairs) else None


def _line(values: dict[int, int], name: str) -> str | None:
    """(a n + b) / c through all pairs, as an expression; None where there is none with small numbers."""
    x, y = min(values.items())
    for over in (1, 2, 3, 4):
        for a in (0, 1, 2, 3, 4):
            b = over * y - a * x
            if all(a * n + b == over * value for n, value in values.items()):
                return _at(At(a, 0, b, over)).replace("n", name)
    return None


def _choices(task: Task) -> str:
    """The options of a prompt, as an expression in the length: runs of places with the same options."""
    runs = {
        length: [(key, len([*group])) for key, group in groupby(_options(task, length, some))]
        for length, some in _seen(task)
    }
    longest = dict([*runs.items()][-3:])
    forms = {tuple(key for key, _ in own) for own in longest.values()}
    if len(forms) != 1:
        raise _refused("prompts whose places have other options at each length", "the same ones", BY_HAND)
    parts = []
    for place, key in enumerate(forms.pop()):
        size = _line({length: own[place][1] for length, own in longest.items()}, "length")
        if size is None:
            raise _refused("prompts whose parts grow unevenly", "parts as long as the length", BY_HAND)
        times = "" if size == "1" else f" * {size}" if size.isidentifier() else f" * ({size})"
        parts.append(f"[{key!r}]{times}")
    return " + ".join(parts)


def _options(task: Task, length: int, some: Sequence[Instance]) -> list[tuple[int, ...]]:
    """For each place of a prompt its options: those that the task has, or those that were seen."""
    try:
        return [tuple(options) for options in task.choices(length)]
    except (NotImplementedError, AssertionError):
        prompts = {one.tokens[: one.n_prompt] for one in some}
    if len({len(prompt) for prompt in prompts}) != 1:
        raise _refused(f"prompts of several sizes at length {length}", "one size a length", BY_HAND)
    return [tuple(sorted(set(column))) for column in zip(*prompts, strict=True)]


# ── Words ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _summary(advice: Found, coupling: Coupling) -> str:
    steps = "".join(f"\n    {step['words']}" for step in advice.steps) if advice.scratchpad is None else ""
    return f"{coupling.task.sparsity}-sparse; {coupling.why}.{chr(10) if steps else ''}{steps}"


def _plain(text: str) -> str:
    """Text that may stand in a docstring."""
    return text.replace("\\", "\\\\").replace('"""', r"\"\"\"")


def class_name(name: str) -> str:
    words = re.findall(r"[A-Za-z0-9]+", name.rpartition(":")[2].removesuffix(".jsonl"))
    made = "".join(word[:1].upper() + word[1:] for word in words) or "Advised"
    return made if made.isidentifier() and not keyword.iskeyword(made) else f"Task{made}"


def _refused(got: str, expected: str, fix: str) -> AssumptionViolated:
    return AssumptionViolated("advise", "--write", got=got, expected=expected, fix=fix)
