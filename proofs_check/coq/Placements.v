(** * The laws of placements of the code (Definitions 1 and 2)

    Where the planted set lies: uniformly on all k-sets, on those with the last position, on those within w, or on the
    sets that have one position at the same offset in each of k equal blocks.  Which IDs the positions have: 0, 1, 2, ... or
    the offsets in equal blocks, shifted, or by their ranks a sorted subset of a range, or in chunks.  All uniform, and
    independent of each other.
    - [places]       their law;
    - [same_places]  whether two laws of placements agree, mass by mass ([same_places_correct]). *)

From Coq Require Import List Arith Lia QArith Lqa Bool ZArith.
From LG Require Import Core Planted Ensemble Bridge Judge Numbers.
Import ListNotations.
Open Scope Q_scope.

Definition uniform {A} (l : list A) : law A := map (fun a => (1 / inject_Z (Z.of_nat (length l)), a)) l.

Theorem uniform_total {A} (l : list A) : l <> [] -> total (uniform l) == 1.
Proof.
  intros N. unfold total, E, uniform. rewrite qsum_map. cbn [fst snd].
  set (q := inject_Z (Z.of_nat (length l))).
  assert (P : 0 < q). { unfold q. change 0 with (inject_Z 0). rewrite <- Zlt_Qlt. destruct l; [contradiction|cbn [length]; lia]. }
  transitivity (qsum (fun _ : A => 1 / q) l); [apply qsum_ext; intros; ring|].
  assert (H : forall m : list A, qsum (fun _ => 1 / q) m == inject_Z (Z.of_nat (length m)) * (1 / q)).
  { induction m as [|a m IH]; [cbn; ring|]. cbn [qsum length]. rewrite IH, Nat2Z.inj_succ. unfold Z.succ. rewrite inject_Z_plus. ring. }
  rewrite H. fold q. field. lra.
Qed.

(** ** Where the planted set lies *)

Inductive support := Uniform (last : bool) | Local (w : nat) | Paired.

Definition positions (m : list bool) : list nat := sel m (seq 0 (length m)).
Definition spread_of (m : list bool) : nat := last (positions m) O - hd O (positions m).

Definition supports (s : support) (k n : nat) : list (list bool) :=
  match s with
  | Uniform b => filter (fun m => implb b (last m false)) (masks k n)
  | Local w => filter (fun m => spread_of m <=? w)%nat (masks k n)
  | Paired => map (fun i => map (fun j => j mod (n / k) =? i)%nat (seq 0 n)) (seq 0 (n / k))
  end.

Theorem supports_uniform b k n m : In m (supports (Uniform b) k n) <->
  length m = n /\ count m = k /\ (b = true -> last m false = true).
Proof. cbn [supports]. rewrite filter_In, in_masks. destruct b, (last m false); cbn; intuition congruence. Qed.

Theorem supports_local w k n m : In m (supports (Local w) k n) <-> length m = n /\ count m = k /\ (spread_of m <= w)%nat.
Proof. cbn [supports]. rewrite filter_In, in_masks, Nat.leb_le. tauto. Qed.

Theorem supports_paired k n m : In m (supports Paired k n) <->
  exists i, (i < n / k)%nat /\ m = map (fun j => j mod (n / k) =? i)%nat (seq 0 n).
Proof.
  cbn [supports]. rewrite in_map_iff. setoid_rewrite in_seq. split; intros [i [A B]]; exists i; (split; [try lia|auto]); auto; lia.
Qed.

(** ** Which IDs the positions have *)

Inductive scheme := Shift (lo hi : Z) | Ordered (lo hi : Z) | Chunked (lo hi : Z) (chunks : nat).

Definition range (lo hi : Z) : list Z := map (fun i => lo + Z.of_nat i)%Z (seq 0 (Z.to_nat (hi - lo + 1))).

