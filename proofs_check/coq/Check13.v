(** * T13 as a program, and certificates for its verdicts

    [close] builds the closure, [ranked_realizable] and [ranked_guaranteed] decide; for what is large, certificates that an
    untrusted program finds:
    - [check_stuck]   training examples, each of whose views has two labels among them: no ranked head is perfect;
    - [check_rest]    training examples among which no view may be placed but those of the test example, and these, all
                      there, not with another label: the test example is guaranteed;
    - [check_ranked]  a ranked head, perfect in training and wrong on the test example: it is not. *)

From Coq Require Import List Arith Lia Bool ZArith FMapPositive.
From LG Require Import Core T1 T13 Check.
Import ListNotations.
Local Notation positive := BinNums.positive.

Section Check13.
Context {View Label : Type}.
Variable code : View -> positive.
Hypothesis code_injective : forall u v, code u = code v -> u = v.
Variable veq : forall u v : View, {u = v} + {u <> v}.
Variable eqd : forall y y' : Label, {y = y'} + {y <> y'}.
Variable Y : list Label.
Notation example := (example View Label).
Notation label_of := (label_of veq eqd).
Notation table_of := (table_of code eqd).
Notation label_in := (label_in code).
Notation eqb := (eqb eqd).
Notation perfect := (T13.perfect veq).
Notation right := (T13.right veq).
Notation guaranteed := (T13.guaranteed veq Y).

(** ** The decision *)

Fixpoint close (fuel : nat) (U : list View) (X : list example) : ranked * list example :=
  match fuel with
  | O => ([], X)
  | S fuel =>
    match first (fun v => if mem veq v U then None else match label_of X v with Some y => Some (v, y) | None => None end)
            (flat_map fst X) with
    | None => ([], X)
    | Some (v, y) => let hR := close fuel U (remove veq v X) in ((v, y) :: fst hR, snd hR)
    end
  end.

Lemma close_closure fuel : forall U X, length X <= fuel -> closure veq eqd U X (fst (close fuel U X)) (snd (close fuel U X)).
Proof.
  induction fuel as [|fuel IH]; intros U X H; cbn [close].
  - destruct X; [|cbn in H; lia]. apply Stop. intros v y L. discriminate L.
  - destruct (first _ (flat_map fst X)) as [[v y]|] eqn:F.
    + apply first_some in F as [u [I F]]. destruct (mem veq u U) eqn:M; [discriminate|].
      destruct (label_of X u) as [z|] eqn:L; [|discriminate]. injection F as -> ->. cbn [fst snd].
      apply Place; [now apply mem_false in M|exact L|]. apply IH.
      assert (O : occurs X v) by now apply (label_of_some veq eqd) in L. apply Nat.lt_succ_r.
      exact (Nat.lt_le_trans _ _ _ (remove_shorter veq v X O) H).
    + cbn [fst snd]. apply Stop. intros v y L. pose proof L as L'. apply (label_of_some veq eqd) in L' as [[e [I J]] _].
      pose proof (first_none _ _ v F) as N. cbn in N. rewrite L in N. destruct (mem veq v U) eqn:M; [now apply mem_true in M|].
      discriminate N. apply in_flat_map. now exists e.
Qed.

Definition rest (U : list View) (T : list example) := snd (close (length T) U T).
Definition ranked_realizable (T : list example) : bool := match rest [] T with [] => true | _ => false end.
Definition ranked_guaranteed (T : list example) (e : example) : bool :=
  let R := rest (fst e) T in
  match R with [] => false | _ =>
    forallb (eqb (snd e)) Y ||
    forallb (fun v => existsb (fun e' => mem veq v (fst e')) R && match label_of R v with Some y => eqb y (snd e) | None => true end)
      (fst e)
  end.

Theorem ranked_realizable_correct T : ranked_realizable T = true <-> exists h, perfect h T.
Proof.
  pose proof (T13_realizable veq eqd T _ _ (close_closure (length T) [] T (le_n _))) as H. unfold ranked_realizable, rest.
  rewrite H. destruct (snd (close (length T) [] T)); split; congruence.
Qed.

Lemma perfect_admissible T : T13.labelled Y T -> (exists h, perfect h T) -> exists h, T13.admissible Y h /\ perfect h T.
Proof.
  intros LT H. pose proof (close_closure (length T) [] T (le_n _)) as C. apply (T13_realizable veq eqd T _ _ C) in H.
  exists (fst (close (length T) [] T)). split; [eapply closure_admissible; eauto|].
  intros e I. apply (proj2 (closure_head veq eqd _ _ _ _ C) e I). rewrite H. tauto.
Qed.

Theorem ranked_guaranteed_correct T e : T13.labelled Y T -> In (snd e) Y -> (exists h, perfect h T) ->
  ranked_guaranteed T e = true <-> guaranteed T e.
