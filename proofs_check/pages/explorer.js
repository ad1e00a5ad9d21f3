"use strict";

const DATA = JSON.parse(document.getElementById("data").textContent);
const KINDS = ["hard", "ranked", "soft"];
const MARKS = [["✓", "good", "generalizes"], ["✗", "bad", "fails"], ["∅", "unsure", "no head"]];
const OPEN = ["…", "open", "not decided here"];
const CONVENTIONS = { token: "token-coupled", query: "query-coupled", own: "the task's own IDs" };
const at = (id) => document.getElementById(id);
const byName = new Map(DATA.tasks.map((task) => [task.name, task]));

/** What is chosen; the address of the page says the same. */
let chosen = {};

// ── Pieces of the page ──────────────────────────────────────────────────────────────────────────────────────────────

function make(tag, properties = {}, ...children) {
  const svg = ["svg", "path", "rect", "text", "line", "circle", "g", "title"].includes(tag);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

function fill(id, ...children) {
  at(id).replaceChildren(...children.filter((child) => child !== null));
}

function options(id, values, value, say = (own) => own) {
  fill(id, ...values.map((own) => make("option", { value: own, ...(own === value ? { selected: "" } : {}) }, say(own))));
  at(id).value = value;
  at(id).disabled = values.length < 2;
}

const mark = (point) => (point && point[2] !== null ? MARKS[point[2]] : OPEN);

// ── What is asked ───────────────────────────────────────────────────────────────────────────────────────────────────

const unique = (values) => [...new Set(values)];

/** The convention under which the verdicts of a scheme stand: where IDs are not seen, there is one for all. */
function conventionOf(task, scheme, convention) {
  const there = unique(task.cells.filter((cell) => cell.scheme === scheme).map((cell) => cell.convention));
  return there.includes(convention) ? convention : there[0];
}

function cellsOf(task, scheme, convention) {
  const own = conventionOf(task, scheme, convention);
  return task.cells.filter((cell) => cell.scheme === scheme && cell.convention === own);
}

const cellOf = (heads) =>
  cellsOf(byName.get(chosen.task), chosen.scheme, chosen.convention).find(
    (cell) => cell.heads === heads && cell.window === chosen.window && cell.k === chosen.k,
  );

const pointOf = (cell) => cell?.points.find((point) => point[0] === chosen.train && point[1] === chosen.test);

const nearest = (values, wanted) =>
  values.reduce((best, value) => (Math.abs(value - wanted) < Math.abs(best - wanted) ? value : best), values[0]);

/** Choices that exist, the nearest to those that are wanted. */
function settle(wanted) {
  const pick = (values, value) => (values.includes(value) ? value : values[0]);
  const task = byName.get(pick([...byName.keys()], wanted.task));
  const schemes = Object.keys(DATA.schemes).filter((name) => cellsOf(task, name).length);
  const scheme = pick(wanted.scheme ? schemes : [...schemes.filter((name) => cellsOf(task, name).some((cell) => from(cell) !== undefined)), ...schemes], wanted.scheme);
  const convention = pick(Object.keys(task.graphs), wanted.convention);
  const cells = cellsOf(task, scheme, convention);
  const k = pick(unique(cells.map((cell) => cell.k)), Number(wanted.k));
  const window = pick(unique(cells.filter((cell) => cell.k === k).map((cell) => cell.window)), wanted.window);
  const heads = pick(KINDS.filter((kind) => cells.some((cell) => cell.heads === kind)), wanted.heads);
  const { points } = cells.find((cell) => cell.heads === heads && cell.k === k && cell.window === window);
  const decided = points.filter((point) => point[2] !== null);
  const trains = unique((wanted.train || !decided.length ? points : decided).map((point) => point[0]));
  const train = wanted.train ? nearest(trains, Number(wanted.train)) : trains.at(-1);
  const tests = (wanted.test || !decided.length ? points : decided).filter((point) => point[0] === train).map((point) => point[1]);
  const test = wanted.test ? nearest(tests, Number(wanted.test)) : (firstFailure(points, train) ?? tests.at(-1));
  chosen = { task: task.name, scheme, convention, k, window, heads, train, test, step: Number(wanted.step) || 0 };
}

/** The least training length at which all tests that are decided hold, longer ones among them. */
const from = (cell) => unique(cell.points.map((point) => point[0])).find((train) => {
  const own = cell.points.filter((point) => point[0] === train && point[2] !== null);
  return own.some((point) => point[1] > train) && own.every((point) => point[2] === 0);
});

const firstFailure = (points, train) => points.find((point) => point[0] === train && point[2] === 1)?.[1];

function choose(changes, { keep = true } = {}) {
  settle({ ...chosen, step: 0, ...changes });
  if (keep) history.replaceState(null, "", `#${new URLSearchParams(chosen)}`);
  show();
}

const fromAddress = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)));

