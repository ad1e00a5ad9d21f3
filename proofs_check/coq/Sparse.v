(** * Sparse parity without positions: what ranked heads guarantee

    Key none, no window, no anchor; heads of several arities j <= k, as those of at most k positions are.  Training has full
    support at a length l >= 2k.  [sparse_ranked]: every ranked head that is right on all training examples is right on every
    example of the planting of length at least l.  Nothing is asked of the background, the words or the target, so this is
    also T2 for ranked heads.  (That soft heads guarantee nothing there is not proved here.) *)

From Coq Require Import List Arith Lia QArith Bool.
From LG Require Import Core Planted Ensemble T2.
From LG Require T13.
Import ListNotations.
Open Scope nat_scope.

Section Sparse.
Context {Token Label : Type}.
Variable veq : forall u v : list Token, {u = v} + {u <> v}.
Variable pl : planting Token Label.
Let k := width pl.
(** The arities: for at most k, those from 1 to k. *)
Variable arities : list nat.
Hypothesis arities_some : arities <> [].
Hypothesis arities_range : forall j, In j arities -> 1 <= j <= k.

Definition shows (a : placement) (z b : list Token) : example (list Token) Label :=
  (flat_map (fun j => map (fun C => sel C (merge (planted a) z b)) (masks j (length (planted a)))) arities, target pl z).
Definition shown_by (P : law placement) (e : example (list Token) Label) :=
  exists a z b, possible P a /\ possible (words pl) z /\ possible (iid (mu pl) (noise a)) b /\ e = shows a z b.

Variables T P : law placement.
Variable l : nat.
Hypothesis Hl : 2 * k <= l.
Hypothesis T_fits : forall a, possible T a -> fits pl a.
Hypothesis full_support : forall R, length R = l -> count R = k -> exists a, possible T a /\ planted a = R.
Hypothesis P_fits : forall a, possible P a -> fits pl a.
Hypothesis P_long : forall a, possible P a -> l <= length (planted a).

(** Every view of a test example lies in a training example that shows no other views, with the same label. *)
Lemma parts a z b u : possible P a -> possible (words pl) z -> possible (iid (mu pl) (noise a)) b -> In u (fst (shows a z b)) ->
  exists V, shown_by T (V, target pl z) /\ In u V /\ incl V (fst (shows a z b)).
