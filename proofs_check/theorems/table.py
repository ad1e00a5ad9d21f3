"""Which theorems prove which claim, in one table: reports, docs/proofs.md and the question put to Coq draw on it.

>>> [theorem.name for theorem in TABLE["T8"].theorems]
['T8.T8', 'T8.T8_exact', 'T8.T8_factor']
"""

from __future__ import annotations

from dataclasses import dataclass

from theory.claims import CLAIMS


@dataclass(frozen=True)
class Theorem:
    """A theorem of a file of `proofs_check/coq`.

    Attributes
    ----------
    name : FILE.NAME, as Coq knows it below the prefix LG.
    says : what it says, in words.
    """

    name: str
    says: str

    @property
    def file(self) -> str:
        """The file that states and proves it."""
        return f"{self.name.partition('.')[0]}.v"

    @property
    def short(self) -> str:
        """Its name without the file."""
        return self.name.partition(".")[2]


@dataclass(frozen=True)
class Row:
    """What is proved of a claim.

    Attributes
    ----------
    theorems : those that the claim rests on; none where all of it is on paper.
    modelled : how what the claim speaks of is modelled.
    on_paper : what no theorem says; empty where the theorems are the whole statement.
    """

    theorems: tuple[Theorem, ...]
    modelled: str
    on_paper: str = ""


def _row(modelled: str, on_paper: str = "", **theorems: str) -> Row:
    """A row whose theorems are given as FILE__NAME=what it says."""
    return Row(tuple(Theorem(name.replace("__", ".", 1), says) for name, says in theorems.items()), modelled, on_paper)


_LAWS = "laws are lists of rational weights"
_PLACED = "planted ensembles by placements: a 0/1 mask for S*, and IDs"