// ── The choices ─────────────────────────────────────────────────────────────────────────────────────────────────────

function showChoices() {
  const task = byName.get(chosen.task);
  options("task", [...byName.keys()], chosen.task);
  options("scheme", Object.keys(DATA.schemes).filter((name) => cellsOf(task, name).length), chosen.scheme);
  options("convention", Object.keys(task.graphs), chosen.convention, (own) => CONVENTIONS[own]);
  const cells = cellsOf(task, chosen.scheme, chosen.convention);
  const windows = unique(cells.filter((cell) => cell.k === chosen.k).map((cell) => cell.window));
  options("window", windows, chosen.window, (own) => (own === windows[0] ? `${own} (the scheme's)` : own));
  options("k", unique(cells.map((cell) => cell.k)).map(String), String(chosen.k));
  for (const radio of document.getElementsByName("kind")) radio.checked = radio.value === chosen.heads;
  const { key, anchor } = cells[0];
  const seen = `${task.name}${task.size ? ` (${task.size})` : ""}. ${chosen.scheme}: ${DATA.schemes[chosen.scheme]}.`;
  const reads = task.sparsity === null ? "A dense task: what a step reads grows." : `A step reads at most ${task.sparsity}.`;
  at("asked").textContent = `${seen} Key ${key}, anchor ${anchor}. ${reads}`;
}

function showLengths() {
  const { points, drawn } = cellOf(chosen.heads);
  const trains = unique(points.map((point) => point[0]));
  const tests = unique(points.map((point) => point[1])).sort((a, b) => a - b);
  const head = tests.map((test) => make("th", { scope: "col" }, drawn.includes(test) ? `${test}~` : `${test}`));
  const rows = trains.map((train) =>
    make("tr", {}, make("th", { scope: "row" }, `up to ${train}`), ...tests.map((test) => {
      const point = points.find((own) => own[0] === train && own[1] === test);
      if (!point) return make("td");
      const [sign, kind, words] = mark(point);
      const pressed = train === chosen.train && test === chosen.test;
      return make("td", {}, make("button", {
        type: "button", class: kind, "aria-pressed": pressed, tabindex: pressed ? 0 : -1,
        "data-train": train, "data-test": test,
        "aria-label": `train up to ${train}, test ${test}: ${sign} ${words}`,
        onclick: () => { choose({ train, test }); focusPair(); },
      }, sign));
    })),
  );
  const note = drawn.length ? [make("caption", { class: "muted" }, "~ instances drawn: ✓ speaks of these alone")] : [];
  fill("lengths", make("table", { class: "pairs", onkeydown: moved }, ...note,
    make("thead", {}, make("tr", {}, make("th", { class: "corner" }, "trained\u00a0↓, tested\u00a0→"), ...head)), make("tbody", {}, ...rows)));
}

const focusPair = () => at("lengths").querySelector('[aria-pressed="true"]').focus();

function moved(event) {
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (!step) return;
  event.preventDefault();
  const points = cellOf(chosen.heads).points;
  const next = (place, by) => {
    const values = unique(points.map((point) => point[place])).sort((a, b) => a - b);
    const now = place ? chosen.test : chosen.train;
    return values[Math.min(values.length - 1, Math.max(0, values.indexOf(now) + by))];
  };
  const [train, test] = [next(0, step[0]), next(1, step[1])];
  if (points.some((point) => point[0] === train && point[1] === test)) choose({ train, test });
  focusPair();
}