Proof.
  intros LT Iy Re. destruct e as [U y]. cbn [fst snd] in *. apply (perfect_admissible T LT) in Re.
  pose proof (close_closure (length T) U T (le_n _)) as C. fold (rest U T) in C.
  unfold ranked_guaranteed. cbn [fst snd]. cbv zeta.
  destruct (forallb (eqb y) Y) eqn:One.
  - rewrite forallb_forall in One. rewrite (T13_one_label veq eqd Y T U y _ _ LT C).
    2:{ intros z I. specialize (One z I). now apply eqb_true in One. }
    unfold cond_b. destruct (rest U T); cbn; split; congruence.
  - assert (Two : exists z, In z Y /\ z <> y).
    { destruct (find (fun z => negb (eqb y z)) Y) as [z|] eqn:F.
      - apply find_some in F as [I N]. exists z. split; [exact I|]. intros ->. apply negb_true_iff in N.
        assert (X : eqb y y = true) by now apply eqb_true. congruence.
      - exfalso. apply diff_true_false. rewrite <- One. symmetry. apply forallb_forall. intros z I.
        pose proof (find_none _ _ F z I) as N. cbn in N. now apply negb_false_iff in N. }
    rewrite (T13_guarantee veq eqd Y T U y _ _ LT C Re Two). cbn [orb].
    assert (O : forall X v, existsb (fun e' : example => mem veq v (fst e')) X = true <-> occurs X v).
    { intros X v. rewrite existsb_exists. split; intros [e [I J]]; exists e; (split; [exact I|]); now apply mem_true in J || apply mem_true. }
    assert (G : forallb (fun v => existsb (fun e' : example => mem veq v (fst e')) (rest U T) &&
              match label_of (rest U T) v with Some y0 => eqb y0 y | None => true end) U = true <->
              cond_c (rest U T) U /\ cond_d veq eqd (rest U T) U y).
    { rewrite forallb_forall. split.
      - intros H. split.
        + intros v I. specialize (H v I). apply andb_true_iff in H as [H _]. now apply O.
        + intros v y' I L. specialize (H v I). apply andb_true_iff in H as [_ H]. rewrite L in H. now apply eqb_true in H.
      - intros [Hc Hd] v I. apply andb_true_iff. split; [apply O; auto|]. destruct (label_of (rest U T) v) as [z|] eqn:L; auto.
        apply eqb_true. eauto. }
    destruct (rest U T) as [|r R] eqn:HR.
    + split; [discriminate|]. intros [_ [B _]]. now destruct B.
    + rewrite G. split; [|tauto]. intros [Hc Hd]. split; [|split; [discriminate|split; assumption]].
      intros v I. destruct (Hc v I) as [e [Ie J]]. exists e. split; [|exact J]. eapply closure_left; eauto.
Qed.

(** ** Certificates *)

(** The training examples with these numbers; [None] where one is missing. *)
Fixpoint pick (m : M.t example) (places : list positive) : option (list example) :=
  match places with
  | [] => Some []
  | i :: r => match M.find i m, pick m r with Some e, Some R => Some (e :: R) | _, _ => None end
  end.

Lemma pick_in T places : forall R, pick (numbered T) places = Some R -> incl R T.
Proof.
  induction places as [|i r IH]; intros R H; cbn in H; [injection H as <-; intros e []|].
  destruct (M.find i (numbered T)) as [e|] eqn:F; [|discriminate]. destruct (pick (numbered T) r) as [R'|]; [|discriminate].
  injection H as <-. intros e' [<-|I]; [now apply numbered_in in F|now apply (IH R')].
Qed.

Definition nonempty {A} (l : list A) : bool := match l with [] => false | _ => true end.

(** Every view of R that is not among U has two labels in R. *)
Definition stuck (m : M.t (option Label)) (U : M.t unit) (R : list example) : bool :=
  forallb (fun e => forallb (fun v => in_set code U v || negb (is_some (label_in m v))) (fst e)) R.

Lemma stuck_spec U R : stuck (table_of R) (set_of code U) R = true -> forall v y, label_of R v = Some y -> In v U.
Proof.
  unfold stuck. rewrite forallb_forall. intros H v y L. pose proof L as L'. apply (label_of_some veq eqd) in L' as [[e [I J]] _].
  specialize (H e I). rewrite forallb_forall in H. specialize (H v J). apply orb_true_iff in H as [H|H].
  - now apply (set_of_spec code code_injective veq) in H.
  - rewrite (label_in_spec code code_injective veq), L in H. discriminate.
Qed.

Definition check_stuck (T : list example) (places : list positive) : bool :=
  match pick (numbered T) places with
  | Some R => nonempty R && stuck (table_of R) (M.empty _) R
  | None => false
  end.

