(** * T12: the floor is attained by perfect codes

    Every token is a marked bit, k = length, arity k - 1, absolute key: a view is an edge of the hypercube.  The head selects
    the edges at the words of a perfect code that corrects one error, with the answer that is wrong there.  (The floor itself
    is [T12_floor] in T7.v.)
    - [T12_perfect_code]  for every perfect code the head loses exactly 1 / (k + 1), and there are N = k candidate sets;
    - [T12_hamming]       the Hamming code of length 2^m - 1 is one, for every m. *)

From Coq Require Import List Arith Lia QArith Lqa Bool NArith.
From LG Require Import Core Planted T7.
Import ListNotations.
Open Scope nat_scope.

(** ** Edges of the hypercube *)

Fixpoint remove {A} (i : nat) (l : list A) : list A :=
  match l, i with [], _ => [] | _ :: l, O => l | a :: l, S i => a :: remove i l end.
Fixpoint insert {A} (i : nat) (b : A) (l : list A) : list A :=
  match i, l with O, l => b :: l | S i, a :: l => a :: insert i b l | S i, [] => [b] end.

Lemma insert_remove z : forall i b, i < length z ->
  insert i b (remove i z) = if Bool.eqb b (nth i z false) then z else flip i z.
Proof.
  induction z as [|c z IH]; intros [|i] b H; cbn in *; try lia.
  - destruct b, c; reflexivity.
  - rewrite IH by lia. now destruct (Bool.eqb b (nth i z false)).
Qed.

Lemma map_remove {A B} (f : A -> B) l : forall i, map f (remove i l) = remove i (map f l).
Proof. induction l as [|a l IH]; intros [|i]; cbn; auto. now rewrite IH. Qed.

Lemma remove_length {A} (l : list A) : forall i, i < length l -> length (remove i l) = length l - 1.
Proof. induction l as [|a l IH]; intros [|i] H; cbn in *; try lia. rewrite IH; lia. Qed.

Lemma remove_once {A} (l : list A) : NoDup l -> forall i j, i < length l -> j < length l -> remove i l = remove j l -> i = j.
Proof.
  induction 1 as [|a l N _ IH]; intros [|i] [|j] Hi Hj E; cbn in *; try lia.
  - destruct N. rewrite E. now left.
  - destruct N. rewrite <- E. now left.
  - injection E as E. f_equal. apply IH; auto; lia.
Qed.

Lemma planted_bits k : forall s z (g : nat -> bool), length z = k ->
  map (fun i => match planted_bit (seq s k) z i with Some b => b | None => g i end) (seq s k) = z.
Proof.
  induction k as [|k IH]; intros s z g H; destruct z as [|b z]; try discriminate; [reflexivity|].
  cbn [seq map planted_bit]. rewrite Nat.eqb_refl. f_equal. injection H as H.
  transitivity (map (fun i => match planted_bit (seq (S s) k) z i with Some b => b | None => g i end) (seq (S s) k)); [|now apply IH].
  apply map_ext_in. intros i I. apply in_seq in I. destruct (Nat.eqb_spec s i); [lia|reflexivity].
Qed.

Section Code.
Variable k : nat.
Hypothesis k_pos : 0 < k.
Variable code : list bool -> bool.

