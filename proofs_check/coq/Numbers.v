(** * Planted laws and their numbers, for the judge

    Definition 1 and T3 on concrete plantings: [texts] is the law of tokens, IDs and labels, [texts_examples] says that its
    views are those of Ensemble.v.
    - [same_law]     whether two laws of examples agree, mass by mass ([same_law_correct]);
    - [kappa_of]     the largest ratio of pattern masses ([kappa_of_bounds], [kappa_of_attained]);
    - [most_sets]    N_T ([most_sets_bounds]);
    - [check_kept]   weights on kept sets, (A) and (B) of T11, where training pays for all that the class sees alike: L_P <= t L_T
                     for every head ([check_kept_correct]); without (A) the like of abstentions ([check_kappa0_correct]). *)

From Coq Require Import List Arith Lia QArith Qminmax Lqa Bool ZArith.
From LG Require Import Core Planted Ensemble T3 T11 Alike Check14 Bridge Judge.
Import ListNotations.
Open Scope Q_scope.

(** Planted words come with their labels. *)
Definition texts (mu : law Z) (ws : law (list Z * Z)) (P : law placement) : law raw :=
  bind P (fun a => bind ws (fun zy => lmap (fun b => (merge (planted a) (fst zy) b, ids a, snd zy)) (iid mu (noise a)))).

Theorem texts_examples (pl : planting Z Z) (cl : head_class (list Z)) ws P f :
  words pl = lmap fst ws -> (forall zy, possible ws zy -> target pl (fst zy) = snd zy) ->
  E (texts (mu pl) ws P) (fun e => f (see cl e)) == E (examples pl cl P) f.
Proof.
  intros Hw Ht. unfold texts. rewrite E_bind, E_examples. apply E_ext. intros a _. rewrite E_bind, E_examples_at, Hw, E_lmap.
  apply E_ext. intros zy Hz. rewrite E_lmap. apply E_ext. intros b _. unfold instance, see. rewrite (Ht zy Hz). reflexivity.
Qed.

(** ** Equal laws *)

Definition raw_eq : forall a b : raw, {a = b} + {a <> b}.
Proof. repeat decide equality. Defined.

Definition same_law (A B : law raw) : bool :=
  all_zero coordinate_code (map (fun we => (snd we, fst we)) A ++ map (fun we => (snd we, - fst we)) B).

Theorem same_law_correct A B : same_law A B = true -> forall e, mass raw_eq A e == mass raw_eq B e.
Proof.
  unfold same_law. intros H e.
  pose proof (all_zero_spec coordinate_code coordinate_code_injective view_eq Z.eq_dec _ H e) as S.
  rewrite qsum_app, !qsum_map in S.
  assert (X : forall (s : Q) R, qsum (fun we : Q * raw => entered view_eq Z.eq_dec e (snd we, s * fst we)) R == s * mass raw_eq R e).
  { intros s R. unfold mass, E. rewrite <- qsum_scale. apply qsum_ext. intros [w x] _. unfold entered. cbn [fst snd].
    destruct (ceq view_eq Z.eq_dec x e), (raw_eq x e); try contradiction; ring. }
  pose proof (X 1 A) as XA. pose proof (X (-1) B) as XB.
  assert (YA : qsum (fun we : Q * raw => entered view_eq Z.eq_dec e (snd we, fst we)) A == mass raw_eq A e).
  { transitivity (1 * mass raw_eq A e); [|ring]. rewrite <- XA. apply qsum_ext. intros [w x] _. unfold entered. cbn [fst snd].
    destruct (ceq view_eq Z.eq_dec x e); ring. }
  assert (YB : qsum (fun we : Q * raw => entered view_eq Z.eq_dec e (snd we, - fst we)) B == - mass raw_eq B e).
  { transitivity (-1 * mass raw_eq B e); [|ring]. rewrite <- XB. apply qsum_ext. intros [w x] _. unfold entered. cbn [fst snd].
    destruct (ceq view_eq Z.eq_dec x e); ring. }
  rewrite YA, YB in S. lra.
Qed.

(** ** Pattern masses and kappa *)

Definition key_eq : forall a b : list Z, {a = b} + {a <> b} := list_eq_dec Z.eq_dec.

