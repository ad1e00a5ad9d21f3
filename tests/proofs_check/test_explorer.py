"""The explorer: what it shows is what the verdicts say, on one page that needs nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any, get_args

import pytest

from idealized_model.transformer.results import read_rows
from idealized_model.transformer.training import TrainConfig
from proofs_check.commands.main import main
from proofs_check.pages import explorer
from proofs_check.verdicts import exploring
from proofs_check.verdicts.deciding import SCHEMES, Laws, verdict
from proofs_check.verdicts.exploring import Part, decide_parts, parts_of
from proofs_check.verdicts.grid import CELLS, Grid, grids
from proofs_check.verdicts.subjects import Subject, subject_of
from tests.browser import browse, needs_chromium
from tests.own_tasks import RUNNING_MAXIMUM
from theory import InvalidArgument, decide
from theory.guarantees import Scores
from theory.tasks import Copy

DATA = Path(__file__).parents[2] / "figures" / "data"
COPY = Subject(Copy(2), range(1, 4), range(1, 5))
KINDS: tuple[Scores, ...] = get_args(Scores)


@cache
def decided(scheme: str, kind: Scores) -> list[Grid]:
    """A small task under a scheme, with every window."""
    return [*grids(COPY, scheme, scores=(kind,))]


# ── Verdicts at every pair of lengths ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", ["absolute", "coupled", "relative window"])
def test_a_pair_of_lengths_has_the_verdict_of_its_laws(scheme: str, kind: Scores) -> None:
    laws = Laws(COPY, SCHEMES[scheme], True, lambda cases: None)
    for grid in decided(scheme, kind):
        assert set(grid.points) == {(short, long) for short in (1, 2, 3) for long in range(short, 5)}
        for (short, long), point in grid.points.items():
            found = decide(grid.heads, train=laws.train(short), test=laws.test(long), scores=kind)
            assert point is not None
            assert (point.outcome, point.reason) == (found.outcome, found.reason)
            assert point.guaranteed == found.guaranteed
            assert (point.failure is None) == (found.outcome == "generalizes")


@pytest.mark.parametrize("scheme", ["none", "absolute", "coupled"])
def test_the_first_class_of_heads_is_that_of_the_scheme(scheme: str) -> None:
    cell = verdict(COPY, scheme, mixed=True)
    first, (decision,) = decided(scheme, "hard")[0], cell.decisions
    assert first.heads == decision.heads
    holds = [
        n for n in (1, 2, 3) if all(p and p.outcome == "generalizes" for (s, _), p in first.points.items() if s == n)
    ]
    assert (holds[0] if holds else None) == decision.certificate


def test_windows_go_one_narrower_one_wider_and_to_none() -> None:
    assert [grid.heads.window for grid in decided("coupled", "hard")] == [1, 0, 2, None]
    assert [grid.heads.window for grid in decided("random ordered", "hard")] == [None, 1]
    assert [grid.heads.window for grid in decided("relative window", "hard")] == [3]
    assert [grid.heads.window for grid in decided("absolute", "hard")] == [None]
    assert len([*grids(COPY, "coupled", scores=("hard",), windows=False)]) == 1


def test_laws_that_are_too_large_are_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CELLS, "hard", 40)
    (grid,) = grids(COPY, "absolute", scores=("hard",))
    assert {lengths for lengths, point in grid.points.items() if point is None} == {
        (short, long) for short, long in grid.points if long > 2
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_failing_example_shows_what_the_counterexample_does(kind: Scores) -> None:
    seen = 0
    for grid in decided("absolute", kind):
        for point in grid.points.values():
            if point is None or point.outcome != "fails":
                continue
            failure = point.failure
            assert failure is not None
            seen += 1
            assert failure.answer != failure.label or len({own.answer for own in failure.selections}) > 1
            assert failure.selected >= len(failure.selections)
            candidates = set(grid.heads.candidates(failure.ids))  # type: ignore[arg-type]
            assert {own.positions for own in failure.selections} <= candidates
            if failure.selected == len(failure.selections) > 0:
                assert sum(own.share for own in failure.selections) == 1
                masses: dict[str, Fraction] = {}
                for own in failure.selections:
                    masses[own.answer] = masses.get(own.answer, Fraction(0)) + own.share
                best = [answer for answer, mass in masses.items() if mass == max(masses.values())]
                assert failure.answer == (best[0] if len(best) == 1 else None)
            if not failure.selections:
                assert failure.answer is None
    assert seen


# ── Data ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_convention_matters_where_ids_are_seen() -> None:
    parts = parts_of(["copy", "majority", "parity with scratchpad, query-coupled"])
    found = {(part.task, part.convention): part.named for part in parts}
    assert found == {
        ("copy", "token"): "copy",
        ("copy", "query"): "copy, query-coupled",
        ("majority", "own"): "majority",
        ("parity with scratchpad", "token"): "parity with scratchpad, token-coupled",
        ("parity with scratchpad", "query"): "parity with scratchpad, query-coupled",
    }
    assert {part.scheme for part in parts if part.convention == "query"} == {"coupled", "predictive", "random ordered"}
    assert len(parts) == len(set(parts)) == 3 * len(SCHEMES) + 2 * 3


@cache
def made(*schemes: str) -> dict[str, Any]:
    """The data of a small task."""
    parts = [part for part in parts_of(["copy"], train=(1, 2), test=(1, 2, 3)) if part.scheme in schemes]
    found, interrupted = decide_parts(parts, jobs=1, watch=lambda *_: None)
    assert not interrupted
    data: dict[str, Any] = json.loads(explorer.dumps(explorer.to_data(found)))
    return data


def test_the_data_say_what_was_decided() -> None:
    (task,) = made("absolute", "coupled")["tasks"]
    assert task["named"] == {"token": "copy", "query": "copy, query-coupled"}
    subject = subject_of("copy", (1, 2), (1, 2, 3))
    assert (task["size"], task["sparsity"]) == (subject.size, subject.task.sparsity)
    assert made("absolute", "coupled")["schemes"] == {name: SCHEMES[name].what for name in ("absolute", "coupled")}
    for cell in task["cells"]:
        part = Part("copy", cell["convention"], task["named"][cell["convention"]], cell["scheme"], (1, 2), (1, 2, 3))
        own = next(
            grid
            for grid in grids(part.subject, part.scheme, scores=(cell["heads"],))
            if ("none" if grid.heads.window is None else str(grid.heads.window)) == cell["window"]
        )
        for short, long, outcome, reason, share, failure in cell["points"]:
            point = own.points[short, long]
            assert point is not None
            assert (explorer.OUTCOMES[outcome], reason) == (point.outcome, point.reason)
            assert share == (None if point.guaranteed is None else str(point.guaranteed))
            if point.failure is None:
                assert failure is None
            else:
                tokens, ids, label, why, answer, selections, selected = task["failures"][failure]
                assert (tuple(tokens), tuple(ids), label) == (
                    point.failure.tokens,
                    point.failure.ids,
                    point.failure.label,
                )
                assert (why, answer, selected) == (point.failure.why, point.failure.answer, point.failure.selected)
                assert len(selections) == len(point.failure.selections)


def test_lengths_of_which_instances_are_drawn_are_marked() -> None:
    part = Part("copy", "token", "copy", "none")
    (grid,) = grids(COPY, "none", scores=("hard",), windows=False)
    marked = explorer.to_data({part: [replace(grid, drawn=frozenset({4, 3}))]})["tasks"][0]["cells"][0]
    assert marked["drawn"] == [3, 4]


def test_the_graphs_are_instances_of_the_task() -> None:
    (task,) = made("absolute", "coupled")["tasks"]
    for convention, named in task["named"].items():
        own = subject_of(named).task
        for length, (tokens, ids, steps) in task["graphs"][convention].items():
            numbers = tuple(own.alphabet.index(token) for token in tokens)
            instance = own.solve(numbers[: int(length) + 1])
            assert (instance.tokens, list(instance.ids)) == (numbers, ids)
            assert [[step.position, list(step.sources)] for step in instance.steps] == steps


def test_trained_models_stand_beside_the_scheme_that_they_have() -> None:
    config = {"longest": 10, "seed": 0}
    for positions, scheme in {
        "none": "none", "absolute": "absolute", "rope": "relative window", "alibi": "relative window",
        "random-shift": "random shift", "pose": "random shift", "random-ordered": None, "coupled": "coupled",
        "coupled-ordered": "random ordered", "predicted": "predictive",
    }.items():  # fmt: skip
        row = {"config": {"task": "copy", "positions": positions, **config}}
        assert explorer.scheme_like(row) == scheme, positions
    assert TrainConfig("copy", "rope").how.relabel == "fixed"


def test_curves_have_every_seed_and_length() -> None:
    data = made("absolute", "coupled")
    for task in data["tasks"]:
        task["trained"].clear()
    rows = read_rows(DATA / "coupled.jsonl")
    (task,) = explorer.with_curves(data, rows)["tasks"]
    own = [row for row in rows if row["config"]["task"].startswith("copy")]
    assert sum(len(curve["seeds"]) for curve in task["trained"]) == sum(row["status"] == "finished" for row in own) > 0
    assert {curve["convention"] for curve in task["trained"]} == {"token", "query"}
    for convention in ("token", "query"):
        of_own = _listed(data)
        of_own["tasks"][0] |= {"graphs": {"own": {}}, "trained": []}
        asked = [row for row in own if row["config"]["task"].endswith("coupled") == (convention == "query")]
        (task_,) = explorer.with_curves(of_own, asked)["tasks"]  # of a task that has no convention but its own
        assert {curve["convention"] for curve in task_["trained"]} == {"own" if convention == "token" else "query"}
    row = own[0]
    other = {**row["tests"][0], "task": "reverse", "length": 1}
    for changed, seeds in (
        ({"status": "diverged"}, []),
        ({"tests": [other]}, []),
        ({"tests": [other, row["tests"][0]]}, [row["tests"][0]["length"]]),
    ):
        data["tasks"][0]["trained"].clear()
        found = explorer.with_curves(data, [{**row, **changed}])["tasks"][0]["trained"]
        assert [test[0] for curve in found for seed in curve["seeds"].values() for test in seed] == seeds
    data["tasks"][0]["trained"].clear()
    (task,) = explorer.with_curves(data, rows)["tasks"]
    curve = next(curve for curve in task["trained"] if curve["named"] == "coupled" and curve["convention"] == "token")
    row = next(row for row in own if row["config"]["task"] == "copy" and row["config"]["positions"] == "coupled")
    assert curve["seeds"][str(row["config"]["seed"])] == [
        [test["length"], test["free_running"], test["size"]] for test in row["tests"] if test["task"] == "copy"
    ]


def test_a_seed_is_drawn_once() -> None:
    rows = read_rows(DATA / "coupled.jsonl")
    once = explorer.dumps(explorer.with_curves(_listed(made("absolute", "coupled")), rows))
    again = explorer.with_curves(explorer.with_curves(json.loads(once), rows), rows)
    assert explorer.dumps(again) == once
    assert '"trained":[{' in once


def test_a_task_is_kept_when_it_is_complete() -> None:
    parts = [
        part
        for part in parts_of(["copy", "reverse"], train=(1,), test=(1, 2))
        if part.scheme in ("none", "absolute") and part.convention == "token"
    ]
    told: list[list[str]] = []
    found, interrupted = decide_parts(
        parts, jobs=1, watch=lambda *_: None, keep=lambda so_far: told.append(list(map(str, so_far)))
    )
    assert not interrupted
    assert told == [
        ["copy: none", "copy: absolute"],
        ["copy: none", "copy: absolute", "reverse: none", "reverse: absolute"],
    ]
    data = _listed(explorer.to_data(found))
    assert explorer.complete(data, parts) == {"copy", "reverse"}
    assert explorer.complete({**data, "tasks": data["tasks"][1:]}, parts) == {"reverse"}
    fewer = _listed(data)
    fewer["tasks"][0]["cells"] = [cell for cell in fewer["tasks"][0]["cells"] if cell["scheme"] == "none"]
    assert explorer.complete(fewer, parts) == {"reverse"}
    assert explorer.complete(data, [part._replace(test=(1, 2, 3)) for part in parts]) == set()
    half = explorer.to_data({part: found[part] for part in parts if part.task == "copy" and part.scheme == "none"})
    rest = explorer.to_data({part: found[part] for part in parts if part.task == "copy"})
    assert explorer.merged(parts, {"reverse"}, rest, data) == {
        **explorer.to_data(found),
        "tasks": [*rest["tasks"], data["tasks"][1]],
    }
    assert [*explorer.merged(parts, {"copy"}, half, {**data, "tasks": data["tasks"][:1]})["schemes"]] == [
        "none",
        "absolute",
    ]


def test_the_stored_data_are_of_this_version() -> None:
    data = explorer.stored()
    assert explorer.dumps(data) == (Path(explorer.__file__).parent / "explored.json").read_text(encoding="utf-8")
    tasks = {task["name"]: task for task in data["tasks"]}
    part = next(part for part in parts_of(["copy"]) if part.scheme == "coupled" and part.convention == "token")
    fresh = explorer.to_data({part: [*grids(part.subject, "coupled", scores=("hard", "ranked"))]})["tasks"][0]
    want = fresh["cells"]
    have = [
        cell
        for cell in tasks["copy"]["cells"]
        if (cell["scheme"], cell["convention"]) == ("coupled", "token") and cell["heads"] != "soft"
    ]

    def told(entry: dict[str, Any], cells: list[dict[str, Any]]) -> list[Any]:
        """Cells with their failures in place."""
        return [
            {
                **cell,
                "points": [
                    [*p[:5], None if p[5] is None else _listed(entry["failures"][p[5]])] for p in cell["points"]
                ],
            }
            for cell in cells
        ]

    assert told(tasks["copy"], have) == told(fresh, want)
    for task in data["tasks"]:
        assert {cell["heads"] for cell in task["cells"]} == set(KINDS)


def _listed(value: Any) -> Any:
    return json.loads(json.dumps(value))


# ── The page ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_needs_nothing_else() -> None:
    text = explorer.page(made("absolute", "coupled"))
    assert "default-src 'none'" in text
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", text)
    assert not re.search(r"@[\w.]+@", text)
    assert "fetch(" not in text
    assert "XMLHttpRequest" not in text
    assert text == explorer.page(made("absolute", "coupled"))


def test_a_token_cannot_end_the_data() -> None:
    data = json.loads(json.dumps(made("absolute", "coupled")))
    data["tasks"][0]["name"] = "</script><script>alert(1)</script>"
    text = explorer.page(data)
    assert "</script><script>alert" not in text
    inner = text.split('id="data">')[1].split("</script>")[0]
    assert json.loads(inner)["tasks"][0]["name"] == data["tasks"][0]["name"]


@pytest.mark.parametrize("data", [{}, {"schema": 99, "tasks": [1]}, {"schema": explorer.SCHEMA, "tasks": []}])
def test_other_data_are_refused(data: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match=r"explorer\.page: argument data"):
        explorer.page(data)


def overall(data: dict[str, Any], scheme: str) -> str:
    """What the table of all tasks says of the first one, for hard heads."""
    cell = next(own for own in data["tasks"][0]["cells"] if (own["scheme"], own["heads"]) == (scheme, "hard"))
    decided = [point for point in cell["points"] if point[2] is not None]
    for train in sorted({point[0] for point in decided}):
        own = [point for point in decided if point[0] == train]
        if all(point[2] == 0 for point in own) and any(point[1] > train for point in own):
            return f"✓ from {train}"
    last = [point for point in decided if point[2] or point[1] > point[0]]
    outcomes = {point[2]: point[3] for point in last if point[0] == last[-1][0]}
    return "∅" if 2 in outcomes else f"✗ {outcomes[1]}"


PROBE = """<script>
const seen = {};
const said = () => document.querySelector("#says .says").textContent;
seen.first = document.getElementById("scheme").value;
seen.overview = Object.fromEntries([...document.querySelectorAll("#all button")].map(
  (own) => [own.getAttribute("aria-label").split(":")[0].split(", ").at(-1), own.textContent]));
