"""Exact evaluation without a list of candidate sets (T10 in docs/theory.md).

Heads of key none and no window see a sequence through the counts of its token patterns: its iterated-sums *signature*.
Signatures of neighbouring pieces multiply (Chen's product), so a sequence is cut into blocks, the plain recurrence runs
over all blocks side by side, and a tree of products joins them. Windows and other keys are listed in bulk.

Three doors: `patterns` counts the patterns of a sequence, `views` evaluates a head on it, `prefixes` on all its prefixes.
"""

from idealized_model.counting.patterns import PATTERN_BUDGET as PATTERN_BUDGET
from idealized_model.counting.patterns import Counts as Counts
from idealized_model.counting.patterns import Levels as Levels
from idealized_model.counting.patterns import chen_product as chen_product
from idealized_model.counting.patterns import pattern_counts as pattern_counts
from idealized_model.counting.patterns import signature as signature
from idealized_model.counting.prefixes import PrefixOutputs as PrefixOutputs
from idealized_model.counting.prefixes import prefix_outputs as prefix_outputs
from idealized_model.counting.prefixes import prefix_outputs_float as prefix_outputs_float
from idealized_model.counting.views import CANDIDATE_BUDGET as CANDIDATE_BUDGET
from idealized_model.counting.views import evaluate as evaluate
from idealized_model.counting.views import evaluate_float as evaluate_float
from idealized_model.counting.views import view_counts as view_counts