Proof.
  intros Ha Hz Hb Iu. destruct (P_fits a Ha) as [HL HC]. pose proof (words_width pl z Hz) as Lz.
  pose proof Hb as Hb'. apply possible_iid in Hb' as [Lb Tb].
  set (x := merge (planted a) z b). assert (Lx : length x = length (planted a)) by (apply merge_length; [congruence|exact Lb]).
  cbn [shows fst] in Iu. apply in_flat_map in Iu as [j [Ij Iu]]. apply in_map_iff in Iu as [C [Eu IC]].
  apply in_masks in IC as [LC CC]. fold x in Eu. pose proof (arities_range j Ij) as Rj.
  destruct (union_spec C (planted a) LC) as [V1 [V2 [V3 V4]]].
  destruct (enlarge (union C (planted a)) l) as [U [HU CU]]; [rewrite V1; specialize (P_long a Ha); unfold k in *; lia|].
  assert (HS : sub (planted a) U = true) by now apply (sub_trans _ (union C (planted a))).
  assert (HCU : sub C U = true) by now apply (sub_trans _ (union C (planted a))).
  assert (LU : length U = length (planted a)) by (symmetry; now apply sub_length).
  assert (LR : length (sel U (planted a)) = l) by (rewrite sel_length; auto).
  destruct (full_support (sel U (planted a)) LR) as [a' [Ha' Pa']]; [rewrite sub_count; auto|].
  set (b' := sel (sel (neg (planted a)) U) b).
  assert (Lb' : length b' = noise a').
  { unfold b', noise. rewrite sel_length, Pa'; [now apply count_noise|].
    rewrite sel_length by (rewrite length_neg; auto). now rewrite Lb. }
  assert (Ex : merge (planted a') z b' = sel U x).
  { rewrite Pa'. apply (restrict_tokens pl (plain 1 false) a U z b); [split|split| |]; auto; discriminate. }
  exists (fst (shows a' z b')). split; [|split].
  - exists a', z, b'. split; [exact Ha'|]. split; [exact Hz|]. split; [|reflexivity]. apply possible_iid. split; [exact Lb'|].
    intros t It. apply Tb. unfold b' in It. now apply sel_in in It.
  - cbn [shows fst]. apply in_flat_map. exists j. split; [exact Ij|]. apply in_map_iff. exists (sel U C). rewrite Ex, Pa', LR. split.
    + rewrite sel_sel by (auto; congruence). exact Eu.
    + apply in_masks. split; [rewrite sel_length; auto; congruence|]. rewrite sub_count; auto.
  - cbn [shows fst]. intros v Iv. apply in_flat_map in Iv as [i [Ii Iv]]. apply in_map_iff in Iv as [C' [Ev IC']].
    rewrite Pa', LR in IC'. apply in_masks in IC' as [L' C2]. rewrite Ex in Ev. apply in_flat_map. exists i. split; [exact Ii|].
    apply in_map_iff. exists (expand U C'). fold x. split; [rewrite sel_expand by (auto; congruence); exact Ev|].
    apply in_masks. rewrite expand_length, count_expand by congruence. split; [congruence|auto].
Qed.

Theorem sparse_ranked (h : T13.ranked) : (forall e, shown_by T e -> T13.right veq h e) ->
  forall e, shown_by P e -> T13.right veq h e.
Proof.
  intros Perfect e [a [z [b [Ha [Hz [Hb ->]]]]]]. unfold T13.right. cbn [shows snd].
  assert (NE : fst (shows a z b) <> []).
  { destruct arities as [|j r] eqn:E; [contradiction|]. assert (Rj : 1 <= j <= k) by (apply arities_range; now left).
    destruct (P_fits a Ha) as [HL HC]. specialize (P_long a Ha).
    destruct (enlarge (map (fun _ => false) (planted a)) j) as [C [_ CC]].
    { rewrite map_length. assert (Z : forall m : list bool, count (map (fun _ => false) m) = 0) by (induction m; cbn; auto).
      rewrite Z. unfold k in *. lia. }
    intros Nil. assert (L : forall m j, j <= m -> masks j m <> []).
    { induction m as [|m IH]; intros [|i] Hi; cbn; try lia; try discriminate.
      - intros X. apply (IH 0 ltac:(lia)). now destruct (masks 0 m).
      - intros X. apply app_eq_nil in X as [X _]. apply (IH i ltac:(lia)). now destruct (masks i m). }
    apply (L (length (planted a)) j); [unfold k in *; lia|]. unfold shows in Nil. rewrite E in Nil. cbn [fst flat_map] in Nil.
    apply app_eq_nil in Nil as [Nil _]. now destruct (masks j (length (planted a))). }
  destruct (T13.answer veq h (fst (shows a z b))) as [y|] eqn:A.
  - destruct (T13.answer_within veq h _ y A) as [w [Iw Hw]]. destruct (parts a z b w Ha Hz Hb Iw) as [V [HV [J S]]].
    specialize (Perfect _ HV). unfold T13.right in Perfect. cbn [fst snd] in Perfect. rewrite <- Perfect. symmetry. auto.
  - exfalso. destruct (fst (shows a z b)) as [|u U] eqn:F; [contradiction|].
    destruct (parts a z b u Ha Hz Hb) as [V [HV [_ S]]]; [rewrite F; now left|]. rewrite F in S.
    specialize (Perfect _ HV). unfold T13.right in Perfect. cbn [fst snd] in Perfect.
    assert (N : T13.answer veq h V = None); [|congruence]. apply T13.answer_none. intros v y Iv Jv.
    apply (proj1 (T13.answer_none veq h (u :: U)) A v y Iv). auto.
Qed.
End Sparse.

Print Assumptions sparse_ranked.
