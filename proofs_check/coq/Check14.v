(** * Certificates for T14's verdicts, checked in nearly linear time

    - [check_cancels]   a combination of training rays that is 0: no soft head is greedily perfect;
    - [check_cone]      for each other label a combination of training rays that is the ray of the test example: it is
                        guaranteed;
    - [check_matrix]    a matrix W, positive on the training rays and not so on the test example: it is not guaranteed;
    - [check_perfect]   a matrix W, positive on the training rays: some soft head is perfect;
    - [one_guaranteed]  with one label, the decision.
    Sums over coordinates (view, label) are kept in binary tries. *)

From Coq Require Import List Arith Lia QArith Lqa Bool ZArith FMapPositive.
From LG Require Import Core Alternatives T14 Check.
Import ListNotations.
Open Scope Q_scope.
Local Notation positive := BinNums.positive.

(** ** Sums in lowest terms: equal to [qsum], and short *)

Definition rsum {A} (f : A -> Q) (l : list A) : Q := fold_left (fun s x => Qred (s + f x)) l 0.

Lemma rsum_qsum {A} (f : A -> Q) l : rsum f l == qsum f l.
Proof.
  unfold rsum. assert (G : forall s, fold_left (fun s x => Qred (s + f x)) l s == s + qsum f l).
  { induction l as [|x l IH]; intros s; cbn [fold_left qsum]; [ring|]. rewrite IH, Qred_correct. ring. }
  rewrite G. ring.
Qed.