(** Lists of c numbers between [from] and [most] that do not fall. *)
Fixpoint rising (c from most : nat) : list (list nat) :=
  match c with
  | O => [[]]
  | S c => flat_map (fun v => map (cons v) (rising c v most)) (seq from (most + 1 - from))
  end.

(** All relabellings: of the IDs themselves, or by their ranks among the different ones. *)
Definition relabelled (s : scheme) (base : list Z) : list (list Z) :=
  let values := length (nodup Z.eq_dec base) in
  let by_rank f := map (fun r => f (Z.to_nat r)) (ranks base) in
  match s with
  | Shift lo hi => map (fun o => map (fun i => i + o)%Z base) (range lo hi)
  | Ordered lo hi => map (fun m => by_rank (fun r => nth r (sel m (range lo hi)) 0%Z)) (masks values (length (range lo hi)))
  | Chunked lo hi chunks =>
      flat_map (fun cuts => map (fun offsets =>
          by_rank (fun r => lo + Z.of_nat r + Z.of_nat (nth (count (firstn r cuts)) offsets O))%Z)
        (rising chunks 0 (length (range lo hi) - values))) (masks (chunks - 1) (values - 1))
  end.

Lemma in_range lo hi i : In i (range lo hi) <-> (lo <= i <= hi)%Z.
Proof.
  unfold range. rewrite in_map_iff. setoid_rewrite in_seq. split.
  - intros [j [<- J]]. lia.
  - intros H. exists (Z.to_nat (i - lo)). lia.
Qed.

Theorem relabelled_shift lo hi base p : In p (relabelled (Shift lo hi) base) <->
  exists o, (lo <= o <= hi)%Z /\ p = map (fun i => i + o)%Z base.
Proof. cbn [relabelled]. rewrite in_map_iff. setoid_rewrite in_range. split; intros [o [A B]]; exists o; auto. Qed.

(** 0, 1, 2, ..., or with a number of equal blocks the offsets in them. *)
Definition base_ids (blocks : option nat) (n : nat) : list Z :=
  match blocks with
  | None => map Z.of_nat (seq 0 n)
  | Some b => map (fun i => Z.of_nat (i mod (n / b))) (seq 0 n)
  end.

Definition places (s : support) (blocks : option nat) (i : scheme) (k n : nat) : law placement :=
  bind (uniform (supports s k n)) (fun m => lmap (Placement m) (uniform (relabelled i (base_ids blocks n)))).

(** ** Equal laws *)

Definition as_text (a : placement) : raw := (map Z.b2z (planted a), ids a, 0%Z).

Lemma as_text_injective a b : as_text a = as_text b -> a = b.
Proof.
  destruct a as [m p], b as [m' p']. unfold as_text. cbn. intros [= H ->]. f_equal. revert m' H.
  induction m as [|x m IH]; intros [|x' m'] H; cbn in H; try discriminate; [reflexivity|].
  injection H as Hx H. apply IH in H as ->. destruct x, x'; try discriminate; reflexivity.
Qed.

Definition same_places (A B : law placement) : bool := same_law (lmap as_text A) (lmap as_text B).

Theorem same_places_correct A B : same_places A B = true -> forall a, mass placement_eq A a == mass placement_eq B a.
Proof.
  intros H a. pose proof (same_law_correct _ _ H (as_text a)) as X.
  assert (M : forall R, mass raw_eq (lmap as_text R) (as_text a) == mass placement_eq R a).
  { intros R. unfold mass. rewrite E_lmap. apply E_ext. intros b _.
    destruct (raw_eq (as_text b) (as_text a)) as [Eq|N], (placement_eq b a) as [->|N']; try reflexivity.
    - apply as_text_injective in Eq. contradiction.
    - contradiction. }
  now rewrite !M in X.
Qed.

Print Assumptions uniform_total.
Print Assumptions supports_uniform.
Print Assumptions supports_local.
Print Assumptions supports_paired.
Print Assumptions relabelled_shift.
Print Assumptions same_places_correct.
