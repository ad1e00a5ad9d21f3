(** * A theorem of alternatives for linear inequalities over the rationals

    Rows are functions on coordinates, each strict or not.  Either some w has row·w > 0 on the strict rows and row·w >= 0 on
    the others, or a combination of rows with positive coefficients, a strict one among them, is 0 ([alternatives]); never
    both ([exclusive]).  Gordan's and Farkas' lemmas are the cases in which all rows, or all but one, are of one kind.
    The proof eliminates one coordinate after the other (Fourier and Motzkin), so that w is rational. *)

From Coq Require Import List QArith Lqa Bool.
From LG Require Import Core.
Import ListNotations.
Open Scope Q_scope.

Section Alternatives.
Context {C : Type}.
Variable ceq : forall a b : C, {a = b} + {a <> b}.

Definition vector := C -> Q.
Record row := Row { of : vector; strict : bool }.

Definition dot (dims : list C) (a w : vector) : Q := qsum (fun c => a c * w c) dims.

Definition holds (dims : list C) (w : vector) (r : row) :=
  if strict r then 0 < dot dims (of r) w else 0 <= dot dims (of r) w.

Definition sum (l : list (Q * row)) (c : C) : Q := qsum (fun t => fst t * of (snd t) c) l.

(** Positive multiples of rows of [A]. *)
Definition terms (A : list row) (l : list (Q * row)) := forall q r, In (q, r) l -> 0 < q /\ In r A.
Definition has_strict (l : list (Q * row)) := exists q r, In (q, r) l /\ strict r = true.

Definition feasible (dims : list C) (A : list row) := exists w, forall r, In r A -> holds dims w r.
Definition refuted (dims : list C) (A : list row) :=
  exists l, terms A l /\ has_strict l /\ forall c, In c dims -> sum l c == 0.

Lemma dot_sum dims l w : dot dims (sum l) w == qsum (fun t => fst t * dot dims (of (snd t)) w) l.
Proof.
  unfold dot, sum. transitivity (qsum (fun c => qsum (fun t => fst t * of (snd t) c * w c) l) dims).
  - apply qsum_ext. intros c _. rewrite Qmult_comm, <- qsum_scale. apply qsum_ext. intros. ring.
  - rewrite qsum_swap. apply qsum_ext. intros t _. rewrite <- qsum_scale. apply qsum_ext. intros. ring.
Qed.

Lemma dot_ext dims a b w : (forall c, In c dims -> a c == b c) -> dot dims a w == dot dims b w.
Proof. intros H. apply qsum_ext. intros c I. now rewrite (H c I). Qed.

Lemma terms_nonneg dims A l w : terms A l -> (forall r, In r A -> holds dims w r) ->
  forall t, In t l -> 0 <= fst t * dot dims (of (snd t)) w.
Proof.
  intros T H [q r] I. destruct (T q r I) as [Pq Ir]. specialize (H r Ir). unfold holds in H. cbn.
  destruct (strict r); nra.
Qed.

Lemma positive_sum dims A l w : terms A l -> has_strict l -> (forall r, In r A -> holds dims w r) ->
  0 < dot dims (sum l) w.
Proof.
  intros T [q [r [I S]]] H. rewrite dot_sum.
  pose proof (qsum_term (fun t => fst t * dot dims (of (snd t)) w) l (q, r) (terms_nonneg _ _ _ _ T H) I) as G. cbn in G.
  destruct (T q r I) as [Pq Ir]. specialize (H r Ir). unfold holds in H. rewrite S in H. nra.
Qed.

Theorem exclusive dims A : feasible dims A -> refuted dims A -> False.
Proof.
  intros [w H] [l [T [S Z]]]. pose proof (positive_sum _ _ _ _ T S H) as P.
  rewrite (dot_ext _ _ (fun _ => 0) _ Z) in P. unfold dot in P.
  rewrite (qsum_ext _ (fun _ => 0)) in P by (intros; ring). rewrite qsum_const0 in P. lra.
Qed.

(** ** One number between bounds *)

Definition below (b : Q * bool) (x : Q) := if snd b then fst b < x else fst b <= x.
Definition above (b : Q * bool) (x : Q) := if snd b then x < fst b else x <= fst b.
Definition fits (lo hi : Q * bool) := if snd lo || snd hi then fst lo < fst hi else fst lo <= fst hi.

