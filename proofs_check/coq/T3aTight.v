(** * T3a: the exponent k is tight

    Background: a token with probability eps, and another one.  The head selects the planted words, rightly, and k rare tokens,
    with the answer 0; one of the two planted words has the label 1.  With N = C(B, k), B the number of rare tokens, it loses
    N/(1 + N) on half of the examples, and so
        1/4 C(m, k) eps^k (1 - m eps) <= L <= 1/4 C(m, k) eps^k,      m = n - k tokens of background.
    - [T3a_tight]  L_P >= C(L-k, k) / C(l-k, k) (1 - (L-k) eps) L_T, and L_T > 0 where l >= 2k, for any support laws: as eps
                   tends to 0 the ratio of losses tends to kappa. *)

From Coq Require Import List Arith Lia QArith Lqa Bool ZArith.
From LG Require Import Core Planted Ensemble T2 T3a T9 T10.
Import ListNotations.
Open Scope Q_scope.

(** (1 - eps)^n is at least 1 - n eps. *)
Lemma bernoulli_below eps n : 0 <= eps <= 1 -> 1 - Qn n * eps <= pow (1 - eps) n.
Proof.
  intros H. induction n as [|n IH]; [change (Qn 0) with 0; cbn; lra|]. cbn [pow].
  replace (S n) with (1 + n)%nat by lia. rewrite Qn_plus. change (Qn 1) with 1.
  assert (0 <= Qn n) by (change 0 with (Qn 0); apply Qn_le; lia).
  assert (0 <= Qn n * (eps * eps)) by (apply Qmult_le_0_compat; nra).
  assert ((1 - eps) * (1 - Qn n * eps) <= (1 - eps) * pow (1 - eps) n) by nra. nra.
Qed.

Lemma hits_repeat (t : nat) x : forall j, hits Nat.eq_dec (repeat t j) x = choose (count_occ Nat.eq_dec x t) j.
Proof.
  induction x as [|u x IH]; intros j; [now destruct j|]. cbn [hits count_occ].
  destruct j as [|j]; cbn [repeat].
  - change (@nil nat) with (repeat t 0). rewrite IH, !choose_0. lia.
  - change (t :: repeat t j) with (repeat t (S j)). rewrite !IH. destruct (Nat.eq_dec t u) as [->|N].
    + destruct (Nat.eq_dec u u) as [_|X]; [|contradiction]. rewrite choose_S. lia.
    + destruct (Nat.eq_dec u t) as [->|_]; [contradiction|]. lia.
Qed.

Lemma occ_merge (t : nat) m : forall z b, length z = count m -> length b = count (neg m) ->
  count_occ Nat.eq_dec (merge m z b) t = (count_occ Nat.eq_dec z t + count_occ Nat.eq_dec b t)%nat.
Proof.
  induction m as [|[] m IH]; intros z b Hz Hb; cbn in *.
  - destruct z, b; try discriminate. reflexivity.
  - destruct z as [|a z]; [discriminate|]. cbn. rewrite IH by auto. destruct (Nat.eq_dec a t); lia.
  - destruct b as [|a b]; [discriminate|]. cbn. rewrite IH by auto. destruct (Nat.eq_dec a t); lia.
Qed.

Lemma occ_repeat (t u : nat) j : count_occ Nat.eq_dec (repeat u j) t = if Nat.eq_dec u t then j else 0%nat.
Proof. induction j as [|j IH]; cbn; [now destruct (Nat.eq_dec u t)|]. rewrite IH. destruct (Nat.eq_dec u t); lia. Qed.

Section Tight.
Variable k : nat.
Hypothesis Hk : (0 < k)%nat.
Variable eps : Q.
Hypothesis eps_range : 0 < eps /\ eps < 1.

(** Tokens: 0 is rare, 1 is frequent, 2 and 3 are the marked bits. *)
Definition word (c : bool) : list nat := repeat (if c then 3 else 2)%nat k.
Definition reads_label (z : list nat) : bool := match z with 3 :: _ => true | _ => false end%nat.

Lemma reads_word c : reads_label (word c) = c.
Proof. unfold word. destruct k; [lia|]. now destruct c. Qed.