// ── The verdict ─────────────────────────────────────────────────────────────────────────────────────────────────────

const quotient = (share) => {
  const [above, below = "1"] = share.split("/");
  return Number(above) / Number(below);
};

/** In hundredths, rounded down, so that 100 % is all. */
const percent = (share) => `${(Math.floor(quotient(share) * 1000 + 1e-9) / 10).toFixed(1)} %`;

function showVerdict() {
  const cell = cellOf(chosen.heads);
  const point = pointOf(cell);
  const [sign, kind, words] = mark(point);
  const perfect = `${chosen.heads} head of this class that is perfect on all lengths up to ${chosen.train}`;
  const drawn = cell.drawn.includes(chosen.test) ? " (on the instances drawn)" : "";
  const why = point && point[5] !== null ? byName.get(chosen.task).failures[point[5]][3] : "";
  const sentence = {
    "✓": `Every ${perfect} is perfect at length ${chosen.test}${drawn}.`,
    "✗": `Some ${perfect} errs at length ${chosen.test}: ${why}.`,
    "∅": `There is no ${perfect}.`,
    "…": "The laws at these lengths are too large for this page; the command decides larger ones.",
  }[sign];
  const rows = KINDS.map((heads) => {
    const own = pointOf(cellOf(heads));
    const share = own?.[4] ?? null;
    const said = share === null ? (own && own[2] === 2 ? "no head" : "not decided") : `${percent(share)}`;
    return make("tr", { class: heads === chosen.heads ? "chosen" : null },
      make("th", { scope: "row" }, heads), make("td", { class: mark(own)[1] }, mark(own)[0]),
      make("td", { class: "number" }, said, share !== null && share.includes("/") && share.length < 14
        ? make("span", { class: "muted" }, ` (${share})`) : ""),
      make("td", { class: "bar" }, share === null ? "" : make("span", {},
        make("i", { style: `width: ${100 * quotient(share)}%` }))));
  });
  const first = cellsOf(byName.get(chosen.task), chosen.scheme, chosen.convention)[0];
  const name = nameOf(byName.get(chosen.task));
  const trains = unique(cell.points.map((own) => own[0])).filter((train) => train <= chosen.train);
  const command = `lengthgen verdicts "${name}" --scheme "${chosen.scheme}" --mixed --train-lengths ${trains.join(",")}` +
    ` --test-lengths ${chosen.test} --scores ${chosen.heads}`;
  fill("says", make("p", { class: `says ${kind}` }, `${sign} ${words}${point?.[3] ? ` (${point[3]})` : ""}`),
    make("p", {}, sentence),
    make("p", { class: "muted" }, "Guaranteed share: the part of the test law on which every perfect head is right."),
    make("table", { class: "shares" },
      make("thead", {}, make("tr", {}, ...["heads", "verdict", "share", ""].map((name) => make(name ? "th" : "td", name ? { scope: "col" } : {}, name)))),
      make("tbody", {}, ...rows)),
    chosen.window === first.window
      ? make("p", { class: "muted" }, "In a terminal: ", make("code", {}, command)) : null);
}

const nameOf = (task) => {
  const names = { token: task.named?.token, query: task.named?.query, own: task.named?.own };
  return names[conventionOf(task, chosen.scheme, chosen.convention)] ?? task.name;
};

// ── What fails ──────────────────────────────────────────────────────────────────────────────────────────────────────

function strip(tokens, ids, marked, answer) {
  const cells = tokens.map((token, i) => make("td", { class: marked.includes(i) ? "read" : null }, token));
  const end = answer ? [make("td", { class: `answer ${answer[1]}` }, answer[0])] : [];
  const rows = [make("tr", {}, ...cells, ...end)];
  if (ids) rows.push(make("tr", { class: "ids" }, ...ids.map((id) => make("td", {}, `${id}`)), ...(answer ? [make("td")] : [])));
  return make("table", { class: "tokens" }, make("tbody", {}, ...rows));
}

