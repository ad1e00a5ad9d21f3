"""Contracts of tasks in which the input decides what is read, which IDs there are, or what a rule is asked."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from proofs_check import check_task
from proofs_check.tasks import checking
from proofs_check.tasks.contracts import RULE
from proofs_check.tasks.hidden import HIDDEN
from proofs_check.tasks.report import Finding, TaskReport
from proofs_check.tasks.trial import Trial
from tests.proofs_check import choosing_tasks as choosing
from theory import FiniteLaw, HeadClass, InvalidArgument, decide
from theory.tasks import TASKS, Addition, Copy, Instance, Multiplication, QueryCoupled, Step, Task, sparse_parity_up_to

MATTERS, MAY_TELL = "every dependency matters", "; they may tell what no step reads"


def checked(task: Task, *lengths: int, budget: int = 1200, draws: int = 5) -> TaskReport:
    """A quick check."""
    return check_task(task, lengths=lengths or (1, 2, 3), budget=budget, draws=draws)


def finding_of(contract: str, task: Task, *lengths: int, budget: int = 1200, draws: int = 5) -> Finding:
    """What is found about one contract alone."""
    trial = Trial(task, lengths or (1, 2, 3), seed=0, budget=budget, draws=draws, level=Fraction(1, 1000))
    return checking.finding_of(trial, contract)


RIGHT = [
    choosing.RecallByKey(), choosing.FirstOne(), choosing.Assignment(), choosing.Carries(), choosing.CarriesByKey(),
    choosing.NumbersMarked(), choosing.NumbersAgain(), choosing.FirstDigit(), choosing.Twice(), choosing.Streamed(),
    choosing.ByPredictedKey(), choosing.BothEnds(), choosing.Paced(), choosing.UntilOne(), choosing.StandingStill(),
]  # fmt: skip


@pytest.mark.parametrize("task", RIGHT, ids=lambda task: type(task).__name__)
def test_right_tasks_hold(task: Task) -> None:
    report = checked(task)
    report.require()
    assert {report[name].kind for name in (RULE, MATTERS, "sparsity")} == {"exhausted"}
    assert report["IDs"].kind == ("supported" if report["IDs"].scope.endswith(MAY_TELL) else "exhausted")
    uneven = isinstance(task, choosing.Numbers | choosing.NumbersAgain | choosing.FirstDigit)
    assert report[HIDDEN].kind == ("supported" if uneven else "exhausted")
    assert ("prompts differ in length, which may tell the answer" in report[HIDDEN].scope) == uneven


FREE = [
    choosing.FirstOne(), choosing.FirstOneOfEight(), choosing.Carries(), choosing.CarriesByKey(), choosing.ByPredictedKey(),
    choosing.StandingStill(),
]  # fmt: skip


@pytest.mark.parametrize("task", FREE, ids=lambda task: type(task).__name__)
def test_right_tasks_hold_on_draws(task: Task) -> None:
    report = checked(task, 9, 10, budget=500)
    report.require()
    assert {finding.kind for finding in report.findings[:-1]} == {"supported"}


# ── The choice of what is read ───────────────────────────────────────────────────────────────────────────────────────

CHOICE_TELLS: dict[type[Task], str] = {
    choosing.ByChoice: "that step reads position (1,)",
    choosing.ByOrder: "that step reads positions (1, 0)",
    choosing.AfterEcho: "that step reads position (1,)",
    choosing.ByEnd: "the sequence ends before it",
    choosing.ByWhatIsGiven: "that token is given",
    choosing.ByGivenToken: "as the tokens before it decide",
    choosing.Recall: "that step reads position (3,)",
    choosing.ByIds: "the same but for the ID of its query, -1 here and -2 there, that step reads position (1,)",
    choosing.ByIdsLater: "the same but for the ID of its query, -1 here and -2 there, that step reads position (1,)",
    choosing.ByKey: "with the key (0,) here and (-1,) there, and predicts '0' here and '1' there",
    choosing.ByFirstId: "with the key (0,) here and (-1,) there, and predicts '0' here and '1' there",
    choosing.Padded: "prompt '011++=', the step at position 6, the same come before and '1' is predicted",
    choosing.PaddedUnanchored: "prompt '011++=', the step at position 6, the same come before and '1' is predicted",
    choosing.BySizeOfPrompt: "prompt '0100=', the step at position 5, wherever this query is, the same come before and "
    "'1' is predicted",
    choosing.BySizeUnanchored: "prompt '0100=', the step at position 5, always the same come before and '1' is predicted",
    choosing.Numbers: "prompt '11=', the step at position 4, the same come before and '1' is predicted",
    choosing.NumbersOn: "prompt '11=', the step at position 4, the same come before and '1' with the ID increment 1 is "
    "predicted",
    choosing.NumbersOfALength: "prompt '101=', the step at position 5, wherever this query is, the same come before and "
    "'0' is predicted",
    choosing.Sums: "prompt '01+01=', the step at position 7, the same come before and '0' is predicted",
}

NOT_BY_DRAWS = (choosing.Recall, choosing.BySizeOfPrompt, choosing.BySizeUnanchored, choosing.NumbersOfALength)
"""What is beside a key is compared in more draws; what a length tells always, listings say."""


@pytest.mark.parametrize("kind", CHOICE_TELLS, ids=lambda kind: kind.__name__)
def test_a_choice_that_carries_the_answer_is_refuted(kind: type[Task]) -> None:
    finding = finding_of(HIDDEN, kind())
    assert finding.kind == "refuted"
    assert finding.seen.endswith(CHOICE_TELLS[kind])


@pytest.mark.parametrize("kind", [each for each in CHOICE_TELLS if each not in NOT_BY_DRAWS], ids=lambda k: k.__name__)
def test_it_is_refuted_on_draws_too(kind: type[Task]) -> None:
    assert finding_of(HIDDEN, kind(), 9, budget=100).kind == "refuted"


def test_drawn_instances_are_compared_with_each_other_too() -> None:
    assert finding_of(HIDDEN, choosing.Recall(), 2, budget=5).kind == "refuted"
    assert finding_of(HIDDEN, choosing.RecallByKey(), 2, 3, budget=5).kind == "supported"


def test_where_the_choice_is_told_the_witness_says_where() -> None:
    finding = finding_of(HIDDEN, choosing.Recall())
    assert finding.where == "length 2, prompt 'a0b0?a', the step at position 6"
    assert finding.seen == (
        "reads position (1,); with the prompt 'b0a0?a', where the tokens and IDs that it attends to are the same, that "
        "step reads position (3,)"
    )


def test_one_task_is_certified_with_the_set_that_a_head_needs() -> None:
    """T1 by itself: no head of arity 2 finds the value, and heads of arity 3 do, with its key and the query."""

    def outcomes(task: Task) -> set[str]:
        heads = HeadClass(arity=task.arity(next(task.instances(1))), key="relative", anchor="last")
        laws = [FiniteLaw.uniform(task.examples(n)) for n in (2, 3)]
        return {decide(heads, train=law, test=law).outcome for law in laws}

    assert [outcomes(task) for task in (choosing.Recall(), choosing.RecallByKey())] == [
        {"unrealizable"},
        {"generalizes"},
    ]


def test_how_many_tokens_are_marked_is_not_read() -> None:
    """'10' and '11' agree at the one token that the first of them reads."""
    report = checked(sparse_parity_up_to(2), 2, 3, 4)
    assert report.refuted == (HIDDEN,)
    assert report[HIDDEN].seen.startswith("reads position (0,); with the prompt '11'")


def test_where_a_prompt_of_its_own_length_is_over_has_to_be_read() -> None:
    finding = finding_of(HIDDEN, choosing.NumbersAlone(), 4)
    assert finding.kind == "refuted"


def test_what_the_length_of_a_prompt_may_tell_is_not_exhausted() -> None:
    """Parity by the number of tokens, which IDs show: nothing refutes it, and the finding says where it may come from."""
    finding = finding_of(HIDDEN, choosing.PaddedFar(), 3, 4)
    assert finding.kind == "supported"
    assert finding.scope.endswith(" comparisons; at lengths 3, 4 prompts differ in length, which may tell the answer")


@pytest.mark.parametrize("key", ["relative", "absolute"])
def test_where_a_number_ends_no_head_sees(key: Any) -> None:
    """T1 by itself: no head finds the end of a number, if nothing marks it; the refutation is no matter of words."""

    def outcome(task: Task) -> str:
        law = FiniteLaw.uniform(task.examples(3))
        return decide(HeadClass(2, key=key, anchor="last"), train=law, test=law).outcome

    assert outcome(choosing.Numbers()) == outcome(choosing.NumbersOn()) == "unrealizable"
    assert outcome(choosing.NumbersMarked()) == "generalizes"


def test_a_view_may_occur_at_another_length_by_chance() -> None:
    """What a digit of a product reads is beside other digits in a longer one, with other digits to come."""
    assert finding_of(HIDDEN, Multiplication(base=3, carried=False)).kind == "exhausted"


def test_what_occurs_at_another_length_now_and_then_is_not_refuted() -> None:
    class LastLetter(choosing.Bits):
        """The last letter, which from length 2 on is "+"."""

        def choices(self, length: int) -> list[tuple[int, ...]]:
            return [*[(0, 1)] * (length - 1), (choosing.PLUS,) if length > 1 else (0, 1), (choosing.EQUALS,)]

        def solve(self, prompt: tuple[int, ...]) -> Instance:
            n = len(prompt) - 1
            return Instance((*prompt, prompt[n - 1]), (*range(1, n + 1), 0, 0), (Step(n + 1, (n - 1,)),))

    assert finding_of(HIDDEN, LastLetter(), 1, 2).kind == "exhausted"


def test_views_that_are_not_looked_for_are_named() -> None:
    class LastNumber(choosing.Numbers):
        """One number a length."""

        def instances(self, length: int) -> Any:
            return (self.of((1,) * length),)

        def n_instances(self, length: int) -> int:
            return 1

    finding = finding_of(HIDDEN, LastNumber(), 70)
    assert finding.kind == "supported"
    assert finding.scope == "0 comparisons; views at length 70 were not looked for"


def test_a_shift_of_all_ids_tells_nothing() -> None:
    class Shifted(choosing.BySizeOfPrompt):
        """The same, with the number of tokens as the ID of all."""

        def solve(self, prompt: tuple[int, ...]) -> Instance:
            instance = super().solve(prompt)
            return Instance(instance.tokens, (len(prompt),) * len(instance.ids), instance.steps)

    finding = finding_of(HIDDEN, Shifted())
    assert finding.kind == "refuted"
    assert finding.seen.endswith("wherever this query is, the same come before, all IDs plus 1, and '1' is predicted")


def test_a_given_token_may_be_an_input() -> None:
    assert finding_of(HIDDEN, choosing.Streamed()).kind == "exhausted"


def test_given_tokens_that_draws_cannot_compare_are_named() -> None:
    """A bit that is given, in truth the parity of those before it: where all is listed that is refuted."""
    task = choosing.GivenWhenLong(longest_honest=0)
    assert finding_of(HIDDEN, task, 3).kind == "refuted"
    drawn = finding_of(HIDDEN, task, 20)
    assert drawn.kind == "inconclusive"
    assert drawn.scope.endswith(
        "; given tokens at length 20 were not compared, nor at any other: try shorter lengths, or a larger budget"
    )
    some = finding_of(HIDDEN, choosing.GivenWhenLong(longest_honest=3), 2, 3, 20, 24)
    assert some.kind == "supported"
    assert some.scope.endswith(" comparisons; given tokens at lengths 20, 24 were not compared")


def test_a_separator_is_compared_in_draws_too() -> None:
    finding = finding_of(HIDDEN, choosing.GivenWhenLong(separator=True), 20)
    assert finding.kind == "supported"
    assert "not compared" not in finding.scope


# ── What a source is for ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("task", "lengths", "where"),
    [
        (
            choosing.FirstBits(),
            (1, 2, 3, 4, 8),
            "length 8, prompt '00000000=', the step at position 9, sources 5-8 of 8",
        ),
        (choosing.FirstBits(), (5,), "length 5, prompt '00000=', the step at position 6, source 5 of 5"),
        (choosing.WithEquals(), (1, 2, 3), "length 1, prompt '0=', the step at position 2, source 2 of 2"),
        (choosing.BySize(), (3, 4), "length 4, prompt '0000=', the step at position 5, sources 2-4 of 4"),
        (choosing.RecallWithMark(), (1, 2, 3), "length 1, prompt 'a0?a', the step at position 4, source 3 of 4"),
        (choosing.TwiceInVain(), (1, 2, 3), "length 2, prompt '00=', the step at position 3, source 2 of 2"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Task) else None,
)
def test_a_place_that_a_listing_shows_to_be_idle_is_refuted(task: Task, lengths: tuple[int, ...], where: str) -> None:
    report = checked(task, *lengths)
    assert report.refuted == (MATTERS,)
    assert report[MATTERS].where.startswith(where)
    assert report[MATTERS].seen.startswith(f"no token there{', each alone,' if 'sources' in where else ''} changes")


def test_what_draws_do_not_show_is_named_and_not_refuted() -> None:
    finding = finding_of(MATTERS, choosing.FirstBits(), 12, 16, budget=100)
    assert finding.kind == "inconclusive"
    assert finding.scope.startswith("sources 5-12 of 12, sources 5-16 of 16: nothing seen shows what they are for")
    finding = finding_of(MATTERS, choosing.WithEquals(), 4, budget=20)
    assert finding.kind == "supported"
    assert finding.scope == "16 readings; undecided, as its token never varied: source 5 of 5"


def test_of_many_sizes_some_are_named() -> None:
    class Prefixes(choosing.FirstBits):
        """All prefixes, and of each its first four bits say the parity."""

        def solve(self, prompt: tuple[int, ...]) -> Instance:
            n = len(prompt) - 1
            steps = tuple(Step(n + 1 + i, tuple(range(i + 1))) for i in range(n))
            tokens = (*prompt, *(sum(prompt[: min(i + 1, 4)]) % 2 for i in range(n)))
            return Instance(tokens, tuple(range(2 * n + 1)), steps)

    finding = finding_of(MATTERS, Prefixes(), 11, budget=100)
    assert finding.kind == "inconclusive"
    assert finding.scope.startswith(
        "source 5 of 5, sources 5-6 of 6, sources 5-7 of 7, sources 5-8 of 8, sources 5-9 of 9, "
    )
    assert "and of 2 more sizes: " in finding.scope


def test_exhausted_is_said_where_nothing_was_left_out() -> None:
    """Of plain addition the last places at the largest length hold leading zeros."""
    finding = finding_of(MATTERS, Addition(base=2, order="plain"), 1, 2)
    assert finding.kind == "supported"
    assert finding.scope.endswith("undecided, as its token never varied: sources 5-6 of 6")


def test_what_says_that_a_set_ends_is_not_idle_but_undecided() -> None:
    """ "+" and "=" are read alone where both numbers have ended; in larger sets digits are read in their place."""
    finding = finding_of(MATTERS, choosing.Sums())
    assert finding.kind == "supported"
    assert finding.scope == "61 readings; undecided, as its token never varied: sources 1-2 of 3"


def test_an_idle_source_of_a_set_that_ends_is_refuted() -> None:
    assert finding_of(MATTERS, choosing.UntilOne()).kind == "exhausted"
    finding = finding_of(MATTERS, choosing.UntilOneInVain())
    assert finding.kind == "refuted"
    assert finding.where.endswith(", source 1 of 2 (position (4,))")


@pytest.mark.parametrize("task", [choosing.Carries(), choosing.Assignment(), choosing.FirstOne()])
def test_what_only_the_case_the_increment_or_the_end_needs_is_needed(task: Task) -> None:
    assert finding_of(MATTERS, task).kind == "exhausted"


def test_a_source_of_the_increment_alone_is_needed_where_ids_are_predicted() -> None:
    class NotPredicted(choosing.Paced):
        def increment(self, read: tuple[int, ...]) -> None:
            return None

    checked(choosing.Paced()).require()
    report = checked(NotPredicted())
    assert report["IDs"].scope.endswith("a function of the tokens so far" + MAY_TELL)
    assert report[MATTERS].kind == "refuted"
    assert report[MATTERS].where.endswith("source 2 of 2 (position (1,))")


# ── What exists ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_draws_do_not_refute_that_a_large_set_exists() -> None:
    found = finding_of("sparsity", choosing.FirstOne(), 40, 60)
    assert found.scope.endswith("the largest sets have 40, 60")
    finding = finding_of("sparsity", choosing.LongestAtNine(), 20, 30, budget=2000)
    assert finding.kind == "inconclusive"
    assert finding.scope.startswith(
        "the largest sets at lengths 20, 30 are 8, 8, below sparsity = 9; of lengths 20, 30 not"
    )
    assert finding_of("sparsity", choosing.LongestAtNine(), 8, 9, 10).scope == (
        "the largest sets at lengths 8, 9, 10 are 8, 8, 8, below sparsity = 9: try longer lengths, or declare less"
    )


def test_a_larger_set_is_searched_for_step_by_step() -> None:
    """One prompt in a million has the largest set; no draw shows it, nor a prompt of one level."""

    class Coded(choosing.FirstOne):
        """The set ends at the first bit that is not as a fixed pattern has it, or with bit 20."""

        sparsity = 20  # type: ignore[assignment]

        pattern = (0, 0, 1, 0, 1, 1, 0, 1, 0, 0, 0, 1, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 1, 1, 0, 0, 1)

        def solve(self, prompt: tuple[int, ...]) -> Instance:
            bits = [bit ^ code for bit, code in zip(prompt[:-1], self.pattern, strict=False)][:20]
            end = (*bits, 1).index(1)
            return choosing.answered(prompt, end % 2, tuple(range(min(end + 1, len(bits)))))

        def rule(self, read: tuple[int, ...]) -> int:
            return (*(bit ^ code for bit, code in zip(read, self.pattern, strict=False)), 1).index(1) % 2

    finding = finding_of("sparsity", Coded(), 30, budget=2000)
    assert finding.kind == "supported"
    assert finding.scope.endswith("the largest set has 20")


@pytest.mark.parametrize(
    ("task", "lengths", "sizes"),
    [
        (choosing.EveryOther(), (1, 2, 3, 4, 8), "1, 1, 2, 2, 4"),
        (choosing.EveryOther(), (4, 5, 6), "2, 3, 3"),
        (choosing.PowersOfTwo(), (1, 2, 3, 4, 8), "1, 2, 2, 3, 4"),
    ],
)
def test_sets_of_a_dense_task_may_stand_still_on_the_way(task: Task, lengths: tuple[int, ...], sizes: str) -> None:
    report = checked(task, *lengths)
    report.require()
    assert report["sparsity"].kind == "exhausted"
    assert report["sparsity"].scope.endswith(f"the largest sets have {sizes}")


def test_what_is_read_at_longer_lengths_only_is_not_refuted_at_short_ones() -> None:
    finding = finding_of("sparsity", choosing.ThreeInTheEnd(), 1, 2, 3)
    assert (finding.kind, finding.scope.partition(": ")[2]) == ("inconclusive", "try longer lengths, or declare less")
    assert finding_of("sparsity", choosing.ThreeInTheEnd(), 1, 2, 3, 8).kind == "exhausted"


def test_a_dense_task_whose_sets_were_not_seen_to_grow() -> None:
    class Capped(choosing.FirstOne):
        most = 5

    listed, drawn = finding_of("sparsity", Capped(), 5, 6), finding_of("sparsity", Capped(), 5, 16)
    assert (listed.kind, listed.seen) == ("refuted", "largest dependency sets 5 and 5")
    assert drawn.kind == "inconclusive"
    assert drawn.scope.startswith("the largest sets seen at lengths 5, 16 have 5 and 5 tokens; of length 16 not all")


def test_draws_do_not_refute_that_a_longer_sequence_exists() -> None:
    class Rarely(choosing.Numbers):
        """A number of `length` digits is never drawn, though it is listed."""

        def draw(self, length: int, rng: np.random.Generator) -> Instance:
            return self.of((1,))

    finding = finding_of("length honoured", Rarely(), 2, 12, budget=500)
    assert finding.kind == "inconclusive"
    assert finding.scope == "the longest sequences seen at lengths 2, 12 have 6 and 4 tokens; of length 12 not all were"


# ── IDs ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (choosing.Numbers(), "a function of the tokens so far" + MAY_TELL),
        (choosing.NumbersBackwards(), "fixed by the length of the prompt" + MAY_TELL),
        (choosing.NumbersOn(), "predicted; the others are a function of the tokens so far" + MAY_TELL),
        (choosing.ByLength(), "a function of the length and of the tokens so far" + MAY_TELL),
        (choosing.ByIds(), "a function of the tokens so far" + MAY_TELL),
        (choosing.Carries(), "fixed by the length"),
        (choosing.Assignment(), "predicted; the others are a function of the tokens so far" + MAY_TELL),
        (TASKS["pointer chasing"], "predicted, sources at the offsets claimed"),
        (
            TASKS["sorting"],
            "predicted; the others are a function of the whole prompt, sources at the offsets claimed" + MAY_TELL,
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Task) else None,
)
@pytest.mark.parametrize("budget", [1, 1200])
def test_what_ids_follow_from_is_said(task: Task, words: str, budget: int) -> None:
    finding = finding_of("IDs", task, budget=budget)
    assert finding.holds
    assert finding.kind == ("exhausted" if budget > 1 and not words.endswith(MAY_TELL) else "supported")
    assert finding.scope.partition(": ")[2] == words


def test_increments_for_some_steps_only_are_refuted() -> None:
    finding = finding_of("IDs", choosing.NumbersPredicted())
    assert finding.seen == "increment((2,)) = None, and the ID grows by -1"
    assert finding.where == "length 1, prompt '1=', the step at position 3"


def test_ids_that_what_comes_later_decides_are_refuted_with_two_instances() -> None:
    class FromTheEnd(choosing.FirstOne):
        """The ID of a bit says how far it is from the next 1."""

        def solve(self, prompt: tuple[int, ...]) -> Instance:
            instance, n = super().solve(prompt), len(prompt) - 1
            ids = [(*prompt[i:n], 1).index(1) for i in range(n)]
            return Instance(instance.tokens, (*ids, n, n + 1), instance.steps)

    finding = finding_of("IDs", FromTheEnd())
    assert finding.kind == "refuted"
    assert finding.where == "length 2, prompt '01='"
    assert finding.seen == "position 0 has the ID 1, and 2 with the prompt '00=', where the tokens so far are the same"
    assert finding_of("IDs", FromTheEnd(), 30, budget=100).kind == "refuted"


def test_ids_of_a_prompt_that_do_not_follow_from_it_are_refuted() -> None:
    class TwoCouplings(choosing.NumbersOn):
        """Every number comes twice, and has other IDs the second time."""

        def instances(self, length: int) -> Any:
            for instance in super().instances(length):
                yield instance
                yield Instance(instance.tokens, self.moved(instance), instance.steps)

        def n_instances(self, length: int) -> int:
            return 2 * super().n_instances(length)

        def moved(self, instance: Instance) -> tuple[int, ...]:
            last = instance.n_prompt - 1
            return (*(i + 10 for i in instance.ids[:last]), *instance.ids[last:])

    finding = finding_of("IDs", TwoCouplings())
    assert finding.kind == "refuted"
    assert finding.wanted == "IDs of a prompt that follow from it"
    assert finding.seen.endswith("where the tokens of the prompt are the same")


# ── The key ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_is_what_a_relative_head_sees() -> None:
    task = choosing.Twice()
    instance = task.solve((0, 1, 2))
    assert [instance.key(step) for step in instance.steps] == [(2,), (2,), (1,), (1,)]
    heads = HeadClass(arity=2, key="relative")
    for step in instance.steps:
        view = heads.view(instance.tokens, instance.ids, (step.sources[0], step.position - 1))
        assert view.key == (0, -instance.key(step)[0])


@pytest.mark.parametrize("kind", [choosing.TwiceWithoutKey, choosing.CarriesUnmarked])
def test_without_the_key_the_same_sets_are_refuted(kind: type[Task]) -> None:
    assert checked(kind()).refuted == (RULE, "free running")


def test_what_was_asked_of_a_rule_with_a_key_is_shown() -> None:
    class Wrong(choosing.Twice):
        def rule(self, read: tuple[int, ...], key: tuple[int, ...]) -> int:
            return read[0]

    assert finding_of(RULE, Wrong()).seen == "rule((0,), key=(1,)) = 0 ('0'), and the token 1 ('1')"


def test_who_takes_a_key() -> None:
    class Optional(Copy):
        def rule(self, read: tuple[int, ...], base: int = 10) -> int:
            return read[0] % base

    class Named(Copy):
        def rule(self, read: tuple[int, ...], key: tuple[int, ...] = ()) -> int:
            return len(key)

    class Increment(Copy):
        def increment(self, read: tuple[int, ...], offsets: tuple[int, ...]) -> int:
            return offsets[0]

    class Static(Copy):
        @staticmethod
        def rule(read: tuple[int, ...], key: tuple[int, ...]) -> int:  # type: ignore[override]
            return key[0]

    class Builtin(Copy):
        rule = max  # type: ignore[assignment]

    taking = [kind().takes_key for kind in (Copy, Optional, Named, Increment, Static, Builtin)]
    assert taking == [False, False, True, True, True, False]
    assert (Optional().predict_token((3,), (7,)), Named().predict_token((3,), (7,))) == (3, 1)
    assert (Increment().predict_increment((3,), (7,)), Increment().predict_token((3,), (7,))) == (7, 3)
    assert (Static().predict_token((3,), (7,)), Builtin().predict_token((3, 4), (7, 8))) == (7, 4)


def test_a_key_is_that_of_the_ids_made_so_far() -> None:
    """Free running goes on from its own IDs: a wrong increment changes the next key, and with it the next token."""

    class Walk(choosing.Bits):
        """The letter is 1 if "=" is 2 IDs behind the query or more; every step goes on by 1."""

        def solve(self, prompt: tuple[int, ...]) -> Instance:
            n = len(prompt)
            steps = tuple(Step(n + i, (n - 1,)) for i in range(3))
            return Instance((*prompt, 0, 0, 1), (*range(n), n, n + 1, n + 2), steps)

        def rule(self, read: tuple[int, ...], key: tuple[int, ...]) -> int:
            return int(key[0] <= -2)

        def increment(self, read: tuple[int, ...]) -> int:
            return self.by

        by = 1

    class Faster(Walk):
        by = 2

    instance = Walk().solve((0, 2))
    assert Walk().free_run(instance) == (instance.tokens, instance.ids)
    assert Faster().free_run(instance) == ((0, 2, 0, 1, 1), (0, 1, 3, 5, 7))
    assert Faster().rollout(instance) == (0, 2, 0, 1, 1)


def test_other_ids_have_other_keys() -> None:
    with pytest.raises(InvalidArgument, match="a rule of the tokens read alone"):
        QueryCoupled(choosing.Twice())


# ── The table of a long instance ─────────────────────────────────────────────────────────────────────────────────────


def table(finding: Finding) -> list[str]:
    """The lines of the table of a finding."""
    return finding.table.splitlines()


def test_the_table_of_a_long_instance_is_cut_around_the_step() -> None:
    finding = finding_of(HIDDEN, choosing.ByChoice(), 300, budget=5000)
    token, id_, read = table(finding)
    assert max(map(len, (token, id_, read))) <= 100
    assert "..." in token
    assert (id_.split()[:3], id_.split()[-2:]) == (["ID", "0", "1"], ["302", "303"])
    assert read.split() == ["read", "...", finding.seen.split("(")[1][0]]
    assert max(map(len, finding.explain().splitlines())) <= 120


def test_a_short_table_stays_as_it_is() -> None:
    task = Copy()
    instance = task.solve((0, 1, 1, 2))
    assert (
        task.show(instance, width=100) == task.show(instance, step=instance.steps[0], width=26) == task.show(instance)
    )
    long = task.solve((0, 1, 1, 0, 1, 0, 1, 1, 2))
    assert task.show(long, step=long.steps[4], width=40).splitlines() == [
        "token a  b  b  a  b  a  b  ... a  b  ...",
        "ID    0  1  2  3  4  5  6  ... 3  4  ...",
        "read                       ... 3  4  ...",
    ]
    assert task.show(long, width=40).splitlines()[0] == "token a  b  b  a  b  a  b  b  >  a  ..."


def test_many_sources_are_cut_too() -> None:
    task = TASKS["full parity"]
    lines = task.show(task.solve((0,) * 1000), step=Step(1000, tuple(range(1000))), width=80).splitlines()
    assert [len(line) <= 80 for line in lines] == [True] * 3
    assert lines[1].startswith("ID    0  1  2 ")
    assert lines[1].endswith(" ... 999 1000")
    assert lines[2].endswith("0,1,...,999")
