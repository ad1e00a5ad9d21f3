"""The nouns of the theory: immutable values, exact, no I/O, no randomness but through a generator that is passed in.

>>> from theory import HeadClass, PlantedEnsemble, decide, support
>>> ens = PlantedEnsemble(vocabulary=3, background=[1, 0, 0], planted={(1,): "1/2", (2,): "1/2"},
...                       target={(1,): "one", (2,): "two"}, support=support.uniform())
>>> decide(HeadClass(arity=1), train=ens.at(2), test=ens.at(50)).outcome
'generalizes'
"""

from lengthgen_entry import drawable
from theory import bounds, claims, dependencies, positions, support
from theory.certificates import Certificate, certificate_length
from theory.criterion import Verdict, decide
from theory.errors import (
    AssumptionViolated,
    BackendUnavailable,
    BudgetExceeded,
    ExactnessLost,
    InvalidArgument,
    TheoryError,
)
from theory.examples import BUDGET, Example, FiniteLaw, Law, Mixture, mixture
from theory.heads import HardHead, HeadClass, View
from theory.planted import PlantedEnsemble, PlantedLaw
from theory.retention_factor import Factor
from theory.transfer import Coverage, Pattern, coverage, pattern_masses, retention

drawable(
    {
        PlantedEnsemble: "planted_ensembles",
        Example: "examples",
        HardHead: "heads",
        HeadClass: "head_classes",
        positions.PositionScheme: "position_schemes",
    }
)

__all__ = [
    "BUDGET",
    "AssumptionViolated",
    "BackendUnavailable",
    "BudgetExceeded",
    "Certificate",
    "Coverage",
    "ExactnessLost",
    "Example",
    "Factor",
    "FiniteLaw",
    "HardHead",
    "HeadClass",
    "InvalidArgument",
    "Law",
    "Mixture",
    "Pattern",
    "PlantedEnsemble",
    "PlantedLaw",
    "TheoryError",
    "Verdict",
    "View",
    "bounds",
    "certificate_length",
    "claims",
    "coverage",
    "decide",
    "dependencies",
    "mixture",
    "pattern_masses",
    "positions",
    "retention",
    "support",
]