Theorem check_stuck_correct T places : check_stuck T places = true -> forall h, ~ perfect h T.
Proof.
  unfold check_stuck. destruct (pick (numbered T) places) as [R|] eqn:F; [|discriminate]. intros H h P.
  apply andb_true_iff in H as [N K]. apply pick_in in F.
  assert (NE : R <> []) by (intros ->; discriminate).
  destruct (first_in_stuck veq eqd [] T R h F (stuck_spec [] R K) P NE) as [? [w [? [? [_ [[] _]]]]]].
Qed.

Definition check_rest (T : list example) (e : example) (places : list positive) : bool :=
  match pick (numbered T) places with
  | Some R =>
    let m := table_of R in
    nonempty R && stuck m (set_of code (fst e)) R &&
    (forallb (eqb (snd e)) Y ||
     forallb (fun v => seen_in code m v && match label_in m v with Some y => eqb y (snd e) | None => true end) (fst e))
  | None => false
  end.

Theorem check_rest_correct T e places : check_rest T e places = true -> guaranteed T e.
Proof.
  unfold check_rest. destruct (pick (numbered T) places) as [R|] eqn:F; [|discriminate]. cbv zeta. intros H h Ah P.
  apply andb_true_iff in H as [H D]. apply andb_true_iff in H as [N K]. apply pick_in in F.
  assert (NE : R <> []) by (intros ->; discriminate).
  destruct (first_in_stuck veq eqd (fst e) T R h F (stuck_spec (fst e) R K) P NE) as [h1 [w [z [h2 [E [Iw [L O]]]]]]].
  apply orb_true_iff in D as [D|D]; rewrite forallb_forall in D.
  - (* one label: what answers is right *)
    assert (X : answer veq h (fst e) <> None).
    { rewrite E. intros A. apply (proj1 (answer_none veq _ _) A w z); [|exact Iw]. apply in_or_app. right. now left. }
    unfold T13.right. destruct (answer veq h (fst e)) as [y'|] eqn:A; [|contradiction]. f_equal. clear - Ah A D.
    revert Ah A. induction h as [|[u y] h IH]; cbn; [discriminate|]. intros Ah A. destruct (mem veq u (fst e)).
    + injection A as ->. specialize (D y' (Ah u y' (or_introl eq_refl))). apply eqb_true in D. now symmetry.
    + apply IH; auto. intros v x I. apply (Ah v). now right.
  - unfold T13.right. rewrite E, answer_app. replace (answer veq h1 (fst e)) with (@None Label).
    2:{ symmetry. apply answer_none. intros v x Iv Jv. specialize (D v Jv). apply andb_true_iff in D as [D _].
        apply (seen_in_spec code code_injective veq) in D as [vs [y [I J]]]. apply (O v x Iv). now exists (vs, y). }
    cbn. rewrite (proj2 (mem_true veq w (fst e)) Iw). f_equal. specialize (D w Iw). apply andb_true_iff in D as [_ D].
    rewrite (label_in_spec code code_injective veq), L in D. now apply eqb_true in D.
Qed.

(** ** The answer of a ranked head, by looking up each view *)

Fixpoint ranks (i : nat) (h : ranked (View := View) (Label := Label)) : M.t (nat * Label) :=
  match h with [] => M.empty _ | (v, y) :: h => M.add (code v) (i, y) (ranks (S i) h) end.

Definition better (a b : option (nat * Label)) : option (nat * Label) :=
  match a, b with Some (i, _), Some (j, _) => if i <=? j then a else b | None, _ => b | _, None => a end.
Definition best (m : M.t (nat * Label)) (U : list View) : option (nat * Label) :=
  fold_right (fun v b => better (M.find (code v) m) b) None U.

Lemma best_none m U : best m U = None -> forall v, In v U -> M.find (code v) m = None.
Proof.
  induction U as [|u U IH]; cbn; intros H v; [tauto|]. destruct (M.find (code u) m) as [[i y]|] eqn:F.
  - destruct (fold_right _ None U) as [[j z]|]; cbn in H; [destruct (i <=? j)|]; discriminate.
  - cbn in H. intros [<-|I]; auto.
Qed.

Lemma best_some m U j y : best m U = Some (j, y) ->
  (exists v, In v U /\ M.find (code v) m = Some (j, y)) /\
  forall v i z, In v U -> M.find (code v) m = Some (i, z) -> j <= i.
