"""The tables of `lengthgen language report`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from rich.table import Table

from idealized_model.language import control
from idealized_model.language.damage import EVERY_K, Damage, Mean, Slope
from idealized_model.language.experiment import damage_of, far_of, judged, meter_of
from idealized_model.language.protocol import slug
from idealized_model.transformer.results import Row
from theory.errors import InvalidArgument


def needs(rows: Sequence[Row], epsilon: Mapping[str, int]) -> Table:
    """A line a corpus: how many tokens its predictions need."""
    table = Table(title="How many tokens a prediction needs", title_justify="left")
    table.add_column("corpus")
    for name in (
        "tokens",
        "epsilon",
        "k, median",
        "mean",
        "k = 1",
        "k <= 4",
        "last k, median",
        "mean",
        "fewer",
        "entropy",
    ):
        table.add_column(name, justify="right")
    for corpus in epsilon:
        meter = meter_of(rows, corpus)
        k, last, few = meter["k"][epsilon[corpus]], meter["recency_k"][epsilon[corpus]], meter["few"]
        fewer = f"{((few > 0) & (few < k)).mean():.3f}" if epsilon[corpus] == 0 else ""
        table.add_row(
            slug(corpus), f"{k.size:,}", f"{meter['epsilons'][epsilon[corpus]]:g}",
            f"{np.median(k):g}", f"{k.mean():.1f}", f"{(k == 1).mean():.2f}", f"{(k <= 4).mean():.2f}",
            f"{np.median(last):g}", f"{last.mean():.1f}", fewer, f"{meter['entropy'].mean():.2f}",
        )  # fmt: skip
    table.caption = (
        "k: at most so many tokens, the current one counted, bring the prediction within epsilon nats of that from the "
        "whole context; last k: the last ones. fewer: the share for which a search of all sets of three of the last 16 finds "
        "fewer."
    )
    table.caption_justify = "left"
    return table


def losses(rows: Sequence[Row], epsilon: Mapping[str, int]) -> Table:
    """A line a model: its loss, its damage, and the slope of the damage by k."""
    table = Table(title="What a longer context than in training does", title_justify="left")
    counts = [f"{len(set(meter_of(rows, corpus)['block'].tolist()))} of {slug(corpus)}" for corpus in epsilon]
    for name in ("corpus", "model"):
        table.add_column(name)
    for name in ("at", "seeds", "loss", "at window", "damage", "[95 %]", "by k, raw", "adjusted", "[95 %]", "permuted"):
        table.add_column(name, justify="right")
    for (corpus, model, length), own in judged(rows).items():
        before, after = (np.mean([row[name] for row in own]) for name in ("before", "after"))
        line = [slug(corpus), model, str(length), str(len(own)), f"{before:.3f}", f"{after:.3f}"]
        table.add_row(*line, *_damage(rows, corpus, model, length, epsilon[corpus]))
    table.caption = (
        "Nats a token: the loss with a context of the length of training and of the whole window; damage: the second minus the "
        "first. By k: the slope of the damage for every doubling of k; adjusted for entropy, last k and KL at k = 1; permuted: "
        "the share of random k that do as much, which is no p-value; -: k does not vary enough, or there are too few tokens or "
        f"blocks. Intervals are over blocks of text ({', '.join(counts)}): of few of them they are too narrow."
    )
    table.caption_justify = "left"
    return table


def _damage(rows: Sequence[Row], corpus: str, model: str, length: int, epsilon: int) -> list[str]:
    damage = damage_of(rows, corpus, model, length, epsilon=epsilon)
    if not damage.values.any():
        return [""] * 6  # it was trained at the window
    found = _mean(damage)
    try:
        raw, slope, share = damage.slope(adjusted=False), damage.slope(), damage.permuted().share
    except InvalidArgument:  # k does not vary beside what is adjusted for
        return [*found, *["-"] * 4]
    return [*found, f"{raw.value:+.3f}", f"{slope.value:+.3f}", _interval(slope), f"{share:.3f}"]


def _mean(damage: Damage) -> list[str]:
    """Of all tokens, and its interval."""
    try:
        (mean,) = damage.means(EVERY_K, adjusted=False)
    except InvalidArgument:  # too few tokens, or all of one block
        return ["-", "-"]
    return [f"{mean.value:+.3f}", _interval(mean)]


def _interval(found: Mean | Slope) -> str:
    return f"[{found.low:+.3f}, {found.high:+.3f}]"


def far(rows: Sequence[Row]) -> Table:
    """A line a model of a corpus with copies or names: what is lost of tokens that are told from beyond its training length."""
    table = Table(title="What far context is worth", title_justify="left")
    for name in ("corpus", "model"):
        table.add_column(name)
    for name in ("at", "tokens", "of them", "lost", "[95 %]", "regained", "[95 %]"):
        table.add_column(name, justify="right" if name != "of them" else "left")
    for corpus, model, length in judged(rows):
        for what, found in far_of(rows, corpus, model, length).items():
            texts = [text for one in found for text in _mean(one)]
            table.add_row(slug(corpus), model, str(length), f"{found[0].k.size:,}", what, *texts)
    table.caption = (
        "Nats a token. Far: copies and names that stood before, further back than the training length, within the window. "
        "Lost: the loss with a context of the training length minus that of the model trained at the window, or, where there "
        "is none, of the best of all, with all of it; it holds how good that one is at all, too: of other tokens it says so. "
        "Regained: how much less the model itself loses with the whole window than with the context of its training length."
    )
    table.caption_justify = "left"
    return table


def known(rows: Sequence[Row]) -> Table:
    """A line a question: how often the meter finds what is known."""
    table = Table(title="What predictions need in planted text", title_justify="left")
    for name in ("asked for", "text", "k", "found", "forward", "removal", "last tokens"):
        table.add_column(name, justify="left" if name == "asked for" else "right")
    for row in rows:
        if row["kind"] == "meter":
            each = {"": row["least"]} | row["found"]
            for i, (name, needed) in enumerate(zip(row["name"], row["needed"], strict=True)):
                shares = (np.mean(np.array(found[i]) == needed) for found in each.values())
                table.add_row(name, str(row["body"]), str(needed), *(f"{share:.2f}" for share in shares))
    table.caption = (
        "The share of fresh examples for which just k tokens are found: by the best of the three searches, and by each. Text: "
        "its tokens before the question."
    )
    table.caption_justify = "left"
    return table


def rising(rows: Sequence[Row]) -> Table:
    """A line a kind of judged model and question: what the model loses."""
    table = Table(title="Damage on planted text", title_justify="left")
    for name in ("model", "trained at", "seeds", "asked for", "k", "damage", "share", "seeds from", "to"):
        table.add_column(name, justify="left" if name in ("model", "asked for") else "right")
    for row in control.rises(rows):
        table.add_row(
            row["encoding"], str(row["kept"]), str(row["seeds"]), row["name"], str(row["needed"]), f"{row['damage']:+.3f}",
            *(f"{row[name]:+.2f}" for name in ("share", "lowest", "highest")),
        )  # fmt: skip
    table.caption = (
        "Damage: nats, the loss on the whole text minus that on a text of the training length, the mean over seeds; share: of "
        "the bits that are asked for, which is what there is to lose."
    )
    table.caption_justify = "left"
    return table


def contrasted(rows: Sequence[Row]) -> Table:
    """A line a contrast: in how many runs damage rises with the tokens that are needed, or with the bits of one."""
    table = Table(title="What damage on planted text rises with", title_justify="left")
    for name in ("held", "compared", "runs", "larger", "smaller"):
        table.add_column(name, justify="left" if name in ("held", "compared") else "right")
    for row in control.contrasts(rows):
        if row["runs"]:
            first, *_, last = control.CONTRASTS[row["held"]]
            what = "four tokens with one" if len(last) > len(first) else "four bits with one"
            table.add_row(row["held"], what, *(str(row[name]) for name in ("runs", "larger", "smaller")))
    table.caption = f"Runs in which the share of damage is larger, or smaller, by more than {control.MARGIN:g}."
    table.caption_justify = "left"
    return table