Section Kappa.
Variable cl : head_class (list Z).
Notation pattern := (pattern (Key := list Z)).
Notation peq := (pattern_eq key_eq).

(** The patterns that occur, and their masses in lowest terms. *)
Definition patterns (P : law placement) : list pattern := nodup peq (map snd (occurrences cl P)).
Definition mass_in (O : law pattern) (p : pattern) : Q := rsum (fun wq => if peq (snd wq) p then fst wq else 0) O.

Lemma mass_in_spec P p : mass_in (occurrences cl P) p == pattern_mass key_eq cl P p.
Proof.
  unfold mass_in, pattern_mass, mass, E. rewrite rsum_qsum. apply qsum_ext. intros [w q] _. cbn [fst snd].
  destruct (peq q p); ring.
Qed.

(** [None] where a pattern occurs at test and not in training. *)
Definition kappa_of (T P : law placement) : option Q :=
  let OT := occurrences cl T in let OP := occurrences cl P in
  fold_right (fun p best => match best with
    | Some k => let m := mass_in OT p in if Qle_bool m 0 then None else Some (Qmax k (Qred (mass_in OP p / m)))
    | None => None end) (Some 0) (patterns P).

Lemma occurrences_nonneg P : nonneg P -> nonneg (occurrences cl P).
Proof.
  intros N. unfold occurrences. apply nonneg_bind; [exact N|]. intros a _ w q I. apply in_map_iff in I as [C [[= <- _] _]]. lra.
Qed.

Lemma mass_nonneg' P p : nonneg P -> 0 <= pattern_mass key_eq cl P p.
Proof.
  intros N. unfold pattern_mass, mass. apply E_nonneg; [now apply occurrences_nonneg|]. intros q _. destruct (peq q p); lra.
Qed.

Theorem kappa_of_bounds T P k : nonneg T -> nonneg P -> kappa_of T P = Some k ->
  0 <= k /\ forall p, pattern_mass key_eq cl P p <= k * pattern_mass key_eq cl T p.