location.hash = "#task=copy&scheme=absolute&heads=hard&train=2&test=3";
setTimeout(() => {
  seen.linked = [said(), document.getElementById("scheme").value];
  seen.selections = document.querySelectorAll("#failure td.answer").length;
  const focus = () => document.querySelector('#lengths [aria-pressed="true"]');
  focus().focus();
  for (const key of ["ArrowLeft", "ArrowLeft", "ArrowUp"]) {
    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  }
  seen.moved = [focus().dataset.train, focus().dataset.test, document.activeElement === focus(), location.hash];
  const heads = document.querySelector('input[value="ranked"]');
  heads.click();
  seen.ranked = said();
  const scheme = document.getElementById("scheme");
  scheme.value = "coupled";
  scheme.dispatchEvent(new Event("change"));
  document.getElementById("convention").value = "query";
  document.getElementById("convention").dispatchEvent(new Event("change"));
  seen.coupled = [location.hash, document.querySelectorAll("#by-id rect").length, document.getElementById("asked").textContent];
  seen.colours = ["light", "dark"].map((theme) => {
    document.getElementById("theme-" + theme).checked = true;
    return getComputedStyle(document.body).backgroundColor;
  });
  seen.width = [document.documentElement.scrollWidth, document.documentElement.clientWidth];
  document.body.dataset.found = JSON.stringify(seen);
}, 200);
</script>"""


@needs_chromium
def test_it_is_used_in_a_browser(tmp_path: Path) -> None:
    file, data = tmp_path / "index.html", _listed(made("absolute", "coupled"))
    first = next(cell for cell in data["tasks"][0]["cells"] if (cell["scheme"], cell["heads"]) == ("coupled", "hard"))
    first["points"] = [[*point[:2], 0, None, "1", None] if point[0] == 2 else point for point in first["points"]]
    file.write_text(explorer.page(data).replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
    done = browse(file, tmp_path, "--dump-dom", "--virtual-time-budget=5000", "--window-size=500,900")
    assert "CONSOLE" not in done.stderr
    found = re.search(r'data-found="([^"]*)"', done.stdout)
    assert found, done.stderr
    seen = json.loads(unescape(found[1]))
    assert seen["overview"] == {scheme: overall(data, scheme) for scheme in ("absolute", "coupled")}
    assert seen["first"] == "coupled"  # the first one that generalizes
    assert seen["overview"]["coupled"] == "✓ from 2"
    absolute = {
        key: grid for grid in grids(replace(COPY, train=(1, 2), test=(1, 2, 3)), "absolute") for key in [grid.scores]
    }
    point = absolute["hard"].points[2, 3]
    assert point is not None
    assert point.failure is not None
    assert seen["linked"] == [f"✗ fails ({point.reason})", "absolute"]
    assert seen["selections"] == len(point.failure.selections)
    assert seen["moved"][:3] == ["1", "2", True]  # there is no test below the training length
    assert "train=1" in seen["moved"][3]
    assert "test=2" in seen["moved"][3]
    ranked = absolute["ranked"].points[1, 2]
    assert ranked is not None
    assert seen["ranked"].split()[1] == ranked.outcome
    assert "scheme=coupled" in seen["coupled"][0]
    assert "convention=query" in seen["coupled"][0]
    assert seen["coupled"][1] == 5  # the tokens of copy at length 2
    assert seen["colours"][0] != seen["colours"][1]
    assert seen["width"][0] <= seen["width"][1]


# ── The command ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_command_writes_the_stored_verdicts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explore", "--output", str(tmp_path / "made" / "explorer")]) == 0
    file = tmp_path / "made" / "explorer" / "index.html"
    assert file.read_text(encoding="utf-8") == explorer.page(explorer.stored())
    assert str(file) in capsys.readouterr().out


def test_a_task_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "maxima_to_explore.py").write_text(RUNNING_MAXIMUM, encoding="utf-8")
    arguments = ["--task", "maxima_to_explore:RunningMaximum", "--train-lengths", "1,2", "--test-lengths", "1..3"]
    assert main(["explore", "--output", "out", *arguments, "--data", "out.json", "--jobs", "1"]) == 0
    (task,) = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["tasks"]
    assert task["name"] == "maxima_to_explore:RunningMaximum"
    assert [*task["graphs"]] == ["token", "query"]
    assert {(point[0], point[1]) for point in task["cells"][0]["points"]} == {(1, 1), (1, 2), (1, 3), (2, 2), (2, 3)}
    assert (tmp_path / "out" / "index.html").is_file()


def test_what_an_interrupt_left_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "maxima_resumed.py").write_text(RUNNING_MAXIMUM, encoding="utf-8")

    def hard(part: Part, tick: Callable[[int], None]) -> list[Grid]:
        return [*grids(part.subject, part.scheme, scores=("hard",))]

    monkeypatch.setattr(exploring, "_decide", hard)
    asked = ["explore", "--output", "out", "--jobs", "1", "--data", "out.json", "--task"]
    lengths = ["--train-lengths", "1", "--test-lengths", "1,2"]
    assert main([*asked, "majority", *lengths, "--resume"]) == 0  # there is nothing yet
    first = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    asked += ["maxima_resumed:RunningMaximum", "--task", "majority", *lengths, "--resume"]
    decided = list[str]()

    def interrupted(part: Part, tick: Callable[[int], None]) -> list[Grid]:
        if part.convention == "query":
            raise KeyboardInterrupt
        decided.append(part.task)
        return hard(part, tick)

    monkeypatch.setattr(exploring, "_decide", interrupted)
    assert main(asked) == 2
    assert set(decided) == {"maxima_resumed:RunningMaximum"}
    half = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert [task["name"] for task in half["tasks"]] == ["maxima_resumed:RunningMaximum", "majority"]
    assert half["tasks"][1] == first["tasks"][0]
    monkeypatch.setattr(exploring, "_decide", hard)
    assert main(asked) == 0
    whole = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert {cell["convention"] for cell in whole["tasks"][0]["cells"]} == {"token", "query"}
    assert whole["tasks"][1] == first["tasks"][0]
    (tmp_path / "out.json").write_text("[]", encoding="utf-8")
    assert main(asked) == 3
    assert "explore: argument --data" in capsys.readouterr().err


def test_an_interrupt_before_the_first_verdict_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(part: Part, tick: object) -> list[Grid]:
        raise KeyboardInterrupt

    monkeypatch.setattr(exploring, "_decide", interrupted)
    assert main(["explore", "--output", str(tmp_path / "out"), "--task", "copy", "--jobs", "1"]) == 2
    assert "before anything was decided" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--resume", "--data", "out.json"], "--data FILE, and --task or --fresh"),
        (["--resume", "--task", "copy"], "--data FILE, and --task or --fresh"),
        (["--task", "copu"], "Did you mean 'copy'"),
        (["--train-lengths", "1,2"], "--train-lengths, --test-lengths"),
        (["--results", "nothing.jsonl"], "nothing.jsonl"),
        (["--data", "no/such/folder.json"], "--data"),
    ],
)
def test_bad_usage_is_said(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["explore", "--output", "out", *arguments]) == 3
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_file_is_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main(["explore", "--output", str(tmp_path / "file")]) == 3
    assert "expected a folder" in capsys.readouterr().err
