"""Formulas in text: what is one, what it means (by evaluating the MathML), and that nothing is lost or left unescaped."""

from __future__ import annotations

import re
from fractions import Fraction
from math import comb
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs_check.claims import find
from proofs_check.pages.mathml import text_to_html
from theory import claims

VALUES = {"k": 2, "l": 7, "L": 11, "n": 3}


def parsed(html: str) -> Element:
    """The fragment as XML, which MathML and our HTML are."""
    return ElementTree.fromstring(f"<p>{html}</p>")


def formulas(text: str) -> list[str]:
    """The text of every formula, invisible signs left out."""
    return ["".join(math.itertext()).translate(INVISIBLE) for math in parsed(text_to_html(text)).iter("math")]


INVISIBLE = {0x2061: None, 0x2062: None}


# ── What is a formula ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a hard head of arity k reads a pair", ["k"]),
        ("every k-set, w-local support", ["k", "w"]),
        ("A window w; where a is its probability", ["w", "a"]),
        ("(a) is seen, (b) flips, (iii) is (c)", []),
        ("1,500 drawn, 3 of 7, up to 10", []),
        ("length 2k - 1, not 2k", ["2k−1", "2k"]),
        ("test loss <= t · training loss", ["≤t"]),
        ("|Y| >= 2: with one label", ["|Y|≥2"]),
        ("e.g. this, T1's proof, Chen's identity", []),
        ("k = 1..8 (full: 9)", ["k=1…8"]),
        ("Label in {0, 1} = parity", ["{0,1}"]),
        ("IDs = positions (any shift)", []),
        ("tends to 0 for s > k, to 1", ["s>k"]),
        ("(token, ID increment) and (k, l, L)", ["(k,l,L)"]),
        ("n² for n", ["n2", "n"]),
        ("15045/30000 wrong", ["15045/30000"]),
        ("κ0 = 1 and N_T", ["κ0=1", "NT"]),
        ("unclosed f(x, (1 + y", ["f", "x", "1+y"]),
    ],
)
def test_what_is_a_formula(text: str, expected: list[str]) -> None:
    assert formulas(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("S*", "<math><msup><mi>S</mi><mo>*</mo></msup></math>"),
        ("κ0", "<math><msub><mi>κ</mi><mn>0</mn></msub></math>"),
        ("Q_voc", "<math><msub><mi>Q</mi><mi>voc</mi></msub></math>"),
        ("(L/l)^k", "<math><msup><mrow><mo>(</mo><mfrac><mi>L</mi><mi>l</mi></mfrac><mo>)</mo></mrow><mi>k</mi></msup></math>"),
        (
            "N_T = C(l,k)",
            '<math><msub><mi>N</mi><mi>T</mi></msub><mo form="infix">=</mo><mrow><mo>(</mo>'
            '<mfrac linethickness="0"><mi>l</mi><mi>k</mi></mfrac><mo>)</mo></mrow></math>',
        ),
        ('k < 3 & "', '<math><mi>k</mi><mo form="infix">&lt;</mo><mn>3</mn></math> &amp; &quot;'),
    ],
)  # fmt: skip
def test_how_it_is_written(text: str, expected: str) -> None:
    assert text_to_html(text) == expected


def test_a_long_chain_may_break_at_its_relations() -> None:
    assert formulas("<= κ0·a + κ·N_T·(L_T - a) <= max(κ0, κ·N_T)·L_T") == ["≤κ0·a+κ·NT·(LT−a)", "≤max(κ0,κ·NT)·LT"]


def test_claims_become_links_where_they_are_known() -> None:
    known = {"T3": "#T3"}.get
    assert text_to_html("by T3, not T4", known) == 'by <a href="#T3">T3</a>, not T4'


# ── What it means: written from a tree, and evaluated from the MathML ────────────────────────────────────────────────


Tree = tuple  # (kind, ...), a small expression
numbers = st.integers(1, 9).map(lambda n: ("number", n))
letters = st.sampled_from(sorted(VALUES)).map(lambda name: ("letter", name))
trees = st.recursive(
    numbers | letters,
    lambda inner: (
        st.tuples(st.sampled_from("+-·/"), inner, inner)
        | st.tuples(st.just("C"), inner, inner)
        | st.tuples(st.just("^"), inner, st.integers(0, 3).map(lambda n: ("number", n)))
    ),
    max_leaves=6,
)


def value(tree: Tree) -> Fraction:
    """The value of a tree; ZeroDivisionError and ValueError where it has none."""
    kind, *parts = tree
    if kind == "number":
        return Fraction(parts[0])
    if kind == "letter":
        return Fraction(VALUES[parts[0]])
    return combined(kind, value(parts[0]), value(parts[1]))


