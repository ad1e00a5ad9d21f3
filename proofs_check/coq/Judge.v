(** * The judge: definitions and verdicts on concrete examples, as a program

    Definitions 3 and 4 with all that the Python code's head classes have: tokens, labels and IDs are integers; IDs have
    any number of coordinates, each with its window and its key; arity k, or at most k; anchor none or last.
    - [judge]       T1's decision, and [judge_correct] what it says of all hard heads;
    - [share]       the exact mass of guaranteed test examples, and [share_correct];
    - [head_losses] the exact loss of any hard head;
    - [certified]   the checkers of certificates of Check.v, and [certified_correct]. *)

From Coq Require Import List Arith Lia QArith Lqa Bool ZArith.
From LG Require Import Core T1 Planted Ensemble Check Bridge.
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

Section Judge.
Variable cl : heads.
Variable labels : list Z.

(** ** T1's verdict *)

Definition judge (train test : list shown) := decide view_eq Z.eq_dec labels (map (look cl) train) (map (look cl) test).

Definition head_losses (answers : list (View * Z)) (T P : law shown) : Q * Q :=
  let h := hard Z.eq_dec (lookup answers) in (Qred (L h (lmap (look cl) T)), Qred (L h (lmap (look cl) P))).

Definition generalizes (v : verdict (View := View) (Label := Z)) : bool := match v with Generalizes => true | _ => false end.

(** The mass of the test examples on which all perfect heads are right. *)
Definition share (T P : law shown) : Q :=
  Qred (E P (fun e => if generalizes (judge (map snd T) [e]) then 1 else 0)%Q).

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

Lemma labelled_look (R : list shown) : (forall e, In e R -> In (snd e) labels) -> labelled labels (map (look cl) R).
Proof. intros H e I. apply in_map_iff in I as [r [<- I]]. specialize (H r I). destruct r as [[t p] y]. exact H. Qed.

Lemma zero_loss_on_spec (R : law shown) a : positive R ->
  zero_loss_on a R <-> perfect Z.eq_dec a (map (look cl) (map snd R)).
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
Definition guaranteed (e : shown) := forall a, answers_in a -> zero_loss_on a T -> zero Z.eq_dec a (look cl e).

Theorem guaranteed_decided e : In (snd e) labels -> (exists a, zero_loss_on a T) ->
  generalizes (judge (map snd T) [e]) = true <-> guaranteed e.
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

(** So the share is the mass of any set of test examples that are the guaranteed ones. *)
Theorem share_correct (g : shown -> bool) : (exists a, zero_loss_on a T) ->
  (forall e, In e (map snd P) -> g e = true <-> guaranteed e) -> (share T P == E P (fun e => if g e then 1 else 0))%Q.
Proof.
  intros R G. unfold share. rewrite Qred_correct. apply E_ext. intros e [w I].
  assert (J : In e (map snd P)) by (apply in_map_iff; now exists (w, e)).
  pose proof (guaranteed_decided e (LP e J) R) as D. specialize (G e J).
  destruct (generalizes _), (g e); try reflexivity; exfalso.
  - assert (X : false = true) by (apply G, D; reflexivity). discriminate.
  - assert (X : false = true) by (apply D, G; reflexivity). discriminate.
Qed.
End Correct.

(** ** Certificates *)

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
End Judge.

Print Assumptions judge_correct.
Print Assumptions guaranteed_decided.
Print Assumptions share_correct.
Print Assumptions certified_correct.