Lemma words_are z : possible [(1#2, word false); (1#2, word true)] z -> exists c, z = word c.
Proof. intros [w [X|[X|[]]]]; injection X as _ <-; eauto. Qed.

Definition rare : planting nat bool.
Proof.
  refine {| mu := [(eps, 0%nat); (1 - eps, 1%nat)]; words := [(1#2, word false); (1#2, word true)]; target := reads_label; width := k |}.
  - intros w a [X|[X|[]]]; injection X as <- _; lra.
  - unfold total, E. cbn. lra.
  - intros w a [X|[X|[]]]; injection X as <- _; lra.
  - reflexivity.
  - intros z Hz. apply words_are in Hz as [c ->]. apply repeat_length.
Defined.

Notation weq := (list_eq_dec Nat.eq_dec).
Definition rare_head (v : list nat * unit) : option bool :=
  if weq (fst v) (word false) then Some false else if weq (fst v) (word true) then Some true else
  if weq (fst v) (repeat 0%nat k) then Some false else None.

Definition is (w u : list nat) : Q := if weq u w then 1 else 0.

Lemma distinct_words (t u : nat) : t <> u -> repeat t k <> repeat u k.
Proof. intros N X. destruct k; [lia|]. injection X as X _. contradiction. Qed.

Lemma score_is u : score (hard bool_dec rare_head) (u, tt) == is (word false) u + is (word true) u + is (repeat 0%nat k) u.
Proof.
  unfold is, rare_head, word. cbn [hard score fst].
  destruct (weq u (repeat 2 k)%nat) as [->|_]; [|destruct (weq u (repeat 3 k)%nat) as [->|_]].
  - destruct (weq _ (repeat 3 k)%nat) as [X|_]; [now apply distinct_words in X|].
    destruct (weq _ (repeat 0 k)%nat) as [X|_]; [now apply distinct_words in X|]. lra.
  - destruct (weq _ (repeat 0 k)%nat) as [X|_]; [now apply distinct_words in X|]. lra.
  - destruct (weq u (repeat 0 k)%nat); lra.
Qed.

Lemma wrong_is u y : score (hard bool_dec rare_head) (u, tt) * (1 - value (hard bool_dec rare_head) (u, tt) y) ==
  if y then is (word false) u + is (repeat 0%nat k) u else is (word true) u.
Proof.
  unfold is, rare_head, word. cbn [hard score value fst].
  destruct (weq u (repeat 2 k)%nat) as [->|_]; [|destruct (weq u (repeat 3 k)%nat) as [->|_]].
  - destruct (weq _ (repeat 3 k)%nat) as [X|_]; [now apply distinct_words in X|].
    destruct (weq _ (repeat 0 k)%nat) as [X|_]; [now apply distinct_words in X|]. destruct y; cbn; lra.
  - destruct (weq _ (repeat 0 k)%nat) as [X|_]; [now apply distinct_words in X|]. destruct y; cbn; lra.
  - destruct (weq u (repeat 0 k)%nat); destruct y; cbn; lra.
Qed.

Lemma sum_is w x : length w = k -> qsum (fun C => is w (sel C x)) (masks k (length x)) == Qn (hits Nat.eq_dec w x).
Proof.
  intros <-. rewrite <- hits_masks. unfold is, reads. generalize (masks (length w) (length x)) as l. intros l.
  induction l as [|C l IH]; cbn [qsum filter]; [reflexivity|]. rewrite IH. unfold T10.weq.
  destruct (weq (sel C x) w); cbn [length]; [|ring]. replace (S (length _)) with (1 + length (filter (fun m => if weq (sel m x) w then true else false) l))%nat by reflexivity.
  rewrite Qn_plus. reflexivity.
Qed.

(** The number of sets of k rare tokens in the background. *)
Definition rares (b : list nat) : nat := choose (count_occ Nat.eq_dec b 0%nat) k.
Definition noisy (b : list nat) : Q := Qn (rares b) / (1 + Qn (rares b)).

Lemma rares_nonneg b : 0 <= Qn (rares b).
Proof. change 0 with (Qn 0). apply Qn_le. lia. Qed.

Lemma loss_is a c b : fits rare a -> length b = noise a -> (forall t, In t b -> t = 0%nat \/ t = 1%nat) ->
  loss (hard bool_dec rare_head) (fst (instance rare (plain k false) a (word c) b)) c == if c then noisy b else 0.
Proof.
  intros [HL HC] Lb Tb. cbn [width rare] in HC.
  assert (Lz : length (word c) = count (planted a)) by (unfold word; rewrite repeat_length; congruence).
  set (x := merge (planted a) (word c) b). assert (Lx : length x = length (ids a)) by (unfold x; rewrite merge_length; auto).
  assert (Views : fst (instance rare (plain k false) a (word c) b) = map (fun C => (sel C x, tt)) (masks k (length x))).
  { cbn [instance fst]. unfold candidates. rewrite Lx. cbn [arity plain]. f_equal.
    induction (masks k (length (ids a))) as [|m l IH]; cbn; [auto|]. now rewrite IH. }
  assert (O : forall t, (1 < t)%nat -> count_occ Nat.eq_dec b t = 0%nat).
  { intros t Ht. apply count_occ_not_In. intros I. destruct (Tb t I); lia. }
  assert (H2 : hits Nat.eq_dec (word false) x = if c then 0%nat else 1%nat).
  { unfold word at 1. rewrite hits_repeat. unfold x. rewrite occ_merge, O by auto. unfold word. rewrite occ_repeat.
    destruct c; cbn [Nat.eq_dec]; [apply choose_small; cbn; lia|]. cbn. rewrite Nat.add_0_r. apply choose_self. }
  assert (H3 : hits Nat.eq_dec (word true) x = if c then 1%nat else 0%nat).
  { unfold word at 1. rewrite hits_repeat. unfold x. rewrite occ_merge, O by auto. unfold word. rewrite occ_repeat.
    destruct c; cbn [Nat.eq_dec]; [cbn; rewrite Nat.add_0_r; apply choose_self|]. apply choose_small; cbn; lia. }
  assert (H0 : hits Nat.eq_dec (repeat 0%nat k) x = rares b).
  { rewrite hits_repeat. unfold x, rares. rewrite occ_merge by auto. unfold word. rewrite occ_repeat. now destruct c. }
  assert (ED : D (hard bool_dec rare_head) (fst (instance rare (plain k false) a (word c) b)) == 1 + Qn (rares b)).
  { rewrite Views. unfold D. rewrite qsum_map. rewrite (qsum_ext _ _ _ (fun C _ => score_is (sel C x))).
    rewrite !qsum_plus, !sum_is by (unfold word; apply repeat_length). rewrite H2, H3, H0. destruct c; change (Qn 0) with 0; change (Qn 1) with 1; ring. }
  assert (EW : W (hard bool_dec rare_head) (fst (instance rare (plain k false) a (word c) b)) c == if c then Qn (rares b) else 0).
  { rewrite Views. unfold W. rewrite qsum_map. rewrite (qsum_ext _ _ _ (fun C _ => wrong_is (sel C x) c)).
    destruct c; cbn iota; [rewrite qsum_plus|]; rewrite !sum_is by (unfold word; apply repeat_length); rewrite ?H2, ?H3, ?H0; [|reflexivity].
    change (Qn 0) with 0. ring. }
  pose proof (rares_nonneg b) as N.
  unfold loss, abstains. rewrite (Qeqb_comp _ _ ED 0 0 (Qeq_refl 0)).
  destruct (Qeq_bool (1 + Qn (rares b)) 0) eqn:Z; [apply Qeq_bool_eq in Z; lra|]. rewrite EW, ED.
  destruct c; unfold noisy; [reflexivity|]. field. lra.
Qed.

Lemma loss_rare P n : nonneg P -> total P == 1 -> (forall a, possible P a -> fits rare a /\ noise a = n) ->
  L (hard bool_dec rare_head) (examples rare (plain k false) P) == (1#2) * E (iid (mu rare) n) noisy.
Proof.
  intros NP TP FP. unfold L. rewrite E_examples.
  transitivity (E P (fun _ => (1#2) * E (iid (mu rare) n) noisy)); [|rewrite E_const, TP; ring].
  apply E_ext. intros a Ha. destruct (FP a Ha) as [Fa Na]. rewrite E_examples_at. unfold E at 1. cbn [words rare qsum fst snd].
  assert (X : forall c, E (iid (mu rare) (noise a)) (fun b => loss (hard bool_dec rare_head)
      (fst (instance rare (plain k false) a (word c) b)) (snd (instance rare (plain k false) a (word c) b))) ==
      if c then E (iid (mu rare) n) noisy else 0).
  { intros c. rewrite Na. transitivity (E (iid (mu rare) n) (fun b => if c then noisy b else 0)).
    - apply E_ext. intros b Hb. apply possible_iid in Hb as [Lb Tb]. cbn [instance snd target rare]. rewrite reads_word.
      apply loss_is; [exact Fa|congruence|]. intros t It. specialize (Tb t It). destruct Tb as [w [Y|[Y|[]]]]; injection Y as _ <-; auto.
    - destruct c; [reflexivity|]. rewrite E_const. ring. }
  rewrite (X false), (X true). ring.
Qed.

(** ** The two bounds *)

Lemma E_mu f : E (mu rare) f == eps * f 0%nat + (1 - eps) * f 1%nat.
Proof. unfold E. cbn [mu rare qsum fst snd]. ring. Qed.

Lemma expected_rares m : forall j, E (iid (mu rare) m) (fun b => Qn (choose (count_occ Nat.eq_dec b 0%nat) j)) == Qn (choose m j) * pow eps j.
Proof.
  induction m as [|m IH]; intros j.
  - cbn [iid]. unfold E. cbn [qsum fst snd count_occ]. destruct j; cbn [choose pow]; [change (Qn 1) with 1|change (Qn 0) with 0]; ring.
  - rewrite E_iid_S, E_mu. cbn [count_occ]. destruct (Nat.eq_dec 0 0) as [_|X]; [|contradiction].
    destruct (Nat.eq_dec 1 0) as [X|_]; [discriminate|]. destruct j as [|j].
    + assert (Y : E (iid (mu rare) m) (fun b => Qn (choose (S (count_occ Nat.eq_dec b 0%nat)) 0)) ==
                  E (iid (mu rare) m) (fun b => Qn (choose (count_occ Nat.eq_dec b 0%nat) 0)))
        by (apply E_ext; intros b _; now rewrite !choose_0).
      rewrite Y, IH, !choose_0. change (Qn 1) with 1. cbn [pow]. ring.
    + assert (Y : E (iid (mu rare) m) (fun b => Qn (choose (S (count_occ Nat.eq_dec b 0%nat)) (S j))) ==
                  Qn (choose m j) * pow eps j + Qn (choose m (S j)) * pow eps (S j)).
      { rewrite <- !IH, <- E_plus. apply E_ext. intros b _. rewrite choose_S. apply Qn_plus. }
      rewrite Y, IH, choose_S, Qn_plus. cbn [pow]. ring.
Qed.

Definition exactly (j : nat) (b : list nat) : Q := if Nat.eq_dec (count_occ Nat.eq_dec b 0%nat) j then 1 else 0.

Lemma exactly_below m : forall j, Qn (choose m j) * (pow eps j * pow (1 - eps) m) <= E (iid (mu rare) m) (exactly j).
Proof.
  induction m as [|m IH]; intros j.
  - cbn [iid]. unfold E. cbn [qsum fst snd]. unfold exactly. cbn [count_occ].
    destruct j; cbn [choose pow Nat.eq_dec]; [change (Qn 1) with 1|change (Qn 0) with 0]; cbn; lra.
  - rewrite E_iid_S, E_mu.
    assert (F : E (iid (mu rare) m) (fun b => exactly j (1%nat :: b)) == E (iid (mu rare) m) (exactly j))
      by (apply E_ext; intros b _; reflexivity).
    rewrite F. pose proof (pow_nonneg eps j ltac:(lra)) as P1. pose proof (pow_nonneg (1 - eps) m ltac:(lra)) as P2.
    set (q := pow (1 - eps) m) in *. destruct j as [|j].
    + assert (0 <= E (iid (mu rare) m) (fun b => exactly 0 (0%nat :: b))).
      { apply E_nonneg; [apply iid_nonneg, mu_nonneg|]. intros b _. unfold exactly. destruct (Nat.eq_dec _ _); lra. }
      specialize (IH 0%nat). rewrite choose_0 in *. change (Qn 1) with 1 in *. cbn [pow] in *. fold q.
      assert ((1 - eps) * (1 * (1 * q)) <= (1 - eps) * E (iid (mu rare) m) (exactly 0)) by (apply Qmult_le_l; lra). nra.
    + assert (G : E (iid (mu rare) m) (fun b => exactly (S j) (0%nat :: b)) == E (iid (mu rare) m) (exactly j)).
      { apply E_ext. intros b _. unfold exactly. cbn [count_occ]. destruct (Nat.eq_dec 0 0) as [_|X]; [|contradiction].
        destruct (Nat.eq_dec (S _) (S j)), (Nat.eq_dec _ j); try reflexivity; lia. }
      rewrite G. pose proof (pow_nonneg eps j ltac:(lra)) as Pp. pose proof (IH j) as A. pose proof (IH (S j)) as B. rewrite choose_S, Qn_plus. cbn [pow] in *. fold q in A, B |- *.
      assert (0 <= Qn (choose m j)) by (change 0 with (Qn 0); apply Qn_le; lia).
      set (c0 := Qn (choose m j)) in *. set (c1 := Qn (choose m (S j))) in *. set (p := pow eps j) in *.
      assert (A' : eps * (c0 * (p * q)) <= eps * E (iid (mu rare) m) (exactly j)) by (apply Qmult_le_l; lra).
      assert (B' : (1 - eps) * (c1 * (eps * p * q)) <= (1 - eps) * E (iid (mu rare) m) (exactly (S j))) by (apply Qmult_le_l; lra).
      assert (C' : (c0 + c1) * (eps * p * ((1 - eps) * q)) <= eps * (c0 * (p * q)) + (1 - eps) * (c1 * (eps * p * q))).
      { assert (Z : 0 <= c0 * (p * q)) by (apply Qmult_le_0_compat; [lra|apply Qmult_le_0_compat; lra]).
        assert (Z' : 0 <= eps * eps * (c0 * (p * q))) by (apply Qmult_le_0_compat; [nra|exact Z]).
        assert (X : eps * (c0 * (p * q)) + (1 - eps) * (c1 * (eps * p * q)) ==
                    (c0 + c1) * (eps * p * ((1 - eps) * q)) + eps * eps * (c0 * (p * q))) by ring. rewrite X. lra. }
      lra.
Qed.

Lemma noisy_above b : noisy b <= (1#2) * Qn (rares b).
Proof.
  unfold noisy. destruct (rares b) as [|r].
  - change (Qn 0) with 0. vm_compute. discriminate.
  - assert (1 <= Qn (S r)) by (change 1 with (Qn 1); apply Qn_le; lia). set (x := Qn (S r)) in *.
    apply Qle_shift_div_r; [lra|]. nra.
Qed.

Lemma noisy_below b : (1#2) * exactly k b <= noisy b.
Proof.
  unfold noisy, exactly. pose proof (rares_nonneg b) as N. destruct (Nat.eq_dec _ k) as [X|_].
  - unfold rares. rewrite X, choose_self. vm_compute. discriminate.
  - apply Qle_shift_div_l; [lra|]. nra.
Qed.

Theorem T3a_tight T P l n : nonneg T -> nonneg P -> total T == 1 -> total P == 1 -> (2 * k <= l)%nat ->
  (forall a, possible T a -> fits rare a /\ length (planted a) = l) ->
  (forall a, possible P a -> fits rare a /\ length (planted a) = n) ->
  let LT := L (hard bool_dec rare_head) (examples rare (plain k false) T) in
  let LP := L (hard bool_dec rare_head) (examples rare (plain k false) P) in
  Qn (choose (n - k) k) / Qn (choose (l - k) k) * (1 - Qn (n - k) * eps) * LT <= LP /\ (Qn (l - k) * eps < 1 -> 0 < LT).
Proof.
  intros NT NP TT TP Hl FT FP LT LP.
  assert (Noise : forall a m, fits rare a -> length (planted a) = m -> noise a = (m - k)%nat).
  { intros a m [_ HC] Hm. cbn [width rare] in HC. unfold noise. pose proof (count_neg (planted a)). lia. }
  assert (ET : LT == (1#2) * E (iid (mu rare) (l - k)) noisy).
  { apply loss_rare; auto. intros a Ha. destruct (FT a Ha) as [F1 F2]. auto. }
  assert (EP : LP == (1#2) * E (iid (mu rare) (n - k)) noisy).
  { apply loss_rare; auto. intros a Ha. destruct (FP a Ha) as [F1 F2]. auto. }
  assert (Above : forall m, E (iid (mu rare) m) noisy <= (1#2) * (Qn (choose m k) * pow eps k)).
  { intros m. rewrite <- expected_rares, <- E_scale. apply E_le; [apply iid_nonneg, mu_nonneg|]. intros b _. apply noisy_above. }
  assert (P0 : 0 < pow eps k) by (clear - eps_range; induction k as [|j IH]; cbn [pow]; nra).
  assert (Below : forall m, (1#2) * (Qn (choose m k) * pow eps k * (1 - Qn m * eps)) <= E (iid (mu rare) m) noisy).
  { intros m. apply Qle_trans with ((1#2) * E (iid (mu rare) m) (exactly k)).
    - apply Qmult_le_l; [lra|]. apply Qle_trans with (2 := exactly_below m k).
      assert (0 <= Qn (choose m k)) by (change 0 with (Qn 0); apply Qn_le; lia).
      rewrite Qmult_assoc. rewrite (Qmult_comm _ (1 - _)), (Qmult_comm _ (pow (1 - eps) m)). apply Qmult_le_compat_r.
      + apply bernoulli_below. lra.
      + apply Qmult_le_0_compat; lra.
    - rewrite <- E_scale. apply E_le; [apply iid_nonneg, mu_nonneg|]. intros b _. apply noisy_below. }
  assert (Cl : 0 < Qn (choose (l - k) k)) by (apply Qn_pos, choose_pos; lia).
  assert (Cn : 0 <= Qn (choose (n - k) k)) by (change 0 with (Qn 0); apply Qn_le; lia).
  split.
  - rewrite ET, EP. specialize (Above (l - k)%nat). specialize (Below (n - k)%nat).
    set (cl := Qn (choose (l - k) k)) in *. set (cn := Qn (choose (n - k) k)) in *. set (p := pow eps k) in *.
    set (x := E (iid (mu rare) (l - k)) noisy) in *. set (y := E (iid (mu rare) (n - k)) noisy) in *.
    set (d := 1 - Qn (n - k) * eps) in *.
    assert (X0 : 0 <= x).
    { apply E_nonneg; [apply iid_nonneg, mu_nonneg|]. intros b _. pose proof (rares_nonneg b). unfold noisy.
      apply Qle_shift_div_l; lra. }
    assert (Y0 : 0 <= y).
    { apply E_nonneg; [apply iid_nonneg, mu_nonneg|]. intros b _. pose proof (rares_nonneg b). unfold noisy.
      apply Qle_shift_div_l; lra. }
    assert (Rt : 0 <= cn / cl) by (apply Qle_shift_div_l; lra).
    destruct (Qlt_le_dec d 0) as [Neg|Pos].
    + assert (0 <= cn / cl * x) by (apply Qmult_le_0_compat; assumption). nra.
    + assert (Up : cn / cl * d * x <= cn / cl * d * ((1#2) * (cl * p))).
      { rewrite !(Qmult_comm (cn / cl * d)). apply Qmult_le_compat_r; [exact Above|]. apply Qmult_le_0_compat; assumption. }
      assert (Same : cn / cl * d * ((1#2) * (cl * p)) == (1#2) * (cn * p * d)) by (field; lra).
      rewrite Same in Up. nra.
  - intros S. rewrite ET. specialize (Below (l - k)%nat).
    assert (0 < Qn (choose (l - k) k) * pow eps k * (1 - Qn (l - k) * eps)); [|lra].
    apply Qmult_lt_0_compat; [now apply Qmult_lt_0_compat|lra].
Qed.
End Tight.

Print Assumptions T3a_tight.
