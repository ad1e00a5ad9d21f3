"""How signs and shares are written: in a terminal that knows few characters words, never one "?" for two of them.

>>> spelled("✓ κ ≥ 1", "ascii"), spelled("✗ t → ∞", "ascii"), spelled("✓ 2×", "cp1252")
('yes kappa >= 1', 'no t -> inf', 'yes 2×')
"""

from __future__ import annotations

import unicodedata
from fractions import Fraction
from math import floor

SIGNS = {
    "✓": "yes", "✗": "no", "∅": "empty", "…": "...", "→": "->", "↑": "^", "·": "*", "×": "x", "±": "+-", "≤": "<=",
    "≥": ">=", "≈": "~=", "∞": "inf", "−": "-", "–": "-", "—": "--", "’": "'", "′": "'", "⊗": "(x)", "∈": "in",
    "∩": "and", "∪": "or", "⊆": "within", "⊇": "holds", "∑": "sum", "∃": "some", "∀": "all", "∘": "o", "■": "#", "●": "o",
    "√": "sqrt ", "″": "same", "‖": "||", "¶": "/",
}  # fmt: skip
"""Signs in words; letters are spelled by their names."""


def spelled(text: str, encoding: str) -> str:
    """A text in an encoding: what is not in it stands in words."""
    return "".join(char if _has(encoding, char) else _spelling(char) for char in text)


def digits(share: Fraction | float) -> str:
    """Two digits, rounded down: "1.00" is all.

    Examples
    --------
    >>> digits(Fraction(999, 1000)), digits(Fraction(29, 100)), digits(1)
    ('0.99', '0.29', '1.00')
    """
    return f"{floor(100 * share) / 100:.2f}"


def _has(encoding: str, char: str) -> bool:
    try:
        char.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _spelling(char: str) -> str:
    if char in SIGNS:
        return SIGNS[char]
    kind, _, letter = unicodedata.name(char, "").partition(" LETTER ")
    if kind in ("GREEK SMALL", "GREEK CAPITAL"):
        return letter.lower() if kind == "GREEK SMALL" else letter.capitalize()
    return unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode() or "?"