Proof.
  revert j y. induction U as [|u U IH]; cbn; intros j y H; [discriminate|].
  change (fold_right (fun v b => better (M.find (code v) m) b) None U) with (best m U) in H.
  destruct (M.find (code u) m) as [[i z]|] eqn:F; destruct (best m U) as [[j' y']|] eqn:B; cbn in H; try discriminate.
  - destruct (IH _ _ eq_refl) as [[w [Iw Fw]] Lw]. destruct (i <=? j') eqn:C; injection H as -> ->.
    + apply Nat.leb_le in C. split; [exists u; auto|]. intros v i' z' [<-|I] Fv; [rewrite F in Fv; injection Fv as -> ->; lia|].
      specialize (Lw v i' z' I Fv). lia.
    + apply Nat.leb_gt in C. split; [exists w; auto|]. intros v i' z' [<-|I] Fv; [rewrite F in Fv; injection Fv as <- <-; lia|].
      now apply (Lw v i' z').
  - injection H as -> ->. split; [exists u; auto|]. intros v i' z' [<-|I] Fv; [rewrite F in Fv; injection Fv as -> ->; lia|].
    rewrite (best_none m U B v I) in Fv. discriminate.
  - injection H as -> ->. destruct (IH _ _ eq_refl) as [[w [Iw Fw]] Lw]. split; [exists w; auto|].
    intros v i' z' [<-|I] Fv; [congruence|eauto].
Qed.

Lemma ranks_from h : forall i c j y, M.find c (ranks i h) = Some (j, y) -> i <= j.
Proof.
  induction h as [|[v x] h IH]; intros i c j y H; cbn in H; [now rewrite M.gempty in H|].
  destruct (Pos.eq_dec c (code v)) as [->|N]; [rewrite M.gss in H; injection H as -> ->; lia|].
  rewrite M.gso in H by exact N. apply IH in H. lia.
Qed.

Lemma best_ext m m' U : (forall v, In v U -> M.find (code v) m = M.find (code v) m') -> best m U = best m' U.
Proof. induction U as [|u U IH]; cbn; intros H; [reflexivity|]. rewrite H by auto. f_equal. apply IH. auto. Qed.

Lemma best_answer h U : forall i, option_map snd (best (ranks i h) U) = answer veq h U.
Proof.
  induction h as [|[v y] h IH]; intros i.
  - cbn. destruct (best (M.empty _) U) as [[j y]|] eqn:B; [|reflexivity]. apply best_some in B as [[u [_ F]] _].
    now rewrite M.gempty in F.
  - cbn [answer]. destruct (mem veq v U) eqn:Hm.
    + apply mem_true in Hm. destruct (best (ranks i ((v, y) :: h)) U) as [[j z]|] eqn:B.
      * apply best_some in B as [[u [Iu Fu]] Lu]. cbn [ranks] in Fu, Lu. specialize (Lu v i y Hm (M.gss _ _ _)).
        destruct (Pos.eq_dec (code u) (code v)) as [E'|N].
        -- rewrite E', M.gss in Fu. injection Fu as <- <-. reflexivity.
        -- rewrite M.gso in Fu by exact N. apply ranks_from in Fu. lia.
      * pose proof (best_none _ _ B v Hm) as X. cbn [ranks] in X. rewrite M.gss in X. discriminate.
    + apply mem_false in Hm. rewrite <- (IH (S i)). f_equal. apply best_ext. intros u Iu. cbn [ranks]. apply M.gso.
      intros X. apply code_injective in X. now subst.
Qed.

Definition ranked_right (m : M.t (nat * Label)) (e : example) : bool :=
  match best m (fst e) with Some (_, y) => eqb y (snd e) | None => false end.

Lemma ranked_right_spec h e : ranked_right (ranks 0 h) e = true <-> right h e.
Proof.
  unfold ranked_right, T13.right. rewrite <- (best_answer h (fst e) 0). destruct (best (ranks 0 h) (fst e)) as [[j y]|]; cbn.
  - rewrite eqb_true. split; congruence.
  - split; discriminate.
Qed.

Definition check_ranked (T : list example) (h : ranked) (e : example) : bool :=
  let m := ranks 0 h in
  forallb (fun vy => existsb (eqb (snd vy)) Y) h && forallb (ranked_right m) T && negb (ranked_right m e).

Theorem check_ranked_correct T h e : check_ranked T h e = true ->
  T13.admissible Y h /\ perfect h T /\ ~ right h e.
Proof.
  unfold check_ranked. cbv zeta. intros H. apply andb_true_iff in H as [H N]. apply andb_true_iff in H as [A P].
  rewrite forallb_forall in A, P. split; [|split].
  - intros v y I. specialize (A _ I). apply existsb_exists in A as [z [J X]]. apply eqb_true in X. cbn in X. now subst.
  - intros x I. now apply ranked_right_spec, P.
  - intros R. apply ranked_right_spec in R. rewrite R in N. discriminate.
Qed.
End Check13.

Print Assumptions ranked_realizable_correct.
Print Assumptions ranked_guaranteed_correct.
Print Assumptions check_stuck_correct.
Print Assumptions check_rest_correct.
Print Assumptions check_ranked_correct.
