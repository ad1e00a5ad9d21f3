"""The contract "IDs": what the position IDs of a task follow from, and whether offsets and couplings are as claimed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain, combinations, groupby, islice, pairwise, product
from math import ceil

from proofs_check.tasks.hidden import CHANGES
from proofs_check.tasks.trial import Broken, Decided, Trial, Undecided, at_lengths
from theory.coordinates import Id, Ids, coordinates, minus, n_coordinates
from theory.errors import number_of, shown
from theory.tasks.base import Instance, Step


def ids(trial: Trial) -> Decided:
    """IDs are fixed by the length, or a function of the tokens so far, or predicted by increments that what is read
    decides; offsets are those claimed.
    """
    largest: dict[int, int] = {}
    count = 0
    found: dict[int, Instance] = {}
    for length in trial.lengths:
        for instance in trial.seen(length):
            found.setdefault(n_coordinates(instance.ids), instance)
            if len(found) > 1:
                d, other = next(iter(found.items()))
                raise Broken(
                    trial.at(length, instance),
                    f"IDs of {number_of(n_coordinates(instance.ids), 'coordinate')}",
                    f"as many as with the prompt {trial.text(other.tokens[: other.n_prompt])}, {d}", instance=instance,
                )  # fmt: skip
            if trial.predicts:
                for step in instance.steps:
                    increment = _check_increment(trial, length, instance, step)
                    largest[length] = max(
                        largest.get(length, 0), *(abs(column[0]) for column in coordinates((increment,)))
                    )
            count += 1
    words = _origin(trial)
    if len(largest) > 2 and all(largest[one] < largest[other] for one, other in pairwise(largest)):
        growing = f"increments as large as {', '.join(map(str, largest.values()))}"
        if len(trial.listed.keys() & largest) < 3:
            raise Undecided(f"{growing}, and still growing: list more lengths, with a larger budget")
        raise Broken(at_lengths([*largest]), growing, "increments from a finite set that serves every length")
    _check_offsets(trial)
    if words == FIXED:
        _check_coupling(trial)
    may_tell = words not in (FIXED, "predicted")
    words += "" if trial.task.offsets is None else ", sources at the offsets claimed"
    words += "; they may tell what no step reads" if may_tell else ""
    return Decided(count, f"{count:,} instances: {words}", not may_tell)


def _check_increment(trial: Trial, length: int, instance: Instance, step: Step) -> Id:
    """The increment of a step, checked against the IDs of its instance."""
    increment, t = trial.increment(length, instance, step), step.position
    grown = minus(instance.ids[t], instance.ids[t - 1])
    if increment is None or increment != grown:
        raise Broken(
            trial.at(length, instance, step),
            f"{trial.called('increment', instance, step)} = {shown(increment)}, and the ID grows by {grown}",
            "one and the same number, at every step", instance=instance, step=step,
        )  # fmt: skip
    return increment


FIXED = "fixed by the length"


def _origin(trial: Trial) -> str:
    """What the IDs follow from, in words; of a task that predicts IDs those that no step predicts."""
    lead = "predicted; the others are " if trial.predicts else ""
    if _fixed(trial):
        return "predicted" if trial.predicts else FIXED
    if not _unlike(trial):
        return f"{lead}a function of the tokens so far"
    if not (found := _unlike(trial, by_length=True)):
        return f"{lead}a function of the length and of the tokens so far"
    if _fixed(trial, for_prompt=True):
        return f"{lead}fixed by the length of the prompt"
    if trial.predicts and not (found := _unlike(trial, by_length=True, whole=True)):
        return f"{lead}a function of the whole prompt"
    length, instance, i, other = found
    raise Broken(
        trial.at(length, instance),
        f"position {i} has the ID {instance.ids[i]}, and {other.ids[i]} with the prompt "
        f"{trial.text(other.tokens[: other.n_prompt])}, where the tokens {'of the prompt' if trial.predicts else 'so far'} "
        "are the same",
        "IDs of a prompt that follow from it" if trial.predicts else "IDs that are fixed by the length or follow from the "
        "tokens so far, or `increment` to predict them", instance=instance,
    )  # fmt: skip


def _unpredicted(trial: Trial, instance: Instance) -> list[int]:
    """The positions whose IDs no step predicts."""
    return [i for i in range(len(instance.ids)) if not trial.predicts_id(instance, i)]


def _fixed(trial: Trial, *, for_prompt: bool = False) -> bool:
    """Whether a position has one ID in all instances of a length (`for_prompt`: with a prompt as long)."""
    for length in trial.lengths:
        known: dict[tuple[int, int], int] = {}
        for instance in trial.seen(length):
            for i in _unpredicted(trial, instance):
                place = (instance.n_prompt if for_prompt else 0, i)
                if known.setdefault(place, instance.ids[i]) != instance.ids[i]:
                    return False
    return True


def _unlike(
    trial: Trial, *, by_length: bool = False, whole: bool = False
) -> tuple[int, Instance, int, Instance] | None:
    """A position with two IDs after the same tokens, it included (`whole`: and after those of the prompt), if any."""
    after: dict[tuple[int, int], int] = {}  # the state after a state and a token: one a beginning
    known: dict[tuple[int, int], Instance] = {}
    for length in trial.lengths:
        for instance in chain(trial.seen(length), _with_same_beginnings(trial, length)):
            states = [-length if by_length else 0]
            for token in instance.tokens:
                states.append(after.setdefault((states[-1], token), len(after) + 1))
            for i in _unpredicted(trial, instance):
                state = states[max(i + 1, instance.n_prompt if whole else 0)]
                other = known.setdefault((state, i), instance)
                if other.ids[i] != instance.ids[i]:
                    return length, instance, i, other
    return None


def _with_same_beginnings(trial: Trial, length: int) -> Iterator[Instance]:
    """Of a length that is drawn freely: instances whose prompts begin as one that was seen, and go on as another."""
    if length in trial.listed or not trial.free:
        return
    for one, other in islice(pairwise(trial.seen(length)), 8):
        n = one.n_prompt
        for cut in range(1, n, ceil(n / CHANGES)):
            yield trial.solve(length, (*one.tokens[:cut], *other.tokens[cut:n]))


def _check_offsets(trial: Trial) -> None:
    """The IDs of what is read less that of the query are the tuples claimed, at every step and length."""
    claimed = trial.task.offsets
    if claimed is None:
        return
    missing = set(claimed)
    for length in trial.lengths:
        for instance in trial.seen(length):
            for step in instance.steps:
                offsets = instance.key(step)
                missing.discard(offsets)
                if offsets not in claimed:
                    near = [claim for claim in claimed if len(claim) == len(offsets)] or claimed
                    raise Broken(
                        trial.at(length, instance, step), f"reads IDs at offsets {offsets} from that of its query",
                        f"{' or '.join(sorted(map(str, near))) or 'none'}, as `offsets` claims", instance=instance,
                    )  # fmt: skip
    if missing and trial.sizes:
        never = ", ".join(map(str, sorted(missing)))
        raise Undecided(f"no step reads IDs at the claimed offsets {never}: try more lengths, or claim less")


def _check_coupling(trial: Trial) -> None:
    """Places of two parts that share an ID at one length do so at every longer one, counted from the same ends."""
    first = {length: instances[0] for length in trial.lengths if (instances := trial.seen(length))}
    runs = {length: _runs(instance) for length, instance in first.items()}
    for one, other in combinations(sorted({run for found in runs.values() for run in found}), 2):
        both = [length for length in first if {one, other} <= runs[length].keys()]
        shared = [_shared(first[length].ids, runs[length][one], runs[length][other]) for length in both]
        nested = [all(small <= large for small, large in pairwise(places)) for places in zip(*shared, strict=True)]
        if both and not any(nested):
            raise Broken(
                f"{at_lengths(both)}, the parts {one[0]!r} and {other[0]!r}",
                f"share IDs at the places {'; '.join(str(sorted(places[0])) for places in shared)}",
                "places that share an ID at one length do so at the next", instance=first[both[-1]],
            )  # fmt: skip


def _runs(instance: Instance) -> dict[tuple[str, int], list[int]]:
    """The positions of every part; a part that occurs several times counts them."""
    runs: dict[tuple[str, int], list[int]] = {}
    seen = Counter[str]()
    for part, positions in groupby(range(len(instance.parts)), key=lambda i: instance.parts[i]):
        runs[part, seen[part]] = list(positions)
        seen[part] += 1
    return runs


def _shared(ids: Ids, one: list[int], other: list[int]) -> list[set[tuple[int, int]]]:
    """The places in two parts that share an ID, each part counted from its start or from its end."""
    pairs = [(i, j) for i, a in enumerate(one) for j, b in enumerate(other) if ids[a] == ids[b]]
    ends = product((0, len(one) - 1), (0, len(other) - 1))
    return [{(abs(start - i), abs(end - j)) for i, j in pairs} for start, end in ends]
