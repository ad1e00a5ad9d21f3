(** * Sparse parity without positions: what ranked and soft heads guarantee

    Key none, no window, no anchor; heads of several arities j <= k, as those of at most k positions are.  Training has full
    support at a length l >= 2k.  [sparse_ranked]: every ranked head that is right on all training examples is right on every
    example of the planting of length at least l.  Nothing is asked of the background, the words or the target, so this is
    also T2 for ranked heads.
    [sparse_soft]: where noise is one token that no word has, soft heads guarantee nothing beyond the training lengths: they may
    lean on the noise tokens, whose number grows. *)

From Coq Require Import List Arith Lia QArith Lqa Bool.
From LG Require Import Core Planted Ensemble T2 T3a.
From LG Require T5 T10 T13 T14.
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

(** ** Soft heads *)

Open Scope Q_scope.

Section Soft.
Context {Mark : Type}.
Variable meq : forall a b : Mark, {a = b} + {a <> b}.
(** [None] is noise. *)
Notation Token := (option Mark).
Variable pl : planting Token bool.
Let k := width pl.
Hypothesis Hk : (1 <= k)%nat.
Hypothesis only_noise : forall t, possible (mu pl) t -> t = None.
Hypothesis only_marks : forall z, possible (words pl) z -> forall t, In t z -> t <> None.

Definition teq : forall t u : Token, {t = u} + {t <> u}.
Proof. decide equality. Defined.
Definition weq : forall u v : list Token, {u = v} + {u <> v} := list_eq_dec teq.
Definition is_mark (t : Token) : bool := match t with Some _ => true | None => false end.
Definition marked (u : list Token) : bool := Nat.eqb (length u) k && forallb is_mark u.

(** The head leans on noise with the answer s, and gives the planted words, rightly answered, the weight c. *)
Definition leaning (s : bool) (c : Q) : head (list Token) bool :=
  Head (fun u => if weq u [None] then 1 else if marked u then c else 0)
       (fun u y => if weq u [None] then (if Bool.eqb y s then 1 else 0) else if Bool.eqb y (target pl u) then 1 else 0).

Definition one (b : bool) : Q := if b then 1 else 0.

Lemma leaning_soft s c : 0 <= c -> T14.soft [false; true] (leaning s c).
Proof.
  intros Hc. split; [|split].
  - intros u. cbn. destruct (weq u [None]); [lra|]. destruct (marked u); lra.
  - intros u y. cbn. destruct (weq u [None]); [destruct (Bool.eqb y s)|destruct (Bool.eqb y (target pl u))]; lra.
  - intros u. cbn. destruct (weq u [None]); [destruct s|destruct (target pl u)]; cbn; lra.
Qed.

Lemma noise_not_marked u : marked u = true -> u <> [None].
Proof. intros M ->. unfold marked in M. now rewrite andb_comm in M. Qed.

Lemma weights s c u y : score (leaning s c) u * value (leaning s c) u y ==
  (if weq u [None] then 1 else 0) * one (Bool.eqb y s) + (if marked u then c * one (Bool.eqb y (target pl u)) else 0).
Proof.
  cbn. unfold one. destruct (weq u [None]) as [->|N].
  - destruct (marked [None]) eqn:M; [now apply noise_not_marked in M|]. destruct (Bool.eqb y s); ring.
  - destruct (marked u); [destruct (Bool.eqb y (target pl u))|]; ring.
Qed.

Lemma hits_noise S : forall z b : list Token, length z = count S -> length b = count (neg S) ->
  (forall t, In t z -> t <> None) -> (forall t, In t b -> t = None) -> T10.hits teq [None] (merge S z b) = length b.
Proof.
  induction S as [|[] S IH]; intros z b Lz Lb Nz Nb; cbn in Lz, Lb.
  - destruct b; [reflexivity|discriminate].
  - destruct z as [|t z]; [discriminate|]. cbn [merge T10.hits]. rewrite IH; auto using in_cons.
    destruct (teq None t) as [<-|_]; [|lia]. exfalso. apply (Nz None); [now left|reflexivity].
  - destruct b as [|t b]; [discriminate|]. cbn [merge T10.hits]. rewrite IH; auto using in_cons.
    destruct (teq None t) as [_|N]; [rewrite T10.hits_nil; cbn; lia|]. destruct N. symmetry. apply Nb. now left.
Qed.

(** A set that shows marks only lies in the planted set. *)
Lemma marks_within S : forall C (z b : list Token), length C = length S -> length z = count S -> length b = count (neg S) ->
  (forall t, In t b -> t = None) -> forallb is_mark (sel C (merge S z b)) = true -> sub C S = true.
