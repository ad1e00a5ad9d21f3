"""What a task's dependency sets look like, and which position IDs bring them together.

Three questions about the sets that a `Task` declares: how large and how wide they are as the length grows (`measure`),
whether every slot of them is needed (`idle_slots`), and which coupling makes them narrow (`synthesize` for one instance,
`synthesize_rule` for one rule at all lengths).

>>> from theory.tasks import Addition
>>> task = Addition(carry=True)
>>> lengths = {length: next(task.support(length)) for length in (2, 3)}
>>> rule = synthesize_rule(lengths, cap=3)
>>> print(rule)
ID of the i-th of n tokens of a part, i = 0, 1, ..., n - 1
a: ID = i
+: ID = -1
b: ID = i
=: ID = -1
sum: ID = n - i - 1
>>> long = next(task.instances(9))  # a length that it was not given
>>> spread(long, "token", ids=rule(long)), spread(long, "token", ids=range(len(long.tokens)))
(1, 31)

The spread of a set is the difference between its largest and its smallest ID. Three *conventions* say what a set is:

- "sources": the positions that the step reads;
- "token": these and the predicted position, whose own ID then joins its operands;
- "query": these and the position before the predicted one, from which the prediction is made. This spread is the window
  that an anchored head needs.
"""

from theory.dependencies.coupling import Synthesis, lower_bound, synthesize
from theory.dependencies.folds import Checked, Fold, FoldTask, fold
from theory.dependencies.growth import Fit, Growth, LengthRow, Measurement, fit_growth, measure
from theory.dependencies.infer import Inferred, RandomStep, Refuted, Seen, StepSize, infer
from theory.dependencies.minimality import IdleSlot, Minimality, idle_slots
from theory.dependencies.planes import PlaneRule, Side
from theory.dependencies.pointers import At, Chain, Marked, Named, Occurrence, Walk
from theory.dependencies.rules import PartRule, Rule, RuleCoupling
from theory.dependencies.sets import Convention, dependency_sets, graph, spread
from theory.dependencies.sources import Source
from theory.dependencies.step_rules import Domain, StepRule
from theory.dependencies.synthesis import synthesize_rule

__all__ = [
    "At",
    "Chain",
    "Checked",
    "Convention",
    "Domain",
    "Fit",
    "Fold",
    "FoldTask",
    "Growth",
    "IdleSlot",
    "Inferred",
    "LengthRow",
    "Marked",
    "Measurement",
    "Minimality",
    "Named",
    "Occurrence",
    "PartRule",
    "PlaneRule",
    "RandomStep",
    "Refuted",
    "Rule",
    "RuleCoupling",
    "Seen",
    "Side",
    "Source",
    "StepRule",
    "StepSize",
    "Synthesis",
    "Walk",
    "dependency_sets",
    "fit_growth",
    "fold",
    "graph",
    "idle_slots",
    "infer",
    "lower_bound",
    "measure",
    "spread",
    "synthesize",
    "synthesize_rule",
]