function showFailure() {
  const point = pointOf(cellOf(chosen.heads));
  at("failing").hidden = !point || point[5] === null;
  if (at("failing").hidden) return;
  const [tokens, ids, label, why, answer, selections, selected] = byName.get(chosen.task).failures[point[5]];
  const none = point[2] === 2;
  at("failing-title").textContent = none ? "A training example that no head fits beside the others" : "An example that fails";
  const parts = [
    make("p", {}, none ? `In training, ${why}. Its label: ` : "Tokens, and their IDs below; the right answer is ",
      make("code", {}, label), "."),
    make("div", { class: "wide", tabindex: 0, role: "group", "aria-label": "The example" }, strip(tokens, ids, [])),
  ];
  if (!none) {
    parts.push(make("p", {}, selected
      ? `The counterexample, perfect in training, selects ${selected} candidate set${selected > 1 ? "s" : ""} here` +
        `${selected > selections.length ? ` (${selections.length} shown)` : ""} and answers `
      : "The counterexample, perfect in training, selects nothing here and answers ",
    make("code", {}, answer ?? (selected ? "none: a tie" : "nothing")), ":"));
    parts.push(make("div", { class: "wide", tabindex: 0, role: "group", "aria-label": "What the counterexample selects" },
      ...selections.map(([positions, said, share]) => {
        const right = said === label;
        const weight = chosen.heads === "soft" ? `, ${percent(share)} of the mass` : "";
        return strip(tokens, null, positions, [`→ ${said} ${right ? "✓" : "✗"}${weight}`, right ? "good" : "bad"]);
      })));
  }
  fill("failure", ...parts);
}

// ── What each prediction reads ──────────────────────────────────────────────────────────────────────────────────────

const SIDE = 30;
const ROOM = 44;

function showReads() {
  const graphs = byName.get(chosen.task).graphs[chosen.convention];
  const [tokens, ids, steps] = graphs[chosen.test] ?? graphs[nearest(Object.keys(graphs).map(Number), chosen.test)];
  const step = chosen.step >= 1 && chosen.step <= steps.length ? chosen.step : steps.length;
  Object.assign(at("step"), { max: steps.length });
  at("step").value = step;
  const [position, sources] = steps[step - 1];
  const target = tokens[position] ?? "the answer";
  at("step-says").textContent = `${step} of ${steps.length}: ${target} reads ${sources.map((i) => tokens[i]).join(", ") || "nothing"}` +
    (sources.length ? `, at ID${sources.length > 1 ? "s" : ""} ${sources.map((i) => ids[i]).join(", ")}` : "");
  const outputs = new Set(steps.map((own) => own[0]));
  const all = [...tokens, ...(position >= tokens.length ? ["?"] : [])];
  const box = (i, x, y) => [
    make("rect", { x: x - 12, y: y - 12, width: 24, height: 24, rx: 4, class:
      `box ${i === position ? "now" : sources.includes(i) ? "read" : ""} ${outputs.has(i) ? "" : "prompt"}` }),
    make("text", { x, y, class: i === position ? "now" : "" }, all[i]),
  ];
  const arcs = (bend) => steps.flatMap(([to, from], own) => from.map((source) => [to, source, own === step - 1 ? "arc now" : "arc", bend]))
    .sort((a, b) => a[2].length - b[2].length);
  const longest = Math.max(1, ...steps.flatMap(([to, from]) => from.map((source) => to - source)));
  const top = Math.min(150, 14 * longest) + 24;
  const x = (i) => 20 + SIDE * i;
  const label = `A random instance of length ${chosen.test}. ${steps.map(([to, from]) =>
    `${all[to] ?? "?"} reads positions ${from.join(", ") || "none"}`).join("; ")}.`;
  fill("by-position", make("svg", { width: x(all.length), height: top + 46, role: "img", "aria-label": label },
    ...arcs().map(([to, source, kind]) => {
      const height = Math.min(150, 14 * (to - source));
      return make("path", { class: kind, d: `M${x(source)} ${top - 13}C${x(source)} ${top - 13 - height} ${x(to)} ${top - 13 - height} ${x(to)} ${top - 13}` });
    }),
    ...all.flatMap((_, i) => [...box(i, x(i), top), make("text", { x: x(i), y: top + 24, class: "small" }, `${i}`)])));
  const columns = unique(ids).sort((a, b) => (typeof a === "number" && typeof b === "number" ? a - b : `${a}`.localeCompare(`${b}`)));
  const heights = new Map();
  const place = ids.map((id) => {
    const row = heights.get(id) ?? 0;
    heights.set(id, row + 1);
    return [24 + 44 * columns.indexOf(id), ROOM + 44 * row];
  });
  if (all.length > ids.length) place.push([24 + 44 * columns.length, ROOM]);
  const floor = ROOM + 44 * (Math.max(...heights.values()) - 1);
  fill("by-id", make("svg", { width: 24 + 44 * (columns.length + (all.length > ids.length)), height: floor + 46, role: "img",
    "aria-label": `The same instance, tokens of one ID below each other. IDs: ${ids.join(", ")}.` },
    ...arcs().map(([to, source, kind]) => {
      const [[x1, y1], [x2, y2]] = [place[source], place[to]];
      const aside = x1 === x2 ? 22 : 0;
      const above = aside ? 0 : y1 === y2 ? Math.min(60, 14 + Math.abs(x2 - x1) / 3) : 8; // over what lies between
      return make("path", { class: kind, d: `M${x1} ${y1}Q${(x1 + x2) / 2 + aside} ${(y1 + y2) / 2 - above} ${x2} ${y2}` });
    }),
    ...place.flatMap(([px, py], i) => box(i, px, py)),
    ...columns.map((id, i) => make("text", { x: 24 + 44 * i, y: floor + 30, class: "small" }, `${id}`))));
}