Proof.
  induction S as [|[] S IH]; intros [|c C] z b LC Lz Lb Nb M; cbn in LC, Lz, Lb; try discriminate; auto.
  - destruct z as [|t z]; [discriminate|]. cbn [sub]. apply andb_true_iff. split; [now destruct c|].
    apply (IH C z b); auto. cbn [merge sel] in M. destruct c; cbn in M; [now apply andb_true_iff in M|exact M].
  - destruct b as [|t b]; [discriminate|]. cbn [merge sel] in M. destruct c.
    + cbn in M. rewrite (Nb t (or_introl eq_refl)) in M. discriminate.
    + cbn [sub]. apply (IH C z b); auto using in_cons.
Qed.

Lemma qsum_if {A} (p : A -> bool) (q : Q) l : qsum (fun a => if p a then q else 0) l == q * Qn (length (filter p l)).
Proof.
  induction l as [|a l IH]; cbn [qsum filter length]; [change (Qn 0) with 0; ring|]. rewrite IH. destruct (p a); cbn [length]; [|ring].
  replace (S (length (filter p l))) with (1 + length (filter p l))%nat by reflexivity. rewrite Qn_plus. change (Qn 1) with 1. ring.
Qed.

Lemma leaning_mass s c a z b y : fits pl a -> possible (words pl) z -> possible (iid (mu pl) (noise a)) b ->
  T14.mass (leaning s c) (fst (shows pl (seq 1 k) a z b)) y ==
  Qn (noise a) * one (Bool.eqb y s) + c * one (Bool.eqb y (target pl z)).
Proof.
  intros [HL HC] Hz Hb. fold k in HC. pose proof (words_width pl z Hz) as Lz. fold k in Lz.
  apply possible_iid in Hb as [Lb Tb]. assert (Nb : forall t, In t b -> t = None) by auto.
  set (S := planted a) in *. set (x := merge S z b). assert (Lx : length x = length S) by (apply merge_length; [congruence|exact Lb]).
  unfold T14.mass, shows. cbn [fst]. fold S x. rewrite qsum_flat_map.
  (* by size of the candidate set *)
  transitivity (qsum (fun j => (if Nat.eq_dec 1 j then 1 else 0) * (Qn (noise a) * one (Bool.eqb y s)) +
                               (if Nat.eq_dec k j then 1 else 0) * (c * one (Bool.eqb y (target pl z)))) (seq 1 k)).
  2:{ rewrite qsum_plus.
      rewrite (qsum_indicator Nat.eq_dec (fun _ => Qn (noise a) * one (Bool.eqb y s)) 1%nat (seq 1 k)) by (apply seq_NoDup || (apply in_seq; lia)).
      rewrite (qsum_indicator Nat.eq_dec (fun _ => c * one (Bool.eqb y (target pl z))) k (seq 1 k)) by (apply seq_NoDup || (apply in_seq; lia)).
      reflexivity. }
  apply qsum_ext. intros j Ij. rewrite qsum_map.
  rewrite (qsum_ext _ _ _ (fun C _ => weights s c (sel C x) y)), qsum_plus. apply Qplus_comp.
  - transitivity (one (Bool.eqb y s) * qsum (fun C => if weq (sel C x) [None] then 1 else 0) (masks j (length S))).
    { rewrite <- qsum_scale. apply qsum_ext. intros. ring. }
    destruct (Nat.eq_dec 1 j) as [<-|N].
    + assert (X : qsum (fun C => if weq (sel C x) [None] then 1 else 0) (masks 1 (length S)) == 1 * Qn (T10.hits teq [None] x)).
      { rewrite <- T10.hits_masks, Lx, <- qsum_if. apply qsum_ext. intros C _. unfold T10.reads, T10.weq, weq.
        destruct (list_eq_dec teq (sel C x) [None]); reflexivity. }
      rewrite X. unfold x. rewrite hits_noise; [|congruence|exact Lb|now apply only_marks|exact Nb]. rewrite Lb. ring.
    + rewrite (qsum_ext _ (fun _ => 0)); [rewrite qsum_const0; ring|]. intros C IC. apply in_masks in IC as [L1 L2].
      destruct (weq (sel C x) [None]) as [X|_]; [|reflexivity]. apply (f_equal (@length _)) in X. rewrite sel_length in X by congruence.
      cbn in X. congruence.
  - destruct (Nat.eq_dec k j) as [<-|N].
    + transitivity (qsum (fun C => (if list_eq_dec bool_dec S C then 1 else 0) * (c * one (Bool.eqb y (target pl z)))) (masks k (length S))).
      2:{ rewrite (qsum_indicator (list_eq_dec bool_dec) (fun _ => c * one (Bool.eqb y (target pl z))) S).
          - ring.
          - apply T10.nodup_masks.
          - apply in_masks. auto. }
      apply qsum_ext. intros C IC. apply in_masks in IC as [L1 L2]. destruct (list_eq_dec bool_dec S C) as [<-|N].
      * unfold x. rewrite sel_merge_planted by (auto; congruence). assert (M : marked z = true).
        { unfold marked. rewrite Lz, Nat.eqb_refl. cbn. apply forallb_forall. intros t It. destruct t; [reflexivity|].
          now destruct (only_marks z Hz None It). }
        rewrite M. ring.
      * destruct (marked (sel C x)) eqn:M; [|ring]. unfold marked in M. apply andb_true_iff in M as [_ M].
        destruct N. symmetry. apply T5.sub_equal; [|congruence]. apply (marks_within S C z b); auto. congruence.
    + rewrite (qsum_ext _ (fun _ => 0)); [rewrite qsum_const0; ring|]. intros C IC. apply in_masks in IC as [L1 L2].
      destruct (marked (sel C x)) eqn:M; [|reflexivity]. unfold marked in M. apply andb_true_iff in M as [M _].
      apply Nat.eqb_eq in M. rewrite sel_length in M by congruence. congruence.
