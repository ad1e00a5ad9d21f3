(** * T14: soft heads, read greedily

    The mass of a label on an example is the sum over its candidate sets of score times value; the greedy answer is right
    where the label has strictly the largest mass, and some.  [ray e y'] is n(e) (δ_y - δ_y').
    - [T14_realizable]  a head that is greedily perfect on T exists iff 0 is no convex combination of the rays of T;
    - [T14_guarantee]   if so, every such head is right on e iff for every other label the ray of e is not 0 and lies in
                        the cone of the rays of T;
    - [T14_errs]        if not, a head with rational scores and values is perfect on T and wrong on e;
    - [T14_one_label]   with one label: iff the views of some training example are among those of e;
    - [T14a_logits]     logits that are averages of votes differ as masses do, so that attention alone is such a head. *)

From Coq Require Import List Arith Lia QArith Qabs Lqa Bool.
From LG Require Import Core Alternatives.
Import ListNotations.
Open Scope Q_scope.

Section T14.
Context {View Label : Type}.
Variable veq : forall u v : View, {u = v} + {u <> v}.
Variable eqd : forall y y' : Label, {y = y'} + {y <> y'}.
Variable Views : list View.
Variable Y : list Label.
Hypothesis views_once : NoDup Views.
Hypothesis labels_once : NoDup Y.

Notation example := (example View Label).
Notation head := (head View Label).

(** ** Heads, with laws on [Y] as values *)

Definition soft (h : head) :=
  (forall v, 0 <= score h v) /\ (forall v y, 0 <= value h v y) /\ (forall v, qsum (value h v) Y == 1).

Definition mass (h : head) (vs : list View) (y : Label) : Q := qsum (fun v => score h v * value h v y) vs.

Definition right (h : head) (e : example) :=
  0 < mass h (fst e) (snd e) /\ forall y', In y' Y -> y' <> snd e -> mass h (fst e) y' < mass h (fst e) (snd e).

Definition perfect (h : head) (T : list example) := forall e, In e T -> right h e.
Definition labelled (T : list example) := forall e, In e T -> In (snd e) Y /\ incl (fst e) Views.

(** ** Rays, on the coordinates Views × Y *)

Notation coordinate := (View * Label)%type.
Definition dims : list coordinate := list_prod Views Y.
Definition at_ (a b : Label) : Q := if eqd a b then 1 else 0.

Definition n_views (vs : list View) (v : View) : Q := inject_Z (Z.of_nat (count_occ veq vs v)).
Definition ray (e : example) (y' : Label) : vector coordinate :=
  fun c => n_views (fst e) (fst c) * (at_ (snd c) (snd e) - at_ (snd c) y').

Definition rays (T : list example) : list (row coordinate) :=
  flat_map (fun e => map (fun y' => Row (ray e y') true) (filter (fun y' => if eqd y' (snd e) then false else true) Y)) T.

Lemma in_rays T r : In r (rays T) <-> exists e y', In e T /\ In y' Y /\ y' <> snd e /\ r = Row (ray e y') true.
Proof.
  unfold rays. rewrite in_flat_map. split.
  - intros [e [I J]]. apply in_map_iff in J as [y' [<- J]]. apply filter_In in J as [J N].
    exists e, y'. destruct (eqd y' (snd e)); [discriminate|auto].
  - intros [e [y' [I [J [N ->]]]]]. exists e. split; [exact I|]. apply in_map_iff. exists y'. split; [reflexivity|].
    apply filter_In. split; [exact J|]. destruct (eqd y' (snd e)); [contradiction|reflexivity].
Qed.

Lemma n_views_cons v vs u : n_views (v :: vs) u == (if veq v u then 1 else 0) + n_views vs u.
Proof.
  unfold n_views. cbn. destruct (veq v u); [|ring]. rewrite Nat2Z.inj_succ. unfold Z.succ. rewrite inject_Z_plus. ring.
Qed.

Lemma qsum_pick {A} (dec : forall a b : A, {a = b} + {a <> b}) (l : list A) a (f : A -> Q) : NoDup l -> In a l ->
  qsum (fun x => (if dec a x then 1 else 0) * f x) l == f a.
Proof.
  induction l as [|b l IH]; cbn; intros ND I; [destruct I|]. inversion ND as [|? ? N ND']; subst.
  destruct I as [->|I].
  - destruct (dec a a) as [_|X]; [|contradiction]. rewrite (qsum_ext _ (fun _ => 0)); [rewrite qsum_const0; ring|].
    intros x Ix. destruct (dec a x) as [->|]; [contradiction|ring].
  - rewrite IH by assumption. destruct (dec a b) as [->|]; [contradiction|ring].
Qed.

(** A sum over candidate sets, view by view. *)
Lemma by_view (f : View -> Q) vs : incl vs Views -> qsum f vs == qsum (fun v => n_views vs v * f v) Views.
Proof.
  induction vs as [|v vs IH]; intros S.
  - cbn. rewrite (qsum_ext _ (fun _ => 0)); [now rewrite qsum_const0|]. intros. unfold n_views. cbn. ring.
  - cbn [qsum]. rewrite IH by (intros x I; apply S; now right).
    rewrite <- (qsum_pick veq Views v f views_once) by (apply S; now left). rewrite <- qsum_plus.
    apply qsum_ext. intros u _. rewrite n_views_cons. ring.
Qed.

Lemma qsum_prod {A B} (f : A * B -> Q) (l : list A) (m : list B) :
  qsum f (list_prod l m) == qsum (fun a => qsum (fun b => f (a, b)) m) l.
Proof. induction l as [|a l IH]; cbn; [reflexivity|]. rewrite qsum_app, qsum_map, IH. reflexivity. Qed.

Lemma at_sym a b : at_ a b == (if eqd b a then 1 else 0).
Proof. unfold at_. destruct (eqd a b), (eqd b a); subst; try reflexivity; contradiction. Qed.

Lemma dot_ray e y' w : In (snd e) Y -> incl (fst e) Views -> In y' Y ->
  dot dims (ray e y') w == qsum (fun v => w (v, snd e) - w (v, y')) (fst e).
Proof.
  intros Iy S Iy'. unfold dot, dims. rewrite qsum_prod.
  rewrite (by_view (fun v => w (v, snd e) - w (v, y')) (fst e) S). apply qsum_ext. intros v _. unfold ray. cbn.
  rewrite <- (qsum_pick eqd Y (snd e) (fun y => w (v, y)) labels_once Iy).
  rewrite <- (qsum_pick eqd Y y' (fun y => w (v, y)) labels_once Iy').
  transitivity (n_views (fst e) v * (qsum (fun y => (if eqd (snd e) y then 1 else 0) * w (v, y)) Y
                + -1 * qsum (fun y => (if eqd y' y then 1 else 0) * w (v, y)) Y)); [|ring].
  rewrite <- qsum_scale, <- qsum_plus, <- qsum_scale. apply qsum_ext. intros y _. rewrite !at_sym. ring.
Qed.

(** ** Heads are matrices: equation (5) *)

Definition matrix (h : head) : vector coordinate := fun c => score h (fst c) * value h (fst c) (snd c).

Lemma dot_matrix h e y' : In (snd e) Y -> incl (fst e) Views -> In y' Y ->
  dot dims (ray e y') (matrix h) == mass h (fst e) (snd e) - mass h (fst e) y'.
Proof.
  intros Iy S Iy'. rewrite dot_ray by assumption. unfold mass, matrix. cbn.
  transitivity (qsum (fun v => score h v * value h v (snd e)) (fst e) + -1 * qsum (fun v => score h v * value h v y') (fst e));
    [|ring]. rewrite <- qsum_scale, <- qsum_plus. apply qsum_ext. intros. ring.
Qed.

(** Every matrix is that of a head, up to constants in its rows, which no ray sees. *)
Definition level (w : vector coordinate) (v : View) : Q := qsum (fun y => Qabs (w (v, y))) Y.
Definition lifted (w : vector coordinate) (v : View) (y : Label) : Q := w (v, y) + level w v.
Definition total_of (w : vector coordinate) (v : View) : Q := qsum (lifted w v) Y.
Definition first_label (y : Label) : Q := match Y with [] => 0 | y0 :: _ => at_ y y0 end.

Definition of_matrix (w : vector coordinate) : head :=
  Head (fun v => total_of w v)
       (fun v y => if in_dec eqd y Y then if Qeq_bool (total_of w v) 0 then first_label y else lifted w v y / total_of w v
                   else 0).

Lemma lifted_nonneg w v y : In y Y -> 0 <= lifted w v y.
Proof.
  intros I. unfold lifted, level.
  pose proof (qsum_term (fun y => Qabs (w (v, y))) Y y (fun z _ => Qabs_nonneg _) I) as G. cbn in G.
  pose proof (Qle_Qabs (- w (v, y))) as H. rewrite Qabs_opp in H. lra.
Qed.

Lemma total_nonneg w v : 0 <= total_of w v.
Proof. apply qsum_nonneg. intros y I. now apply lifted_nonneg. Qed.

Lemma mass_of_matrix w vs y : In y Y -> mass (of_matrix w) vs y == qsum (fun v => lifted w v y) vs.
Proof.
  intros I. apply qsum_ext. intros v _. cbn. destruct (in_dec eqd y Y) as [_|X]; [|contradiction].
  destruct (Qeq_bool (total_of w v) 0) eqn:Z.
  - apply Qeq_bool_eq in Z. rewrite Z.
    rewrite (qsum_zero (lifted w v) Y (fun z J => lifted_nonneg w v z J) Z y I). ring.
  - apply Qeq_bool_neq in Z. field. exact Z.
Qed.

Lemma of_matrix_soft w : Y <> [] -> soft (of_matrix w).
Proof.
  intros NE. repeat split.
  - apply total_nonneg.
  - intros v y. cbn. destruct (in_dec eqd y Y) as [I|_]; [|lra]. destruct (Qeq_bool (total_of w v) 0) eqn:Z.
    + unfold first_label, at_. destruct Y; [lra|]. destruct (eqd y l); lra.
    + apply Qeq_bool_neq in Z. pose proof (total_nonneg w v). pose proof (lifted_nonneg w v y I).
      apply Qle_shift_div_l; lra.
  - intros v. cbn. destruct (Qeq_bool (total_of w v) 0) eqn:Z.
    + destruct Y as [|y0 r] eqn:HY; [contradiction|]. rewrite <- HY in *.
      transitivity (qsum (fun y => (if eqd y0 y then 1 else 0) * 1) Y).
      * apply qsum_ext. intros y I. destruct (in_dec eqd y Y) as [_|X]; [|contradiction].
        unfold first_label. rewrite HY, at_sym. ring.
      * apply (qsum_pick eqd Y y0 (fun _ => 1)); [exact labels_once|]. rewrite HY. now left.
    + apply Qeq_bool_neq in Z. transitivity (/ total_of w v * qsum (lifted w v) Y).
      * rewrite <- qsum_scale. apply qsum_ext. intros y I. destruct (in_dec eqd y Y) as [_|X]; [|contradiction].
        unfold Qdiv. ring.
      * change (qsum (lifted w v) Y) with (total_of w v). field. exact Z.
Qed.

Lemma dot_of_matrix w e y' : In (snd e) Y -> incl (fst e) Views -> In y' Y ->
  mass (of_matrix w) (fst e) (snd e) - mass (of_matrix w) (fst e) y' == dot dims (ray e y') w.
Proof.
  intros Iy S Iy'. rewrite dot_ray, !mass_of_matrix by assumption.
  transitivity (qsum (fun v => lifted w v (snd e)) (fst e) + -1 * qsum (fun v => lifted w v y') (fst e)); [ring|].
  rewrite <- qsum_scale, <- qsum_plus. apply qsum_ext. intros. unfold lifted. ring.
Qed.

Definition two_labels := exists y y', In y Y /\ In y' Y /\ y <> y'.

Lemma another y : two_labels -> exists y', In y' Y /\ y' <> y.
Proof.
  intros [a [b [Ia [Ib N]]]]. destruct (eqd a y) as [->|]; [exists b; auto|now exists a].
Qed.

Lemma mass_nonneg h vs y : soft h -> 0 <= mass h vs y.
Proof. intros [S [V _]]. apply qsum_nonneg. intros v _. specialize (S v). specialize (V v y). nra. Qed.

(** Where there are two labels, right is: the matrix is positive on every ray. *)
Lemma right_rays h e : soft h -> two_labels -> In (snd e) Y -> incl (fst e) Views ->
  (right h e <-> forall y', In y' Y -> y' <> snd e -> 0 < dot dims (ray e y') (matrix h)).
Proof.
  intros S Two Iy Iv. split.
  - intros [_ H] y' I N. rewrite dot_matrix by assumption. specialize (H y' I N). lra.
  - intros H. assert (G : forall y', In y' Y -> y' <> snd e -> mass h (fst e) y' < mass h (fst e) (snd e)).
    { intros y' I N. specialize (H y' I N). rewrite dot_matrix in H by assumption. lra. }
    split; [|exact G]. destruct (another (snd e) Two) as [y' [I N]]. specialize (G y' I N).
    pose proof (mass_nonneg h (fst e) y' S). lra.
Qed.

Lemma perfect_rays h T : soft h -> two_labels -> labelled T ->
  (perfect h T <-> forall r, In r (rays T) -> holds dims (matrix h) r).
Proof.
  intros S Two LT. split.
  - intros P r I. apply in_rays in I as [e [y' [I [J [N ->]]]]]. unfold holds. cbn. destruct (LT e I).
    apply (proj1 (right_rays h e S Two ltac:(assumption) ltac:(assumption)) (P e I)); auto.
  - intros H e I. destruct (LT e I). apply right_rays; auto. intros y' J N.
    apply (H (Row (ray e y') true)). apply in_rays. now exists e, y'.
Qed.

Lemma perfect_of_matrix w T : two_labels -> labelled T ->
  (forall r, In r (rays T) -> holds dims w r) -> soft (of_matrix w) /\ perfect (of_matrix w) T.
Proof.
  intros Two LT H. assert (S : soft (of_matrix w)).
  { apply of_matrix_soft. destruct Two as [y [_ [I _]]]. intros E. rewrite E in I. destruct I. }
  split; [exact S|]. intros e I. destruct (LT e I) as [Iy Iv]. apply right_rays; auto. intros y' J N.
  rewrite dot_matrix, dot_of_matrix by assumption. apply (H (Row (ray e y') true)). apply in_rays. now exists e, y'.
Qed.

(** ** The theorem *)

Lemma nodup_app {A} (l m : list A) : NoDup l -> NoDup m -> (forall x, In x l -> ~ In x m) -> NoDup (l ++ m).
Proof.
  induction l as [|a l IH]; cbn; intros L M D; [exact M|]. inversion L; subst. constructor.
  - rewrite in_app_iff. intros [I|I]; [contradiction|]. now apply (D a); [left|].
  - apply IH; auto.
Qed.

Lemma nodup_prod {A B} (l : list A) (m : list B) : NoDup l -> NoDup m -> NoDup (list_prod l m).
Proof.
  induction l as [|a l IH]; cbn; intros L M; [constructor|]. inversion L as [|? ? N L']; subst. apply nodup_app.
  - clear - M. induction m as [|b m IH]; cbn; [constructor|]. inversion M; subst. constructor; [|auto].
    intros I. apply in_map_iff in I as [b' [[= ->] I]]. contradiction.
  - auto.
  - intros [a' b] I J. apply in_map_iff in I as [b' [[= <- <-] _]]. apply in_prod_iff in J as [J _]. contradiction.
Qed.

Lemma coordinate_eq (a b : coordinate) : {a = b} + {a <> b}.
Proof. decide equality. Defined.

(** 0 as a convex combination, up to a positive factor; a ray in the cone of others. *)
Definition cancels (T : list example) :=
  exists l, terms (rays T) l /\ l <> [] /\ forall c, In c dims -> sum l c == 0.
Definition in_cone (T : list example) (b : vector coordinate) :=
  exists l, terms (rays T) l /\ forall c, In c dims -> b c == sum l c.
Definition vanishes (b : vector coordinate) := forall c, In c dims -> b c == 0.

Lemma all_strict T l : terms (rays T) l -> l <> [] -> has_strict l.
Proof.
  intros H NE. destruct l as [|[q r] l]; [contradiction|]. exists q, r. split; [now left|].
  destruct (H q r) as [_ I]; [now left|]. apply in_rays in I as [e [y' [_ [_ [_ ->]]]]]. reflexivity.
Qed.

Theorem T14_realizable T : two_labels -> labelled T -> (exists h, soft h /\ perfect h T) <-> ~ cancels T.
Proof.
  intros Two LT. split.
  - intros [h [S P]] [l [Tl [NE Z]]]. apply (exclusive dims (rays T)).
    + exists (matrix h). now apply perfect_rays.
    + exists l. repeat split; try apply (Tl _ _ H); auto. now apply (all_strict T).
  - intros N. destruct (alternatives coordinate_eq dims (nodup_prod _ _ views_once labels_once) (rays T)) as [[w H]|[l [Tl [S Z]]]].
    + exists (of_matrix w). now apply perfect_of_matrix.
    + destruct N. exists l. repeat split; try apply (Tl _ _ H); auto. intros ->. destruct S as [q [r [[] _]]].
Qed.

Definition guaranteed (T : list example) (e : example) := forall h, soft h -> perfect h T -> right h e.

Definition condition (T : list example) (e : example) :=
  forall y', In y' Y -> y' <> snd e -> ~ vanishes (ray e y') /\ in_cone T (ray e y').

Lemma sufficient T e : two_labels -> labelled T -> labelled [e] -> condition T e -> guaranteed T e.
Proof.
  intros Two LT Le Cd h S P. destruct (Le e (or_introl eq_refl)) as [Iy Iv]. apply right_rays; auto. intros y' I N.
  destruct (Cd y' I N) as [NZ [l [Tl E]]]. rewrite (dot_ext dims _ (sum l)) by exact E.
  apply (positive_sum dims (rays T)); [exact Tl| |now apply perfect_rays]. apply (all_strict T); [exact Tl|].
  intros ->. apply NZ. intros c Ic. rewrite (E c Ic). reflexivity.
Qed.

(** For one other label: either the ray is in the cone and not 0, or a perfect head does not tell the labels apart. *)
Lemma one_label_decided T e y' : two_labels -> labelled T -> labelled [e] -> (exists h, soft h /\ perfect h T) ->
  In y' Y -> y' <> snd e ->
  (~ vanishes (ray e y') /\ in_cone T (ray e y')) \/ (exists h, soft h /\ perfect h T /\ ~ right h e).
Proof.
  intros Two LT Le R I N. destruct (Le e (or_introl eq_refl)) as [Iy Iv]. set (b := ray e y').
  assert (Z : {vanishes b} + {~ vanishes b}).
  { destruct (Forall_dec (fun c => b c == 0)) with (l := dims) as [F|F]; [intros; apply Qeq_dec| |].
    - left. intros c Ic. rewrite Forall_forall in F. auto.
    - right. intros V. apply F, Forall_forall. exact V. }
  destruct Z as [Z|Z].
  { right. destruct R as [h [S P]]. exists h. split; [exact S|]. split; [exact P|]. intros G.
    apply (proj1 (right_rays h e S Two Iy Iv)) with (y' := y') in G; auto.
    fold b in G. rewrite (dot_ext dims b (fun _ => 0) _ Z) in G. unfold dot in G.
    rewrite (qsum_ext _ (fun _ => 0)) in G by (intros; ring). rewrite qsum_const0 in G. lra. }
  set (A := Row (fun c => - b c) false :: rays T).
  destruct (alternatives coordinate_eq dims (nodup_prod _ _ views_once labels_once) A) as [[w H]|[l [Tl [St E]]]].
  - right. destruct (perfect_of_matrix w T Two LT) as [S P]; [intros r J; apply H; now right|].
    exists (of_matrix w). split; [exact S|]. split; [exact P|]. intros G. destruct G as [_ G]. specialize (G y' I N).
    assert (X := dot_of_matrix w e y' Iy Iv I). fold b in X.
    assert (K := H (Row (fun c => - b c) false) (or_introl eq_refl)). unfold holds in K. cbn in K.
    assert (M : dot dims (fun c => - b c) w == - dot dims b w).
    { unfold dot. transitivity (-1 * qsum (fun c => b c * w c) dims); [|ring]. rewrite <- qsum_scale.
      apply qsum_ext. intros. ring. }
    lra.
  - left. split; [exact Z|].
    (* the terms with -b, and the others *)
    assert (X : exists m l', 0 <= m /\ terms (rays T) l' /\ (has_strict l -> l' <> []) /\ forall c, sum l c == sum l' c - m * b c).
    { clear E St. induction l as [|[q r] l IH].
      - exists 0, []. split; [lra|]. split; [intros q r []|]. split; [intros [q [r [[] _]]]|]. intros c. unfold sum. cbn. ring.
      - destruct IH as [m [l' [Pm [Tl' [Nl' El']]]]]; [intros q' r' J; apply Tl; now right|].
        destruct (Tl q r (or_introl eq_refl)) as [Pq Ir]. destruct Ir as [<-|Ir].
        + exists (m + q), l'. split; [lra|]. split; [exact Tl'|]. split.
          * intros [q' [r' [[[= <- <-]|J] Sr]]]; [discriminate|]. apply Nl'. now exists q', r'.
          * intros c. unfold sum in *. cbn. rewrite El'. ring.
        + exists m, ((q, r) :: l'). split; [exact Pm|]. split; [|split; [discriminate|]].
          * intros q' r' [[= <- <-]|J]; [split; [exact Pq|exact Ir]|apply (Tl' _ _ J)].
          * intros c. unfold sum in *. cbn. rewrite El'. ring. }
    destruct X as [m [l' [Pm [Tl' [Nl' El']]]]]. specialize (Nl' St).
    destruct (Qlt_le_dec 0 m) as [M|M].
    + exists (map (fun t => (fst t / m, snd t)) l'). split.
      * intros q r J. apply in_map_iff in J as [[q' r'] [[= <- <-] J]]. destruct (Tl' _ _ J) as [Pq Ir]. split; [|exact Ir].
        cbn. apply Qlt_shift_div_l; lra.
      * intros c Ic. specialize (E c Ic). rewrite El' in E. unfold sum in *. rewrite qsum_map. cbn.
        transitivity (/ m * qsum (fun t => fst t * of (snd t) c) l').
        -- assert (K : qsum (fun t => fst t * of (snd t) c) l' == m * b c) by lra. rewrite K. field. lra.
        -- rewrite <- qsum_scale. apply qsum_ext. intros. field. lra.
    + exfalso. apply (proj1 (T14_realizable T Two LT) R). exists l'. repeat split; try apply (Tl' _ _ H); auto.
      intros c Ic. specialize (E c Ic). rewrite El' in E. assert (m == 0) by lra. rewrite H in E. lra.
Qed.

Theorem T14_errs T e : two_labels -> labelled T -> labelled [e] -> (exists h, soft h /\ perfect h T) ->
  ~ condition T e -> exists h, soft h /\ perfect h T /\ ~ right h e.
Proof.
  intros Two LT Le R N.
  assert (X : (forall y', In y' Y -> y' <> snd e -> ~ vanishes (ray e y') /\ in_cone T (ray e y')) \/
              (exists h, soft h /\ perfect h T /\ ~ right h e)).
  { assert (G : forall l, incl l Y -> (forall y', In y' l -> y' <> snd e -> ~ vanishes (ray e y') /\ in_cone T (ray e y')) \/
                                      (exists h, soft h /\ perfect h T /\ ~ right h e)).
    { induction l as [|y' l IH]; intros S; [left; intros ? []|].
      destruct IH as [H|H]; [intros z I; apply S; now right| |now right].
      destruct (eqd y' (snd e)) as [->|N']; [left; intros z [<-|I] Nz; [contradiction|auto]|].
      destruct (one_label_decided T e y' Two LT Le R) as [D|D]; [apply S; now left|exact N'| |now right].
      left. intros z [<-|I] Nz; auto. }
    apply (G Y (incl_refl _)). }
  destruct X as [X|X]; [contradiction|exact X].
Qed.

Theorem T14_guarantee T e : two_labels -> labelled T -> labelled [e] -> (exists h, soft h /\ perfect h T) ->
  guaranteed T e <-> condition T e.
Proof.
  intros Two LT Le R. split; [|now apply sufficient].
  intros G y' I N. destruct (one_label_decided T e y' Two LT Le R I N) as [X|[h [S [P W]]]]; [exact X|].
  destruct W. now apply G.
Qed.
End T14.

(** ** One label *)

Section OneLabel.
Context {View Label : Type}.
Variable veq : forall u v : View, {u = v} + {u <> v}.
Variable y : Label.

Lemma mass_one (h : head View Label) vs : soft [y] h -> mass h vs y == D h vs.
Proof.
  intros [_ [_ One]]. apply qsum_ext. intros v _. specialize (One v). cbn in One.
  assert (E : value h v y == 1) by lra. rewrite E. ring.
Qed.

Lemma right_one (h : head View Label) vs : soft [y] h -> (right [y] h (vs, y) <-> 0 < D h vs).
Proof.
  intros S. unfold right. cbn [fst snd]. rewrite mass_one by exact S. split; [tauto|]. intros G. split; [exact G|].
  intros y' [<-|[]] N. now destruct N.
Qed.

Theorem T14_one_label (T : list (list View)) (U : list View) :
  guaranteed [y] (map (fun vs => (vs, y)) T) (U, y) <-> exists vs, In vs T /\ incl vs U.
Proof.
  split.
  - intros G. destruct (Exists_dec (fun vs => incl vs U) T) as [E|N].
    { intros vs. destruct (Forall_dec (fun v => In v U) (fun v => in_dec veq v U) vs) as [F|F].
      - left. intros v I. rewrite Forall_forall in F. auto.
      - right. intros S. apply F, Forall_forall. exact S. }
    { apply Exists_exists in E as [vs [I S]]. now exists vs. }
    exfalso. set (h := Head (fun v => if in_dec veq v U then 0 else 1) (fun _ _ => 1) : head View Label).
    assert (S : soft [y] h).
    { repeat split; cbn; intros; try lra. destruct (in_dec veq v U); lra. }
    assert (R : right [y] h (U, y)).
    { apply G; [exact S|]. intros e I. apply in_map_iff in I as [vs [<- I]]. apply right_one; [exact S|].
      destruct (Exists_dec (fun v => ~ In v U) vs) as [X|X].
      { intros v. destruct (in_dec veq v U); [now right|now left]. }
      - apply Exists_exists in X as [v [Iv Nv]].
        pose proof (qsum_term (score h) vs v) as Q. cbn in Q. destruct (in_dec veq v U); [contradiction|].
        assert (1 <= qsum (score h) vs); [|unfold D; lra]. apply Q; [|exact Iv]. intros z _. destruct (in_dec veq z U); lra.
      - destruct N. apply Exists_exists. exists vs. split; [exact I|]. intros v Iv.
        destruct (in_dec veq v U); [assumption|]. destruct X. apply Exists_exists. now exists v. }
    apply right_one in R; [|exact S]. unfold D in R. rewrite (qsum_ext _ (fun _ => 0)) in R; [rewrite qsum_const0 in R; lra|].
    intros v I. cbn. destruct (in_dec veq v U); [reflexivity|contradiction].
  - intros [vs [I S]] h Sh P. apply right_one; [exact Sh|].
    assert (R : right [y] h (vs, y)) by (apply P, in_map_iff; now exists vs). apply right_one in R; [|exact Sh].
    destruct (Exists_dec (fun v => 0 < score h v) vs) as [X|X].
    { intros v. destruct (Qlt_le_dec 0 (score h v)); [now left|right; lra]. }
    + apply Exists_exists in X as [v [Iv Pv]]. destruct Sh as [Sc _].
      pose proof (qsum_term (score h) U v (fun z _ => Sc z) (S v Iv)). unfold D. lra.
    + exfalso. assert (Z : D h vs == 0); [|lra]. unfold D. rewrite <- (qsum_const0 vs). apply qsum_ext. intros v Iv.
      destruct Sh as [Sc _]. specialize (Sc v). destruct (Qlt_le_dec 0 (score h v)) as [Pv|Pv]; [|lra].
      destruct X. apply Exists_exists. now exists v.
Qed.
End OneLabel.

(** ** T14a: logits of attention alone *)

(** Weights [a] > 0, a constant vote [u] (of the query), votes [z] of the candidate sets: logits differ as the masses of the
    matrix a (u + z) do, but for the factor 1 / (sum of a). *)
Theorem T14a_logits {S Label : Type} (a : S -> Q) (u : Label -> Q) (z : S -> Label -> Q) (sets : list S) (y y' : Label) :
  let total := qsum a sets in
  let logit := fun y => u y + qsum (fun s => a s / total * z s y) sets in
  let votes := fun y => qsum (fun s => a s * (u y + z s y)) sets in
  0 < total -> total * (logit y - logit y') == votes y - votes y'.
Proof.
  intros total logit votes P. unfold logit, votes.
  assert (V : forall y, qsum (fun s => a s * (u y + z s y)) sets == total * u y + qsum (fun s => a s * z s y) sets).
  { intros t. unfold total. rewrite Qmult_comm, <- qsum_scale, <- qsum_plus. apply qsum_ext. intros. ring. }
  assert (L : forall y, total * qsum (fun s => a s / total * z s y) sets == qsum (fun s => a s * z s y) sets).
  { intros t. rewrite <- qsum_scale. apply qsum_ext. intros. field. lra. }
  rewrite !V, <- (L y), <- (L y'). ring.
Qed.

Print Assumptions T14_realizable.
Print Assumptions T14_guarantee.
Print Assumptions T14_errs.
Print Assumptions T14_one_label.
Print Assumptions T14a_logits.