(** Words of the code have no neighbour in it, all others exactly one. *)
Definition perfect_code := forall z, length z = k ->
  if code z then forall i, i < k -> code (flip i z) = false
  else exists i, i < k /\ code (flip i z) = true /\ forall i', i' < k -> code (flip i' z) = true -> i' = i.

Hypothesis perfect : perfect_code.

Definition cube : placement (Token := bool) (Key := list nat) :=
  Placement (seq 0 k) (fun _ => false) (map (fun i => remove i (seq 0 k)) (seq 0 k)) (fun C => C).

(** The position that a view does not show. *)
Definition hidden (C : list nat) : option nat :=
  find (fun i => if list_eq_dec Nat.eq_dec C (remove i (seq 0 k)) then true else false) (seq 0 k).

Definition edge_head (v : list bool * list nat) : option bool :=
  match hidden (snd v) with
  | Some i => let ends := (insert i false (fst v), insert i true (fst v)) in
              if code (fst ends) then Some (negb (parity (fst ends)))
              else if code (snd ends) then Some (negb (parity (snd ends))) else None
  | None => None
  end.

Lemma hidden_remove i : i < k -> hidden (remove i (seq 0 k)) = Some i.
Proof.
  intros H. unfold hidden. destruct (find _ _) as [j|] eqn:F.
  - apply find_some in F as [I E]. apply in_seq in I. destruct (list_eq_dec _ _ _) as [X|]; [|discriminate]. f_equal.
    symmetry. apply (remove_once (seq 0 k)); auto using seq_NoDup; rewrite seq_length; lia.
  - exfalso. apply (find_none _ _) with (x := i) in F; [|apply in_seq; lia].
    destruct (list_eq_dec _ _ _); [discriminate|contradiction].
Qed.

Lemma edge_view z i : length z = k -> view (fun b => b) cube z (remove i (seq 0 k)) = (remove i z, remove i (seq 0 k)).
Proof.
  intros H. unfold view. f_equal. rewrite map_remove. f_equal. apply (planted_bits k 0 z (fun _ => false) H).
Qed.

Lemma edge_answer z i : length z = k -> i < k -> edge_head (view (fun b => b) cube z (remove i (seq 0 k))) =
  if code z then Some (negb (parity z)) else if code (flip i z) then Some (parity z) else None.
Proof.
  intros H Hi. rewrite edge_view by exact H. unfold edge_head. cbn [fst snd]. rewrite hidden_remove by exact Hi. cbn zeta. cbn [fst snd].
  rewrite !insert_remove by lia. pose proof (perfect z H) as P. pose proof (parity_flip z i ltac:(lia)) as F.
  destruct (nth i z false); cbn [Bool.eqb]; destruct (code z); rewrite ?(P i Hi); try reflexivity;
    destruct (code (flip i z)); rewrite ?F, ?negb_involutive; reflexivity.
Qed.

Lemma in_edges z v : length z = k -> In v (map (view (fun b => b) cube z) (candidates cube)) ->
  exists i, i < k /\ v = view (fun b => b) cube z (remove i (seq 0 k)).
Proof.
  intros _ I. apply in_map_iff in I as [C [<- I]]. cbn [cube candidates] in I. apply in_map_iff in I as [i [<- I]].
  apply in_seq in I. exists i. split; [lia|reflexivity].
Qed.

Lemma edge_in z i : i < k -> In (view (fun b => b) cube z (remove i (seq 0 k))) (map (view (fun b => b) cube z) (candidates cube)).
Proof.
  intros H. apply in_map. cbn [cube candidates]. apply (in_map (fun i => remove i (seq 0 k))), in_seq. lia.
Qed.

Open Scope Q_scope.

(** Loss 1 on the code and 0 elsewhere. *)
Lemma edge_loss z : length z = k ->
  loss (hard bool_dec edge_head) (fst (instance (fun b => b) (fun b => b) cube z)) (parity z) == if code z then 1 else 0.
Proof.
  intros H. cbn [instance fst]. pose proof (perfect z H) as P. set (vs := map (view (fun b => b) cube z) (candidates cube)).
  destruct (code z) eqn:Cz.
  - assert (S1 : forall v, In v vs -> score (hard bool_dec edge_head) v == 1 /\ value (hard bool_dec edge_head) v (parity z) == 0).
    { intros v I. apply in_edges in I as [i [Hi ->]]; [|exact H]. cbn [hard score value].
      rewrite edge_answer, Cz by auto. split; [reflexivity|].
      destruct (bool_dec (negb (parity z)) (parity z)) as [X|]; [destruct (parity z); discriminate|reflexivity]. }
    assert (Dpos : 1 <= D (hard bool_dec edge_head) vs).
    { unfold D. eapply Qle_trans; [|apply qsum_term with (x := view (fun b => b) cube z (remove 0 (seq 0 k)))].
      - cbn beta. destruct (S1 (view (fun b => b) cube z (remove 0 (seq 0 k)))) as [X _]; [now apply edge_in|]. rewrite X. lra.
      - intros v I. destruct (S1 v I) as [X _]. rewrite X. lra.
      - now apply edge_in. }
    assert (WD : W (hard bool_dec edge_head) vs (parity z) == D (hard bool_dec edge_head) vs).
    { apply qsum_ext. intros v I. destruct (S1 v I) as [X Y]. rewrite Y. ring. }
    unfold loss. destruct (abstains (hard bool_dec edge_head) vs) eqn:Ab; [reflexivity|]. rewrite WD. field. lra.
  - apply loss_hard_zero. destruct P as [i [Hi [Ci _]]]. split.
    + exists (view (fun b => b) cube z (remove i (seq 0 k))). split; [now apply edge_in|].
      rewrite edge_answer, Cz, Ci by auto. discriminate.
    + intros v y I A. apply in_edges in I as [j [Hj ->]]; [|exact H]. rewrite edge_answer, Cz in A by auto.
      destruct (code (flip j z)); [now injection A as <-|discriminate].
Qed.

(** The word or one of its neighbours is in the code. *)
Lemma covered z : length z = k ->
  (if code z then 1 else 0) + qsum (fun i => if code (flip i z) then 1 else 0) (seq 0 k) == 1.
Proof.
  intros H. pose proof (perfect z H) as P. destruct (code z).
  - rewrite (qsum_ext _ (fun _ => 0)), qsum_const0; [ring|]. intros i I. apply in_seq in I. now rewrite P by lia.
  - destruct P as [i [Hi [Ci U]]]. rewrite (qsum_ext _ (fun j => (if Nat.eq_dec i j then 1 else 0) * 1)).
    + rewrite (qsum_indicator Nat.eq_dec (fun _ => 1) i); [ring|apply seq_NoDup|apply in_seq; lia].
    + intros j I. apply in_seq in I. destruct (Nat.eq_dec i j) as [<-|N]; [now rewrite Ci|].
      destruct (code (flip j z)) eqn:Cj; [|ring]. destruct N. symmetry. apply U; [lia|exact Cj].
Qed.

Theorem T12_perfect_code : length (candidates cube) = k /\ (forall C, In C (candidates cube) -> length C = (k - 1)%nat) /\
  L (hard bool_dec edge_head) (examples (fun b => b) (fun b => b) k [(1, cube)]) == 1 / inject_Z (Z.of_nat (k + 1)).
Proof.
  split; [cbn; now rewrite map_length, seq_length|]. split.
  { intros C I. cbn [cube candidates] in I. apply in_map_iff in I as [i [<- I]]. apply in_seq in I.
    rewrite remove_length; rewrite seq_length; lia. }
  unfold L. rewrite E_examples. unfold E at 1. cbn [qsum fst snd].
  set (p := E (bits k) (fun z => if code z then 1 else 0)).
  assert (Lp : E (bits k) (fun z => loss (hard bool_dec edge_head) (fst (instance (fun b => b) (fun b => b) cube z))
                                        (snd (instance (fun b => b) (fun b => b) cube z))) == p).
  { apply E_ext. intros z [u I]. cbn [instance snd]. apply edge_loss. now apply (bits_length k u). }
  rewrite Lp. assert (One : p + qsum (fun i => p) (seq 0 k) == 1).
  { rewrite <- (bits_total k). unfold total. transitivity (E (bits k) (fun z => (if code z then 1 else 0) +
      qsum (fun i => if code (flip i z) then 1 else 0) (seq 0 k))).
    - rewrite E_plus, E_sum. apply Qplus_comp; [reflexivity|]. apply qsum_ext. intros i I. apply in_seq in I.
      symmetry. apply (E_flip k i (fun z => if code z then 1 else 0)). lia.
    - apply E_ext. intros z [u I]. apply covered. now apply (bits_length k u). }
  assert (Sum : qsum (fun _ : nat => p) (seq 0 k) == inject_Z (Z.of_nat k) * p).
  { rewrite <- (seq_length k 0) at 2. generalize (seq 0 k). intros l. clear. induction l as [|a l IH]; cbn [qsum length].
    - change (inject_Z (Z.of_nat 0)) with 0. ring.
    - rewrite IH, Nat2Z.inj_succ. unfold Z.succ. rewrite inject_Z_plus. change (inject_Z 1) with 1. ring. }
  rewrite Sum in One. rewrite Nat2Z.inj_add, inject_Z_plus. change (inject_Z (Z.of_nat 1)) with 1.
  assert (0 <= inject_Z (Z.of_nat k)) by (change 0 with (inject_Z 0); rewrite <- Zle_Qle; lia).
  assert (Ep : p == 1 / (inject_Z (Z.of_nat k) + 1)); [|rewrite <- Ep; ring].
  assert (X : (inject_Z (Z.of_nat k) + 1) * p == 1) by lra.
  transitivity ((inject_Z (Z.of_nat k) + 1) * p / (inject_Z (Z.of_nat k) + 1)); [field; lra|now rewrite X].
Qed.
End Code.

(** ** Hamming codes *)

Open Scope N_scope.

(** The exclusive or of the numbers of the positions that hold a 1, the first being [s]. *)
Fixpoint syndrome (s : N) (z : list bool) : N :=
  match z with [] => 0 | b :: z => N.lxor (if b then s else 0) (syndrome (N.succ s) z) end.

Definition hamming (z : list bool) : bool := syndrome 1 z =? 0.

Lemma syndrome_flip z : forall s i, (i < length z)%nat ->
  syndrome s (flip i z) = N.lxor (syndrome s z) (s + N.of_nat i).
Proof.
  induction z as [|b z IH]; intros s [|i] H; cbn [length] in H; try lia; cbn [flip syndrome].
  - rewrite N.add_0_r. destruct b; cbn [negb]; rewrite ?N.lxor_0_l.
    + now rewrite (N.lxor_comm s), N.lxor_assoc, N.lxor_nilpotent, N.lxor_0_r.
    + apply N.lxor_comm.
  - rewrite IH by lia. rewrite N.lxor_assoc. do 2 f_equal. lia.
Qed.

Lemma lxor_below m a b : a < 2 ^ m -> b < 2 ^ m -> N.lxor a b < 2 ^ m.
Proof.
  assert (G : forall x, x < 2 ^ m <-> N.shiftr x m = 0).
  { intros x. rewrite N.shiftr_div_pow2. symmetry. apply N.div_small_iff. apply N.pow_nonzero. discriminate. }
  rewrite !G, N.shiftr_lxor. now intros -> ->.
Qed.

Lemma syndrome_below m z : forall s, s + N.of_nat (length z) <= 2 ^ m -> syndrome s z < 2 ^ m.
Proof.
  assert (P : 0 < 2 ^ m) by (apply N.neq_0_lt_0, N.pow_nonzero; discriminate).
  induction z as [|b z IH]; intros s H; cbn [syndrome length] in *; [exact P|].
  apply lxor_below; [destruct b; lia|]. apply IH. lia.
Qed.

Theorem T12_hamming m : perfect_code (2 ^ m - 1) hamming.
Proof.
  intros z H. unfold hamming.
  assert (Pm : N.of_nat (2 ^ m) = 2 ^ N.of_nat m).
  { clear. induction m as [|m IH]; [reflexivity|]. rewrite Nat.pow_succ_r', Nat2N.inj_mul, IH, (Nat2N.inj_succ m), N.pow_succ_r'. reflexivity. }
  assert (P : (0 < 2 ^ m)%nat) by (apply Nat.neq_0_lt_0, Nat.pow_nonzero; discriminate).
  assert (B : syndrome 1 z < 2 ^ N.of_nat m) by (apply syndrome_below; rewrite H; lia).
  destruct (syndrome 1 z =? 0) eqn:Z.
  - apply N.eqb_eq in Z. intros i Hi. rewrite syndrome_flip, Z, N.lxor_0_l by lia. apply N.eqb_neq. lia.
  - apply N.eqb_neq in Z. exists (N.to_nat (syndrome 1 z) - 1)%nat. split; [lia|]. split.
    + rewrite syndrome_flip by lia. replace (1 + N.of_nat (N.to_nat (syndrome 1 z) - 1)) with (syndrome 1 z) by lia.
      now rewrite N.lxor_nilpotent.
    + intros i Hi E. rewrite syndrome_flip in E by lia. apply N.eqb_eq, N.lxor_eq in E. lia.
Qed.

Print Assumptions T12_perfect_code.
Print Assumptions T12_hamming.
