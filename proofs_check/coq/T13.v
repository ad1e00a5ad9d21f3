(** * T13: ranked heads

    A ranked head is a list of views with their answers, the highest-ranked first; the first one that an example shows
    answers.  The closure without U places views outside U, each with the one label of the examples that are left, and
    removes the examples that have it; [closure U X h R] says that it places [h], in this order, and leaves [R].
    - [closure_exists], [closure_confluent]  it comes to an end, and what it leaves does not depend on the choices;
    - [T13_realizable]   a perfect ranked head exists iff the closure leaves nothing;
    - [T13_guarantee]    with |Y| >= 2 all perfect ranked heads are right on e iff (a) seen, (b) rest, (c) not free,
                         (d) no flip;
    - [T13_errs]         if not, a ranked head is perfect on T and wrong on e;
    - [T13_one_label]    with |Y| = 1, (b) decides alone. *)

From Coq Require Import List Arith Lia Bool.
From LG Require Import Core T1.
Import ListNotations.

Section T13.
Context {View Label : Type}.
Variable veq : forall u v : View, {u = v} + {u <> v}.
Variable eqd : forall y y' : Label, {y = y'} + {y <> y'}.
Variable Y : list Label.

Notation example := (example View Label).
Notation mem := (mem veq).
Notation label_of := (label_of veq eqd).

(** ** Ranked heads *)

Definition ranked := list (View * Label).

Fixpoint answer (h : ranked) (U : list View) : option Label :=
  match h with
  | [] => None
  | (v, y) :: h' => if mem v U then Some y else answer h' U
  end.

Definition right (h : ranked) (e : example) := answer h (fst e) = Some (snd e).
Definition perfect (h : ranked) (T : list example) := forall e, In e T -> right h e.

(** Answers are labels of [Y]; so are those of the examples. *)
Definition admissible (h : ranked) := forall v y, In (v, y) h -> In y Y.
Definition labelled (T : list example) := forall e, In e T -> In (snd e) Y.

Definition occurs (X : list example) (v : View) := exists e, In e X /\ In v (fst e).

Lemma answer_app h1 h2 U : answer (h1 ++ h2) U = match answer h1 U with Some y => Some y | None => answer h2 U end.
Proof. induction h1 as [|[v y] h1 IH]; cbn; [reflexivity|]. now destruct (mem v U). Qed.

Lemma answer_none h U : answer h U = None <-> forall v y, In (v, y) h -> ~ In v U.
Proof.
  induction h as [|[v y] h IH]; cbn; [split; [tauto|reflexivity]|].
  destruct (mem v U) eqn:M.
  - split; [discriminate|]. intros H. apply mem_true in M. destruct (H v y); auto.
  - rewrite IH. apply mem_false in M. split; [|eauto]. intros H v' y' [[= <- <-]|I]; eauto.
Qed.

(** ** The closure *)

(** A view may be placed on [X] when [label_of X v] is a label: all examples of X that have it share it, and there are some. *)
Definition remove (v : View) (X : list example) := filter (fun e => negb (mem v (fst e))) X.

Inductive closure (U : list View) : list example -> ranked -> list example -> Prop :=
| Stop X : (forall v y, label_of X v = Some y -> In v U) -> closure U X [] X
| Place X v y h R : ~ In v U -> label_of X v = Some y -> closure U (remove v X) h R -> closure U X ((v, y) :: h) R.

Lemma in_remove v X e : In e (remove v X) <-> In e X /\ ~ In v (fst e).
Proof. unfold remove. rewrite filter_In, negb_true_iff, mem_false. tauto. Qed.

Lemma label_of_some X v y :
  label_of X v = Some y <-> occurs X v /\ forall e, In e X -> In v (fst e) -> snd e = y.
Proof.
  rewrite label_of_spec. split.
  - intros [[vs [I J]] H]. split; [now exists (vs, y)|]. intros [vs' y'] I' J'. cbn in *. eauto.
  - intros [[[vs y'] [I J]] H]. cbn in J. split; [|intros vs' z I' J'; now apply (H (vs', z))].
    exists vs. rewrite <- (H _ I J). auto.
Qed.

Lemma remove_shorter v X : occurs X v -> length (remove v X) < length X.
Proof.
  intros [e [I J]]. unfold remove. induction X as [|x X IH]; [destruct I|].
  assert (L : forall Z : list example, length (filter (fun e => negb (mem v (fst e))) Z) <= length Z).
  { induction Z as [|z Z IHZ]; cbn; [lia|]. destruct (negb _); cbn; lia. }
  destruct I as [->|I]; cbn.
  - apply (mem_true veq) in J. rewrite J. cbn. specialize (L X). lia.
  - specialize (IH I). destruct (negb _); cbn; lia.
Qed.

Theorem closure_exists U X : exists h R, closure U X h R.
Proof.
  remember (length X) as n eqn:Hn. revert X Hn. induction n as [n IH] using lt_wf_ind. intros X ->.
  set (able := fun v => if label_of X v then negb (mem v U) else false).
  destruct (find able (flat_map fst X)) as [v|] eqn:Hf.
  - apply find_some in Hf as [_ A]. unfold able in A. destruct (label_of X v) as [y|] eqn:Hl; [|discriminate].
    apply negb_true_iff, mem_false in A. pose proof Hl as Hl'. apply label_of_some in Hl' as [O _].
    destruct (IH (length (remove v X))) with (X := remove v X) as [h [R C]]; auto using remove_shorter.
    exists ((v, y) :: h), R. now apply Place.
  - exists [], X. apply Stop. intros v y Hl. pose proof Hl as Hl'. apply label_of_some in Hl' as [[e [I J]] _].
    pose proof (find_none _ _ Hf v) as N. cbn in N. unfold able in N. rewrite Hl in N.
    apply (mem_true veq), negb_false_iff, N, in_flat_map. now exists e.
Qed.

Lemma closure_left U X h R : closure U X h R -> incl R X.
Proof. induction 1; [apply incl_refl|]. intros e I. apply IHclosure, in_remove in I. tauto. Qed.

Lemma closure_stuck U X h R : closure U X h R -> forall v y, label_of R v = Some y -> In v U.
Proof. induction 1; auto. Qed.

Lemma closure_outside U X h R : closure U X h R -> forall v y, In (v, y) h -> ~ In v U.
Proof. induction 1; cbn; [tauto|]. intros v' y' [[= <- <-]|I]; eauto. Qed.

(** What is stuck stays: no view that is placed occurs in it. *)
Lemma stuck_stays U X h R : closure U X h R -> forall Z, incl Z X ->
  (forall v y, label_of Z v = Some y -> In v U) -> incl Z R.
Proof.
  induction 1 as [X _|X v y h R N Hl _ IH]; intros Z S K; [exact S|].
  apply IH; [|exact K]. intros e I. apply in_remove. split; [auto|]. intros J. apply N, (K v y), label_of_some.
  split; [now exists e|]. apply label_of_some in Hl as [_ H]. auto.
Qed.

Theorem closure_confluent U T h h' R R' : closure U T h R -> closure U T h' R' -> forall e, In e R <-> In e R'.
Proof.
  intros C C' e. split; intros I.
  - apply (stuck_stays _ _ _ _ C' R); eauto using closure_left, closure_stuck.
  - apply (stuck_stays _ _ _ _ C R'); eauto using closure_left, closure_stuck.
Qed.

(** The views that are placed, as a head: right on what is removed, silent on what is left. *)
Lemma closure_head U X h R : closure U X h R ->
  (forall e, In e R -> answer h (fst e) = None) /\ (forall e, In e X -> ~ In e R -> right h e).
Proof.
  induction 1 as [X _|X v y h R N Hl C [A B]]; [split; [reflexivity|tauto]|]. unfold right in *. cbn. split.
  - intros e I. pose proof (closure_left _ _ _ _ C e I) as J. apply in_remove in J as [_ J].
    apply (mem_false veq) in J. rewrite J. auto.
  - intros e I K. destruct (mem v (fst e)) eqn:M.
    + apply mem_true in M. apply label_of_some in Hl as [_ H]. now rewrite (H e).
    + apply B; [|exact K]. apply in_remove. now apply mem_false in M.
Qed.

Lemma closure_admissible U X h R : labelled X -> closure U X h R -> admissible h.
Proof.
  intros LX C. revert LX. induction C as [X _|X v y h R _ Hl _ IH]; intros LX v' y'; cbn; [tauto|].
  intros [[= <- <-]|I].
  - apply label_of_some in Hl as [[e [I J]] H]. rewrite <- (H e I J). auto.
  - apply (IH (fun e K => LX e (proj1 (proj1 (in_remove _ _ _) K))) v' y' I).
Qed.

(** ** The proof *)

(** The highest-ranked view of a head that occurs in what it answers. *)
Lemma highest h R e : In e R -> answer h (fst e) <> None ->
  exists h1 w y h2, h = h1 ++ (w, y) :: h2 /\ occurs R w /\ forall v z, In (v, z) h1 -> ~ occurs R v.
Proof.
  intros I N. induction h as [|[v y] h IH]; [now destruct N|].
  destruct (mem v (flat_map fst R)) eqn:M.
  - apply mem_true, in_flat_map in M as [e' [I' J']]. exists [], v, y, h. repeat split; [now exists e'|tauto].
  - assert (O : ~ occurs R v).
    { intros [e' [I' J']]. apply (mem_false veq) in M. apply M, in_flat_map. now exists e'. }
    cbn in N. destruct (mem v (fst e)) eqn:Me.
    { destruct O. apply mem_true in Me. now exists e. }
    destruct (IH N) as [h1 [w [z [h2 [-> [Ow H]]]]]]. exists ((v, y) :: h1), w, z, h2.
    repeat split; auto. intros v' z' [[= <- <-]|I']; eauto.
Qed.

(** A part R of T on which no view outside U may be placed, a perfect head answers by a view of U first. *)
Lemma first_in_stuck U T R h : incl R T -> (forall v y, label_of R v = Some y -> In v U) -> perfect h T -> R <> [] ->
  exists h1 w y h2, h = h1 ++ (w, y) :: h2 /\ In w U /\ label_of R w = Some y /\ forall v z, In (v, z) h1 -> ~ occurs R v.
Proof.
  intros S K P NE. destruct R as [|e R]; [contradiction|]. set (R' := e :: R) in *.
  destruct (highest h R' e) as [h1 [w [y [h2 [-> [O H]]]]]]; [now left|rewrite P; [discriminate|apply S; now left]|].
  assert (L : label_of R' w = Some y).
  { apply label_of_some. split; [exact O|]. intros e' I' J'. specialize (P e' (S _ I')). unfold right in P.
    rewrite answer_app in P. replace (answer h1 (fst e')) with (@None Label) in P.
    2:{ symmetry. apply answer_none. intros v z Iv Jv. apply (H v z Iv). now exists e'. }
    cbn in P. apply (mem_true veq) in J'. rewrite J' in P. now injection P as <-. }
  exists h1, w, y, h2. repeat split; eauto.
Qed.

(** So it does with what the closure without U leaves. *)
Lemma first_is_in_U U T hU R h : closure U T hU R -> perfect h T -> R <> [] ->
  exists h1 w y h2, h = h1 ++ (w, y) :: h2 /\ In w U /\ label_of R w = Some y /\ forall v z, In (v, z) h1 -> ~ occurs R v.
Proof. intros C. apply first_in_stuck; eauto using closure_left, closure_stuck. Qed.

Theorem T13_realizable T h0 R : closure [] T h0 R -> (exists h, perfect h T) <-> R = [].
Proof.
  intros C. split.
  - intros [h P]. destruct R as [|e R]; [reflexivity|].
    destruct (first_is_in_U _ _ _ _ _ C P) as [? [w [? [? [_ [I _]]]]]]; [discriminate|destruct I].
  - intros ->. exists h0. intros e I. now apply (proj2 (closure_head _ _ _ _ C)).
Qed.

Definition cond_a (T : list example) (U : list View) := forall v, In v U -> occurs T v.
Definition cond_b (R : list example) := R <> [].
Definition cond_c (R : list example) (U : list View) := forall v, In v U -> occurs R v.
Definition cond_d (R : list example) (U : list View) (y : Label) :=
  forall v y', In v U -> label_of R v = Some y' -> y' = y.

Definition guaranteed (T : list example) (e : example) := forall h, admissible h -> perfect h T -> right h e.

Section One.
Variables (T : list example) (U : list View) (y : Label) (hU : ranked) (R : list example).
Hypothesis LT : labelled T.
Hypothesis C : closure U T hU R.
Let e : example := (U, y).

Lemma sufficient : cond_b R -> cond_c R U -> cond_d R U y -> guaranteed T e.
Proof.
  intros B Cc Cd h _ P. destruct (first_is_in_U _ _ _ _ _ C P B) as [h1 [w [z [h2 [-> [Iw [L H]]]]]]].
  unfold right, e. cbn. rewrite answer_app. replace (answer h1 U) with (@None Label).
  2:{ symmetry. apply answer_none. intros v z' Iv Jv. apply (H v z' Iv). auto. }
  cbn. rewrite (proj2 (mem_true veq w U) Iw). f_equal. eauto.
Qed.

Lemma silent_on_e : answer hU U = None.
Proof. apply answer_none. exact (closure_outside _ _ _ _ C). Qed.

(** The heads of the proof.  (c) covers (a): what does not occur in T does not occur in R. *)
Lemma errs_b : R = [] -> perfect hU T /\ ~ right hU e.
Proof.
  intros E. split.
  - intros e' I. apply (proj2 (closure_head _ _ _ _ C)); [exact I|]. rewrite E. tauto.
  - unfold right, e. cbn. rewrite (silent_on_e). discriminate.
Qed.

Lemma errs_between h u y' : perfect h T -> In u U -> y' <> y ->
  (forall e', In e' R -> In u (fst e') -> snd e' = y') ->
  perfect (hU ++ (u, y') :: h) T /\ ~ right (hU ++ (u, y') :: h) e.
Proof.
  intros P Iu N H. destruct (closure_head _ _ _ _ C) as [A B]. split.
  - intros e' I. unfold right. rewrite answer_app. destruct (in_dec (list_eq_dec veq) (fst e') (map fst R)) as [J|J].
    + apply in_map_iff in J as [e'' [E J]]. rewrite <- E, (A e'' J). cbn. rewrite E.
      destruct (mem u (fst e')) eqn:M; [|now apply P].
      (* the label of e' is the one that h gives its views, as that of e'' is *)
      assert (S : snd e' = snd e'').
      { pose proof (P e' I) as Pe. pose proof (P e'' (closure_left _ _ _ _ C e'' J)) as Pe'. unfold right in *.
        rewrite E in Pe'. congruence. }
      rewrite S. f_equal. symmetry. apply H; [exact J|]. rewrite E. now apply mem_true in M.
    + rewrite (B e' I); [reflexivity|]. intros K. apply J, in_map_iff. now exists e'.
  - unfold right, e. cbn. rewrite answer_app, silent_on_e. cbn. rewrite (proj2 (mem_true veq u U) Iu). congruence.
Qed.

Lemma admissible_between h u y' : admissible h -> In y' Y -> admissible (hU ++ (u, y') :: h).
Proof.
  intros Ah Iy v z I. apply in_app_or in I as [I|[[= <- <-]|I]]; eauto. now apply (closure_admissible _ _ _ _ LT C v).
Qed.

Lemma occurs_dec v : {occurs R v} + {~ occurs R v}.
Proof.
  destruct (in_dec veq v (flat_map fst R)) as [I|N].
  - left. apply in_flat_map in I as [x [I J]]. now exists x.
  - right. intros [x [I J]]. apply N, in_flat_map. now exists x.
Qed.

(** If the conditions fail, a ranked head is perfect on T and wrong on e. *)
Theorem T13_errs h : admissible h -> perfect h T -> (exists z, In z Y /\ z <> y) ->
  ~ (cond_a T U /\ cond_b R /\ cond_c R U /\ cond_d R U y) ->
  exists h', admissible h' /\ perfect h' T /\ ~ right h' e.
Proof.
  intros Ah P [z [Iz Nz]] F.
  destruct (list_eq_dec (fun a b : example => ltac:(decide equality; auto using list_eq_dec)) R []) as [B|B].
  { exists hU. split; [exact (closure_admissible _ _ _ _ LT C)|]. now apply errs_b. }
  destruct (Exists_dec (fun v => ~ occurs R v) U) as [X|X].
  { intros v. destruct (occurs_dec v); [right; tauto|now left]. }
  { apply Exists_exists in X as [u [Iu Nu]]. exists (hU ++ (u, z) :: h).
    split; [now apply admissible_between|]. apply errs_between; auto. intros e' I J. destruct Nu. now exists e'. }
  destruct (Exists_dec (fun v => match label_of R v with Some y' => y' <> y | None => False end) U) as [D|D].
  { intros v. destruct (label_of R v) as [y'|]; [|now right]. destruct (eqd y' y); [now right|now left]. }
  { apply Exists_exists in D as [u [Iu Nu]]. destruct (label_of R u) as [y'|] eqn:L; [|contradiction].
    exists (hU ++ (u, y') :: h). apply label_of_some in L as [[e' [I J]] H]. split.
    - apply admissible_between; [exact Ah|]. rewrite <- (H e' I J). apply LT. eapply closure_left; eauto.
    - now apply errs_between. }
  exfalso. apply F. rewrite <- Forall_Exists_neg in X, D. rewrite Forall_forall in X, D.
  assert (Cc : cond_c R U). { intros v I. destruct (occurs_dec v); [assumption|]. now destruct (X v I). }
  repeat split; auto.
  - intros v I. destruct (Cc v I) as [e' [I' J]]. exists e'. split; [|exact J]. eapply closure_left; eauto.
  - intros v y' I L. specialize (D v I). rewrite L in D. destruct (eqd y' y); [assumption|contradiction].
Qed.
End One.

Lemma cond_d_dec R U y : {cond_d R U y} + {~ cond_d R U y}.
Proof.
  destruct (Forall_dec (fun v => match label_of R v with Some y' => y' = y | None => True end)) with (l := U) as [F|F].
  - intros v. destruct (label_of R v); [apply eqd|now left].
  - left. intros v y' I L. rewrite Forall_forall in F. specialize (F v I). now rewrite L in F.
  - right. intros D. apply F, Forall_forall. intros v I. destruct (label_of R v) eqn:L; [|exact Logic.I]. now apply (D v).
Qed.

Theorem T13_guarantee T U y hU R : labelled T -> closure U T hU R ->
  (exists h, admissible h /\ perfect h T) -> (exists z, In z Y /\ z <> y) ->
  guaranteed T (U, y) <-> cond_a T U /\ cond_b R /\ cond_c R U /\ cond_d R U y.
Proof.
  intros LT C [h [Ah P]] Two. split.
  - intros G. assert (K : {cond_a T U /\ cond_b R /\ cond_c R U /\ cond_d R U y} +
                          {~ (cond_a T U /\ cond_b R /\ cond_c R U /\ cond_d R U y)}).
    { assert (O : forall X v, {occurs X v} + {~ occurs X v}) by (intros; apply occurs_dec).
      destruct (Forall_dec (occurs T) (O T) U) as [A|A]; [|right; intros [H _]; apply A, Forall_forall, H].
      destruct R as [|r R']; [right; intros [_ [H _]]; now apply H|].
      destruct (Forall_dec (occurs (r :: R')) (O _) U) as [Cc|Cc]; [|right; intros [_ [_ [H _]]]; apply Cc, Forall_forall, H].
      destruct (cond_d_dec (r :: R') U y) as [D|D]; [left|right; tauto].
      rewrite Forall_forall in A, Cc. repeat split; auto. discriminate. }
    destruct K as [K|K]; [exact K|]. destruct (T13_errs T U y hU R LT C h Ah P Two K) as [h' [A' [P' N]]].
    destruct N. now apply G.
  - intros [_ [B [Cc D]]]. now apply (sufficient T U y hU R C).
Qed.

(** What training shows of e in parts, with its label, is guaranteed: every view u of e lies in an example whose views are among
    those of e.  No closure is needed. *)
Lemma answer_within h U z : answer h U = Some z -> exists w, In w U /\ forall V, In w V -> incl V U -> answer h V = Some z.
Proof.
  induction h as [|[v y] h IH]; cbn; [discriminate|]. destruct (mem v U) eqn:M; intros H.
  - exists v. split; [now apply mem_true in M|]. intros V I _. now rewrite (proj2 (mem_true veq v V) I).
  - destruct (IH H) as [w [Iw Hw]]. exists w. split; [exact Iw|]. intros V I S. apply mem_false in M.
    assert (N : mem v V = false) by (apply mem_false; auto). rewrite N. auto.
Qed.

Theorem T13_parts T U y : U <> [] -> (forall u, In u U -> exists V, In (V, y) T /\ In u V /\ incl V U) -> guaranteed T (U, y).
Proof.
  intros NE H h _ P. unfold right. cbn [fst snd]. destruct (answer h U) as [z|] eqn:A.
  - destruct (answer_within h U z A) as [w [Iw Hw]]. destruct (H w Iw) as [V [I [J S]]].
    specialize (P _ I). unfold right in P. cbn [fst snd] in P. rewrite <- P. symmetry. auto.
  - exfalso. destruct U as [|u U]; [contradiction|]. destruct (H u (or_introl eq_refl)) as [V [I [_ S]]].
    specialize (P _ I). unfold right in P. cbn [fst snd] in P.
    assert (N : answer h V = None); [|congruence]. apply answer_none. intros v z Iv Jv.
    apply (proj1 (answer_none h (u :: U)) A v z Iv). auto.
Qed.

(** With one label no answer is wrong, and realizability is not asked. *)
Theorem T13_one_label T U y hU R : labelled T -> closure U T hU R -> (forall z, In z Y -> z = y) ->
  guaranteed T (U, y) <-> cond_b R.
Proof.
  intros LT C One. split.
  - intros G. destruct R as [|r R']; [|discriminate]. destruct (errs_b T U y hU [] C) as [P N]; [reflexivity|].
    destruct N. apply G; [eapply closure_admissible; eauto|exact P].
  - intros B h Ah P. destruct (first_is_in_U _ _ _ _ _ C P B) as [h1 [w [z [h2 [-> [Iw _]]]]]].
    assert (X : forall h, admissible h -> answer h U <> None -> answer h U = Some y).
    { clear - One. induction h as [|[v u] h IH]; cbn; [congruence|]. intros Ah N. destruct (mem v U).
      - f_equal. apply One, (Ah v). now left.
      - apply IH; [|exact N]. intros v' z I. apply (Ah v'). now right. }
    apply X; [exact Ah|]. intros N. apply (proj1 (answer_none _ _) N w z); [|exact Iw].
    apply in_or_app. right. now left.
Qed.
End T13.

Print Assumptions closure_confluent.
Print Assumptions T13_realizable.
Print Assumptions T13_guarantee.
Print Assumptions T13_errs.
Print Assumptions T13_one_label.
Print Assumptions T13_parts.