// ── Trained transformers ────────────────────────────────────────────────────────────────────────────────────────────

function curve(own) {
  const seeds = Object.values(own.seeds);
  const lengths = unique(seeds.flatMap((seed) => seed.map((test) => test[0]))).sort((a, b) => a - b);
  const [wide, high, left, foot] = [300, 130, 34, 26];
  const [low, top] = [Math.log(Math.max(1, lengths[0] / 1.5)), Math.log(lengths.at(-1))];
  const x = (length) => left + ((Math.log(length) - low) / (top - low || 1)) * (wide - left - 12);
  const y = (share) => 10 + (1 - share) * (high - foot - 10);
  const shares = seeds.map((seed) => seed.map(([length, right, of]) => [length, right / of]));
  const last = shares.map((seed) => seed.at(-1)[1]);
  const label = `Share of sequences right by length, ${seeds.length} seeds: at length ${lengths.at(-1)} ` +
    `${Math.min(...last).toFixed(2)} to ${Math.max(...last).toFixed(2)}.`;
  const name = `${own.named}; ${own.model}${own.scaled ? ", log-length scaling" : ""}; trained on ${own.train[0]}..${own.train[1]}`;
  return make("figure", {}, make("figcaption", {}, name),
    make("svg", { width: wide, height: high, role: "img", "aria-label": label },
      make("rect", { class: "trained", x: left, y: 6, width: Math.max(2, x(own.train[1]) - left), height: high - foot - 6 }),
      make("path", { class: "axis", d: `M${left} 6V${high - foot}H${wide - 4}` }),
      ...[0, 0.5, 1].map((share) => make("text", { class: "small", x: left - 16, y: y(share) }, `${share}`)),
      ...lengths.map((length) => make("text", { class: "small", x: x(length), y: high - foot + 14 }, `${length}`)),
      ...shares.map((seed) => make("path", { class: "seed", d: `M${seed.map(([length, share]) => `${x(length)} ${y(share)}`).join("L")}` })),
      ...shares.flatMap((seed) => seed.map(([length, share]) => make("circle", { class: "dot", r: 2.5, cx: x(length), cy: y(share) })))));
}

