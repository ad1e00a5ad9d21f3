(* The judge's parser and printer (JUDGE.md says the format).  Every answer is computed by judge.ml, extracted from Coq. *)
open Judge

exception Malformed of string
let bad why = raise (Malformed why)
let number = ref 0  (* of the line that was read last *)
let line () = incr number; input_line stdin

(* Numbers: decimal digits to and from Coq's, without OCaml's own integers. *)
let digit c rest = match c with
  | '0' -> D0 rest | '1' -> D1 rest | '2' -> D2 rest | '3' -> D3 rest | '4' -> D4 rest | '5' -> D5 rest
  | '6' -> D6 rest | '7' -> D7 rest | '8' -> D8 rest | '9' -> D9 rest | _ -> bad "not a number"
let digits s from =
  if String.length s = from then bad "not a number";
  let rec go i acc = if i < from then acc else go (i - 1) (digit s.[i] acc) in
  go (String.length s - 1) Nil
let integer s = if s <> "" && s.[0] = '-' then parse_int (Neg (digits s 1)) else parse_int (Pos (digits s 0))
let rec written = function
  | Nil -> "" | D0 r -> "0" ^ written r | D1 r -> "1" ^ written r | D2 r -> "2" ^ written r | D3 r -> "3" ^ written r
  | D4 r -> "4" ^ written r | D5 r -> "5" ^ written r | D6 r -> "6" ^ written r | D7 r -> "7" ^ written r
  | D8 r -> "8" ^ written r | D9 r -> "9" ^ written r
let print_z z = match print_int z with Pos d -> written d | Neg d -> "-" ^ written d
let rational s = match String.index_opt s '/' with
  | None -> { qnum = integer s; qden = XH }
  | Some i -> (match integer (String.sub s (i + 1) (String.length s - i - 1)) with
      | Zpos d -> { qnum = integer (String.sub s 0 i); qden = d }
      | _ -> bad "a denominator is positive")
let print_n n = print_z (Z.of_nat n)
let print_q { qnum; qden } = match qden with XH -> print_z qnum | _ -> print_z qnum ^ "/" ^ print_z (Zpos qden)
let small s = match int_of_string_opt s with Some n when n >= 0 -> n | _ -> bad ("not a count: " ^ s)
let rec nat n = if n = 0 then O else S (nat (n - 1))
let place s = match integer s with Z0 -> XH | Zpos p -> Coq_Pos.succ p | Zneg _ -> bad "numbers of examples begin at 0"

(* Lines: words, in fields that colons separate. *)
let words s = List.filter (fun w -> w <> "") (String.split_on_char ' ' s)
let fields s = List.map words (String.split_on_char ':' s)
let integers = List.map integer
let several n read = List.init n (fun _ -> read (fields (try line () with End_of_file -> bad "the input ends too early")))

let coordinate = function
  | [w; kind] ->
    ((if w = "-" then None else Some (integer w)),
     match kind with
     | "none" -> KeyNone | "order" -> KeyOrder | "relative" -> KeyRelative | "absolute" -> KeyAbsolute
     | _ -> bad ("no key: " ^ kind))
  | _ -> bad "a coordinate is a window and a key"
let anchor = function "none" -> false | "last" -> true | other -> bad ("no anchor: " ^ other)
let example = function
  | [weight; label] :: tokens :: ids ->
    let tokens = integers tokens and ids = List.map integers ids in
    if List.exists (fun column -> List.length column <> List.length tokens) ids then bad "as many IDs as tokens";
    (match rational weight with { qnum = Zpos _; _ } -> () | _ -> bad "a weight is positive");
    (rational weight, ((tokens, ids), integer label))
  | _ -> bad "an example is weight label : tokens : IDs"
let rec shares = function
  | [] -> []
  | y :: q :: rest -> (integer y, rational q) :: shares rest
  | _ -> bad "shares are label share label share ..."
let scored = function
  | [[score]; tokens; key; g] -> ((integers tokens, integers key), (rational score, shares g))
  | _ -> bad "a scored view is score : tokens : key : label share label share ..."
let term = function
  | [[asked]; [coefficient; source; against]] ->
    (integer asked, { coefficient = rational coefficient; source = place source; against = integer against })
  | _ -> bad "a term is label : coefficient example label"
let mask = List.map (function "1" -> true | "0" -> false | w -> bad ("not in a mask of 0 and 1: " ^ w))
let background = function [[p; token]] -> (rational p, integer token) | _ -> bad "a background token is weight token"
let planted_word = function
  | [[p; label]; word] -> (rational p, (integers word, integer label))
  | _ -> bad "a planted word is weight label : tokens"
let placed = function
  | [[p]; m; ids] ->
    if List.length m <> List.length ids then bad "as many IDs as positions";
    (rational p, { planted = mask m; ids = integers ids })
  | _ -> bad "a placement is weight : mask : IDs"
let kept = function [[place]; [weight]; m] -> (small place, (rational weight, mask m)) | _ -> bad "a kept set is place : weight : mask"
let support = function
  | ["uniform"; "none"] -> Uniform false | ["uniform"; "last"] -> Uniform true
  | ["local"; w] -> Local (nat (small w)) | ["paired"] -> Paired | _ -> bad "a support law is uniform none, uniform last, local W or paired"
let blocks = function ["-"] -> None | [b] -> Some (nat (small b)) | _ -> bad "blocks are a number, or - for none"
let scheme = function
  | ["shift"; lo; hi] -> Shift (integer lo, integer hi) | ["ordered"; lo; hi] -> Ordered (integer lo, integer hi)
  | ["chunked"; lo; hi; n] -> Chunked (integer lo, integer hi, nat (small n))
  | _ -> bad "a scheme is shift LO HI, ordered LO HI or chunked LO HI CHUNKS"
let mark = function "yes" -> true | "no" -> false | w -> bad ("neither yes nor no: " ^ w)
let answer = function
  | [[label]; tokens; key] -> ((integers tokens, integers key), integer label)
  | _ -> bad "an answer is label : tokens : key"

let the_class = ref None and train = ref [] and test = ref [] and labels = ref None and head = ref []
let scores = ref [] and terms = ref []
let cl () = match !the_class with
  | None -> bad "first a class"
  | Some cl ->
    let alike (_, ((_, ids), _)) = List.length ids = List.length cl.coords in
    if List.for_all alike !train && List.for_all alike !test then cl
    else bad "an example has IDs of another number of coordinates than the class"
let y () = match !labels with Some y -> y | None -> labels_of !train !test
let accepted ok = print_endline (if ok then "accepted" else "refused")
let mu = ref [] and planted_words = ref [] and train_places = ref [] and test_places = ref [] and kept_sets = ref []
let plain () = match plain_class (cl ()) with Some c -> c | None -> bad "a class of exactly k positions, on one coordinate"
let bits m = String.concat " " (List.map (fun b -> if b then "1" else "0") m)
let pattern (((own, met), key), (t, p)) =
  String.concat " : " [bits own; bits met; String.concat " " (List.map print_z key); print_q t; print_q p]
let weights a =
  let rec find i = function (_, b) :: r -> if placement_eq a b then i else find (i + 1) r | [] -> -1 in
  let i = find 0 !test_places in
  List.filter_map (fun (j, g) -> if i = j then Some g else None) !kept_sets
let nth law i = match List.nth_opt law (small i) with Some (_, e) -> e | None -> bad "no such example"
let kept_by survive t =
  let k = match !planted_words with (_, (word, _)) :: _ -> List.length word | [] -> bad "first a planting" in
  accepted (run_kept (plain ()) (nat k) survive !train_places !test_places weights (rational t))
let ranked c = accepted (run_ranked_certificate (cl ()) (y ()) !train c)
let soft c = accepted (run_soft_certificate (cl ()) (y ()) !train c)
(* W(v, y) = A(v) g_y(v), the product as Coq computes it *)
let matrix () = List.concat_map (fun (v, (a, g)) -> List.map (fun (y, q) -> ((v, y), qmult a q)) g) !scores
let flags = function
  | None -> print_endline "unrealizable"
  | Some bs -> print_endline (String.concat " " (List.map (fun b -> if b then "yes" else "no") bs))
let losses (a, b) = print_endline (print_q a ^ " " ^ print_q b)
let answers l = print_endline (String.concat " " (List.map (function None -> "-" | Some y -> print_z y) l))
let certificate c = accepted (run_certificate (cl ()) (y ()) !train !test c)

let decided (outcome, share) =
  let share = " share " ^ print_q share in
  match outcome with
  | IsUnrealizable i -> "unrealizable " ^ print_n i
  | DoesGeneralize -> "generalizes" ^ share
  | DoesFail (reason, i, a, b) ->
    let reason = match reason with Unseen -> "unseen" | Flip -> "flip" | Abstains -> "abstains" in
    Printf.sprintf "fails %s %s%s losses %s %s" reason (print_n i) share (print_q a) (print_q b)

let shown_view (tokens, key) = String.concat " " (List.map print_z tokens) ^ " : " ^ String.concat " " (List.map print_z key)
let views law i = print_endline (String.concat " ; " (List.map shown_view (fst (look (cl ()) (nth law i)))))

let request = function
  | ["class"; many; k; last] :: coordinates ->
    let at_most = match many with "exactly" -> false | "most" -> true | _ -> bad "exactly or most" in
    the_class := Some { at_most; width = nat (small k); on_last = anchor last; coords = List.map coordinate coordinates }
  | [["train"; n]] -> train := several (small n) example; labels := None
  | [["test"; n]] -> test := several (small n) example; labels := None
  | [("labels" :: ys)] -> labels := Some (integers ys)
  | [["head"; n]] -> head := several (small n) answer
  | [["decide"]] -> print_endline (decided (run_decide (cl ()) (y ()) !train !test))
  | [["decide"; "ranked"]] ->
    print_endline (match ranked_share (cl ()) (y ()) !train !test, run_ranked_flags (cl ()) (y ()) !train !test with
      | Some share, Some flags -> (if List.mem false flags then "fails" else "generalizes") ^ " share " ^ print_q share
      | _ -> "unrealizable")
  | [["guaranteed"; "hard"]] -> flags (run_hard_flags (cl ()) (y ()) !train !test)
  | [["guaranteed"; "ranked"]] -> flags (run_ranked_flags (cl ()) (y ()) !train !test)
  | [["guaranteed"; "soft"]] -> (match y () with
      | [_] -> flags (Some (run_one_flags (cl ()) !train !test))
      | _ -> bad "with several labels soft verdicts go by certificate")
  | [["softhead"; n]] -> scores := several (small n) scored
  | [["terms"; n]] -> terms := several (small n) term
  | [["losses"]] | [["losses"; "hard"]] -> losses (hard_losses (cl ()) !head !train !test)
  | [["losses"; "ranked"]] -> losses (ranked_losses (cl ()) !head !train !test)
  | [["losses"; "soft"]] -> losses (soft_losses (cl ()) !scores !train !test)
  | [["losses"; "greedy"]] -> losses (greedy_losses (cl ()) (y ()) !scores !train !test)
  | [["answers"; "ranked"]] -> answers (run_ranked_answers (cl ()) !head !test)
  | [["answers"; "greedy"]] -> answers (run_greedy (cl ()) (y ()) !scores !test)
  | [("certify" :: "ranked" :: "stuck" :: places)] -> ranked (ByStuck (List.map place places))
  | [("certify" :: "ranked" :: "rest" :: i :: places)] -> ranked (ByRest (nth !test i, List.map place places))
  | [["certify"; "ranked"; "head"; i]] -> ranked (ByRanking (!head, nth !test i))
  | [["certify"; "soft"; "cancels"]] -> soft (ByCancelling (List.map snd !terms))
  | [["certify"; "soft"; "cone"; i]] -> soft (ByCone (nth !test i, !terms))
  | [["certify"; "soft"; "perfect"]] -> soft (ByPerfect (matrix ()))
  | [["certify"; "soft"; "head"; i]] -> soft (ByMatrix (nth !test i, matrix ()))
  | [["planting"; b; w]] -> mu := several (small b) background; planted_words := several (small w) planted_word
  | [["places"; "train"; n]] -> train_places := several (small n) placed
  | [["places"; "test"; n]] -> test_places := several (small n) placed
  | [["kept"; n]] -> kept_sets := several (small n) kept
  | [["planted"; "train"]] -> accepted (run_planted !mu !planted_words !train_places !train)
  | [["planted"; "test"]] -> accepted (run_planted !mu !planted_words !test_places !test)
  | [["kappa"]] ->
    let k = match kappa_of (plain ()) !train_places !test_places with Some k -> print_q k | None -> "inf" in
    print_endline ("kappa " ^ k ^ " candidates " ^ print_n (most_sets (plain ()) !train_places))
  | [["patterns"]] ->
    print_endline (String.concat " ; " (List.map pattern (run_patterns (plain ()) !train_places !test_places)))
  | [["retention"; t]] -> kept_by true t
  | [["kappa0"; t]] -> kept_by false t
  | [["placed"; name; n; k]; law; coupling; ids] ->
    let given = match name with "train" -> !train_places | "test" -> !test_places | _ -> bad "train or test" in
    accepted (run_places (support law) (blocks coupling) (scheme ids) (nat (small k)) (nat (small n)) given)
  | [("share" :: marks)] -> print_endline (print_q (marked !test (List.map mark marks)))
  | [["views"; "train"; i]] -> views !train i
  | [["views"; "test"; i]] -> views !test i
  | [("certify" :: "domination" :: places)] -> certificate (ByDomination (List.map place places))
  | [["certify"; "head"; i]] -> certificate (ByHead (!head, place i))
  | [["certify"; "conflict"; i]] -> certificate (ByConflict (place i))
  | _ -> bad "no such request"

let () =
  try
    while true do
      match line () with
      | "" -> ()
      | s when s.[0] = '#' -> ()
      | s -> request (fields s)
    done
  with
  | End_of_file -> ()
  | Stack_overflow -> flush stdout; Printf.eprintf "line %d: more stack is needed (ulimit -s unlimited)\n" !number; exit 2
  | Malformed why -> flush stdout; Printf.eprintf "line %d: %s\n" !number why; exit 2