Lemma largest (l : list (Q * bool)) b : exists m, In m (b :: l) /\ forall b', In b' (b :: l) ->
  fst b' < fst m \/ (fst b' == fst m /\ (snd b' = true -> snd m = true)).
Proof.
  revert b. induction l as [|a l IH]; intros b.
  - exists b. split; [now left|]. intros b' [<-|[]]. right. split; [reflexivity|auto].
  - destruct (IH a) as [m [I H]]. destruct (Qlt_le_dec (fst m) (fst b)) as [L|L].
    + exists b. split; [now left|]. intros b' [<-|I']; [right; split; [reflexivity|auto]|].
      left. destruct (H b' I') as [X|[X _]]; lra.
    + destruct (Qlt_le_dec (fst b) (fst m)) as [L'|L'].
      * exists m. split; [now right|]. intros b' [<-|I']; [now left|auto].
      * assert (E : fst b == fst m) by lra. destruct (snd b) eqn:Sb.
        -- exists b. split; [now left|]. intros b' [<-|I']; [right; split; [reflexivity|auto]|].
           destruct (H b' I') as [X|[X _]]; [left; lra|right; split; [lra|auto]].
        -- exists m. split; [now right|]. intros b' [<-|I']; [right; split; [exact E|congruence]|auto].
Qed.

Definition mirrored (b : Q * bool) : Q * bool := (- fst b, snd b).