def combined(kind: str, left: Fraction, right: Fraction) -> Fraction:
    """An operation."""
    if kind == "C":
        if left.denominator != 1 or right.denominator != 1 or not 0 <= right <= 60 or not 0 <= left <= 10**6:
            raise ValueError("no binomial coefficient")
        return Fraction(comb(int(left), int(right)))
    if kind == "^":
        return left ** int(right)
    return {"+": left + right, "-": left - right, "·": left * right}[kind] if kind != "/" else left / right


RANK = {"+": 1, "-": 1, "·": 2, "/": 2, "^": 3, "C": 4, "number": 4, "letter": 4}


def written(tree: Tree, least: int = 0) -> str:
    """The tree as text, in brackets where its operation binds more weakly than `least`."""
    kind, *parts = tree
    if kind in ("number", "letter"):
        return str(parts[0])
    if kind == "C":
        return f"C({written(parts[0])}, {written(parts[1])})"
    rank = RANK[kind]
    sign = {"+": " + ", "-": " - ", "·": "·", "/": " / ", "^": "^"}[kind]
    text = f"{written(parts[0], rank + (kind == '^'))}{sign}{written(parts[1], rank + 1)}"
    return f"({text})" if rank < least else text


def read(element: Element) -> Fraction:
    """The value of a MathML element, by the structure alone."""
    tag, children = element.tag, list(element)
    if tag == "mn":
        return Fraction(element.text or "")
    if tag == "mi":
        return Fraction(VALUES[element.text or ""])
    if tag == "mfrac":
        return combined("C" if element.get("linethickness") == "0" else "/", *map(read, children))
    if tag == "msup":
        return combined("^", *map(read, children))
    assert tag in ("mrow", "math"), tag
    if children[0].text == "(" and children[-1].text == ")":
        children = children[1:-1]
    terms, sign = [Fraction(1)], "·"
    for child in children:
        if child.tag == "mo":
            sign = {"−": "-"}.get(child.text or "", child.text or "")
        elif sign in "+-":
            terms.append(read(child) if sign == "+" else -read(child))
        else:
            assert sign in ("·", "\N{INVISIBLE TIMES}"), sign
            terms[-1] *= read(child)
    return sum(terms, Fraction(0))


@given(trees)
def test_the_mathml_has_the_value_of_the_formula(tree: Tree) -> None:
    try:
        expected = value(tree)
    except (ZeroDivisionError, ValueError):
        return
    text = written(tree)
    if re.fullmatch(r"\d+", text):
        return  # a number alone is text
    (math,) = parsed(text_to_html(f"is {text}"))
    assert read(math) == expected, text


# ── Nothing is lost, nothing is raw ──────────────────────────────────────────────────────────────────────────────────


def characters(text: str) -> list[str]:
    """Letters and digits in their order; C, which a binomial coefficient does not show, left out."""
    plain = text.translate({ord("²"): "2", ord("³"): "3", ord("∑"): "Σ"})
    return [character for character in plain if character.isalnum() and character != "C"]


def all_texts() -> list[str]:
    """Every statement, hypothesis, scope and mutant."""
    texts = []
    for claim in claims.CLAIMS:
        plan = find(claim.id)
        texts += [claim.statement, claim.tightness, *claim.hypotheses, *claim.hypotheses.values(), *plan.mutants]
        texts += [c.scope for c in (*plan.families, *plan.samplers, *plan.measurements, *plan.proofs)]
    return texts


def test_no_letter_of_the_claims_is_lost() -> None:
    for text in all_texts():
        assert characters("".join(parsed(text_to_html(text)).itertext())) == characters(text)


@given(
    st.text(st.sampled_from("kLκ aAC019.,()[]{}|_^*'!<>=&\"+-·/²∈Σ\n") | st.characters(codec="utf-8", min_codepoint=32))
)
def test_any_text_gives_well_formed_html_with_all_its_letters(text: str) -> None:
    html = text_to_html(text)
    root = parsed(re.sub("[\x7f-\x9f\ufffe\uffff]", "", html))
    assert {element.tag for element in root.iter()} <= {
        "p", "math", "mi", "mn", "mo", "mrow", "mfrac", "msub", "msup", "mtext", "mspace",
    }  # fmt: skip
    assert characters("".join(root.itertext())) == characters(re.sub("[\x7f-\x9f\ufffe\uffff]", "", text))


@pytest.mark.parametrize(
    "text", ["(" * 1000, "C(" * 1000, "k^" * 1000, "k/" * 1000, "|" * 1001, "f(x" * 1000, "E[" * 1000]
)
def test_deep_nesting_is_no_formula_and_quick(text: str) -> None:
    assert characters("".join(parsed(text_to_html(text)).itertext())) == characters(text)
