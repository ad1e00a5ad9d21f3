(** * The judge: definitions and verdicts on concrete examples, as a program

    Definitions 3 and 4 with all that the Python code's head classes have: tokens, labels and IDs are integers; IDs have
    any number of coordinates, each with its window and its key; arity k, or at most k; anchor none or last.
    - [judge]       T1's decision, and [judge_correct] what it says of all hard heads;
    - [decided]     its reason, and the number of the example that shows it, and [decided_explained];
    - [share], [marked]  the exact mass of guaranteed test examples, [share_correct] and [marked_correct];
    - [certified]   the checkers of certificates of Check.v, and [certified_correct];
    - [ranked_flags], [ranked_certified]  T13's decision and the checkers of Check13.v, likewise;
    - [soft_certified], [one_flags]       the checkers of Check14.v, and T14's decision for one label;
    - [hard_losses], [soft_losses], [ranked_losses], [greedy_losses]  exact losses of any head. *)

From Coq Require Import List Arith Lia QArith Lqa Bool ZArith.
From LG Require Import Core T1 T13 T14 Planted Ensemble Check Check13 Check14 Bridge.
Import ListNotations.
Open Scope Z_scope.

(** ** Head classes *)

Record heads := Heads {
  at_most : bool;                        (** the arities 1..k together, or k alone *)
  width : nat;                           (** k *)
  on_last : bool;                        (** anchor last *)
  coords : list (option Z * key_kind) }. (** window and key of each coordinate *)

(** Tokens, the IDs coordinate by coordinate, label. *)
Definition shown : Type := (list Z * list (list Z) * Z)%type.

Definition arities (cl : heads) : list nat := if at_most cl then seq 1 (width cl) else [width cl].

(** Every window is kept. *)
Definition nearby (cl : heads) (columns : list (list Z)) (C : list bool) : bool :=
  forallb (fun c => within (fst (fst c)) (sel C (snd c))) (combine (coords cl) columns).

(** The keys of the coordinates, one after the other: as every one but none is as long as the tokens, nothing is lost. *)
Definition keys (cl : heads) (columns : list (list Z)) (C : list bool) : list Z :=
  flat_map (fun c => key_of (snd (fst c)) (sel C (snd c))) (combine (coords cl) columns).

Definition sets (cl : heads) (n : nat) (columns : list (list Z)) : list (list bool) :=
  filter (fun C => nearby cl columns C && implb (on_last cl) (last C false)) (flat_map (fun k => masks k n) (arities cl)).

Definition look (cl : heads) (e : shown) : example View Z :=
  let '(tokens, columns, y) := e in
  (map (fun C => (sel C tokens, keys cl columns C)) (sets cl (length tokens) columns), y).

(** Verdicts as numbers, for generated files. *)
Definition verdict_code (v : verdict (View := View) (Label := Z)) : Z :=
  match v with Unrealizable _ => 0 | Generalizes => 1 | Fails Unseen _ _ => 2 | Fails Flip _ _ => 3 | Fails Abstains _ _ => 4 end.

(** For k positions and IDs of one coordinate these are the views of Ensemble.v, which the theorems are about. *)
Theorem look_plain k w kind last tokens p y : length tokens = length p ->
  look (Heads false k last [(w, kind)]) (tokens, [p], y) = see (the_class k w kind last) (tokens, p, y).
Proof.
  intros H. unfold look, see, sets, arities, candidates. cbn [at_most width flat_map arity the_class]. rewrite app_nil_r, <- H. f_equal.
  rewrite (filter_ext _ (candidate (the_class k w kind last) p)).
  - apply map_ext. intros C. unfold view, keys. cbn [coords combine flat_map fst snd key the_class]. now rewrite app_nil_r.
  - intros C. unfold nearby, candidate. cbn [coords combine forallb fst snd near anchored the_class on_last]. now rewrite andb_true_r.
Qed.

(** A hard head, as a list of answers. *)
Fixpoint lookup (answers : list (View * Z)) (v : View) : option Z :=
  match answers with [] => None | (u, y) :: r => if view_eq u v then Some y else lookup r v end.