function showTrained() {
  const task = byName.get(chosen.task);
  const own = task.trained.filter((run) => run.scheme === chosen.scheme && (!run.convention || run.convention === chosen.convention));
  at("trained").hidden = !task.trained.length;
  fill("curves", own.length
    ? make("p", { class: "muted" }, "Sequences that free running reproduces, by length: a line a seed, the training lengths shaded. " +
      "These models are larger than one head, and trained on longer sequences than the verdict is decided on.")
    : make("p", { class: "muted" }, "No models of this task were trained with this scheme and convention."),
  make("div", { class: "curves" }, ...own.map(curve)));
}

// ── Every task and scheme ───────────────────────────────────────────────────────────────────────────────────────────

/** The least training length from which all tests hold, or the verdict at the longest one; as far as they are decided. */
function overall(cell) {
  const least = from(cell);
  if (least !== undefined) {
    const all = cell.points.every((point) => point[0] !== least || point[2] !== null);
    return [`✓ from ${least}${all ? "" : " …"}`, "good", `generalizes from ${least}${all ? "" : ", as far as it is decided"}`];
  }
  const decided = cell.points.filter((point) => point[2] !== null && (point[2] || point[1] > point[0]));
  const longest = decided.filter((point) => point[0] === decided.at(-1)[0]);
  const found = longest.find((point) => point[2] === 2) ?? longest.find((point) => point[2] === 1);
  const [sign, kind, words] = mark(found);
  return [found?.[3] ? `${sign} ${found[3]}` : sign, kind, `${words}${found?.[3] ? ` (${found[3]})` : ""}`];
}

function showAll() {
  const schemes = Object.keys(DATA.schemes);
  at("all-says").textContent = `${chosen.heads[0].toUpperCase()}${chosen.heads.slice(1)} heads, with the window of each scheme: ✓ from the training length on from which ` +
    "every perfect head stays perfect; ✗ and ∅ at the longest one that is decided; … where laws are too large for this page.";
  const rows = DATA.tasks.map((task) => make("tr", {}, make("th", { scope: "row" }, task.name), ...schemes.map((scheme) => {
    const cell = cellsOf(task, scheme, chosen.convention).find((own) => own.heads === chosen.heads);
    if (!cell) return make("td");
    const [said, kind, words] = overall(cell);
    const here = task.name === chosen.task && scheme === chosen.scheme;
    return make("td", {}, make("button", {
      type: "button", class: kind, "aria-pressed": here, "aria-label": `${task.name}, ${scheme}: ${said}, ${words}`,
      onclick: () => { choose({ task: task.name, scheme, train: 0, test: 0, window: "", k: 0 }); at("verdict").focus(); },
    }, said));
  })));
  fill("all", make("table", { class: "overview" },
    make("thead", {}, make("tr", {}, make("th", {}, "task"), ...schemes.map((name) => make("th", { scope: "col" }, name)))),
    make("tbody", {}, ...rows)));
}

// ── All together ────────────────────────────────────────────────────────────────────────────────────────────────────

function show() {
  showChoices();
  showLengths();
  showVerdict();
  showFailure();
  showReads();
  showTrained();
  showAll();
}

at("heads").append(...KINDS.map((kind) => make("label", {}, make("input", {
  type: "radio", name: "kind", value: kind, onchange: () => choose({ heads: kind }),
}), ` ${kind}`)));
for (const id of ["task", "scheme", "convention", "window", "k"])
  at(id).addEventListener("change", (event) => choose({ [id]: event.target.value, ...(id === "window" ? {} : { window: "" }) }));
at("step").addEventListener("input", (event) => choose({ step: Number(event.target.value) }));
at("choices").addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("hashchange", () => { settle(fromAddress()); show(); });
at("provenance").textContent = `Written by lengthgen ${DATA.version}; exact verdicts by T1, T13 and T14 on every instance of short lengths.`;
settle(fromAddress());
show();