Proof.
  intros NT NP H. unfold kappa_of in H. cbv zeta in H.
  assert (G : forall ps k, fold_right (fun p best => match best with
    | Some k => if Qle_bool (mass_in (occurrences cl T) p) 0 then None
                else Some (Qmax k (Qred (mass_in (occurrences cl P) p / mass_in (occurrences cl T) p)))
    | None => None end) (Some 0) ps = Some k ->
    0 <= k /\ forall p, In p ps -> pattern_mass key_eq cl P p <= k * pattern_mass key_eq cl T p).
  { clear k H. induction ps as [|p ps IH]; cbn [fold_right]; intros k H.
    - injection H as <-. split; [lra|intros p []].
    - destruct (fold_right _ _ ps) as [k'|]; [|discriminate]. destruct (Qle_bool (mass_in (occurrences cl T) p) 0) eqn:Z; [discriminate|].
      injection H as <-. destruct (IH k' eq_refl) as [K0 K]. split.
      + apply Qle_trans with k'; [exact K0|apply Q.le_max_l].
      + assert (Pos : 0 < pattern_mass key_eq cl T p).
        { rewrite <- mass_in_spec. apply Qnot_le_lt. intros X. apply Qle_bool_iff in X. congruence. }
        intros q [<-|I].
        * set (r := Qred (mass_in (occurrences cl P) p / mass_in (occurrences cl T) p)).
          assert (R : r == pattern_mass key_eq cl P p / pattern_mass key_eq cl T p)
            by (unfold r; rewrite Qred_correct, !mass_in_spec; reflexivity).
          pose proof (Q.le_max_r k' r) as M. rewrite R in M at 1.
          apply Qle_trans with (pattern_mass key_eq cl P p / pattern_mass key_eq cl T p * pattern_mass key_eq cl T p).
          -- apply Qle_lteq. right. field. lra.
          -- apply Qmult_le_compat_r; [exact M|lra].
        * specialize (K q I).
          apply Qle_trans with (1 := K). apply Qmult_le_compat_r; [apply Q.le_max_l|now apply mass_nonneg']. }
  destruct (G _ _ H) as [K0 K]. split; [exact K0|]. intros p.
  destruct (in_dec peq p (patterns P)) as [I|N]; [now apply K|].
  assert (Z : pattern_mass key_eq cl P p == 0).
  { unfold pattern_mass, mass, E. rewrite <- (qsum_const0 (occurrences cl P)). apply qsum_ext. intros [w q] I. cbn [fst snd].
    destruct (peq q p) as [->|]; [|ring]. destruct N. apply nodup_In, in_map_iff. now exists (w, p). }
  rewrite Z. pose proof (mass_nonneg' T p NT). nra.
Qed.

(** It is the least such number: 0, or attained. *)
Theorem kappa_of_attained T P k : kappa_of T P = Some k -> k == 0 \/
  exists p, 0 < pattern_mass key_eq cl T p /\ pattern_mass key_eq cl P p == k * pattern_mass key_eq cl T p.
Proof.
  unfold kappa_of. cbv zeta. generalize (patterns P) as ps. intros ps. revert k.
  induction ps as [|p ps IH]; cbn [fold_right]; intros k H; [injection H as <-; left; reflexivity|].
  destruct (fold_right _ _ ps) as [k'|]; [|discriminate]. destruct (Qle_bool (mass_in (occurrences cl T) p) 0) eqn:Z; [discriminate|].
  injection H as <-.
  assert (Pos : 0 < pattern_mass key_eq cl T p).
  { rewrite <- mass_in_spec. apply Qnot_le_lt. intros X. apply Qle_bool_iff in X. congruence. }
  set (r := Qred (mass_in (occurrences cl P) p / mass_in (occurrences cl T) p)) in *.
  assert (R : r == pattern_mass key_eq cl P p / pattern_mass key_eq cl T p) by (unfold r; rewrite Qred_correct, !mass_in_spec; reflexivity).
  destruct (Q.max_spec k' r) as [[_ M]|[_ M]].
  - right. exists p. split; [exact Pos|]. transitivity (r * pattern_mass key_eq cl T p).
    + rewrite R. field. lra.
    + apply Qmult_comp; [symmetry; exact M|reflexivity].
  - destruct (IH k' eq_refl) as [K|[q [Pq K]]]; [left; now transitivity k'|]. right. exists q. split; [exact Pq|].
    transitivity (k' * pattern_mass key_eq cl T q); [exact K|]. apply Qmult_comp; [symmetry; exact M|reflexivity].
Qed.

Definition most_sets (T : law placement) : nat := fold_right (fun wa n => max (length (candidates cl (ids (snd wa)))) n) O T.
Theorem most_sets_bounds T a : possible T a -> (length (candidates cl (ids a)) <= most_sets T)%nat.
Proof.
  intros [w I]. unfold most_sets. induction T as [|[u b] T IH]; [destruct I|]. cbn [fold_right].
  destruct I as [[= -> ->]|I]; cbn [snd]; [lia|]. specialize (IH I). lia.
Qed.
End Kappa.

(** ** Weights on kept sets *)

Section Kept.
Variable cl : head_class (list Z).
Variable k : nat.

(** What the class sees of a placement: the planted positions, and the candidate sets with their keys. *)
Definition seen_place : Type := (list bool * list (list bool * list Z))%type.
Definition sees (a : placement) : seen_place := (planted a, map (fun C => (C, key cl (sel C (ids a)))) (candidates cl (ids a))).
Definition seen_eq : forall s s' : seen_place, {s = s'} + {s <> s'}.
Proof. repeat decide equality. Defined.

Lemma sees_noise a b : sees a = sees b -> noise a = noise b.
Proof. unfold sees, noise. now intros [= -> _]. Qed.

Lemma sees_instance (pl : planting Z Z) a b z x : sees a = sees b -> instance pl cl a z x = instance pl cl b z x.
Proof.
  unfold sees. intros [= Hp Hc]. unfold instance, view. rewrite <- Hp. f_equal.
  assert (X : forall p, map (fun C => (sel C (merge (planted a) z x), key cl (sel C p))) (candidates cl p) =
    map (fun Ck => (sel (fst Ck) (merge (planted a) z x), snd Ck)) (map (fun C => (C, key cl (sel C p))) (candidates cl p))).
  { intros p. rewrite map_map. reflexivity. }
  now rewrite !X, Hc.
Qed.

(** Test placements with their probability and their weights on kept sets. *)
Definition kept := list (Q * (placement * law (list bool))).

Fixpoint kernel (K : kept) (a : placement) : law (list bool) :=
  match K with [] => [] | (_, (b, g)) :: K => if placement_eq b a then g else kernel K a end.
Definition tests (K : kept) : law placement := map (fun x => (fst x, fst (snd x))) K.

(** (A) of T11 where the candidate sets have to survive; else the weights have to sum to 1, which is enough for kappa0. *)
Definition check_place (survive : bool) (K : kept) (a : placement) : bool :=
  Nat.eqb (length (ids a)) (length (planted a)) && Nat.eqb (count (planted a)) k &&
  forallb (fun gu => Qle_bool 0 (fst gu) && sub (planted a) (snd gu) && implb (anchored cl) (last (snd gu) false)) (kernel K a) &&
  implb survive (forallb (fun C => Qle_bool 1 (rsum (fun gu => if sub C (snd gu) then fst gu else 0) (kernel K a))) (candidates cl (ids a))) &&
  Qle_bool 1 (rsum fst (kernel K a)).

Definition check_kept (survive : bool) (T : law placement) (K : kept) (t : Q) : bool :=
  let arrived := lmap sees (arriving (tests K) (kernel K)) in
  let trained := lmap sees T in
  let at_ (R : law seen_place) s := rsum (fun ws => if seen_eq (snd ws) s then fst ws else 0) R in
  forallb (fun x => Qle_bool 0 (fst x) && check_place survive K (fst (snd x))) K && forallb (fun wa => Qle_bool 0 (fst wa)) T &&
  Qle_bool 0 t && forallb (fun ws => Qle_bool (at_ arrived (snd ws)) (t * at_ trained (snd ws))) arrived.

Section Correct.
Variable pl : planting Z Z.
Variable survive : bool.
Variable T : law placement.
Variable K : kept.
Variable t : Q.
Hypothesis Hk : Ensemble.width pl = k.
Hypothesis checked : check_kept survive T K t = true.

Lemma checked_place a : possible (tests K) a -> check_place survive K a = true.
Proof.
  unfold check_kept in checked. cbv zeta in checked. rewrite !andb_true_iff in checked. destruct checked as [[[HK _] _] _].
  rewrite forallb_forall in HK. intros [w I]. apply in_map_iff in I as [x [[= _ <-] I]]. specialize (HK x I).
  now apply andb_true_iff in HK.
Qed.

Lemma tests_nonneg : nonneg (tests K).
Proof.
  unfold check_kept in checked. cbv zeta in checked. rewrite !andb_true_iff in checked. destruct checked as [[[HK _] _] _].
  rewrite forallb_forall in HK. intros w a I. apply in_map_iff in I as [x [[= <- _] I]]. specialize (HK x I).
  apply andb_true_iff in HK as [X _]. now apply Qle_bool_iff.
Qed.

Lemma tests_fit a : possible (tests K) a -> fits pl a.
Proof.
  intros Ha. apply checked_place in Ha. unfold check_place in Ha. rewrite !andb_true_iff in Ha. destruct Ha as [[[[L1 L2] _] _] _].
  apply Nat.eqb_eq in L1, L2. split; [exact L1|congruence].
Qed.

Lemma kernel_nonneg a : possible (tests K) a -> nonneg (kernel K a).
Proof.
  intros Ha w U I. apply checked_place in Ha. unfold check_place in Ha. rewrite !andb_true_iff in Ha. destruct Ha as [[[_ N] _] _].
  rewrite forallb_forall in N. specialize (N _ I). rewrite !andb_true_iff in N. destruct N as [[N _] _]. now apply Qle_bool_iff.
Qed.

Lemma kernel_keeps a U : possible (tests K) a -> possible (kernel K a) U -> keeps cl a U.
Proof.
  intros Ha [w I]. apply checked_place in Ha. unfold check_place in Ha. rewrite !andb_true_iff in Ha. destruct Ha as [[[_ N] _] _].
  rewrite forallb_forall in N. specialize (N _ I). rewrite !andb_true_iff in N. destruct N as [[_ S] A]. cbn [snd] in *.
  split; [exact S|]. intros X. rewrite X in A. exact A.
Qed.

Lemma kernel_weighs a : possible (tests K) a -> 1 <= total (kernel K a).
Proof.
  intros Ha. apply checked_place in Ha. unfold check_place in Ha. rewrite !andb_true_iff in Ha. destruct Ha as [_ S].
  apply Qle_bool_iff in S. rewrite rsum_qsum in S. apply Qle_trans with (1 := S). apply Qle_lteq. right. apply qsum_ext.
  intros [g U] _. cbn [fst snd]. ring.
Qed.

Lemma kernel_survives a C : survive = true -> possible (tests K) a -> In C (candidates cl (ids a)) ->
  1 <= E (kernel K a) (fun U => if sub C U then 1 else 0).
Proof.
  intros X Ha IC. apply checked_place in Ha. unfold check_place in Ha. rewrite !andb_true_iff in Ha. destruct Ha as [[_ S] _].
  rewrite X in S. cbn [implb] in S. rewrite forallb_forall in S. specialize (S C IC). apply Qle_bool_iff in S. rewrite rsum_qsum in S.
  apply Qle_trans with (1 := S). apply Qle_lteq. right. apply qsum_ext. intros [g U] _. cbn [fst snd]. destruct (sub C U); ring.
Qed.

Lemma kept_pays s : mass seen_eq (lmap sees (arriving (tests K) (kernel K))) s <= t * mass seen_eq (lmap sees T) s.
Proof.
  unfold check_kept in checked. cbv zeta in checked. rewrite !andb_true_iff in checked. destruct checked as [[[_ HT] Ht] HB].
  rewrite forallb_forall in HT, HB. apply Qle_bool_iff in Ht.
  assert (M : forall R, rsum (fun ws : Q * seen_place => if seen_eq (snd ws) s then fst ws else 0) R == mass seen_eq R s).
  { intros R. rewrite rsum_qsum. apply qsum_ext. intros [w x] _. cbn [fst snd]. destruct (seen_eq x s); ring. }
  set (A := lmap sees (arriving (tests K) (kernel K))) in *.
  destruct (in_dec seen_eq s (map snd A)) as [I|N].
  - apply in_map_iff in I as [ws [<- I]]. specialize (HB ws I). apply Qle_bool_iff in HB. now rewrite !M in HB.
  - assert (Z : mass seen_eq A s == 0).
    { unfold mass, E. rewrite <- (qsum_const0 A). apply qsum_ext. intros [w x] I. cbn [fst snd].
      destruct (seen_eq x s) as [->|]; [|ring]. destruct N. apply in_map_iff. now exists (w, s). }
    rewrite Z. assert (0 <= mass seen_eq (lmap sees T) s); [|nra].
    apply E_nonneg; [|intros x _; destruct (seen_eq x s); lra].
    apply nonneg_lmap. intros w a I. apply Qle_bool_iff. exact (HT (w, a) I).
Qed.

(** T11's t. *)
Theorem check_kept_correct (h : head View Z) : survive = true -> valid h ->
  L h (examples pl cl (tests K)) <= t * L h (examples pl cl T).
Proof.
  intros X V. apply (T11_alike pl cl seen_eq sees sees_noise (sees_instance pl) T (tests K) (kernel K) t); auto.
  - exact tests_nonneg.
  - exact tests_fit.
  - exact kernel_nonneg.
  - exact kernel_keeps.
  - exact kernel_weighs.
  - exact kept_pays.
  - intros a C. now apply kernel_survives.
Qed.

(** T3's kappa0. *)
Theorem check_kappa0_correct (h : head View Z) : valid h ->
  E (examples pl cl (tests K)) (abstention h) <= t * E (examples pl cl T) (abstention h).
Proof.
  intros V. apply (T3_alike pl cl seen_eq sees sees_noise (sees_instance pl) T (tests K) (kernel K) t); auto.
  - exact tests_nonneg.
  - exact tests_fit.
  - exact kernel_nonneg.
  - exact kernel_keeps.
  - exact kernel_weighs.
  - exact kept_pays.
Qed.
End Correct.
End Kept.

Print Assumptions texts_examples.
Print Assumptions same_law_correct.
Print Assumptions kappa_of_bounds.
Print Assumptions kappa_of_attained.
Print Assumptions most_sets_bounds.
Print Assumptions check_kept_correct.
Print Assumptions check_kappa0_correct.
