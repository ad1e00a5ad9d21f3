"""A head on an example: which sets it selects, what each answers, and what wins."""

from __future__ import annotations

from fractions import Fraction

from figures.own.places import Places, laid_out
from figures.plot import Plot, Row, Rows
from figures.style import GREY, INK, PALETTE, SHADE, Style, wrapped
from proofs_check.problem import Problem
from theory import BudgetExceeded, Example, HardHead, InvalidArgument, decide
from theory.coordinates import written
from theory.errors import check, check_type
from theory.exact import as_float
from theory.guarantees import Head
from theory.heads import View
from theory.listed import list_law
from theory.ranked import RankedHead
from theory.soft import SoftHead

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

WHERE = "head"
MOST = 24
"""Selected sets that are drawn, those that weigh most first; the CSV has all."""

TOKENS = 40
"""Tokens of an example at most."""

SETS = 100_000
"""Candidate sets of an example at most."""


def draw_head(head: Head, example: Example, *, axes: Axes | None = None, style: Style | None = None) -> Figure:
    """Draw the sets that a head selects in an example, a row a set, with its answer and its weight, and what the head says.

    Parameters
    ----------
    head : a hard, a ranked or a soft head.
    example : what it reads.
    axes : where; default: a new figure.
    style : its size.

    Raises
    ------
    InvalidArgument : for something else, and an example of more than 40 tokens.

    Examples
    --------
    >>> from theory import Example, HardHead, HeadClass, View
    >>> head = HardHead(HeadClass(arity=1), {View((1,), ()): "one", View((2,), ()): "two"})
    >>> figure = draw_head(head, Example((1, 0, 2, 1), (0, 1, 2, 3), "one"))
    >>> figure.axes[0].get_title()
    'the hard head answers one (2/3), two (1/3); the label is one'

    Cost: candidate sets of the example. Source: Definition 4, T1, T13 and T14 in docs/theory.md.
    """
    return draw(rows_of(head, example), style or Style(), axes)


def failing(problem: Problem, budget: int) -> tuple[Head, Example]:
    """The head of a problem, or the counterexample of `decide`, and a test example on which it errs.

    Raises
    ------
    InvalidArgument : where there is no such head, or it errs on nothing.
    """
    own = problem.head or problem.ranked
    fix = "Draw its shares: python -m figures problem FILE."
    expected = "a problem with a head that is perfect in training and errs at test"
    if own is None:
        found = decide(problem.heads, train=problem.train, test=problem.test, scores=problem.scores, budget=budget)
        ok = found.counterexample is not None and found.example is not None
        check(ok, WHERE, "FILE", got=f"a problem of which decide says {found.outcome}", expected=expected, fix=fix)
        assert found.counterexample is not None
        assert found.example is not None
        return found.counterexample, found.example
    wrong = (one for one in list_law(problem.test, WHERE, "test", budget).table if own.loss(one) > 0)
    example = next(wrong, None)
    if example is None:
        raise InvalidArgument(WHERE, "FILE", got="a head that errs on no test example", expected=expected, fix=fix)
    return own, example


def rows_of(head: Head, example: Example) -> list[Row]:
    """A row a set that the head selects, with its exact weight: its share of the answer.

    The first row of an abstaining head says so: it has no set.

    Raises
    ------
    InvalidArgument, BudgetExceeded
    """
    where, fix = "draw_head", "For instance decide(...).counterexample."
    check_type(head, (HardHead, RankedHead, SoftHead), where, "head", "a hard, a ranked or a soft head", fix)
    check_type(example, Example, where, "example", "an Example", "For instance decide(...).example.")
    n, fix = len(example.tokens), "Draw a shorter one."
    check(n <= TOKENS, where, "example", got=f"{n} tokens", expected=f"at most {TOKENS}", fix=fix)
    size = head.heads.n_candidates(example.ids)
    if size > SETS:
        raise BudgetExceeded(where, size, SETS, fix=fix)
    common = {
        "scores": kind_of(head), "tokens": " ".join(map(str, example.tokens)), "ids": " ".join(map(written, example.ids)),
        "label": str(example.label),
    }  # fmt: skip
    found = [
        (set_, view, weight)
        for set_ in head.heads.candidates(example.ids)
        for view in [head.heads.view(example.tokens, example.ids, set_)]
        for weight in [_weight(head, view)]
        if weight
    ]
    if isinstance(head, RankedHead) and found:
        best = max(weight for *_, weight in found)
        found = sorted(found, key=lambda own: -own[2])
        found = [(set_, view, Fraction(weight == best)) for set_, view, weight in found]
        total = Fraction(sum(weight for *_, weight in found))
    else:
        total = sum((weight for *_, weight in found), Fraction(0))
        found = sorted(found, key=lambda own: -own[2])
    return [
        {
            **common, "positions": " ".join(map(str, set_)), "view": " ".join(map(str, view.tokens)),
            "key": " ".join(map(written, view.key)), "answer": answer, "weight": str(share * weight / total),
        }
        for set_, view, weight in found
        for answer, share in _answers(head, view)
    ] or [{**common, "positions": "", "view": "", "key": "", "answer": "", "weight": "0"}]  # fmt: skip