Section Check14.
Context {View Label : Type}.
Notation coordinate := (View * Label)%type.
Variable code : coordinate -> positive.
Hypothesis code_injective : forall c d, code c = code d -> c = d.
Variable veq : forall u v : View, {u = v} + {u <> v}.
Variable eqd : forall y y' : Label, {y = y'} + {y <> y'}.
Variable Y : list Label.
Hypothesis labels_once : NoDup Y.
Notation example := (example View Label).
Notation ray := (ray veq eqd).
Notation perfect := (T14.perfect Y).
Notation right := (T14.right Y).
Notation soft := (T14.soft Y).
Notation guaranteed := (T14.guaranteed Y).

Definition eqb (y y' : Label) : bool := if eqd y y' then true else false.
Lemma eqb_true y y' : eqb y y' = true <-> y = y'.
Proof. unfold eqb. destruct (eqd y y'); split; auto; discriminate. Qed.

Definition ceq : forall c d : coordinate, {c = d} + {c <> d}.
Proof. decide equality. Defined.

(** ** Tallies: the sum of what is entered at each coordinate *)

Definition at_coordinate (m : M.t Q) (c : coordinate) : Q := match M.find (code c) m with Some q => q | None => 0 end.
Definition enter (m : M.t Q) (cq : coordinate * Q) : M.t Q :=
  M.add (code (fst cq)) (Qred (at_coordinate m (fst cq) + snd cq)) m.
Definition tally (l : list (coordinate * Q)) : M.t Q := fold_left enter l (M.empty _).

Definition entered (c : coordinate) (cq : coordinate * Q) : Q := if ceq (fst cq) c then snd cq else 0.

Lemma tally_spec l c : at_coordinate (tally l) c == qsum (entered c) l.
Proof.
  unfold tally. assert (G : forall m, at_coordinate (fold_left enter l m) c == at_coordinate m c + qsum (entered c) l).
  { induction l as [|[d q] l IH]; intros m; cbn [fold_left qsum]; [ring|]. rewrite IH.
    unfold enter, entered, at_coordinate at 1. cbn [fst snd]. destruct (ceq d c) as [->|N].
    - rewrite M.gss, Qred_correct. ring.
    - rewrite M.gso by (intros X; apply N; symmetry; now apply code_injective). fold (at_coordinate m c). ring. }
  rewrite G. unfold at_coordinate. rewrite M.gempty. ring.
Qed.

Definition all_zero (l : list (coordinate * Q)) : bool :=
  let m := tally l in forallb (fun cq => Qeq_bool (at_coordinate m (fst cq)) 0) l.

Lemma all_zero_spec l : all_zero l = true -> forall c, qsum (entered c) l == 0.
Proof.
  unfold all_zero. cbv zeta. rewrite forallb_forall. intros H c.
  destruct (in_dec ceq c (map fst l)) as [I|N].
  - apply in_map_iff in I as [cq [<- I]]. rewrite <- tally_spec. now apply Qeq_bool_eq, H.
  - rewrite <- (qsum_const0 l). apply qsum_ext. intros [d q] I. unfold entered. cbn. destruct (ceq d c) as [->|]; [|reflexivity].
    destruct N. apply in_map_iff. now exists (c, q).
Qed.

(** ** Multiples of rays, coordinate by coordinate *)

Definition spread (q : Q) (e : example) (y' : Label) : list (coordinate * Q) :=
  flat_map (fun v => [((v, snd e), q); ((v, y'), - q)]) (fst e).

Lemma spread_ray q e y' c : qsum (entered c) (spread q e y') == q * ray e y' c.
Proof.
  destruct e as [vs y], c as [u z]. unfold spread, T14.ray. cbn [fst snd]. induction vs as [|v vs IH].
  - cbn. unfold n_views. cbn. ring.
  - cbn [flat_map app qsum]. rewrite IH, n_views_cons. unfold entered, at_. cbn [fst snd].
    destruct (ceq (v, y) (u, z)), (ceq (v, y') (u, z)), (veq v u), (eqd z y), (eqd z y'); try congruence; ring.
Qed.

(** ** Combinations of training rays *)

Record term := Term { coefficient : Q; source : positive; against : Label }.

(** The combination, or [None] when a term is not a positive multiple of a training ray. *)
Fixpoint combine_rays (m : M.t example) (l : list term) : option (list (Q * (example * Label))) :=
  match l with
  | [] => Some []
  | t :: l =>
    match M.find (source t) m, combine_rays m l with
    | Some e, Some r =>
      if Qle_bool (coefficient t) 0 || eqb (against t) (snd e) || negb (existsb (eqb (against t)) Y) then None
      else Some ((coefficient t, (e, against t)) :: r)
    | _, _ => None
    end
  end.

Definition rows_of (r : list (Q * (example * Label))) : list (Q * row coordinate) :=
  map (fun t => (fst t, Row (ray (fst (snd t)) (snd (snd t))) true)) r.
Definition spread_all (r : list (Q * (example * Label))) : list (coordinate * Q) :=
  flat_map (fun t => spread (fst t) (fst (snd t)) (snd (snd t))) r.

Lemma combine_rays_terms T l : forall r, combine_rays (numbered T) l = Some r ->
  (forall q e y', In (q, (e, y')) r -> 0 < q /\ In e T /\ In y' Y /\ y' <> snd e).
Proof.
  induction l as [|t l IH]; intros r H q e y' I; cbn in H; [injection H as <-; destruct I|].
  destruct (M.find (source t) (numbered T)) as [e0|] eqn:F; [|discriminate].
  destruct (combine_rays (numbered T) l) as [r'|]; [|discriminate].
  destruct (Qle_bool (coefficient t) 0) eqn:Q1; [discriminate|]. destruct (eqb (against t) (snd e0)) eqn:Q2; [discriminate|].
  destruct (existsb (eqb (against t)) Y) eqn:Q3; [|discriminate]. cbn in H. injection H as <-. destruct I as [[= <- <- <-]|I].
  - repeat split.
    + apply Qnot_le_lt. intros X. apply Qle_bool_iff in X. congruence.
    + now apply numbered_in in F.
    + apply existsb_exists in Q3 as [z [J X]]. apply eqb_true in X. now subst.
    + intros X. apply eqb_true in X. congruence.
  - now apply (IH r').
Qed.

Lemma terms_rows T r : (forall q e y', In (q, (e, y')) r -> 0 < q /\ In e T /\ In y' Y /\ y' <> snd e) ->
  terms (rays veq eqd Y T) (rows_of r).
Proof.
  intros H q w I. apply in_map_iff in I as [[q' [e y']] [[= <- <-] I]]. destruct (H _ _ _ I) as [Pq [Ie [Iy N]]].
  split; [exact Pq|]. apply in_rays. exists e, y'. auto.
Qed.

Lemma sum_rows r c : sum (rows_of r) c == qsum (entered c) (spread_all r).
Proof.
  unfold sum, rows_of, spread_all. rewrite qsum_map, qsum_flat_map. apply qsum_ext. intros [q [e y']] _. cbn.
  now rewrite spread_ray.
Qed.

Definition views_of (T : list example) : list View := nodup veq (flat_map fst T).

Lemma labelled_views T X : (forall e, In e T -> In (snd e) Y) -> incl T X -> T14.labelled (views_of X) Y T.
Proof.
  intros L S e I. split; [auto|]. intros v J. apply nodup_In, in_flat_map. exists e. auto.
Qed.

Definition nonempty {A} (l : list A) : bool := match l with [] => false | _ => true end.

Definition check_cancels (T : list example) (l : list term) : bool :=
  match combine_rays (numbered T) l with Some r => nonempty r && all_zero (spread_all r) | None => false end.

Theorem check_cancels_correct T l : (forall e, In e T -> In (snd e) Y) -> check_cancels T l = true ->
  ~ exists h, soft h /\ perfect h T.
Proof.
  intros LT. unfold check_cancels. destruct (combine_rays (numbered T) l) as [r|] eqn:C; [|discriminate]. intros H.
  apply andb_true_iff in H as [N Z]. pose proof (combine_rays_terms T l r C) as K.
  destruct r as [|[q [e y']] r']; [discriminate|]. set (r := (q, (e, y')) :: r') in *.
  assert (Two : two_labels Y).
  { destruct (K q e y' (or_introl eq_refl)) as [_ [Ie [Iy' Ne]]]. exists y', (snd e). auto. }
  intros Ex. apply (proj1 (T14_realizable veq eqd (views_of T) Y (NoDup_nodup _ _) labels_once T Two
    (labelled_views T T LT (incl_refl _)))); [exact Ex|].
  exists (rows_of r). split; [now apply terms_rows|]. split; [discriminate|]. intros c _. rewrite sum_rows. now apply all_zero_spec.
Qed.

(** Terms are given label by label. *)
Definition check_cone (T : list example) (e : example) (l : list (Label * term)) : bool :=
  let m := numbered T in
  nonempty (fst e) && existsb (eqb (snd e)) Y && existsb (fun y' => negb (eqb y' (snd e))) Y &&
  forallb (fun y' => eqb y' (snd e) ||
    match combine_rays m (map snd (filter (fun t => eqb (fst t) y') l)) with
    | Some r => all_zero (spread (-1) e y' ++ spread_all r)
    | None => false
    end) Y.

Theorem check_cone_correct T e l : (forall e, In e T -> In (snd e) Y) -> check_cone T e l = true -> guaranteed T e.
Proof.
  intros LT. unfold check_cone. cbv zeta. rewrite !andb_true_iff. intros [[[N Iy] Two] H]. rewrite forallb_forall in H.
  apply existsb_exists in Iy as [y0 [Iy E0]]. apply eqb_true in E0. subst y0.
  apply existsb_exists in Two as [y1 [I1 N1]].
  assert (Ny1 : y1 <> snd e) by (intros ->; rewrite (proj2 (eqb_true _ _) eq_refl) in N1; discriminate).
  set (X := e :: T).
  apply (sufficient veq eqd (views_of X) Y (NoDup_nodup _ _) labels_once T e).
  - exists y1, (snd e). auto.
  - apply labelled_views; [exact LT|]. intros x I. now right.
  - apply labelled_views; [intros x [<-|[]]; exact Iy|]. intros x [<-|[]]. now left.
  - intros y' I Ne. split.
    + intros V. destruct (fst e) as [|v vs] eqn:Fe; [discriminate|].
      assert (Ic : In (v, snd e) (dims (views_of X) Y)).
      { apply in_prod; [|exact Iy]. apply nodup_In, in_flat_map. exists e. rewrite Fe. split; now left. }
      specialize (V _ Ic). unfold T14.ray, at_ in V. cbn [fst snd] in V. rewrite Fe in V.
      destruct (eqd (snd e) (snd e)) as [_|W]; [|contradiction]. destruct (eqd (snd e) y') as [W|_]; [congruence|].
      rewrite n_views_cons in V. destruct (veq v v) as [_|W]; [|contradiction].
      assert (0 <= n_views veq vs v); [|lra]. unfold n_views. change 0 with (inject_Z 0). rewrite <- Zle_Qle. lia.
    + specialize (H y' I). apply orb_true_iff in H as [H|H]; [apply eqb_true in H; contradiction|].
      destruct (combine_rays (numbered T) _) as [r|] eqn:C; [|discriminate].
      exists (rows_of r). split; [apply terms_rows; exact (combine_rays_terms T _ r C)|]. intros c _.
      pose proof (all_zero_spec _ H c) as Z. rewrite qsum_app, spread_ray, <- sum_rows in Z. lra.
Qed.

(** ** Matrices *)

Definition matrix_of (W : list (coordinate * Q)) : coordinate -> Q := let m := tally W in fun c => at_coordinate m c.

(** The mass of the label of the example minus that of another. *)
Definition lead (w : coordinate -> Q) (e : example) (y' : Label) : Q := rsum (fun v => w (v, snd e) - w (v, y')) (fst e).
Definition leads (w : coordinate -> Q) (e : example) : bool :=
  forallb (fun y' => eqb y' (snd e) || negb (Qle_bool (lead w e y') 0)) Y.
Definition check_perfect (T : list example) (W : list (coordinate * Q)) : bool :=
  let w := matrix_of W in existsb (fun y => existsb (fun y' => negb (eqb y y')) Y) Y && forallb (leads w) T.
Definition check_matrix (T : list example) (e : example) (W : list (coordinate * Q)) : bool :=
  let w := matrix_of W in forallb (leads w) T && existsb (eqb (snd e)) Y && negb (leads w e).

Lemma leads_rays w T X : (forall e, In e T -> In (snd e) Y) -> incl T X -> forallb (leads w) T = true ->
  forall r, In r (rays veq eqd Y T) -> holds (dims (views_of X) Y) w r.
Proof.
  intros LT S H r I. apply in_rays in I as [e [y' [Ie [Iy [N ->]]]]]. unfold holds. cbn [strict of].
  destruct (labelled_views T X LT S e Ie) as [L1 L2].
  rewrite (dot_ray veq eqd (views_of X) Y (NoDup_nodup _ _) labels_once e y' w L1 L2 Iy). rewrite forallb_forall in H. specialize (H e Ie). unfold leads in H.
  rewrite forallb_forall in H. specialize (H y' Iy). apply orb_true_iff in H as [H|H]; [apply eqb_true in H; contradiction|].
  unfold lead in H. apply negb_true_iff in H. rewrite <- (rsum_qsum (fun v => w (v, snd e) - w (v, y'))).
  apply Qnot_le_lt. intros Le. apply Qle_bool_iff in Le. congruence.
Qed.

Theorem check_perfect_correct T W : (forall e, In e T -> In (snd e) Y) -> check_perfect T W = true ->
  exists h, soft h /\ perfect h T.
Proof.
  intros LT. unfold check_perfect. cbv zeta. rewrite andb_true_iff. intros [Two H].
  assert (Tw : two_labels Y).
  { apply existsb_exists in Two as [y [I Two]]. apply existsb_exists in Two as [y' [I' N]]. exists y, y'. repeat split; auto.
    intros ->. rewrite (proj2 (eqb_true _ _) eq_refl) in N. discriminate. }
  exists (of_matrix eqd Y (matrix_of W)). apply (perfect_of_matrix veq eqd (views_of T) Y (NoDup_nodup _ _) labels_once); auto.
  - apply labelled_views; auto using incl_refl.
  - apply leads_rays; auto using incl_refl.
Qed.

Theorem check_matrix_correct T e W : (forall e, In e T -> In (snd e) Y) -> check_matrix T e W = true ->
  exists h, soft h /\ perfect h T /\ ~ right h e.
Proof.
  intros LT. unfold check_matrix. cbv zeta. rewrite !andb_true_iff. intros [[H Iy] N].
  apply existsb_exists in Iy as [y0 [Iy E0]]. apply eqb_true in E0. subst y0. set (X := e :: T). set (w := matrix_of W) in *.
  assert (F : exists y', In y' Y /\ y' <> snd e /\ lead w e y' <= 0).
  { destruct (find (fun y' => negb (eqb y' (snd e)) && Qle_bool (lead w e y') 0) Y) as [y'|] eqn:F.
    - apply find_some in F as [I B]. apply andb_true_iff in B as [B1 B2]. exists y'. repeat split; auto.
      + intros ->. rewrite (proj2 (eqb_true _ _) eq_refl) in B1. discriminate.
      + now apply Qle_bool_iff.
    - exfalso. apply negb_true_iff in N. apply diff_true_false. rewrite <- N. symmetry. apply forallb_forall. intros y' I.
      pose proof (find_none _ _ F y' I) as B. cbn in B. apply andb_false_iff in B as [B|B].
      + apply negb_false_iff in B. now rewrite B.
      + rewrite B. apply orb_true_r. }
  destruct F as [y' [I [Ne Le]]].
  assert (Two : two_labels Y) by (exists y', (snd e); auto).
  assert (LT' : T14.labelled (views_of X) Y T) by (apply labelled_views; [exact LT|intros x J; now right]).
  destruct (perfect_of_matrix veq eqd (views_of X) Y (NoDup_nodup _ _) labels_once w T Two LT') as [S P].
  { apply leads_rays; [exact LT|intros x J; now right|exact H]. }
  exists (of_matrix eqd Y w). split; [exact S|]. split; [exact P|]. intros [_ R]. specialize (R y' I Ne).
  destruct (labelled_views [e] X) with (e := e) as [L1 L2]; [intros x [<-|[]]; exact Iy|intros x [<-|[]]; now left|now left|].
  pose proof (dot_of_matrix veq eqd (views_of X) Y (NoDup_nodup _ _) labels_once w e y' L1 L2 I) as E0.
  rewrite (dot_ray veq eqd (views_of X) Y (NoDup_nodup _ _) labels_once e y' w L1 L2 I) in E0.
  unfold lead in Le. rewrite rsum_qsum in Le. lra.
Qed.
End Check14.

(** ** One label *)

Section OneLabel.
Context {View Label : Type}.
Variable code : View -> positive.
Hypothesis code_injective : forall u v, code u = code v -> u = v.
Variable veq : forall u v : View, {u = v} + {u <> v}.

Definition one_guaranteed (T : list (list View)) (U : list View) : bool :=
  let s := set_of code U in existsb (fun vs => forallb (in_set code s) vs) T.

Lemma set_of_complete vs v : In v vs -> in_set code (set_of code vs) v = true.
Proof.
  unfold set_of, in_set. assert (G : forall s, In v vs \/ M.find (code v) s <> None ->
    (match M.find (code v) (fold_left (fun s v => M.add (code v) tt s) vs s) with Some _ => true | None => false end) = true).
  { induction vs as [|u vs IH]; intros s H; cbn [fold_left].
    - destruct H as [[]|H]. destruct (M.find (code v) s); [reflexivity|contradiction].
    - apply IH. destruct (Pos.eq_dec (code v) (code u)) as [E'|N].
      + right. rewrite E', M.gss. discriminate.
      + rewrite M.gso by exact N. destruct H as [[<-|I]|H]; [contradiction|now left|now right]. }
  intros I. apply G. now left.
Qed.

Theorem one_guaranteed_correct (y : Label) T U :
  one_guaranteed T U = true <-> T14.guaranteed [y] (map (fun vs => (vs, y)) T) (U, y).
Proof.
  rewrite (T14_one_label veq y T U). unfold one_guaranteed. cbv zeta. rewrite existsb_exists.
  split; intros [vs [I H]]; exists vs; (split; [exact I|]).
  - intros v J. rewrite forallb_forall in H. specialize (H v J). now apply (set_of_spec code code_injective veq) in H.
  - apply forallb_forall. intros v J. apply set_of_complete, H, J.
Qed.
End OneLabel.

Print Assumptions check_cancels_correct.
Print Assumptions check_cone_correct.
Print Assumptions check_perfect_correct.
Print Assumptions check_matrix_correct.
Print Assumptions one_guaranteed_correct.