Lemma smallest (l : list (Q * bool)) b : exists m, In m (b :: l) /\ forall b', In b' (b :: l) ->
  fst m < fst b' \/ (fst b' == fst m /\ (snd b' = true -> snd m = true)).
Proof.
  destruct (largest (map mirrored l) (mirrored b)) as [m [I H]].
  change (mirrored b :: map mirrored l) with (map mirrored (b :: l)) in *.
  apply in_map_iff in I as [m' [<- I]]. exists m'. split; [exact I|]. intros b' I'.
  destruct (H (mirrored b') (in_map _ _ _ I')) as [X|[X Y]]; unfold mirrored in *; cbn in *; [left|right; split]; auto; lra.
Qed.

Lemma between (los his : list (Q * bool)) : (forall lo hi, In lo los -> In hi his -> fits lo hi) ->
  exists x, (forall lo, In lo los -> below lo x) /\ (forall hi, In hi his -> above hi x).
Proof.
  intros F. destruct los as [|lo los]; destruct his as [|hi his].
  - exists 0. split; intros ? [].
  - destruct (smallest his hi) as [m [_ H]]. exists (fst m - 1). split; [intros ? []|]. intros b I. unfold above.
    destruct (H b I) as [X|[X _]]; destruct (snd b); lra.
  - destruct (largest los lo) as [m [_ H]]. exists (fst m + 1). split; [|intros ? []]. intros b I. unfold below.
    destruct (H b I) as [X|[X _]]; destruct (snd b); lra.
  - destruct (largest los lo) as [m [Im Hm]]. destruct (smallest his hi) as [M [IM HM]].
    specialize (F m M Im IM). unfold fits in F. exists ((fst m + fst M) * (1 # 2)).
    assert (G : fst m <= fst M) by (destruct (snd m || snd M); lra).
    split; intros b I.
    + unfold below. destruct (Hm b I) as [X|[X Y]]; destruct (snd b) eqn:S; try lra. rewrite (Y eq_refl) in F. cbn in F. lra.
    + unfold above. destruct (HM b I) as [X|[X Y]]; destruct (snd b) eqn:S; try lra.
      rewrite (Y eq_refl), orb_true_r in F. lra.
Qed.

(** ** Elimination of a coordinate *)

Definition paired (c : C) (p q : row) : row :=
  Row (fun x => - of q c * of p x + of p c * of q x) (strict p || strict q).

Definition sign (c : C) (r : row) : comparison := Qcompare 0 (of r c).  (* Lt: positive, Gt: negative *)
Definition with_sign (c : C) (s : comparison) (A : list row) :=
  filter (fun r => match sign c r, s with Lt, Lt | Eq, Eq | Gt, Gt => true | _, _ => false end) A.

Definition eliminated (c : C) (A : list row) : list row :=
  with_sign c Eq A ++ flat_map (fun p => map (paired c p) (with_sign c Gt A)) (with_sign c Lt A).

Lemma in_with_sign c s A r : In r (with_sign c s A) <-> In r A /\ sign c r = s.
Proof. unfold with_sign. rewrite filter_In. destruct (sign c r), s; split; intros [I E]; split; congruence. Qed.

Lemma in_eliminated c A r : In r (eliminated c A) <->
  (In r A /\ of r c == 0) \/ (exists p q, In p A /\ In q A /\ 0 < of p c /\ of q c < 0 /\ r = paired c p q).
Proof.
  unfold eliminated. rewrite in_app_iff, in_with_sign, in_flat_map. unfold sign. split.
  - intros [[I E]|[p [Ip J]]]; [left; apply Qeq_alt in E; split; [exact I|lra]|right].
    apply in_with_sign in Ip as [Ip Sp]. apply in_map_iff in J as [q [<- Iq]]. apply in_with_sign in Iq as [Iq Sq].
    apply Qlt_alt in Sp. apply Qgt_alt in Sq. now exists p, q.
  - intros [[I E]|[p [q [Ip [Iq [Pp [Pq ->]]]]]]]; [left; split; [exact I|apply Qeq_alt; lra]|right].
    exists p. split; [apply in_with_sign; split; [exact Ip|now apply Qlt_alt]|].
    apply in_map, in_with_sign. split; [exact Iq|now apply Qgt_alt].
Qed.

(** What refutes the rows without a coordinate refutes the rows: combinations of combinations. *)
Lemma terms_back c A l : terms (eliminated c A) l ->
  exists l', terms A l' /\ (has_strict l -> has_strict l') /\ sum l' c == 0 /\ forall x, sum l' x == sum l x.
Proof.
  induction l as [|[k r] l IH]; intros T.
  - exists []. repeat split; auto; try reflexivity; destruct H.
  - destruct IH as [l' [T' [S' [Z' E']]]]; [intros q' r' I; apply T; now right|].
    destruct (T k r) as [Pk I]; [now left|]. apply in_eliminated in I as [[I Z]|[p [q [Ip [Iq [Pp [Pq ->]]]]]]].
    + exists ((k, r) :: l'). repeat split.
      * destruct H as [[= <- <-]|J]; [exact Pk|now apply (T' _ _ J)].
      * destruct H as [[= <- <-]|J]; [exact I|now apply (T' _ _ J)].
      * intros [q' [r' [[[= <- <-]|J] S]]]; [exists k, r; split; [now left|exact S]|].
        destruct S' as [q2 [r2 [J2 S2]]]; [now exists q', r'|]. exists q2, r2. split; [now right|exact S2].
      * unfold sum in *. cbn. rewrite Z', Z. ring.
      * intros x. unfold sum in *. cbn. now rewrite E'.
    + exists ((k * - of q c, p) :: (k * of p c, q) :: l'). repeat split.
      * destruct H as [[= <- <-]|[[= <- <-]|J]]; [nra|nra|now apply (T' _ _ J)].
      * destruct H as [[= <- <-]|[[= <- <-]|J]]; [exact Ip|exact Iq|now apply (T' _ _ J)].
      * intros [q' [r' [[[= <- <-]|J] S]]].
        -- cbn in S. apply orb_true_iff in S as [S|S].
           ++ exists (k * - of q c), p. split; [now left|exact S].
           ++ exists (k * of p c), q. split; [now right; left|exact S].
        -- destruct S' as [q2 [r2 [J2 S2]]]; [now exists q', r'|]. exists q2, r2. split; [now right; right|exact S2].
      * unfold sum in *. cbn. rewrite Z'. ring.
      * intros x. unfold sum in *. cbn. rewrite E'. ring.
Qed.

Definition bound (c : C) (dims : list C) (w : vector) (r : row) : Q * bool := (- dot dims (of r) w / of r c, strict r).

Lemma dot_update c dims a w x : ~ In c dims ->
  dot (c :: dims) a (fun z => if ceq z c then x else w z) == a c * x + dot dims a w.
Proof.
  intros N. unfold dot. cbn. destruct (ceq c c) as [_|X]; [|contradiction].
  rewrite (qsum_ext _ (fun z => a z * w z)); [reflexivity|]. intros z I. destruct (ceq z c) as [->|]; [contradiction|reflexivity].
Qed.

Lemma dot_paired c dims p q w : dot dims (of (paired c p q)) w == - of q c * dot dims (of p) w + of p c * dot dims (of q) w.
Proof.
  unfold dot. cbn. rewrite <- !qsum_scale, <- qsum_plus. apply qsum_ext. intros. ring.
Qed.

Theorem alternatives dims : NoDup dims -> forall A, feasible dims A \/ refuted dims A.
Proof.
  induction dims as [|c dims IH]; intros ND A.
  - destruct (existsb strict A) eqn:S.
    + right. apply existsb_exists in S as [r [I S]]. exists [(1, r)]. repeat split.
      * destruct H as [[= <- <-]|[]]. reflexivity.
      * destruct H as [[= <- <-]|[]]. exact I.
      * exists 1, r. split; [now left|exact S].
      * intros c [].
    + left. exists (fun _ => 0). intros r I. unfold holds, dot. cbn. destruct (strict r) eqn:Sr; [|lra].
      exfalso. apply Bool.diff_false_true. rewrite <- S. apply existsb_exists. now exists r.
  - inversion ND as [|? ? N ND']; subst. destruct (IH ND' (eliminated c A)) as [[w H]|[l [T [S Z]]]].
    + left.
      set (los := map (bound c dims w) (with_sign c Lt A)). set (his := map (bound c dims w) (with_sign c Gt A)).
      destruct (between los his) as [x [Lo Hi]].
      { intros lo hi Il Ih. apply in_map_iff in Il as [p [<- Ip]]. apply in_map_iff in Ih as [q [<- Iq]].
        apply in_with_sign in Ip as [Ip Sp]. apply in_with_sign in Iq as [Iq Sq].
        apply Qlt_alt in Sp. apply Qgt_alt in Sq.
        assert (X : In (paired c p q) (eliminated c A)) by (apply in_eliminated; right; now exists p, q).
        specialize (H _ X). unfold holds in H. pose proof (dot_paired c dims p q w) as K. cbn [strict paired] in H.
        unfold fits, bound. cbn [fst snd]. set (d := dot dims (of (paired c p q)) w) in *. set (dp := dot dims (of p) w) in *. set (dq := dot dims (of q) w) in *. set (a := of p c) in *. set (b := of q c) in *.
        assert (E : - dq / b - - dp / a == (- b * dp + a * dq) / (a * - b)) by (field; split; lra).
        assert (P : 0 < a * - b) by nra.
        destruct (strict p || strict q).
        - assert (0 < (- b * dp + a * dq) / (a * - b)) by (apply Qlt_shift_div_l; lra). lra.
        - assert (0 <= (- b * dp + a * dq) / (a * - b)) by (apply Qle_shift_div_l; lra). lra. }
      exists (fun z => if ceq z c then x else w z). intros r I. unfold holds. pose proof (dot_update c dims (of r) w x N) as K.
      set (d := dot (c :: dims) _ _) in *. destruct (sign c r) eqn:Sg; unfold sign in Sg.
      * apply Qeq_alt in Sg. assert (X : In r (eliminated c A)) by (apply in_eliminated; left; split; [exact I|lra]).
        specialize (H r X). unfold holds in H. assert (of r c * x == 0) by (rewrite <- Sg; ring). destruct (strict r); lra.
      * assert (X : In (bound c dims w r) los) by (apply in_map, in_with_sign; split; [exact I|exact Sg]).
        apply Lo in X. apply Qlt_alt in Sg. unfold below, bound in X. cbn in X.
        assert (E : - dot dims (of r) w == of r c * (- dot dims (of r) w / of r c)) by (field; lra).
        destruct (strict r); nra.
      * assert (X : In (bound c dims w r) his) by (apply in_map, in_with_sign; split; [exact I|exact Sg]).
        apply Hi in X. apply Qgt_alt in Sg. unfold above, bound in X. cbn in X.
        assert (E : - dot dims (of r) w == of r c * (- dot dims (of r) w / of r c)) by (field; lra).
        destruct (strict r); nra.
    + right. destruct (terms_back c A l T) as [l' [T' [S' [Z' E']]]]. exists l'. repeat split; auto; try apply (T' _ _ H).
      intros x [<-|I]; [exact Z'|]. rewrite E'. now apply Z.
Qed.
End Alternatives.

Arguments row : clear implicits.
Arguments vector : clear implicits.

Print Assumptions alternatives.
Print Assumptions exclusive.
