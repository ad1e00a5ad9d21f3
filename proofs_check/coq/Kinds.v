(** * Hard, ranked and soft heads: what follows from what

    A hard head that selects views with answers becomes a ranked head when its views are put into any order; a ranked head
    becomes a soft one with scores beta^(-place), beta large.
    - [hard_is_ranked]     a perfect hard head, ranked in any order that has all training views, is a perfect ranked head;
    - [T13_hard]           what all perfect ranked heads are right on, all perfect hard heads are right on;
    - [ranked_is_soft]     with beta at least the number of candidate sets of an example, the soft head has its greedy answer;
    - [T13_soft]           what all greedily perfect soft heads are right on, all perfect ranked heads are right on. *)

From Coq Require Import List Arith Lia QArith Lqa Bool.
From LG Require Import Core.
From LG Require T1 T13 T14.
Import ListNotations.

Section Kinds.
Context {View Label : Type}.
Variable veq : forall u v : View, {u = v} + {u <> v}.
Variable eqd : forall y y' : Label, {y = y'} + {y <> y'}.
Variable Y : list Label.

Notation example := (example View Label).
Notation answer := (T13.answer veq).
Notation mem := (T1.mem veq).

(** ** Hard heads are ranked heads *)

Definition ranked_of (a : View -> option Label) (order : list View) : T13.ranked :=
  flat_map (fun v => match a v with Some y => [(v, y)] | None => [] end) order.

Lemma answer_ranked_of a order U : match answer (ranked_of a order) U with
  | Some y => exists v, In v order /\ In v U /\ a v = Some y
  | None => forall v, In v order -> In v U -> a v = None
  end.
Proof.
  induction order as [|v order IH]; cbn; [tauto|]. destruct (a v) as [y|] eqn:Av; cbn.
  - destruct (mem v U) eqn:M.
    + apply T1.mem_true in M. exists v. auto.
    + apply T1.mem_false in M. destruct (answer _ U) as [z|].
      * destruct IH as [u [I J]]. exists u. auto.
      * intros u [<-|I] J; [contradiction|auto].
  - destruct (answer _ U) as [z|].
    + destruct IH as [u [I J]]. exists u. auto.
    + intros u [<-|I] J; auto.
Qed.

Lemma right_ranked_of a order e : T1.zero eqd a e -> incl (fst e) order -> T13.right veq (ranked_of a order) e.
Proof.
  destruct e as [U y]. intros Z S. apply T1.zero_spec in Z as [[v [I N]] R]. unfold T13.right. cbn [fst snd] in *.
  pose proof (answer_ranked_of a order U) as A. destruct (answer (ranked_of a order) U) as [z|].
  - destruct A as [u [_ [J Au]]]. f_equal. eauto.
  - exfalso. apply N. auto.
Qed.

Theorem hard_is_ranked a T order : T1.perfect eqd a T -> (forall e, In e T -> incl (fst e) order) ->
  T13.perfect veq (ranked_of a order) T.
Proof. intros P S e I. apply right_ranked_of; auto. Qed.

Theorem T13_hard T e : T13.guaranteed veq Y T e ->
  forall a, T1.admissible Y a -> T1.perfect eqd a T -> T1.zero eqd a e.
Proof.
  destruct e as [U y]. intros G a Aa P. apply T1.zero_spec. set (views := flat_map fst T ++ U).
  assert (S : forall e, In e T -> incl (fst e) views).
  { intros e I v J. unfold views. apply in_or_app. left. apply in_flat_map. now exists e. }
  assert (Ad : forall order, T13.admissible Y (ranked_of a order)).
  { intros order v z I. apply in_flat_map in I as [u [_ I]]. destruct (a u) eqn:Au; [|destruct I].
    destruct I as [[= <- <-]|[]]. now apply (Aa u). }
  split.
  - assert (R : T13.right veq (ranked_of a views) (U, y)) by (apply G; [apply Ad|now apply hard_is_ranked]).
    unfold T13.right in R. cbn [fst snd] in R. pose proof (answer_ranked_of a views U) as A. rewrite R in A.
    destruct A as [v [_ [I Av]]]. exists v. split; [exact I|congruence].
  - intros v z I Av.
    (* rank this view first *)
    assert (R : T13.right veq (ranked_of a (v :: views)) (U, y)).
    { apply G; [apply Ad|]. apply hard_is_ranked; [exact P|]. intros e J. apply incl_tl. auto. }
    unfold T13.right, ranked_of in R. cbn in R. rewrite Av in R. cbn in R.
    rewrite (proj2 (T1.mem_true veq v U) I) in R. congruence.
Qed.

(** ** Ranked heads are soft heads *)

Open Scope Q_scope.

Fixpoint power (b : Q) (n : nat) : Q := match n with O => 1 | S n => b * power b n end.

(** The place of a view, counted from the lowest, and its answer. *)
Fixpoint place (h : T13.ranked) (v : View) : option (nat * Label) :=
  match h with [] => None | (u, y) :: h => if veq u v then Some (length h, y) else place h v end.

Definition soft_of (b : Q) (y0 : Label) (h : T13.ranked) : head View Label :=
  Head (fun v => match place h v with Some (n, _) => power b n | None => 0 end)
       (fun v y => if eqd (match place h v with Some (_, y) => y | None => y0 end) y then 1 else 0).

Lemma power_pos b n : 0 < b -> 0 < power b n.
Proof. intros H. induction n as [|n IH]; cbn [power]; [lra|nra]. Qed.

Lemma power_le b m n : 1 <= b -> (m <= n)%nat -> power b m <= power b n.
Proof.
  intros H. induction 1 as [|n _ IH]; [lra|]. cbn [power]. pose proof (power_pos b n ltac:(lra)). nra.
Qed.

Lemma soft_of_soft b y0 h : 0 < b -> NoDup Y -> In y0 Y -> T13.admissible Y h -> T14.soft Y (soft_of b y0 h).
Proof.
  intros Hb ND I0 Ad. repeat split; cbn.
  - intros v. destruct (place h v) as [[n y]|]; [apply Qlt_le_weak, power_pos, Hb|lra].
  - intros v y. destruct (eqd _ y); lra.
  - intros v. set (y := match place h v with Some (_, y) => y | None => y0 end).
    assert (Iy : In y Y).
    { unfold y. clear y. induction h as [|[u y] h IH]; cbn; [exact I0|]. destruct (veq u v); [apply (Ad u); now left|].
      apply IH. intros u' y' I. apply (Ad u'). now right. }
    transitivity (qsum (fun z => (if eqd y z then 1 else 0) * 1) Y); [|exact (T14.qsum_pick eqd Y y (fun _ => 1) ND Iy)].
    apply qsum_ext. intros z _. ring.
Qed.

Lemma place_below h v n y : place h v = Some (n, y) -> (n < length h)%nat.
Proof.
  induction h as [|[u z] h IH]; cbn; [discriminate|]. destruct (veq u v); [intros [= <- _]; lia|].
  intros P. specialize (IH P). lia.
Qed.

(** Views below the one that answers have less than its score. *)
Lemma ranked_is_soft b y0 h U y : 1 < b -> inject_Z (Z.of_nat (length U)) <= b -> answer h U = Some y ->
  0 < T14.mass (soft_of b y0 h) U y /\
  forall y', y' <> y -> T14.mass (soft_of b y0 h) U y' < T14.mass (soft_of b y0 h) U y.
Proof.
  intros Hb Hn. assert (B1 : 1 <= b) by lra. induction h as [|[u z] h IH]; cbn [T13.answer]; [discriminate|].
  intros A. destruct (mem u U) eqn:M.
  - injection A as ->. apply T1.mem_true in M. set (s := soft_of b y0 ((u, y) :: h)).
    assert (Term : forall v y', 0 <= score s v * value s v y').
    { intros v y'. cbn [s soft_of score value]. pose proof (fun n => power_pos b n ltac:(lra)) as Pp.
      destruct (place ((u, y) :: h) v) as [[n w]|].
      - specialize (Pp n). destruct (eqd w y'); lra.
      - destruct (eqd y0 y'); lra. }
    assert (Top : power b (length h) <= T14.mass s U y).
    { unfold T14.mass. eapply Qle_trans; [|apply qsum_term with (x := u); auto]. cbn beta. cbn [s soft_of score value place].
      destruct (veq u u); [|contradiction]. destruct (eqd y y); [lra|contradiction]. }
    pose proof (power_pos b (length h) ltac:(lra)) as P0. split; [lra|]. intros y' N.
    (* b times the mass of another label is at most (n - 1) b^(place of u) *)
    assert (Le : forall V, b * T14.mass s V y' <= inject_Z (Z.of_nat (length V)) * power b (length h) -
                           (if in_dec veq u V then power b (length h) else 0)).
    { induction V as [|v V IHV]; [cbn; destruct (in_dec veq u []) as [[]|_]; unfold inject_Z; lra|].
      unfold T14.mass in *. cbn [qsum length]. rewrite Nat2Z.inj_succ. unfold Z.succ. rewrite inject_Z_plus. change (inject_Z 1) with 1.
      assert (X : b * (score s v * value s v y') <= (if veq u v then 0 else power b (length h))).
      { cbn [s soft_of score value place]. destruct (veq u v) as [->|Nv].
        - destruct (eqd y y'); [congruence|]. lra.
        - destruct (place h v) as [[n w]|] eqn:Pl.
          + apply place_below in Pl. pose proof (power_le b (S n) (length h) B1 Pl) as L. cbn [power] in L.
            pose proof (power_pos b n ltac:(lra)). destruct (eqd w y'); nra.
          + destruct (eqd y0 y'); lra. }
      destruct (in_dec veq u (v :: V)) as [I|I], (in_dec veq u V) as [J|J], (veq u v) as [E|E]; try lra; exfalso;
        solve [destruct I as [I|I]; [congruence|contradiction] | destruct I; right; exact J | destruct I; left; congruence]. }
    specialize (Le U). destruct (in_dec veq u U) as [_|X]; [|contradiction].
    assert (T14.mass s U y' < power b (length h)); [|lra].
    apply Qmult_lt_l with (z := b); [lra|]. nra.
  - apply T1.mem_false in M. destruct (IH A) as [Pos Gt].
    assert (Same : forall y', T14.mass (soft_of b y0 ((u, z) :: h)) U y' == T14.mass (soft_of b y0 h) U y').
    { intros y'. apply qsum_ext. intros v I. cbn [soft_of score value place]. destruct (veq u v) as [->|]; [contradiction|reflexivity]. }
    split; [now rewrite Same|]. intros y' N. rewrite !Same. auto.
Qed.

Lemma silent_is_soft b y0 h U : answer h U = None -> forall y, T14.mass (soft_of b y0 h) U y == 0.
Proof.
  intros A y. unfold T14.mass. rewrite (qsum_ext _ (fun _ => 0)); [apply qsum_const0|]. intros v I. cbn.
  replace (place h v) with (@None (nat * Label)); [ring|]. symmetry. induction h as [|[u z] h IH]; cbn in *; [reflexivity|].
  destruct (mem u U) eqn:M; [discriminate|]. apply T1.mem_false in M. destruct (veq u v) as [->|]; [contradiction|auto].
Qed.

Theorem T13_soft T e : NoDup Y -> In (snd e) Y -> T14.guaranteed Y T e -> T13.guaranteed veq Y T e.
Proof.
  destruct e as [U y]. cbn [snd]. intros ND Iy G h Ad P.
  set (b := inject_Z (Z.of_nat (2 + length U + list_sum (map (fun e => length (fst e)) T)))).
  assert (Big : forall n, (n <= 2 + length U + list_sum (map (fun e : example => length (fst e)) T))%nat -> inject_Z (Z.of_nat n) <= b).
  { intros n H. unfold b. rewrite <- Zle_Qle. apply Nat2Z.inj_le. exact H. }
  assert (B1 : 1 < b).
  { pose proof (Big 2%nat ltac:(lia)) as X. change (inject_Z (Z.of_nat 2)) with 2 in X. lra. }
  assert (Ln : forall e, In e T -> (length (fst e) <= list_sum (map (fun e : example => length (fst e)) T))%nat).
  { clear. induction T as [|x T IH]; cbn; intros e I; [destruct I|]. destruct I as [->|I]; [lia|]. specialize (IH e I). unfold list_sum in IH. lia. }
  assert (R : T14.right Y (soft_of b y h) (U, y)).
  { apply G; [apply soft_of_soft; auto; lra|]. intros e I. specialize (P e I). unfold T13.right in P.
    destruct (ranked_is_soft b y h (fst e) (snd e) B1) as [Pos Gt]; [apply Big; specialize (Ln e I); lia|exact P|].
    split; [exact Pos|]. intros y' _ N. auto. }
  unfold T13.right. cbn [fst snd]. destruct (answer h U) as [z|] eqn:A.
  - f_equal. destruct (eqd z y) as [|N]; [assumption|exfalso].
    destruct (ranked_is_soft b y h U z B1) as [_ Gt]; [apply Big; lia|exact A|].
    assert (Iz : In z Y).
    { clear -A Ad. induction h as [|[u w] h IH]; cbn in A; [discriminate|]. destruct (mem u U).
      - injection A as ->. apply (Ad u). now left.
      - apply IH; [|exact A]. intros u' w' I. apply (Ad u'). now right. }
    destruct R as [_ R]. specialize (R z Iz N). specialize (Gt y ltac:(congruence)). cbn [fst snd] in *. lra.
  - exfalso. destruct R as [Pos _]. cbn [fst snd] in Pos. rewrite (silent_is_soft b y h U A) in Pos. lra.
Qed.
End Kinds.

Print Assumptions hard_is_ranked.
Print Assumptions T13_hard.
Print Assumptions ranked_is_soft.
Print Assumptions T13_soft.