Qed.

Theorem sparse_soft (T P : law placement) (l : nat) : (k <= l)%nat ->
  (forall a, possible T a -> fits pl a /\ (length (planted a) <= l)%nat) ->
  (forall a, possible P a -> fits pl a /\ (l < length (planted a))%nat) ->
  forall e, shown_by pl (seq 1 k) P e -> exists h, T14.soft [false; true] h /\
    (forall e', shown_by pl (seq 1 k) T e' -> T14.right [false; true] h e') /\ ~ T14.right [false; true] h e.
Proof.
  intros Hl FT FP e [a [z [b [Ha [Hz [Hb ->]]]]]].
  set (s := negb (target pl z)). set (c := Qn (l - k) + (1#2)).
  assert (C0 : 0 < c) by (unfold c; assert (0 <= Qn (l - k)) by (change 0 with (Qn 0); apply Qn_le; lia); lra).
  assert (Noise : forall a, fits pl a -> (noise a = length (planted a) - k)%nat).
  { intros a' [_ HC]. fold k in HC. unfold noise. pose proof (count_neg (planted a')). lia. }
  exists (leaning s c). split; [apply leaning_soft; lra|]. split.
  - intros e' [a' [z' [b' [Ha' [Hz' [Hb' ->]]]]]]. destruct (FT a' Ha') as [F' L']. unfold T14.right. cbn [snd shows].
    assert (N0 : 0 <= Qn (noise a')) by (change 0 with (Qn 0); apply Qn_le; lia).
    assert (N1 : Qn (noise a') <= Qn (l - k)) by (rewrite (Noise a' F'); apply Qn_le; lia).
    split; [rewrite (leaning_mass s c a' z' b' _ F' Hz' Hb')|].
    + rewrite Bool.eqb_reflx. unfold one. destruct (Bool.eqb (target pl z') s); nra.
    + intros y _ Ny. rewrite !(leaning_mass s c a' z' b' _ F' Hz' Hb'), Bool.eqb_reflx.
      assert (Ey : Bool.eqb y (target pl z') = false) by (destruct y, (target pl z'); auto; contradiction). rewrite Ey.
      unfold one, c in *. destruct (Bool.eqb y s), (Bool.eqb (target pl z') s); lra.
  - destruct (FP a Ha) as [F L']. intros [_ R]. cbn [snd shows] in R. specialize (R s).
    assert (N1 : Qn (S (l - k)) <= Qn (noise a)) by (rewrite (Noise a F); apply Qn_le; lia).
    replace (S (l - k)) with (1 + (l - k))%nat in N1 by reflexivity. rewrite Qn_plus in N1. change (Qn 1) with 1 in N1.
    assert (R' := R ltac:(destruct s; cbn; auto) ltac:(unfold s; destruct (target pl z); discriminate)).
    rewrite !(leaning_mass s c a z b _ F Hz Hb), !Bool.eqb_reflx in R'.
    assert (E1 : Bool.eqb s (target pl z) = false) by (unfold s; destruct (target pl z); reflexivity).
    assert (E2 : Bool.eqb (target pl z) s = false) by (unfold s; destruct (target pl z); reflexivity).
    rewrite E1, E2 in R'. unfold one, c in *. lra.
Qed.
End Soft.

Print Assumptions sparse_ranked.
Print Assumptions sparse_soft.