TABLE: dict[str, Row] = {
    "T1": _row(
        f"{_LAWS} > 0 on (views, label); any type of views, any finite label set",
        T1__T1_realizable="a hard head with zero training loss exists iff every training example has a consistent view",
        T1__T1_criterion="if so, and |Y| ≥ 2, the class length-generalizes iff (a) seen, (b) no flip and (c) domination",
        T1__T1_one_label="with |Y| = 1, (c) decides alone",
        T1__decide_correct="a decision procedure, with the counterexample heads of the proof, is right on all laws",
    ),
    "T2": _row(
        f"{_PLACED}; key none, no window; full support as a hypothesis on the placements that are possible",
        T2__T2="if every k-set is possible at length 2k (anchored: 2k − 1), zero loss there is zero loss from there on",
        T2__T2_tight_below="for every k ≥ 1 a head with zero loss at all lengths below 2k",
        T2__T2_tight_at="which loses at length 2k",
        T2__T2_anchored_tight_below="with the anchor, for every k ≥ 2, a head with zero loss at all lengths below 2k − 1",
        T2__T2_anchored_tight_at="which loses at length 2k − 1",
    ),
    "T3": _row(
        f"{_PLACED}; any class; κ is any number that bounds all ratios of masses, κ0 one that bounds abstentions",
        "linear programs for κ0, and averaging over permutations",
        Ensemble__views_depend_on_patterns="what a candidate set shows depends on its overlap pattern alone",
        T3__T3_wrong_mass="E_P[W] ≤ κ E_T[W]",
        T3__T3_chain="L_P ≤ κ0 a + κ N_T (L_T − a), where a is the probability to abstain in training",
        T3__T3="L_P ≤ max(κ0, κ N_T) L_T for every hard head",
        T3__T3_soft="L_P ≤ κ N_T L_T for normalised soft heads, S* being a candidate set at test",
        T3__T3_kernel="a kernel of density at most κ0 bounds the abstentions of every head",
    ),
    "T3a": _row(
        "the uniform law on k-sets as a list; binomial coefficients as natural numbers; lengths ℓ ≥ 2k and L ≥ ℓ",
        "ℓ < 2k",
        T3a__mass_uniform="every pattern with j noise coordinates has mass c C(L − k, j) / C(k + j, j)",
        T3a__T3a_kappa="κ = C(L − k, k) / C(ℓ − k, k) bounds all ratios of masses",
        T3a__T3a_kappa_attained="and is attained, by the pattern that avoids S*",
        T3a__T3a_kappa0="κ0 = 1",
        T3a__T3a_candidates="N_T = C(ℓ, k)",
        T3a__T3a="L_P ≤ κ C(ℓ, k) L_T for every hard head",
        T3aTight__T3a_tight="a head with L_P ≥ κ (1 − (L − k) ε) L_T > 0, a token of the background having probability ε",
    ),
    "T3b": _row(
        "the counts of local sets as hypotheses: numbers between the bounds that the document derives",
        "the counts themselves: that masses and densities of local ensembles lie between these bounds; κ N_T = Θ(L)",
        T3b__T3b_far="given the counts: patterns that avoid S*: masses grow by a factor between L / 2ℓ and 2L / ℓ",
        T3b__T3b_near="given the counts: patterns that meet S*: at most threefold",
        T3b__T3b_kappa0="given the counts: κ0 ≤ 16/9",
    ),
    "T4": _row(
        "(i), (ii): any laws on the windows, keys and anchors of the code; (iii): w-local placements, IDs in one run",
        "(iii) the smallest lengths for parity: evaluated at single lengths, that 4 suffices for two tokens at all is on paper",
        T4__T4_absolute="(i) absolute key, IDs 0, 1, …, window ≥ k − 1: unrealizable, or no generalization to greater lengths",
        T4__T4_relative="(ii) relative key, IDs equal to positions up to a shift, no window, k ≥ 2: so too",
        T4__T4_local="(iii) w-local S* and window w: zero loss at one ℓ ≥ max(2w + 1, w + k + 1) is zero loss from there on",
        T4__T4_local_shifted="(iii) for the keys that do not see shifts, whatever the shifts are",
        T4__T4_local_absolute="(iii) with the absolute key, where the training shifts cover the test IDs",
    ),
    "T5": _row(
        "k equal blocks; S* the positions at one offset; the parity of marked tokens for (iii)",
        T5__T5_coupled="(i) coupled IDs, window 0: zero loss at length 2k is zero loss at every multiple of k from there",
        T5__T5_one_block="(i) length k does not suffice: a head has zero loss there, and at no greater multiple",
        T5__T5_unreadable="(ii) if S* is in no candidate set and all its tokens matter, no hard head has zero loss",
        T5__T5_narrow="(iii) raw IDs, window w < (k − 1) b on blocks of b: no hard head is perfect",
        T5__T5_wide="(iii) every other window, relative key: a head is perfect on blocks of b and loses 1 on all others",
    ),
    "T6": _row(
        "e^(−margin) is any rational q ≥ 0, or a sequence of them; limits with rational ε",
        "exponents that are no natural numbers, unless L^k q is known to converge; that the attaining head exists",
        T6__T6_bound="a head with that margin loses at most (n − 1) q / (1 + (n − 1) q) among n candidate sets",
        T6__T6_attained="with equality where all others score q and are wrong",
        T6__T6_half="which is above 1/2 iff (n − 1) q > 1",
        T6__T6_limit="n = C(L, k): where L^k q tends to c, the bound tends to c / (k! + c)",
        T6__T6_infinite="where it tends to infinity, the bound tends to 1",
        T6__T6_above="q = L^(−s), s > k: the bound tends to 0",
        T6__T6_at="s = k: to 1 / (1 + k!)",
        T6__T6_below="s < k: to 1",
    ),
    "T7": _row(
        "all but the k uniform bits is any law of placements, independent of them: S*, IDs, background, candidate sets",
        "the identity for soft heads with answers that add up to 1",
        T7__T7_half_wrong="E[W] ≥ E[D] / 2 for every head of arity < k, hard or soft",
        T7__T7_identity="E[W] = E[D] / 2 for hard heads that answer 0 or 1",
        T7__T7_floor="every hard head of arity < k loses at least 1 / (2N)",
        T7__T7_no_perfect_head="so none has zero loss",
    ),
    "T8": _row(
        "sequences as lists; any number of outputs a step, each with its greedy answer",
        "from T1's verdict to rollouts",
        T8__T8="a rollout is wrong with probability at most 2 Σ ε_t",
        T8__T8_exact="and with probability 0 where no step loses anything",
        T8__T8_factor="the factor 2 is attained",
    ),
    "T9": _row(
        "samples of n examples as a law of lists; probabilities are rational",
        "e^(−εn) for (1 − ε)^n: what is proved has powers of two; that both learners are consistent",
        T9__T9_bad_samples="a sample is bad with probability at most (|Y| + 1)^M (1 − ε)^n",
        T9__T9_halves="with n = m b examples and b ε ≥ 1, at most (|Y| + 1)^M / 2^m",
        T9__T9_good_sample="on all others, every hard head that is right on the sample has L_T ≤ risk ≤ ε",
    ),
    "T10": _row(
        "tokens of any finite type; counts of words by recursion",
        "running times",
        T10__hits_masks="(i) the recursion counts the sets that read a word",
        T10__T10_chen="(i) counts of a concatenation are sums of products over the cuts of the word",
        T10__T10_window="(ii) with a window w and at most m positions an ID, at most ℓ C(m(w + 1) − 1, k − 1) candidate sets",
        T10__T10_order_free="(iii) heads that ignore the order of tokens: the loss depends on the histogram alone",
        T10__T10_expected="(iii) so its mean is a sum over histograms with multinomial weights",
        T10__T10_terms="(iii) of which there are C(ℓ − k + |V| − 1, |V| − 1)",
        T10__T10_mean_loss="(iii) the mean loss at a placement, as that sum",
    ),
    "T11": _row(
        "kept sets as weights for each test placement; any class",
        "linear programs for t, averaging over permutations, κ ≤ t in general",
        T11__T11="L_P ≤ t L_T for every head, hard or soft, with any scores",
        T3a__T11a="t = κ for exchangeable ensembles",
        T3aTight__T3a_sharp="and no smaller factor serves, not even for hard heads",
    ),
    "T12": _row(
        "as T7; perfect codes as predicates on words of bits",
        T7__T12_floor="every hard head of arity < k loses at least 1 / (N + 1)",
        T7__T12_attained="the head of the document loses exactly 1/4 = 1 / (N + 1)",
        T12__T12_perfect_code="for every perfect code that corrects one error there is a head that loses exactly 1 / (k + 1)",
        T12__T12_hamming="the Hamming code of length 2^m − 1 is one, for every m",
    ),
    "T13": _row(
        f"a ranked head is a list of views with answers; {_LAWS}' supports; the closure as a relation",
        "the limit of scores",
        T13__closure_confluent="what the closure leaves does not depend on the choices",
        T13__T13_realizable="a perfect ranked head exists iff the closure leaves nothing",
        T13__T13_guarantee="with |Y| ≥ 2 all perfect ones are right on e iff (a) seen, (b) rest, (c) not free, (d) no flip",
        T13__T13_errs="if not, a ranked head is perfect in training and wrong on e",
        T13__T13_one_label="with |Y| = 1, (b) decides alone",
        T13__T13_parts="what training shows in parts with one label is guaranteed",
        Kinds__T13_hard="what all perfect ranked heads are right on, all perfect hard heads are right on",
    ),
    "T14": _row(
        "heads with rational scores and values; rays on views × labels; alternatives by elimination, over the rationals",
        "that the logits of an attention-only transformer are such averages (T14a)",
        Alternatives__alternatives="a system of linear inequalities has a rational solution, or a combination that refutes it",
        T14__T14_realizable="a greedily perfect head exists iff 0 is no convex combination of the rays of training",
        T14__T14_guarantee="if so, all are right on e iff for every other label its ray is not 0 and in the cone of these",
        T14__T14_errs="if not, a head with rational scores and values is perfect in training and wrong on e",
        T14__T14_one_label="with one label: iff the views of some training example are among those of e",
        T14__T14a_logits="logits that are averages of votes differ as masses do",
        Sparse__sparse_ranked="without positions, full support at ℓ ≥ 2k: ranked heads of arity ≤ k carry over to every length",
        Sparse__sparse_soft="where noise is one token of its own, soft heads guarantee nothing beyond the training lengths",
        Kinds__T13_soft="what all greedily perfect soft heads are right on, all perfect ranked heads are right on",
    ),
}
"""By claim, what is proved of it; every claim of the theory is a key."""

