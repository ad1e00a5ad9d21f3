(** * Placements that a head class cannot tell apart

    In (B) of T11, and for kappa0, training may pay for all that looks alike: [sees] says what the class sees of a
    placement, and its masses count.
    - [T11_alike]   L_P <= t L_T for every head;
    - [T3_alike]    the abstentions of every head, likewise. *)

From Coq Require Import List Arith Lia QArith Lqa Bool.
From LG Require Import Core Planted Ensemble T3 T11.
Import ListNotations.
Open Scope Q_scope.

Section Alike.
Context {Token Key Label Seen : Type}.
Variable pl : planting Token Label.
Variable cl : head_class Key.
Variable seen_eq : forall s s' : Seen, {s = s'} + {s <> s'}.
Variable sees : placement -> Seen.
Hypothesis same_noise : forall a b, sees a = sees b -> noise a = noise b.
Hypothesis same_instance : forall a b z x, sees a = sees b -> instance pl cl a z x = instance pl cl b z x.

Lemma same_examples a b f : sees a = sees b -> E (examples_at pl cl a) f == E (examples_at pl cl b) f.
Proof.
  intros H. rewrite !E_examples_at, (same_noise a b H). apply E_ext. intros z _. apply E_ext. intros x _.
  now rewrite (same_instance a b z x H).
Qed.

(** A function of placements, on what is seen of those in a list. *)
Definition at_seen (l : list placement) (v : placement -> Q) (s : Seen) : Q :=
  match find (fun a => if seen_eq (sees a) s then true else false) l with Some a => v a | None => 0 end.

Lemma at_seen_spec l v a : (forall b, sees b = sees a -> v b == v a) -> In a l -> at_seen l v (sees a) == v a.
Proof.
  intros H I. unfold at_seen. destruct (find _ l) as [b|] eqn:F.
  - apply find_some in F as [_ F]. apply H. now destruct (seen_eq (sees b) (sees a)).
  - pose proof (find_none _ _ F a I) as X. cbn beta in X. now destruct (seen_eq (sees a) (sees a)).
Qed.

Lemma E_alike (A T : law placement) t phi : (forall e, 0 <= phi e) ->
  (forall s, mass seen_eq (lmap sees A) s <= t * mass seen_eq (lmap sees T) s) ->
  E A (fun b => E (examples_at pl cl b) phi) <= t * E T (fun b => E (examples_at pl cl b) phi).
Proof.
  intros Hphi H. set (v b := E (examples_at pl cl b) phi). set (l := map snd (A ++ T)).
  assert (X : forall R, incl (map snd R) l -> E R v == E (lmap sees R) (at_seen l v)).
  { intros R HR. rewrite E_lmap. apply E_ext. intros a [w I]. symmetry. apply at_seen_spec.
    - intros b Hb. now apply same_examples.
    - apply HR, in_map_iff. now exists (w, a). }
  change (E A v <= t * E T v). unfold l in X. rewrite (X A), (X T).
  - apply (E_mass_le seen_eq); [exact H|]. intros s. unfold at_seen. destruct (find _ _); [|lra].
    apply E_nonneg; [apply examples_at_nonneg|auto].
  - rewrite map_app. apply incl_appr, incl_refl.
  - rewrite map_app. apply incl_appl, incl_refl.
Qed.

Section Kernel.
Variables T P : law placement.
Variable ker : placement -> law (list bool).
Variable t : Q.
Hypothesis P_nonneg : nonneg P.
Hypothesis P_fits : forall a, possible P a -> fits pl a.
Hypothesis ker_nonneg : forall a, possible P a -> nonneg (ker a).
Hypothesis ker_keeps : forall a U, possible P a -> possible (ker a) U -> keeps cl a U.
Hypothesis weighs : forall a, possible P a -> 1 <= total (ker a).
Hypothesis training_pays : forall s,
  mass seen_eq (lmap sees (arriving P ker)) s <= t * mass seen_eq (lmap sees T) s.

Theorem T11_alike (h : head (list Token * Key) Label) :
  (forall a C, possible P a -> In C (candidates cl (ids a)) -> 1 <= E (ker a) (fun U => if sub C U then 1 else 0)) ->
  valid h -> L h (examples pl cl P) <= t * L h (examples pl cl T).
Proof.
  intros A V. unfold L. apply Qle_trans with (E (arriving P ker) (fun b => E (examples_at pl cl b) (fun e => loss h (fst e) (snd e)))).
  - apply arrives; auto.
    + intros e. apply loss_bounds, V.
    + intros a z b Ha Lz Lb. now apply (survivors_pay pl cl P P_fits ker).
  - rewrite E_examples. apply E_alike; [|exact training_pays]. intros e. apply loss_bounds, V.
Qed.

Theorem T3_alike (h : head (list Token * Key) Label) :
  valid h -> E (examples pl cl P) (abstention h) <= t * E (examples pl cl T) (abstention h).
Proof.
  assert (N : forall e : example (list Token * Key) Label, 0 <= abstention h e).
  { intros e. unfold abstention. destruct (abstains h (fst e)); lra. }
  intros V. apply Qle_trans with (E (arriving P ker) (fun b => E (examples_at pl cl b) (abstention h))).
  - apply arrives; auto. intros a z b Ha Lz Lb. apply abstention_pays; auto.
  - rewrite E_examples. now apply E_alike.
Qed.
End Kernel.
End Alike.

Print Assumptions T11_alike.
Print Assumptions T3_alike.
