"""The claims of the theory as data: the single list that the checks, the reports and the docs draw on.

>>> [claim.id for claim in CLAIMS]
['T1', 'T2', 'T3', 'T3a', 'T3b', 'T4', 'T5', 'T6', 'T7', 'T8', 'T9', 'T10', 'T11', 'T12', 'T13', 'T14']
>>> get("T7").title
'Dense dependence: the half-wrong identity'
"""

from __future__ import annotations

from dataclasses import dataclass, field

from theory.errors import check


@dataclass(frozen=True)
class Claim:
    """One claim: what it says, and the hypotheses that each need a witness of their necessity.

    Attributes
    ----------
    id : for instance "T3".
    title : a few words.
    statement : the claim in words and formulas.
    hypotheses : {short name: what is assumed}; `proofs_check` finds, for each, a counterexample without it.
    tightness : how far the statement is from the best possible one.

    Examples
    --------
    >>> claim = get("T12")
    >>> claim.title, sorted(claim.hypotheses)
    ('The sharper floor below the arity', ['IDs independent of tokens', 'arity below k', 'parity', 'uniform bits'])
    """

    id: str
    title: str
    statement: str
    hypotheses: dict[str, str] = field(hash=False)
    tightness: str


OF_SMALLER_SETS = ("T1", "T13", "T14")
"""Claims about head classes of at most k positions as well; the others are about candidate sets of exactly k."""

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "T1",
        "The exact criterion",
        "A hard head with zero training loss exists iff every training example has a consistent view. If so, and |Y| >= 2, "
        "the class length-generalizes from T to P iff (a) every test view occurs in training, (b) no consistent view occurs at "
        "test with another label, (c) every test example e has a training example e' with views(e') ∩ K ⊆ views(e). "
        "When it fails, the head built from the failing condition has zero training loss and positive test loss.",
        {
            "two labels": "|Y| >= 2: with one label (a) is not necessary",
            "realizable": "every training example has a consistent view: otherwise zero-loss heads do not exist and "
            "the conditions (a)-(c) decide nothing",
        },
        "Exact: an equivalence, and each of (a), (b), (c) that fails comes with a head of zero training loss that errs.",
    ),
    Claim(
        "T2",
        "The 2k certificate",
        "Key none, no window, support laws of full support at every length: a hard head of arity k with zero loss at "
        "length 2k has zero loss at every length >= 2k, and 2k is tight for every k. Anchored at the last position, "
        "the certificate length is 2k - 1.",
        {
            "full support": "every k-set can be the planted set, at every length",
            "length 2k": "the loss is zero at length 2k, not only at lengths up to 2k - 1",
            "key none": "heads do not see position IDs",
            "no window": "every k-set is a candidate",
        },
        "Tight for every k (anchored: k >= 2): the head of the proof is perfect up to one token below the certificate length.",
    ),
    Claim(
        "T3",
        "The transfer bound",
        "Training and test laws of one planting (μ, Q_voc, g*): every hard head has test loss <= κ0·a + κ·N_T·(L_T - a)"
        " <= max(κ0, κ·N_T)·L_T, where a is its probability to abstain in training; every normalised soft head has "
        "test loss <= κ·N_T·L_T where the planted set is a candidate at test.",
        {
            "same planting": "training and test share the background, the planted law and the target",
            "coverage": "every pattern that occurs at test occurs in training (κ is finite)",
            "abstention": "abstaining at test is dominated by abstaining in training (κ0 is finite)",
            "normalised": "soft heads score 1 on every planted view",
            "planted set is a candidate": "soft heads: S* lies inside the window at test",
        },
        "κ is reached in the limit (T3a); the factor N_T is loose, and not needed for exchangeable laws (T11).",
    ),
    Claim(
        "T3a",
        "Exchangeable ensembles",
        "Uniform support, key none, no window, one training length l >= 2k and a test length L >= l: κ0 = 1, "
        "κ = C(L-k,k)/C(l-k,k) and N_T = C(l,k). The exponent k in L is tight: for a rare noise pattern the ratio of "
        "test to training loss tends to κ.",
        {"train length 2k": "the training length is at least 2k"},
        "κ is the limit of the ratio of losses as the noise gets rare, for hard heads.",
    ),
    Claim(
        "T3b",
        "Locality turns the exponent k into 1",
        "Relative key, window w, w-local support, IDs = positions (any shift): the mass of a candidate that shares no "
        "position with S* is L + O(1), that of every other pattern O(1); for L >= l >= 4w + 2k² L/(2l) <= κ <= 3L/l and "
        "κ0 <= 16/9. So κ = Θ(L/l), where T3a has (L/l)^k.",
        {
            "window": "heads see only sets within a window",
            "relative key": "heads see offsets of IDs, not the IDs",
            "local support": "the planted set is uniform on the w-local sets, in training and at test",
            "IDs = positions": "IDs are the positions, up to a shift",
        },
        "The leading coefficients of the masses are exact, so κ·l/L tends to a positive constant; 1/2, 3 and 16/9 are not.",
    ),
    Claim(
        "T4",
        "What fails, and with what witness",
        "For realizable laws with two labels: (i) absolute key, absolute scheme: fails for every L > l (an unseen ID). "
        "(ii) Relative key, no window, k >= 2: fails for every L > l (an unseen offset). (iii) Parity of two marked "
        "tokens: with the absolute key under a shift that covers the test IDs and w-local heads and support the "
        "certificate length is 4 for w = 1 and 2; without key and window it is 4 = 2k.",
        {
            "longer test": "(i), (ii): the test length exceeds the training length",
            "IDs that do not cover": "(i): training does not show the test IDs",
            "no window": "(ii): no window hides the new offsets",
            "two tokens": "(ii): k >= 2; one token has no offsets",
            "realizable": "(i), (ii): some head is perfect in training",
            "two labels": "(i), (ii): |Y| >= 2, so that an unseen view can be answered wrongly",
        },
        "The certificate lengths are exact: every shorter training length has a counterexample head.",
    ),
    Claim(
        "T5",
        "Position coupling",
        "S* paired: one position in each of k equal blocks, at one offset. (i) Under the coupling c(i) = i mod (l/k), "
        "relabelled injectively, with window 0, arity k and a key other than absolute: a class that is realizable "
        "length-generalizes from training length 2k to every greater multiple of k. (ii) Any ensemble, any placements "
        "under which S* is in no candidate set: if no proper subset of the planted tokens determines the label, the class "
        "is unrealizable. (iii) Parity of k >= 2 marked tokens on position IDs up to a shift, relative key: the class fails at "
        "every greater length for every window from the spread (k - 1)l/k of S* on, and for none; below it (ii) applies.",
        {
            "coupled IDs": "(i): positions at one offset of the blocks share an ID, in training and at test",
            "window 0": "(i): only positions with one ID are candidates",
            "key not absolute": "(i): the key does not name IDs that training lacks",
            "training length 2k": "(i): training shows two offsets",
            "S* in no candidate set": "(ii): the planted set does not fit into the window",
            "no subset determines the target": "(ii): every subset of the planted tokens leaves the label open",
            "k >= 2": "(iii): there is a distance between planted tokens",
            "marks are no noise": "(iii): a planted token is never background",
            "relative key": "(iii): the key tells distances",
            "raw IDs": "(iii): IDs are positions up to a shift",
            "longer test": "(iii): the test length exceeds the training length",
        },
        "2k is exact for marked parity: from training length k the class fails, with a counterexample head.",
    ),
    Claim(
        "T6",
        "Softmax dilution",
        "At least two labels, and S* alone has its view: a soft head that scores S* 1, rightly, and the n - 1 other candidates "
        "exp(-Δ), all wrong, loses exactly (n-1)exp(-Δ) / (1 + (n-1)exp(-Δ)), the worst case over heads of margin Δ >= 0. "
        "With n = C(L,k) the loss passes 1/2 where C(L,k) - 1 = exp(Δ). With margin s·log L it tends to 0 for s > k, to 1 "
        "for s < k, to 1/(1 + k!) at s = k.",
        {
            "planted view scores 1": "the planted view has the score 1",
            "margin": "every other candidate scores at most exp(-Δ)",
            "planted view is unique": "no other candidate looks like S*, as otherwise it would be right too; only for Δ = 0, "
            "a margin Δ > 0 implies it",
            "two labels": "|Y| >= 2: there is a wrong answer",
        },
        "An identity, attained by the head that it speaks of.",
    ),
    Claim(
        "T7",
        "Dense dependence: the half-wrong identity",
        "Label in {0, 1} = parity of k marked uniform bits, placement independent of the tokens: every hard head of arity "
        "k' < k, whatever its window, key and anchor, has E[wrong selected sets] = E[selected sets] / 2 exactly. Hence no such "
        "head has zero loss: it loses at least 1 / (2 max |C|).",
        {
            "arity below k": "the head sees fewer tokens than the parity depends on",
            "uniform bits": "the marked bits are uniform and independent",
            "parity": "the label flips with every single marked bit",
            "IDs independent of tokens": "the position scheme does not look at the tokens",
        },
        "The identity is exact; its floor 1 / (2 max |C|) is not (T12).",
    ),
    Claim(
        "T8",
        "From steps to rollouts",
        "If a head has loss ε_t at step t under teacher forcing, a greedy free-running rollout errs with probability at "
        "most Σ_t 2ε_t, and never if all ε_t = 0. With targets (token, ID increment) this covers predicted IDs. So if a class "
        "length-generalizes from T to the steps of the episodes with n outputs, rollouts of n outputs of every hard head with "
        "zero loss on T are exact.",
        {
            "the steps generalize": "zero loss on the steps of the test episodes follows from training by T1",
            "every step": "the test law of steps gives every step of its episodes a positive weight",
            "targets hold the ID increment": "with predicted IDs the target of a step is the pair (token, increment)",
        },
        "The factor 2 is attained by a single step with a tie: its loss is 1/2, and its rollout may always err.",
    ),
    Claim(
        "T9",
        "Consistent learners",
        "For a realizable law with M views, with probability >= 1 - δ over n samples, every hard head that has zero loss on "
        "them is not perfectly right on a mass of at most (M ln(|Y|+1) + ln(1/δ)) / n; by T3 the test loss is then at most "
        "max(κ0, κ·N_T) times that.",
        {
            "realizable": "some hard head has zero loss",
            "consistent learner": "the learned head has zero loss on the sample whenever some hard head has",
        },
        "Loose, as union bounds are; the learning curves in the report show by how much.",
    ),
    Claim(
        "T10",
        "Evaluation without enumeration",
        "Key none, no window: the counts of increasing tuples of a concatenation are c_j(xy) = Σ_(a+b=j) c_a(x) ⊗ c_b(y), "
        "level by level. A window w with at most m tokens an ID leaves at most l·C(m(w+1)-1, k-1) candidates. When score "
        "and value ignore order, the loss of an example depends on its label and histogram alone, and there are "
        "C(l-k+V-1, V-1) histograms of the background.",
        {
            "no window": "Chen's identity: every increasing tuple is a candidate",
            "order-free": "histograms: score and value ignore the order of the tokens",
        },
        "The identities are exact; the bound for windows counts the ends of a sequence like its middle.",
    ),
    Claim(
        "T11",
        "The retention bound",
        "If weights g on sub-examples of the test placements let every candidate set survive (Σ_(U ⊇ S) g >= 1) and "
        "put at most t times the training law on every training placement, then every head, hard or soft and whatever "
        "its scores, has test loss <= t · training loss. T11a: for uniform support, key none, no window and training "
        "length l >= 2k the least t is κ = C(L-k,k)/C(l-k,k): T3's factor N_T is not needed, and the bound is sharp.",
        {
            "candidates survive": "every candidate at test survives in some sub-example that training shows",
            "same planting": "training and test share the background, the planted law and the target",
        },
        "Sharp for exchangeable laws (T11a); elsewhere the least t of the linear program is exact for these weights.",
    ),
    Claim(
        "T12",
        "The sharper floor below the arity",
        "Under the hypotheses of T7 every hard head of arity k' < k loses at least 1 / (max |C| + 1), where T7 gives "
        "1 / (2 max |C|). It is attained: on full parity of 3 bits some head of arity 2 loses exactly 1/4, and on that of "
        "2^m - 1 bits the head that selects the edges at a Hamming code loses exactly 1/2^m.",
        {
            "arity below k": "the head sees fewer tokens than the parity depends on",
            "uniform bits": "the marked bits are uniform and independent",
            "parity": "the label flips with every single marked bit",
            "IDs independent of tokens": "the position scheme does not look at the tokens",
        },
        "Attained: full parity of 2^m - 1 bits, arity one less.",
    ),
    Claim(
        "T13",
        "Ranked heads",
        "A ranked head answers with its highest-ranked view that is present. The closure takes, while it can, a view whose "
        "remaining training examples share one label, and removes these. A ranked head that is perfect on T exists iff the "
        "closure removes all of T. If so, every such head is right on a test example e with label y and views U iff every "
        "view of U occurs in T, the closure without the views of U leaves R ≠ ∅, and every view of U occurs in R, with two "
        "labels or with the one label y. With |Y| = 1: iff R ≠ ∅. What ranked heads guarantee hard heads do, where they are "
        "realizable.",
        {
            "two labels": "|Y| >= 2: with one label only R ≠ ∅ is necessary",
            "realizable": "the closure removes all of T: otherwise perfect heads do not exist, and the conditions decide "
            "nothing",
        },
        "Exact: an equivalence, and each condition that fails comes with a perfect ranked head that errs.",
    ),
    Claim(
        "T14",
        "Soft heads",
        "Greedy answers: the label with strictly the largest mass; a tie or an abstention is wrong. n_v(e) is the number of "
        "candidate sets of e with view v, and an example with label y has for every y' ≠ y the ray n(e) ⊗ (δ_y - δ_y'). Some "
        "head of Definition 4 is greedily perfect on T iff 0 is no convex combination of the rays of T. If so, and |Y| >= 2, "
        "every such head is right on e iff the rays of e are not 0 and lie in the cone of the rays of T. T14a: attention-only "
        "transformers answer as heads of at most 2 positions, anchor last.",
        {
            "two labels": "|Y| >= 2: with one label there are no rays, and a head is right where it does not abstain",
            "realizable": "some head is perfect on T: otherwise all of them, being none, are right on every example",
        },
        "Exact: an equivalence for every example, and a rational head errs wherever it does not hold.",
    ),
)
"""Every claim that this version checks."""


def get(claim_id: str) -> Claim:
    """The claim with this id.

    Raises
    ------
    InvalidArgument : for an unknown id, listing the known ones.

    Examples
    --------
    >>> get("T1").title
    'The exact criterion'
    """
    known = {claim.id: claim for claim in CLAIMS}
    is_known, expected = isinstance(claim_id, str) and claim_id in known, f"one of {', '.join(known)}"
    check(is_known, "claims.get", "claim_id", claim_id, expected=expected, fix="Use one of these ids.")
    return known[claim_id]