Section Judge.
Variable cl : heads.
Variable labels : list Z.

(** ** T1's verdict *)

Definition judge (train test : list shown) := decide view_eq Z.eq_dec labels (map (look cl) train) (map (look cl) test).

Definition generalizes (v : verdict (View := View) (Label := Z)) : bool := match v with Generalizes => true | _ => false end.

(** The mass of the test examples on which all perfect heads are right. *)
Definition share (T P : law shown) : Q :=
  let X := map (look cl) (map snd T) in
  rsum (fun we => fst we * if generalizes (decide view_eq Z.eq_dec labels X [look cl (snd we)]) then 1 else 0)%Q P.

(** Of each test example whether it is guaranteed; [None] where no hard head has zero training loss. *)
Definition hard_flags (T P : list shown) : option (list bool) :=
  let X := map (look cl) T in
  match decide view_eq Z.eq_dec labels X [] with
  | Unrealizable _ => None
  | _ => Some (map (fun e => generalizes (decide view_eq Z.eq_dec labels X [look cl e])) P)
  end.

Section Correct.
Variables T P : law shown.
Hypothesis PT : positive T.
Hypothesis PP : positive P.
Hypothesis LT : forall e, In e (map snd T) -> In (snd e) labels.
Hypothesis LP : forall e, In e (map snd P) -> In (snd e) labels.

Definition zero_loss_on (a : View -> option Z) (R : law shown) := (L (hard Z.eq_dec a) (lmap (look cl) R) == 0)%Q.
Definition answers_in (a : View -> option Z) := forall v y, a v = Some y -> In y labels.

Lemma support_look (R : law shown) : map snd (lmap (look cl) R) = map (look cl) (map snd R).
Proof. unfold lmap. rewrite !map_map. reflexivity. Qed.

Lemma labelled_look (R : list shown) : (forall e, In e R -> In (snd e) labels) -> T1.labelled labels (map (look cl) R).
Proof. intros H e I. apply in_map_iff in I as [r [<- I]]. specialize (H r I). destruct r as [[t p] y]. exact H. Qed.

Lemma zero_loss_on_spec (R : law shown) a : positive R ->
  zero_loss_on a R <-> T1.perfect Z.eq_dec a (map (look cl) (map snd R)).
Proof.
  intros PR. rewrite <- support_look. exact (zero_loss_perfect Z.eq_dec (lmap (look cl) R) a (positive_lmap (look cl) R PR)).
Qed.

Theorem judge_correct :
  match judge (map snd T) (map snd P) with
  | Unrealizable _ => forall a, ~ zero_loss_on a T
  | Generalizes => (exists a, answers_in a /\ zero_loss_on a T) /\
                   (forall a, answers_in a -> zero_loss_on a T -> zero_loss_on a P)
  | Fails _ _ a => answers_in a /\ zero_loss_on a T /\ ~ zero_loss_on a P
  end.
Proof.
  pose proof (decide_right view_eq Z.eq_dec labels _ _ (labelled_look _ LT) (labelled_look _ LP)) as H. fold (judge (map snd T) (map snd P)) in H.
  destruct (judge (map snd T) (map snd P)) as [e| |r e a]; cbn [T1.right] in H.
  - destruct H as [_ H]. intros a Z. apply (H a), zero_loss_on_spec; auto.
  - destruct H as [R H]. split.
    + exists (label_of view_eq Z.eq_dec (map (look cl) (map snd T))). split.
      * intros v y Hl. apply (admissible_label_of view_eq Z.eq_dec labels _ (labelled_look _ LT) v y Hl).
      * apply zero_loss_on_spec; auto. now apply perfect_maximal.
    + intros a A Z. apply zero_loss_on_spec; auto. apply H; [exact A|]. now apply zero_loss_on_spec.
  - destruct H as [I [A [Z N]]]. split; [exact A|]. split; [now apply zero_loss_on_spec|].
    intros X. apply N. apply zero_loss_on_spec in X; auto.
Qed.

(** A test example is guaranteed when every head with zero training loss has zero loss on it. *)
Definition guaranteed_hard (e : shown) := forall a, answers_in a -> zero_loss_on a T -> zero Z.eq_dec a (look cl e).

Theorem guaranteed_decided e : In (snd e) labels -> (exists a, zero_loss_on a T) ->
  generalizes (judge (map snd T) [e]) = true <-> guaranteed_hard e.
Proof.
  intros Ie [a0 Z0].
  pose proof (decide_right view_eq Z.eq_dec labels (map (look cl) (map snd T)) (map (look cl) [e]) (labelled_look _ LT)
    (labelled_look [e] ltac:(intros x [<-|[]]; exact Ie))) as H. fold (judge (map snd T) [e]) in H.
  destruct (judge (map snd T) [e]) as [x| |r x a]; cbn [T1.right generalizes] in *.
  - destruct H as [_ H]. destruct (H a0). now apply zero_loss_on_spec.
  - split; [|reflexivity]. intros _ a A Z. apply (proj2 H a A); [now apply zero_loss_on_spec|now left].
  - split; [discriminate|]. intros G. destruct H as [[<-|[]] [A [Z N]]]. destruct N. apply G; [exact A|].
    now apply zero_loss_on_spec.
Qed.

Theorem hard_flags_correct :
  match hard_flags (map snd T) (map snd P) with
  | None => forall a, ~ zero_loss_on a T
  | Some flags => Forall2 (fun e (b : bool) => b = true <-> guaranteed_hard e) (map snd P) flags
  end.
Proof.
  pose proof (decide_right view_eq Z.eq_dec labels (map (look cl) (map snd T)) [] (labelled_look _ LT)
    ltac:(intros x [])) as H.
  assert (G : (exists a, zero_loss_on a T) -> Forall2 (fun e (b : bool) => b = true <-> guaranteed_hard e) (map snd P)
     (map (fun e => generalizes (judge (map snd T) [e])) (map snd P))).
  { intros R. revert LP. generalize (map snd P) as Q. induction Q as [|e Q IH]; intros LQ; cbn [map]; constructor.
    - apply guaranteed_decided; [apply LQ; now left|exact R].
    - apply IH. intros x I. apply LQ. now right. }
  unfold hard_flags. cbv zeta. unfold judge in G. cbn [map] in G.
  destruct (decide view_eq Z.eq_dec labels (map (look cl) (map snd T)) []) as [e| |r e a]; cbn [T1.right] in H.
  - destruct H as [_ H]. intros a Z. apply (H a). now apply zero_loss_on_spec.
  - destruct H as [R _]. apply G. exists (label_of view_eq Z.eq_dec (map (look cl) (map snd T))).
    apply zero_loss_on_spec; auto. now apply perfect_maximal.
  - destruct H as [[] _].
Qed.

(** So the share is the mass of any set of test examples that are the guaranteed ones. *)
Theorem share_correct (g : shown -> bool) : (exists a, zero_loss_on a T) ->
  (forall e, In e (map snd P) -> g e = true <-> guaranteed_hard e) -> (share T P == E P (fun e => if g e then 1 else 0))%Q.
Proof.
  intros R G. unfold share. cbv zeta. rewrite rsum_qsum. apply qsum_ext. intros [w e] I. cbn [fst snd].
  change (decide view_eq Z.eq_dec labels (map (look cl) (map snd T)) [look cl e]) with (judge (map snd T) [e]).
  assert (J : In e (map snd P)) by (apply in_map_iff; now exists (w, e)).
  pose proof (guaranteed_decided e (LP e J) R) as D. specialize (G e J).
  destruct (generalizes _), (g e); try reflexivity; exfalso.
  - assert (X : false = true) by (apply G, D; reflexivity). discriminate.
  - assert (X : false = true) by (apply D, G; reflexivity). discriminate.
Qed.
End Correct.

(** ** The decision in numbers *)

Inductive outcome := IsUnrealizable (i : nat) | DoesGeneralize | DoesFail (r : reason) (i : nat) (train_loss test_loss : Q).

Definition example_eq : forall a b : example View Z, {a = b} + {a <> b}.
Proof. decide equality; [apply Z.eq_dec|apply (list_eq_dec view_eq)]. Defined.

Fixpoint place {A} (dec : forall a b : A, {a = b} + {a <> b}) (x : A) (l : list A) : nat :=
  match l with [] => O | a :: r => if dec a x then O else S (place dec x r) end.

(** The verdict, the number of the example that shows it, the losses of T1's own counterexample head. *)
Definition decided (T P : law shown) : outcome :=
  match judge (map snd T) (map snd P) with
  | Unrealizable e => IsUnrealizable (place example_eq e (map (look cl) (map snd T)))
  | Generalizes => DoesGeneralize
  | Fails r e a => DoesFail r (place example_eq e (map (look cl) (map snd P)))
      (Qred (L (hard Z.eq_dec a) (lmap (look cl) T))) (Qred (L (hard Z.eq_dec a) (lmap (look cl) P)))
  end.

(** The first of a list with a property, by its number. *)
Definition first_at {A} (p : A -> Prop) (l : list A) (i : nat) : Prop :=
  exists l1 x l2, l = l1 ++ x :: l2 /\ length l1 = i /\ p x /\ forall z, In z l1 -> ~ p z.

Lemma first_place {A B} dec (f : A -> B) (p : B -> Prop) l y : first_with p (map f l) y ->
  first_at (fun x => p (f x)) l (place dec y (map f l)).
Proof.
  induction l as [|a l IH]; intros [l1 [l2 [E [Py N]]]].
  - destruct l1; discriminate.
  - cbn [map place]. destruct (dec (f a) y) as [Ey|Na].
    + exists [], a, l. rewrite Ey. repeat split; auto.
    + destruct l1 as [|b l1]; cbn in E; injection E as Eb E; [contradiction|subst b].
      destruct IH as [m1 [x [m2 [El [Lm [Px M]]]]]].
      { exists l1, l2. split; [exact E|]. split; [exact Py|]. intros z I. apply N. now right. }
      exists (a :: m1), x, m2. split; [now rewrite El|]. split; [cbn; now rewrite Lm|]. split; [exact Px|].
      intros z [<-|I]; [apply N; now left|now apply M].
Qed.

(** What the reason and the number say: no training example before this one lacks a consistent view, no reason before this
    one applies to any test example, and this one to none before. *)
Theorem decided_explained T P : let X := map (look cl) (map snd T) in
  match decided T P with
  | IsUnrealizable i => first_at (fun e => forall u, In u (fst (look cl e)) -> ~ consistent view_eq Z.eq_dec X u) (map snd T) i
  | DoesGeneralize => True
  | DoesFail r i _ _ => first_at (fun e => shows view_eq Z.eq_dec labels X r (look cl e)) (map snd P) i /\
      forall r' e, before r' r -> In e (map snd P) -> ~ shows view_eq Z.eq_dec labels X r' (look cl e)
  end.
Proof.
  cbv zeta. unfold decided. pose proof (decide_explained view_eq Z.eq_dec labels (map (look cl) (map snd T)) (map (look cl) (map snd P))) as H.
  fold (judge (map snd T) (map snd P)) in H. destruct (judge (map snd T) (map snd P)) as [e| |r e a]; cbn [explained] in H.
  - exact (first_place example_eq (look cl) _ _ _ H).
  - exact I.
  - destruct H as [F H]. split; [exact (first_place example_eq (look cl) _ _ _ F)|].
    intros r' x Hr I. apply (H r'); [exact Hr|]. now apply in_map.
Qed.

(** The mass of the test examples with a mark: of the guaranteed ones, where the marks are those. *)
Definition marked (P : law shown) (marks : list bool) : Q :=
  rsum (fun wb => if snd wb : bool then fst wb else 0)%Q (combine (map fst P) marks).

Theorem marked_correct P marks (G : shown -> Prop) (g : shown -> bool) :
  Forall2 (fun e (b : bool) => b = true <-> G e) (map snd P) marks ->
  (forall e, In e (map snd P) -> g e = true <-> G e) -> (marked P marks == E P (fun e => if g e then 1 else 0))%Q.
Proof.
  intros F H. unfold marked. rewrite rsum_qsum. revert marks F.
  induction P as [|[w e] P IH]; cbn [map fst snd]; intros marks F; inversion F as [|? b ? bs Hb F']; subst; [reflexivity|].
  cbn [combine qsum fst snd]. unfold E in *. cbn [qsum fst snd].
  rewrite (IH (fun x I => H x (or_intror I)) bs F'). specialize (H e (or_introl eq_refl)).
  destruct b, (g e); try ring; exfalso.
  - assert (X : false = true) by (apply H, Hb; reflexivity). discriminate.
  - assert (X : false = true) by (apply Hb, H; reflexivity). discriminate.
Qed.

(** ** Certificates *)

Inductive certificate :=
  | ByDomination (witness : list BinNums.positive)
  | ByHead (answers : list (View * Z)) (test_example : BinNums.positive)
  | ByConflict (train_example : BinNums.positive).

Definition certified (train test : list shown) (c : certificate) : bool :=
  match c with
  | ByDomination w => check_generalizes code Z.eq_dec labels (map (look cl) train) (map (look cl) test) w
  | ByHead answers i => check_fails code Z.eq_dec labels (map (look cl) train) (map (look cl) test) answers i
  | ByConflict i => check_unrealizable code Z.eq_dec (map (look cl) train) i
  end.

Theorem certified_correct T P c :
  positive T -> positive P -> (forall e, In e (map snd P) -> In (snd e) labels) ->
  certified (map snd T) (map snd P) c = true ->
  match c with
  | ByConflict _ => forall a, ~ zero_loss_on a T
  | ByDomination _ => (exists a, zero_loss_on a T) /\ (forall a, answers_in a -> zero_loss_on a T -> zero_loss_on a P)
  | ByHead _ _ => exists a, answers_in a /\ zero_loss_on a T /\ ~ zero_loss_on a P
  end.
Proof.
  intros PT PP LP H. pose proof (labelled_look _ LP) as LP'.
  destruct c as [w|answers i|i]; unfold certified in H.
  - apply (check_generalizes_correct code code_injective view_eq) in H; [|exact LP']. destruct H as [[a Ha] H].
    split; [exists a; apply zero_loss_on_spec; auto|]. intros b Ab Zb. apply zero_loss_on_spec; auto. apply H; [exact Ab|].
    now apply zero_loss_on_spec.
  - apply (check_fails_correct code Z.eq_dec) in H. destruct H as [a [Aa [Ha Na]]].
    exists a. split; [exact Aa|]. split; [now apply zero_loss_on_spec|]. intros X. apply Na. apply zero_loss_on_spec in X; auto.
  - intros a Za. apply (check_unrealizable_correct code code_injective view_eq Z.eq_dec _ _ H a). now apply zero_loss_on_spec.
Qed.

(** ** Ranked heads *)

Definition looked (T : list shown) : list (example View Z) := map (look cl) T.

(** Of each test example whether it is guaranteed; [None] where no ranked head is perfect. *)
Definition ranked_flags (T P : list shown) : option (list bool) :=
  let X := looked T in
  if ranked_realizable view_eq Z.eq_dec X then Some (map (ranked_guaranteed view_eq Z.eq_dec labels X) (looked P)) else None.

Definition ranked_share (T P : law shown) : option Q :=
  match ranked_flags (map snd T) (map snd P) with
  | Some flags => Some (marked P flags)
  | None => None
  end.

Theorem ranked_flags_correct T P : (forall e, In e (T ++ P) -> In (snd e) labels) ->
  match ranked_flags T P with
  | None => forall h, ~ T13.perfect view_eq h (looked T)
  | Some flags => (exists h, T13.perfect view_eq h (looked T)) /\
      Forall2 (fun e (b : bool) => b = true <-> T13.guaranteed view_eq labels (looked T) (look cl e)) P flags
  end.
Proof.
  intros H. assert (HT : T1.labelled labels (looked T)) by (apply labelled_look; intros e I; apply H, in_or_app; auto).
  unfold ranked_flags. cbv zeta. destruct (ranked_realizable view_eq Z.eq_dec (looked T)) eqn:R.
  - apply ranked_realizable_correct in R. split; [exact R|].
    assert (HP : forall e, In e P -> In (snd (look cl e)) labels).
    { intros [[t p] y] I. apply (H (t, p, y)), in_or_app. auto. }
    clear H. change (looked P) with (map (look cl) P). rewrite map_map. induction P as [|e P IH]; cbn [map]; constructor.
    + apply ranked_guaranteed_correct; auto. apply HP. now left.
    + apply IH. intros x I. apply HP. now right.
  - intros h Ph. assert (X : exists h, T13.perfect view_eq h (looked T)) by eauto.
    apply (ranked_realizable_correct view_eq Z.eq_dec) in X. congruence.
Qed.

Inductive ranked_certificate :=
  | ByStuck (places : list BinNums.positive)
  | ByRest (e : shown) (places : list BinNums.positive)
  | ByRanking (h : list (View * Z)) (e : shown).

Definition ranked_certified (T : list shown) (c : ranked_certificate) : bool :=
  match c with
  | ByStuck places => check_stuck code Z.eq_dec (looked T) places
  | ByRest e places => check_rest code Z.eq_dec labels (looked T) (look cl e) places
  | ByRanking h e => check_ranked code Z.eq_dec labels (looked T) h (look cl e)
  end.

Theorem ranked_certified_correct T c : ranked_certified T c = true ->
  match c with
  | ByStuck _ => forall h, ~ T13.perfect view_eq h (looked T)
  | ByRest e _ => T13.guaranteed view_eq labels (looked T) (look cl e)
  | ByRanking h e => T13.admissible labels h /\ T13.perfect view_eq h (looked T) /\ ~ T13.right view_eq h (look cl e)
  end.
Proof.
  destruct c as [places|e places|h e]; cbn [ranked_certified]; intros H.
  - now apply (check_stuck_correct code code_injective view_eq Z.eq_dec _ places).
  - now apply (check_rest_correct code code_injective view_eq Z.eq_dec _ _ _ places).
  - now apply (check_ranked_correct code code_injective view_eq Z.eq_dec).
Qed.

(** ** Soft heads *)

Definition coordinate_code (c : View * Z) : BinNums.positive := code (snd c :: fst (fst c), snd (fst c)).
Lemma coordinate_code_injective c d : coordinate_code c = coordinate_code d -> c = d.
Proof.
  destruct c as [[t k] y], d as [[t' k'] y']. unfold coordinate_code. cbn [fst snd]. intros H.
  apply code_injective in H. congruence.
Qed.

Inductive soft_certificate :=
  | ByCancelling (l : list (term (Label := Z)))
  | ByCone (e : shown) (l : list (Z * term (Label := Z)))
  | ByPerfect (W : list (View * Z * Q))
  | ByMatrix (e : shown) (W : list (View * Z * Q)).

Definition soft_certified (T : list shown) (c : soft_certificate) : bool :=
  match c with
  | ByCancelling l => check_cancels coordinate_code Z.eq_dec labels (looked T) l
  | ByCone e l => check_cone coordinate_code Z.eq_dec labels (looked T) (look cl e) l
  | ByPerfect W => check_perfect coordinate_code Z.eq_dec labels (looked T) W
  | ByMatrix e W => check_matrix coordinate_code Z.eq_dec labels (looked T) (look cl e) W
  end.

Theorem soft_certified_correct T c : NoDup labels -> (forall e, In e T -> In (snd e) labels) -> soft_certified T c = true ->
  match c with
  | ByCancelling _ => ~ exists h, soft labels h /\ T14.perfect labels h (looked T)
  | ByCone e _ => T14.guaranteed labels (looked T) (look cl e)
  | ByPerfect _ => exists h, soft labels h /\ T14.perfect labels h (looked T)
  | ByMatrix e _ => exists h, soft labels h /\ T14.perfect labels h (looked T) /\ ~ T14.right labels h (look cl e)
  end.
Proof.
  intros ND LT. pose proof (labelled_look T LT : forall e, In e (looked T) -> In (snd e) labels) as LT'.
  destruct c as [l|e l|W|e W]; cbn [soft_certified]; intros H.
  - now apply (check_cancels_correct coordinate_code coordinate_code_injective view_eq Z.eq_dec labels ND _ l).
  - now apply (check_cone_correct coordinate_code coordinate_code_injective view_eq Z.eq_dec labels ND _ _ l).
  - now apply (check_perfect_correct coordinate_code view_eq Z.eq_dec labels ND _ W).
  - now apply (check_matrix_correct coordinate_code view_eq Z.eq_dec labels ND _ _ W).
Qed.

(** With one label: of each test example whether all soft heads that are perfect are right on it. *)
Definition one_flags (T P : list shown) : list bool :=
  let X := map fst (looked T) in map (fun e => one_guaranteed code X (fst (look cl e))) P.

Theorem one_flags_correct (y : Z) T P : Forall2 (fun e (b : bool) =>
  b = true <-> T14.guaranteed [y] (map (fun vs => (vs, y)) (map fst (looked T))) (fst (look cl e), y)) P (one_flags T P).
Proof.
  unfold one_flags. cbv zeta. induction P as [|e P IH]; cbn [map]; constructor; [|exact IH].
  apply (one_guaranteed_correct code code_injective view_eq).
Qed.

(** ** Exact losses *)

(** The answers of a head by looking up; of a view that comes twice the first counts. *)
Definition table_by {A} (l : list (View * A)) : View -> option A :=
  let m := fold_right (fun va m => M.add (code (fst va)) (snd va) m) (M.empty A) l in fun v => M.find (code v) m.

Lemma table_by_lookup (l : list (View * Z)) v : table_by l v = lookup l v.
Proof.
  unfold table_by. induction l as [|[u y] l IH]; cbn [fold_right lookup]; [apply M.gempty|].
  cbn [fst snd]. destruct (view_eq u v) as [->|N]; [apply M.gss|]. rewrite M.gso; [exact IH|].
  intros X. apply N. symmetry. now apply code_injective.
Qed.

(** A mean over a law, in lowest terms. *)
Definition mean (f : shown -> Q) (P : law shown) : Q := Qred (rsum (fun we => fst we * f (snd we))%Q P).
Lemma mean_E f P : (mean f P == E P f)%Q.
Proof. unfold mean. rewrite Qred_correct. apply rsum_qsum. Qed.

(** Definition 4, for hard heads and for heads with any scores and values. *)
Definition example_loss (h : head View Z) (e : shown) : Q := let x := look cl e in loss h (fst x) (snd x).
Definition hard_losses (answers : list (View * Z)) (T P : law shown) : Q * Q :=
  let h := hard Z.eq_dec (table_by answers) in (mean (example_loss h) T, mean (example_loss h) P).

Definition soft_head (scores : list (View * (Q * list (Z * Q)))) : head View Z :=
  let find := table_by scores in
  Head (fun v => match find v with Some (a, _) => a | None => 0%Q end)
       (fun v y => match find v with
                   | Some (_, g) => rsum (fun yq => if Z.eq_dec (fst yq) y then snd yq else 0%Q) g
                   | None => 0%Q end).
Definition soft_losses (scores : list (View * (Q * list (Z * Q)))) (T P : law shown) : Q * Q :=
  let h := soft_head scores in (mean (example_loss h) T, mean (example_loss h) P).

Theorem hard_losses_correct answers T P :
  (fst (hard_losses answers T P) == L (hard Z.eq_dec (lookup answers)) (lmap (look cl) T) /\
   snd (hard_losses answers T P) == L (hard Z.eq_dec (lookup answers)) (lmap (look cl) P))%Q.
Proof.
  assert (G : forall R, (mean (example_loss (hard Z.eq_dec (table_by answers))) R ==
                         L (hard Z.eq_dec (lookup answers)) (lmap (look cl) R))%Q).
  { intros R. rewrite mean_E. unfold L. rewrite E_lmap. apply E_ext. intros e _. unfold example_loss. cbv zeta.
    generalize (fst (look cl e)) as vs. intros vs.
    assert (S : (D (hard Z.eq_dec (table_by answers)) vs == D (hard Z.eq_dec (lookup answers)) vs)%Q).
    { apply qsum_ext. intros v _. cbn. now rewrite table_by_lookup. }
    assert (X : (W (hard Z.eq_dec (table_by answers)) vs (snd (look cl e)) == W (hard Z.eq_dec (lookup answers)) vs (snd (look cl e)))%Q).
    { apply qsum_ext. intros v _. cbn. now rewrite table_by_lookup. }
    unfold loss, abstains. rewrite (Qeqb_comp _ _ S 0%Q 0%Q (Qeq_refl 0)). destruct (Qeq_bool _ 0); [reflexivity|]. now rewrite S, X. }
  split; apply G.
Qed.

Theorem soft_losses_correct scores T P :
  (fst (soft_losses scores T P) == L (soft_head scores) (lmap (look cl) T) /\
   snd (soft_losses scores T P) == L (soft_head scores) (lmap (look cl) P))%Q.
Proof. split; cbn [soft_losses fst snd]; rewrite mean_E; unfold L; rewrite E_lmap; reflexivity. Qed.

(** Ranked heads (T13): the mass of what is not answered rightly. *)
Definition ranked_losses (h : list (View * Z)) (T P : law shown) : Q * Q :=
  let m := Check13.ranks code 0 h in
  let wrong := fun e => if ranked_right code Z.eq_dec m (look cl e) then 0%Q else 1%Q in
  (mean wrong T, mean wrong P).

(** Greedy answers (T14): the label with strictly the largest mass, and some. *)
Definition mass_of (h : head View Z) (vs : list View) (y : Z) : Q := rsum (fun v => score h v * value h v y)%Q vs.
Definition greedy (h : head View Z) (e : shown) : option Z :=
  let vs := fst (look cl e) in
  let masses := map (fun y => (y, mass_of h vs y)) labels in
  match find (fun ym => negb (Qle_bool (snd ym) 0) &&
                        forallb (fun ym' => Z.eqb (fst ym) (fst ym') || negb (Qle_bool (snd ym) (snd ym'))) masses) masses with
  | Some (y, _) => Some y
  | None => None
  end.
Definition ranked_answers (h : list (View * Z)) (P : list shown) : list (option Z) :=
  map (fun e => answer view_eq h (fst (look cl e))) P.
Definition greedy_losses (scores : list (View * (Q * list (Z * Q)))) (T P : law shown) : Q * Q :=
  let h := soft_head scores in
  let wrong := fun e => match greedy h e with Some y => if Z.eqb y (snd e) then 0%Q else 1%Q | None => 1%Q end in
  (mean wrong T, mean wrong P).
End Judge.

Print Assumptions look_plain.
Print Assumptions judge_correct.
Print Assumptions guaranteed_decided.
Print Assumptions share_correct.
Print Assumptions decided_explained.
Print Assumptions marked_correct.
Print Assumptions hard_flags_correct.
Print Assumptions certified_correct.
Print Assumptions ranked_flags_correct.
Print Assumptions ranked_certified_correct.
Print Assumptions soft_certified_correct.
Print Assumptions one_flags_correct.
Print Assumptions hard_losses_correct.
Print Assumptions soft_losses_correct.