def kind_of(head: Head) -> str:
    """The kind of head, in a word."""
    return "hard" if isinstance(head, HardHead) else "ranked" if isinstance(head, RankedHead) else "soft"


def _weight(head: Head, view: View) -> Fraction:
    """The score of a set; for a ranked head a number that is larger the higher the rank."""
    if isinstance(head, HardHead):
        return Fraction(view in head.answers)
    if isinstance(head, RankedHead):
        places = [one for one, _ in head.ranking]
        return Fraction(len(places) - places.index(view)) if view in places else Fraction(0)
    own = head.answers.get(view)
    return Fraction(own[0]) if own else Fraction(0)


def _answers(head: Head, view: View) -> list[tuple[str, Fraction]]:
    if isinstance(head, SoftHead):
        return [(str(label), Fraction(share)) for label, share in head.answers[view][1].items()]
    return [(str(head.answers[view]), Fraction(1))]


def totals(rows: Rows) -> dict[str, Fraction]:
    """{answer: its share}, the largest first."""
    found: dict[str, Fraction] = {}
    for row in rows:
        if row["positions"] and row["weight"] != "0":
            found[row["answer"]] = found.get(row["answer"], Fraction(0)) + Fraction(row["weight"])
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def says(rows: Rows) -> str:
    """What the head answers, and what is right."""
    shares = totals(rows)
    said = ", ".join(answer + f" ({share})" * (len(shares) > 1) for answer, share in shares.items())
    return f"the {rows[0]['scores']} head {f'answers {said}' if said else 'selects nothing'}; the label is {rows[0]['label']}"


def draw(rows: Rows, style: Style, axes: Axes | None = None) -> Figure:
    """The tokens above; a row a set, with a box at every position of it."""
    tokens, ids = rows[0]["tokens"].split(" "), rows[0]["ids"].split(" ")
    sets = [row for row in rows if row["positions"]]
    shown, label = sets[:MOST], rows[0]["label"]
    n, height = len(tokens), len(shown) + 2
    with laid_out(PLOT.title) as made:
        places = Places(axes, ["head"], "draw_head", style, across=1, height=0.17 * height + 0.45)
        (own,) = places.axes
        for i, (token, one) in enumerate(zip(tokens, ids, strict=True)):
            own.text(i, -1, token, ha="center", va="center", fontweight="bold", gid="token", parse_math=False)
            if max(map(len, ids)) * 6 * n < 72 * style.width:
                own.text(i, 0, one, ha="center", va="center", color=GREY, gid="id", parse_math=False)
        own.text(-0.8, -1, "token", ha="right", va="center")
        own.text(-0.8, 0, "ID", ha="right", va="center", color=GREY)
        for y, row in enumerate(shown, start=1):
            right, positions = row["answer"] == label, [int(word) for word in row["positions"].split()]
            colour = PALETTE[0] if right else PALETTE[2]
            faded = row["weight"] == "0"
            own.plot([positions[0], positions[-1]], [y, y], color=colour, linewidth=0.8, zorder=1, gid="set")
            for i in positions:
                own.add_patch(
                    Rectangle(
                        (i - 0.4, y - 0.38), 0.8, 0.76, facecolor="white" if faded else colour, edgecolor=colour,
                        linewidth=0.8, zorder=2,
                    )
                )  # fmt: skip
                own.text(
                    i,
                    y,
                    tokens[i],
                    ha="center",
                    va="center",
                    color=INK if faded else "white",
                    zorder=3,
                    parse_math=False,
                )
            share = as_float(Fraction(row["weight"]))
            words = f"{row['answer']}{'' if right else ' ✗'}   {share:.3g}"
            own.text(n - 0.3, y, words, ha="left", va="center", gid="answer", parse_math=False)
        own.text(n - 0.3, 0, "answer, weight", ha="left", va="center", color=GREY)
        own.axhline(0.5, color=SHADE, linewidth=0.8, zorder=0)
        longest = max([14, *(len(row["answer"]) + 9 for row in shown)])
        own.set(xlim=(-3.4 * n / max(n, 12) - 1.2, n + longest * n / 60 + 1.5), ylim=(len(shown) + 0.7, -1.7))
        own.set_axis_off()
        title = says(rows) + f"; {len(sets) - len(shown)} sets more" * (len(sets) > len(shown))
        lines = wrapped(title, style.width)
        if "\n" in lines:  # rather where it pauses
            lines = "\n".join(wrapped(part, style.width) for part in title.replace("; ", ";\n").split("\n"))
        own.set_title(lines)
        made.append(places.figure)
    return places.figure


def alt(rows: Rows) -> str:
    """What is selected, and what is answered."""
    sets = [row for row in rows if row["positions"]]
    kinds = ", ".join(dict.fromkeys(f"{row['view']} → {row['answer']}" for row in sets)) or "none"
    return (
        f"An example with the tokens {rows[0]['tokens']} and the IDs {rows[0]['ids']}, and below it the {len(sets)} "
        f"sets of tokens that a head selects, each with its answer and its weight. Selected views: {kinds}. "
        f"So {says(rows)}."
    )


PLOT = Plot(WHERE, "What a head selects, and what it answers", draw, alt)