JUDGE: tuple[Theorem, ...] = (
    Theorem(
        "Judge.judge_correct", "the decision that is extracted says of concrete examples what is true of all hard heads"
    ),
    Theorem("T1.decide_explained", "T1's reason is the first that applies, and the example the first that shows it"),
    Theorem("Judge.decided_explained", "so it is with the decision that is extracted, with the number of the example"),
    Theorem("Judge.share_correct", "its share is the mass of the test examples on which all perfect heads are right"),
    Theorem("Judge.marked_correct", "the share of marked test examples is their mass"),
    Theorem("Judge.certified_correct", "a certificate about hard heads that its checker accepts proves the verdict"),
    Theorem("Judge.ranked_flags_correct", "the decision about ranked heads is that of T13, example by example"),
    Theorem("Judge.ranked_certified_correct", "so it is with certificates about ranked heads"),
    Theorem("Judge.soft_certified_correct", "and about soft heads"),
    Theorem("Numbers.same_law_correct", "two laws that it finds equal have the same masses"),
    Theorem("Numbers.kappa_of_bounds", "its κ bounds all ratios of masses"),
    Theorem("Numbers.kappa_of_attained", "and is attained"),
    Theorem("Alike.T11_alike", "in T11 training may pay for all placements that the class cannot tell apart"),
    Theorem("Alike.T3_alike", "and so for abstentions, in T3"),
    Theorem("Numbers.check_kept_correct", "weights on kept sets that it accepts prove T11's t"),
    Theorem("Numbers.check_kappa0_correct", "and T3's κ0"),
    Theorem("Placements.same_places_correct", "two laws of placements that it finds equal have the same masses"),
)
"""What the audit rests on beside the claims."""


def theorems() -> tuple[Theorem, ...]:
    """Every theorem of the table, each once, those of the judge last."""
    rows = (theorem for claim in CLAIMS for theorem in TABLE[claim.id].theorems)
    return tuple({theorem.name: theorem for theorem in (*rows, *JUDGE)}.values())


def table() -> str:
    """The table as docs/proofs.md has it."""
    lines = ["| claim | theorem | file | what it says |", "|---|---|---|---|"]
    for claim, row in TABLE.items():
        for i, theorem in enumerate(row.theorems):
            cells = ("" if i else claim, f"`{theorem.short}`", theorem.file, _text(theorem.says))
            lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "| claim | what is modelled how | on paper alone |", "|---|---|---|"]
    lines += [f"| {claim} | {_text(row.modelled)} | {_text(row.on_paper)} |" for claim, row in TABLE.items()]
    return "\n".join(lines) + "\n"


def _text(words: str) -> str:
    """Markdown that shows the words as they are, inside a table."""
    return words.replace("|", r"\|").replace("*", r"\*")
