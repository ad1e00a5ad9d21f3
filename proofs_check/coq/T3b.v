(** * T3b: the constants, from the counts

    That the masses of local ensembles lie between these bounds is counted in docs/theory.md, and stays on paper:
    - N_n, the number of w-local k-sets:     (n - w) B <= N_n <= n B, with B = C(w, k-1);
    - a pattern that avoids S*:              n - w - k^2 <= m_n <= n;
    - a pattern that meets S*:               m_n = sum over its joint shapes of (n - d) / N_n, each spread d at most 2w;
    - a kept set of spread d <= w arrives with density (L - d)/(l - d) N_l/N_L.
    What is proved is that for L >= l >= 4w + 2k^2 they give the constants of T3b: [T3b_far], [T3b_near], [T3b_kappa0]. *)

From Coq Require Import List QArith Lqa.
From LG Require Import Core.
Import ListNotations.
Open Scope Q_scope.

Section T3b.
Variables w k l L : Q.
Hypothesis w_nonneg : 0 <= w.
Hypothesis k_positive : 1 <= k.
Hypothesis long : 4 * w + 2 * (k * k) <= l.
Hypothesis longer : l <= L.

Lemma kk : 1 <= k * k. Proof. nra. Qed.
Lemma l_pos : 0 < l. Proof. pose proof kk. lra. Qed.

(** Patterns that avoid S*: L/(2l) m_l <= m_L <= 2L/l m_l. *)
Theorem T3b_far ml mL : l - w - k * k <= ml <= l -> L - w - k * k <= mL <= L ->
  L / (2 * l) * ml <= mL /\ mL <= 2 * (L / l) * ml.
Proof.
  intros [A B] [C D]. pose proof l_pos. pose proof kk. assert (0 <= L / l) by (apply Qle_shift_div_l; lra).
  assert (E1 : L / (2 * l) * l == L / 2) by (field; lra). assert (E2 : 2 * (L / l) * (l / 2) == L) by (field; lra).
  assert (0 <= L / (2 * l)) by (apply Qle_shift_div_l; lra). split.
  - apply Qle_trans with (L / (2 * l) * l); [|rewrite E1].
    + rewrite !(Qmult_comm (L / (2 * l))). now apply Qmult_le_compat_r.
    + apply Qle_trans with (L - w - k * k); [|exact C].
      assert (L / 2 == L - (1#2) * L) by field. lra.
  - apply Qle_trans with L; [exact D|]. rewrite <- E2 at 1. rewrite !(Qmult_comm (2 * (L / l))). apply Qmult_le_compat_r; [|lra].
    assert (l / 2 == l - (1#2) * l) by field. lra.
Qed.

Variables B Nl NL : Q.
Hypothesis B_pos : 0 < B.
Hypothesis count_l : (l - w) * B <= Nl <= l * B.
Hypothesis count_L : (L - w) * B <= NL <= L * B.

Lemma Nl_pos : 0 < Nl.
Proof. pose proof l_pos. pose proof kk. destruct count_l as [A _]. assert (0 < (l - w) * B) by (apply Qmult_lt_0_compat; lra). lra. Qed.
Lemma NL_pos : 0 < NL.
Proof. pose proof l_pos. pose proof kk. destruct count_L as [A _]. assert (0 < (L - w) * B) by (apply Qmult_lt_0_compat; lra). lra. Qed.

(** Patterns that meet S*: m_L <= 3 m_l, and so m_L <= 3 L/l m_l. *)
Theorem T3b_near (ds : list Q) : (forall d, In d ds -> 0 <= d <= 2 * w) ->
  qsum (fun d => (L - d) / NL) ds <= 3 * qsum (fun d => (l - d) / Nl) ds.
Proof.
  intros H. rewrite <- qsum_scale. apply qsum_le. intros d I. specialize (H d I). pose proof Nl_pos. pose proof NL_pos. pose proof l_pos. pose proof kk.
  apply Qle_shift_div_r; [assumption|].
  assert (E1 : 3 * ((l - d) / Nl) * NL == 3 * (l - d) * NL / Nl) by (field; lra). rewrite E1.
  apply Qle_shift_div_l; [assumption|].
  apply Qle_trans with ((L - d) * (l * B)).
  - rewrite !(Qmult_comm (L - d)). apply Qmult_le_compat_r; [apply count_l|lra].
  - apply Qle_trans with (3 * (l - d) * ((L - w) * B)).
    + assert (X : (L - d) * l <= 3 * (l - d) * (L - w)).
      { assert (0 <= (l - d - (1#2) * l) * (L - w - (3#4) * L)) by (apply Qmult_le_0_compat; lra).
        assert (0 <= (l - d - (1#2) * l) * L) by (apply Qmult_le_0_compat; lra).
        assert (0 <= l * (L - w - (3#4) * L)) by (apply Qmult_le_0_compat; lra).
        assert (0 <= l * L) by (apply Qmult_le_0_compat; lra). assert (0 <= d * l) by (apply Qmult_le_0_compat; lra). nra. }
      assert (Y : (L - d) * l * B <= 3 * (l - d) * (L - w) * B) by (apply Qmult_le_compat_r; lra). lra.
    + rewrite !(Qmult_comm (3 * (l - d))). apply Qmult_le_compat_r; [apply count_L|lra].
Qed.

(** The kernel of runs: its density is at most 16/9. *)
Theorem T3b_kappa0 d : 0 <= d <= w -> (L - d) / (l - d) * (Nl / NL) <= 16 # 9.
Proof.
  intros H. pose proof Nl_pos. pose proof NL_pos. pose proof l_pos. pose proof kk.
  assert (E1 : (L - d) / (l - d) * (Nl / NL) == ((L - d) * Nl) / ((l - d) * NL)) by (field; lra). rewrite E1.
  apply Qle_shift_div_r; [apply Qmult_lt_0_compat; lra|].
  apply Qle_trans with ((L - d) * (l * B)).
  - rewrite !(Qmult_comm (L - d)). apply Qmult_le_compat_r; [apply count_l|lra].
  - apply Qle_trans with ((16 # 9) * ((l - d) * ((L - w) * B))).
    + assert (X : (L - d) * l <= (16 # 9) * ((l - d) * (L - w))).
      { assert (0 <= (l - d - (3#4) * l) * (L - w - (3#4) * L)) by (apply Qmult_le_0_compat; lra).
        assert (0 <= (l - d - (3#4) * l) * L) by (apply Qmult_le_0_compat; lra).
        assert (0 <= l * (L - w - (3#4) * L)) by (apply Qmult_le_0_compat; lra).
        assert (0 <= d * l) by (apply Qmult_le_0_compat; lra). nra. }
      assert (Y : (L - d) * l * B <= (16 # 9) * ((l - d) * (L - w)) * B) by (apply Qmult_le_compat_r; lra). lra.
    + rewrite !(Qmult_comm (16 # 9)). apply Qmult_le_compat_r; [|lra]. rewrite !(Qmult_comm (l - d)).
      apply Qmult_le_compat_r; [apply count_L|lra].
Qed.
End T3b.

Print Assumptions T3b_far.
Print Assumptions T3b_near.
Print Assumptions T3b_kappa0.
