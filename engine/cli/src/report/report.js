// The page's script. All text from pipelines and logs reaches the page as text, never as markup.
"use strict";

const report = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const ROW = 30;
  const MOST_DOTS = 600;
  const MOST_ROWS = 200;
  const MOST_SPANS = 1500;

  let index = null;
  let states = "";
  const parts = new Map();
  const waiting = new Map();
  const at = (id) => document.getElementById(id);

  // ---- Making elements

  function make(name, attributes, ...children) {
    const element = document.createElement(name);
    return fill(element, attributes, children);
  }

  function draw(name, attributes, ...children) {
    const element = document.createElementNS(SVG, name);
    return fill(element, attributes, children);
  }

  function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else element.setAttribute(name, value === true ? "" : value);
    }
    for (const child of children.flat(Infinity)) {
      if (child !== null && child !== undefined) element.append(child);
    }
    return element;
  }

  const mark = (kind) =>
    draw("svg", { class: `mark ${kind}`, width: 12, height: 12, "aria-hidden": "true" }, draw("use", { href: `#mark-${kind}` }));

  let places = null;

  // The place of a cell of that name, or -1: a run of the past may name cells that are no more.
  function placeOf(name) {
    places = places || new Map(index.names.map((name, place) => [name, place]));
    return places.get(name) ?? -1;
  }

  const kindOf = (cell) => index.classes[Number(states[cell])];
  const wordOf = (cell) => index.words[Number(states[cell])];

  function duration(seconds) {
    if (seconds === null || seconds === undefined) return "";
    if (seconds < 0.0995) return `${Math.round(seconds * 1000)} ms`;
    if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
    if (seconds < 120) return `${Math.round(seconds)} s`;
    if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
    return `${(seconds / 3600).toFixed(1)} h`;
  }

  const counted = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

  // ---- Data: scripts beside the page, each loaded once, when it is needed

  function receive(name, json) {
    const value = JSON.parse(json);
    if (name === "index") {
      index = value;
      states = index.states;
      if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
      else begin();
      return;
    }
    parts.set(name, value);
    (waiting.get(name) || []).forEach((ready) => ready(value));
    waiting.delete(name);
  }

  function part(name) {
    if (parts.has(name)) return Promise.resolve(parts.get(name));
    return new Promise((ready, fail) => {
      if (waiting.has(name)) {
        waiting.get(name).push(ready);
        return;
      }
      waiting.set(name, [ready]);
      document.head.append(make("script", { src: `data/${name}.js`, onerror: () => fail(new Error(`data/${name}.js is missing`)) }));
    });
  }

  // ---- Stages: the picture and what unfolds below it

  const stageOf = (cell) => {
    let [low, high] = [0, index.stages.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (index.stages[middle].first <= cell) low = middle;
      else high = middle - 1;
    }
    return low;
  };

  function cellsOf(stage) {
    const { first, count } = index.stages[stage];
    return Array.from({ length: count }, (_, number) => first + number);
  }

  let unfoldedNode = null;

  function unfold(node) {
    const before = document.querySelector('.node[aria-expanded="true"]');
    if (before) before.setAttribute("aria-expanded", "false");
    document.querySelectorAll(".edge.near").forEach((edge) => edge.classList.remove("near"));
    const box = at("unfolded");
    if (unfoldedNode === node) {
      unfoldedNode = null;
      box.replaceChildren();
      return;
    }
    unfoldedNode = node;
    const element = document.querySelector(`.node[data-node="${node}"]`);
    element.setAttribute("aria-expanded", "true");
    document.querySelectorAll(`.edge[data-from="${node}"], .edge[data-to="${node}"]`).forEach((edge) => edge.classList.add("near"));
    drawUnfolded();
    box.scrollIntoView({ block: "nearest" });
  }

  function drawUnfolded() {
    if (unfoldedNode === null) return;
    const stages = index.nodes[unfoldedNode];
    const shown = stages.slice(0, 40).map((stage) => {
      const { name, uses, axes, count } = index.stages[stage];
      const inList = make("button", { type: "button", onclick: () => showInList(stage) }, "Show in the list");
      const what = make("span", { class: "quiet" }, `${uses}, ${counted(count, "cell")} `);
      return make("div", {}, make("h3", {}, name), what, inList, count > 1 ? grid(stage, axes) : dots(cellsOf(stage)));
    });
    if (stages.length > shown.length) shown.push(make("p", { class: "more quiet" }, `${stages.length - shown.length} more stages are in the list below.`));
    at("unfolded").replaceChildren(...shown);
  }

  function dot(cell) {
    return make(
      "button",
      { type: "button", class: `dot ${kindOf(cell)}`, title: `${index.names[cell]}: ${wordOf(cell)}`, "aria-label": `${index.names[cell]}: ${wordOf(cell)}`, onclick: () => open(cell) },
      mark(kindOf(cell)),
    );
  }

  function dots(cells) {
    const shown = make("div", { class: "dots" }, cells.slice(0, MOST_DOTS).map(dot));
    shown.addEventListener("keydown", (event) => step(event, shown));
    const more = cells.length - MOST_DOTS;
    return more > 0 ? [shown, make("p", { class: "more quiet" }, `${more} more are in the list below.`)] : shown;
  }

  // Arrow keys go from dot to dot.
  function step(event, within) {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const all = [...within.querySelectorAll(".dot")];
    const here = all.indexOf(document.activeElement);
    if (!by || here < 0) return;
    event.preventDefault();
    (all[here + by] || all[here]).focus();
  }

  // Two axes make a table, the longer one across; others make a row of dots.
  function grid(stage, axes) {
    const cells = cellsOf(stage);
    const values = axes.map((_, axis) => [...new Set(cells.map((cell) => index.values[cell][axis]))]);
    if (axes.length !== 2 || cells.length > MOST_DOTS || cells.length * 2 < values[0].length * values[1].length || Math.max(values[0].length, values[1].length) > 40) return dots(cells);
    const [down, across] = values[0].length <= values[1].length ? [0, 1] : [1, 0];
    const found = new Map(cells.map((cell) => [JSON.stringify([index.values[cell][down], index.values[cell][across]]), cell]));
    const head = make("tr", {}, make("th", { scope: "col" }, `${axes[down]} ╲ ${axes[across]}`), values[across].map((value) => make("th", { scope: "col" }, value)));
    const rows = values[down].map((value) =>
      make("tr", {}, make("th", { scope: "row" }, value), values[across].map((other) => {
        const cell = found.get(JSON.stringify([value, other]));
        return make("td", {}, cell === undefined ? null : dot(cell));
      })),
    );
    const table = make("table", { class: "matrix" }, make("thead", {}, head), make("tbody", {}, rows));
    table.addEventListener("keydown", (event) => step(event, table));
    return make("div", { class: "wide" }, table);
  }

  function beginPicture() {
    for (const node of document.querySelectorAll(".node[role=button]")) {
      const number = Number(node.dataset.node);
      node.addEventListener("click", () => unfold(number));
      node.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        unfold(number);
      });
    }
  }

  // ---- The list of cells

  const list = { folded: new Set(), kinds: new Set(), text: "", rows: [], here: 0, height: 0 };

  function matching(stage) {
    const words = list.text.toLowerCase().split(/\s+/).filter(Boolean);
    return cellsOf(stage).filter((cell) => {
      if (list.kinds.size && !list.kinds.has(kindOf(cell))) return false;
      const name = index.names[cell].toLowerCase();
      return words.every((word) => name.includes(word));
    });
  }

  function gather() {
    const filtered = list.text !== "" || list.kinds.size > 0;
    list.rows = [];
    let found = 0;
    index.stages.forEach((stage, number) => {
      const cells = matching(number);
      found += cells.length;
      if (filtered && cells.length === 0) return;
      // A stage of one cell needs no unfolding: its row is the cell.
      if (stage.count === 1) {
        list.rows.push({ stage: number, cell: stage.first, lone: true });
        return;
      }
      list.rows.push({ stage: number, cells });
      if (!list.folded.has(number)) cells.forEach((cell) => list.rows.push({ stage: number, cell }));
    });
    list.here = Math.min(list.here, Math.max(list.rows.length - 1, 0));
    at("found").textContent = filtered ? `${counted(found, "cell")} found` : "";
    const rows = at("tree").firstElementChild;
    rows.style.height = `${list.rows.length * ROW}px`;
    at("tree").setAttribute("aria-rowcount", list.rows.length);
    paint();
  }

  function paint(all = false) {
    const tree = at("tree");
    const first = all ? 0 : Math.max(Math.floor(tree.scrollTop / ROW) - 10, 0);
    const last = all ? list.rows.length : Math.min(first + Math.ceil((tree.clientHeight || 600) / ROW) + 20, list.rows.length);
    const rows = [];
    for (let number = first; number < last; number++) rows.push(row(list.rows[number], number));
    tree.firstElementChild.replaceChildren(...rows);
    const here = at("row-here");
    if (here) tree.setAttribute("aria-activedescendant", "row-here");
    else tree.removeAttribute("aria-activedescendant");
  }

  function row(entry, number) {
    const here = number === list.here;
    const stage = index.stages[entry.stage];
    const lone = entry.cell !== undefined;
    const element = make("div", {
      role: "row",
      class: `row ${lone && !entry.lone ? "of-cell" : "of-stage"}${here ? " here" : ""}`,
      id: here ? "row-here" : null,
      "aria-level": lone && !entry.lone ? 2 : 1,
      "aria-rowindex": number + 1,
      "aria-expanded": lone ? null : String(!list.folded.has(entry.stage)),
      "aria-selected": String(here),
      onclick: () => {
        list.here = number;
        act();
      },
    });
    element.style.top = `${number * ROW}px`;
    const cell = (role, ...children) => make("span", { role: "gridcell", class: role }, ...children);
    if (lone) {
      const label = entry.lone ? [make("span", { class: "turn", "aria-hidden": "true" }), stage.name] : index.names[entry.cell].slice(stage.name.length);
      element.append(
        cell("label", label),
        cell(`state ${kindOf(entry.cell)}`, mark(kindOf(entry.cell)), ` ${wordOf(entry.cell)}`),
        cell("number", duration(index.seconds[entry.cell])),
        cell("kind", entry.lone ? stage.uses : ""),
      );
    } else {
      const seconds = entry.cells.reduce((sum, one) => sum + (index.seconds[one] || 0), 0);
      const turn = make("span", { class: "turn", "aria-hidden": "true" }, list.folded.has(entry.stage) ? "▸" : "▾");
      element.append(
        cell("label", turn, `${stage.name} `, make("span", { class: "quiet" }, `${stage.axes.join(", ")} ×${entry.cells.length}`)),
        cell("state", bar(entry.cells)),
        cell("number", seconds > 0 ? duration(seconds) : ""),
        cell("kind", stage.uses),
      );
    }
    return element;
  }

  function tally(cells) {
    const counts = index.classes.map(() => 0);
    for (const cell of cells) counts[Number(states[cell])] += 1;
    return counts.map((count, state) => [state, count]).filter(([, count]) => count > 0);
  }

  function bar(cells) {
    const counts = tally(cells);
    const spoken = counts.map(([state, count]) => `${count} ${index.words[state]}`).join(", ");
    let x = 0;
    const shares = counts.map(([state, count]) => {
      const width = (count / cells.length) * 100;
      x += width;
      return draw("rect", { class: `fill ${index.classes[state]}`, x: x - width, y: 0, width, height: 6 });
    });
    return draw("svg", { class: "bar", viewBox: "0 0 100 6", preserveAspectRatio: "none", role: "img", "aria-label": spoken }, shares);
  }

  function act() {
    const entry = list.rows[list.here];
    if (!entry) return;
    if (entry.cell !== undefined) {
      paint();
      open(entry.cell);
    } else turn(entry.stage);
  }

  function turn(stage, fold = !list.folded.has(stage)) {
    if (fold) list.folded.add(stage);
    else list.folded.delete(stage);
    gather();
  }

  function go(to) {
    list.here = Math.max(0, Math.min(to, list.rows.length - 1));
    const tree = at("tree");
    const top = list.here * ROW;
    if (top < tree.scrollTop) tree.scrollTop = top;
    if (top + ROW > tree.scrollTop + tree.clientHeight) tree.scrollTop = top + ROW - tree.clientHeight;
    paint();
  }

  function keys(event) {
    const entry = list.rows[list.here];
    const page = Math.max(Math.floor(at("tree").clientHeight / ROW) - 1, 1);
    const moves = { ArrowDown: list.here + 1, ArrowUp: list.here - 1, PageDown: list.here + page, PageUp: list.here - page, Home: 0, End: list.rows.length - 1 };
    if (event.key in moves) go(moves[event.key]);
    else if (event.key === "Enter" || event.key === " ") act();
    else if (event.key === "ArrowRight" && entry && entry.cell === undefined) turn(entry.stage, false);
    else if (event.key === "ArrowLeft" && entry && !entry.lone) {
      if (entry.cell !== undefined) go(list.rows.findIndex((other) => other.stage === entry.stage && other.cell === undefined));
      else turn(entry.stage, true);
    } else return;
    event.preventDefault();
  }

  function showInList(stage) {
    list.text = "";
    list.kinds.clear();
    at("filter").value = "";
    document.querySelectorAll("#filter-states input").forEach((input) => (input.checked = false));
    list.folded.delete(stage);
    gather();
    at("cells").scrollIntoView();
    at("tree").focus({ preventScroll: true });
    go(list.rows.findIndex((entry) => entry.stage === stage));
    at("tree").scrollTop = list.here * ROW;
  }

  function beginList() {
    const tree = at("tree");
    tree.append(make("div", { class: "rows", role: "presentation" }));
    // Few cells are shown at once; many are folded into their stages.
    if (index.names.length > 60) index.stages.forEach((_, number) => list.folded.add(number));
    const present = new Set([...states].map(Number));
    for (const [number, word] of index.words.entries()) {
      if (!present.has(number) && !(index.live && [0, 2, 6, 7].includes(number))) continue;
      const kind = index.classes[number];
      const input = make("input", { type: "checkbox", onchange: () => {
        if (input.checked) list.kinds.add(kind);
        else list.kinds.delete(kind);
        unfoldFew();
      } });
      at("filter-states").append(make("label", { class: kind }, input, " ", mark(kind), ` ${word}`));
    }
    at("filter").addEventListener("input", () => {
      list.text = at("filter").value.trim();
      unfoldFew();
    });
    at("unfold-all").addEventListener("click", () => {
      list.folded.clear();
      gather();
    });
    at("fold-all").addEventListener("click", () => {
      index.stages.forEach((_, number) => list.folded.add(number));
      gather();
    });
    tree.addEventListener("scroll", () => paint(), { passive: true });
    tree.addEventListener("keydown", keys);
    gather();
  }

  // What a filter finds is shown, not only in which stages it is.
  function unfoldFew() {
    if (list.text || list.kinds.size) list.folded.clear();
    list.here = 0;
    at("tree").scrollTop = 0;
    gather();
  }

  // ---- One cell

  let opener = null;

  function open(cell) {
    const address = `#cell/${encodeURIComponent(index.names[cell])}`;
    if (at("cell").hidden) opener = document.activeElement;
    if (location.hash === address) showCell(cell);
    else location.hash = address;
  }

  function close() {
    at("cell").hidden = true;
    if (location.hash.startsWith("#cell/")) history.replaceState(null, "", location.pathname + location.search);
    if (opener && opener.isConnected) opener.focus({ preventScroll: true });
    else at("tree").focus({ preventScroll: true });
  }

  function followAddress() {
    if (!location.hash.startsWith("#cell/")) return;
    let name = location.hash.slice("#cell/".length);
    try {
      name = decodeURIComponent(name);
    } catch {
      return;
    }
    const cell = placeOf(name);
    if (cell >= 0) showCell(cell);
  }

  const rows = (pairs) => make("dl", {}, pairs.map(([name, value]) => [make("dt", {}, name), make("dd", { class: "mono" }, value)]));

  function link(cell) {
    return make("a", { href: `#cell/${encodeURIComponent(index.names[cell])}` }, index.names[cell]);
  }

  async function showCell(cell) {
    const aside = at("cell");
    const stage = index.stages[stageOf(cell)];
    let detail;
    try {
      detail = (await part(`cells-${Math.floor(cell / index.chunk)}`))[cell % index.chunk];
    } catch (error) {
      detail = { why: [], error: String(error.message), reads: [], readers: [], stdout: "", stderr: "", notes: "" };
    }
    const titled = (title, content) => (content === null ? null : [make("h4", {}, title), content]);
    const text = (title, value, kind = "") => (value ? titled(title, make("pre", { class: kind, tabindex: 0 }, value)) : null);
    const some = (list, content) => (list && list.length ? content : null);
    const table = (head, body) => make("table", {}, make("thead", {}, make("tr", {}, head.map((title) => make("th", { scope: "col" }, title)))), make("tbody", {}, body));
    const reads = (detail.reads || []).map(([port, name, place, digest]) =>
      make("tr", {}, make("td", {}, port), make("td", {}, place === null ? name : link(place)), make("td", { class: "mono quiet" }, digest || "")),
    );
    const readers = (detail.readers || []).map((reader) => make("li", {}, link(reader)));
    if (detail.more_readers) readers.push(make("li", { class: "quiet" }, `and ${detail.more_readers} more`));
    const outputs = (detail.outputs || []).map((cells) => make("tr", {}, cells.map((value) => make("td", { class: "mono" }, value))));
    const body = [
      make("header", {}, make("h2", { id: "cell-title" }, index.names[cell]), make("button", { type: "button", onclick: close, "aria-label": "Close" }, "Close")),
      make("p", { class: `state-line ${kindOf(cell)}` }, mark(kindOf(cell)), make("strong", {}, wordOf(cell)), make("span", { class: "quiet" }, detail.uses && detail.uses !== stage.name ? `· ${detail.uses}` : "")),
      detail.about ? make("p", { class: "quiet" }, detail.about) : null,
      some(detail.why, titled("Why", make("ul", {}, (detail.why || []).map((reason) => make("li", {}, reason))))),
      text("Error", detail.error, "error"),
      some(detail.record, titled("Record", rows(detail.record || []))),
      some(detail.metrics, titled("Metrics", rows(detail.metrics || []))),
      some(detail.config, titled("Config", rows(detail.config || []))),
      some(reads, titled("Reads", table(["port", "from", "digest"], reads))),
      some(outputs, titled("Made", table(["output", "kind", "size", "digest"], outputs))),
      some(readers, titled("Read by", make("ul", {}, readers))),
      text("Notes", detail.notes),
      text("Standard output", detail.stdout),
      text("Standard error", detail.stderr),
      detail.record || detail.error ? null : make("p", { class: "quiet" }, "It has no record yet."),
    ];
    aside.replaceChildren(...body.flat(Infinity).filter((element) => element !== null));
    aside.hidden = false;
    aside.scrollTop = 0;
    aside.focus({ preventScroll: true });
  }

  // ---- Runs

  const outcomeKind = { executed: "current", reused: "current", failed: "failed", blocked: "blocked", cancelled: "waiting" };

  async function showRun(number) {
    const box = at("timeline");
    const run = await part(`run-${number}`);
    const spans = run.cells.filter(([, , began]) => began !== null).sort((one, other) => one[2] - other[2]);
    const title = make("h3", {}, `Run of ${index.runs[number].began}`);
    if (!spans.length) {
      box.replaceChildren(title, make("p", { class: "quiet" }, "Nothing executed in it."), ...warnings(run));
      return;
    }
    const listed = make("details", {}, make("summary", {}, `All ${counted(run.cells.length, "cell")} that did not come from the store`), cellTable(run));
    box.replaceChildren(title, make("p", { class: "quiet" }, `${counted(spans.length, "cell")} executed in ${duration(run.seconds)}; select one for its record.`), chart(spans, run), ...warnings(run), listed);
    box.scrollIntoView({ block: "nearest" });
  }

  const warnings = (run) => run.warnings.map((text) => make("p", {}, make("strong", {}, "Warning: "), text));

  function cellTable(run) {
    const body = run.cells.slice(0, MOST_ROWS).map(([name, outcome, , seconds, why, error]) => {
      const cell = placeOf(name);
      return make("tr", {}, make("td", { class: `mono ${outcomeKind[outcome]}` }, mark(outcomeKind[outcome]), " ", cell < 0 ? name : link(cell)), make("td", {}, outcome), make("td", { class: "number" }, duration(seconds)), make("td", { class: "quiet" }, (error || why || "").split("\n")[0]));
    });
    const more = run.cells.length - MOST_ROWS;
    const head = ["cell", "outcome", "took", "why"].map((title) => make("th", { scope: "col" }, title));
    return make("div", { class: "wide" }, make("table", {}, make("thead", {}, make("tr", {}, head)), make("tbody", {}, body)), more > 0 ? make("p", { class: "quiet" }, `${more} more are left out.`) : null);
  }

  // Cells as bars over the time of the run, packed into as few lanes as ran side by side.
  function chart(all, run) {
    const spans = all.slice(0, MOST_SPANS);
    const length = Math.max(run.seconds, ...spans.map(([, , began, seconds]) => began + seconds), 0.001);
    const lanes = [];
    const placed = spans.map((span) => {
      const [, , began, seconds] = span;
      let lane = lanes.findIndex((end) => end <= began + 1e-4);
      if (lane < 0) lane = lanes.push(0) - 1;
      lanes[lane] = began + seconds;
      return [span, lane];
    });
    const [width, height, top] = [1000, 18, 18];
    const x = (seconds) => (seconds / length) * (width - 2) + 1;
    const unit = [0.001, 0.002, 0.005].flatMap((base) => Array.from({ length: 10 }, (_, power) => base * 10 ** power)).sort((one, other) => one - other).find((step) => length / step <= 8) || length;
    const ticks = [];
    for (let at = 0; at <= length; at += unit) {
      ticks.push(draw("line", { class: "tick", x1: x(at), x2: x(at), y1: top - 4, y2: top + lanes.length * height }), draw("text", { x: x(at) + 3, y: 10 }, duration(at)));
    }
    const bars = placed.map(([[name, outcome, began, seconds], lane]) => {
      const cell = placeOf(name);
      const [left, wide] = [x(began), Math.max(x(began + seconds) - x(began), 1.5)];
      const spoken = `${name}, ${outcome}, ${duration(seconds)}`;
      const label = wide > 60 ? draw("text", { class: "label", x: left + 4, y: top + lane * height + 12 }, name.slice(0, Math.floor((wide - 8) / 6.1))) : null;
      const rect = draw("rect", {
        class: `span ${outcomeKind[outcome]}`, x: left, y: top + lane * height + 1, width: wide, height: height - 2, rx: 1.5,
        tabindex: 0, role: "button", "aria-label": spoken,
        onclick: () => cell >= 0 && open(cell),
        onkeydown: (event) => (event.key === "Enter" || event.key === " ") && cell >= 0 && (event.preventDefault(), open(cell)),
      }, draw("title", {}, spoken));
      return [rect, label];
    });
    return draw("svg", { class: "chart", viewBox: `0 0 ${width} ${top + lanes.length * height + 2}`, role: "group", "aria-label": "When cells executed" }, ticks, bars);
  }

  // ---- Two runs side by side

  async function compare() {
    const [one, other] = await Promise.all([part(`run-${at("one").value}`), part(`run-${at("other").value}`)]);
    const words = at("compare-filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    const differing = at("differing").checked;
    const table = (title, names, pairs) => {
      const shown = pairs.filter(({ key, was, now }) => (!differing || was !== now) && words.every((word) => key.join(" ").toLowerCase().includes(word)));
      const hidden = pairs.length - shown.length;
      const body = shown.slice(0, MOST_ROWS).map(({ key, was, now }) =>
        make("tr", { class: was === now ? "same" : "differs" }, key.map((part) => make("th", { scope: "row", class: "mono" }, part)), [was, now].map((value) => make("td", { class: "number mono" }, value === undefined ? "–" : value)), make("td", { class: "number quiet" }, change(was, now))),
      );
      const head = [...names, "one", "other", "change"].map((name, number) => make("th", { scope: "col", class: number >= names.length ? "number" : null }, name));
      const rest = [shown.length > MOST_ROWS ? `${shown.length - MOST_ROWS} more rows; filter to see them.` : "", differing && hidden ? `${hidden} not shown.` : ""].join(" ").trim();
      return [make("h3", {}, title), shown.length ? make("div", { class: "wide" }, make("table", {}, make("thead", {}, make("tr", {}, head)), make("tbody", {}, body))) : make("p", { class: "quiet" }, pairs.length ? "None differ." : "There are none."), rest ? make("p", { class: "quiet" }, rest) : null];
    };
    const counts = (run) => [["executed", run.counts.executed], ["reused", run.counts.reused], ["failed", run.counts.failed], ["took", duration(run.seconds)]].map(([name, value]) => [name, String(value)]);
    at("comparison").replaceChildren(
      ...[table("Run", ["what"], joined(counts(one), counts(other))), table("Params", ["param"], joined(one.params, other.params)), table("Metrics", ["cell", "metric"], joined(one.metrics, other.metrics))].flat(Infinity).filter((element) => element !== null),
    );
  }

  // Rows of two lists by all but their last part.
  function joined(one, other) {
    const pairs = new Map();
    for (const [list, side] of [[one, "was"], [other, "now"]]) {
      for (const row of list) {
        const key = row.slice(0, -1);
        const name = JSON.stringify(key);
        if (!pairs.has(name)) pairs.set(name, { key, was: undefined, now: undefined });
        pairs.get(name)[side] = row[row.length - 1];
      }
    }
    return [...pairs.values()];
  }

  function change(was, now) {
    const [before, after] = [Number(was), Number(now)];
    if (was === undefined || now === undefined || was === "" || now === "" || !Number.isFinite(before) || !Number.isFinite(after) || before === after) return "";
    const difference = after - before;
    return `${difference > 0 ? "+" : "−"}${Number(Math.abs(difference).toPrecision(4))}`;
  }

  // ---- Live: the same page while a run goes on

  let site = null;

  async function poll() {
    try {
      const answer = await fetch("state.json", { cache: "no-store" });
      if (!answer.ok) throw new Error(await answer.text());
      const state = await answer.json();
      if (site === null) site = state.site;
      else if (state.site !== site) {
        location.reload();
        return;
      }
      takeOver(state);
    } catch (error) {
      say(make("span", {}, `This page is not served any more, or it has trouble: ${error.message}`));
    }
    setTimeout(poll, 1000);
  }

  function say(...content) {
    const now = at("now");
    now.hidden = content.length === 0;
    now.replaceChildren(...content);
  }

  function takeOver(state) {
    const { run } = state;
    if (!run) say(...(state.trouble ? [state.trouble] : []));
    else {
      const done = run.executed + run.reused + run.failed;
      const progress = make("progress", { max: run.cells, value: done, "aria-label": "Cells that came to an end" });
      const words = `${done} of ${run.cells} cells: ${run.executed} executed, ${run.reused} reused${run.failed ? `, ${run.failed} not done` : ""}; ${duration(run.seconds)}`;
      const running = run.running.slice(0, 12).map(([cell, began, step]) =>
        make("li", {}, link(cell), ` ${duration(Math.max(run.seconds - began, 0))}`, step ? ` · ${step[0]} of ${step[1]} ${step[2]} ` : "", step ? make("progress", { max: step[1], value: step[0], "aria-label": index.names[cell] }) : null),
      );
      say(make("strong", {}, run.alive ? "Running" : "Not running here"), progress, words, run.alive ? "" : " · its process is not on this machine", running.length ? make("ul", {}, running) : "", state.trouble ? make("p", {}, state.trouble) : "");
    }
    if (state.states === states || state.states.length !== states.length) return;
    states = state.states;
    repaint();
  }

  function repaint() {
    index.nodes.forEach((stages, number) => {
      const node = document.querySelector(`.node[data-node="${number}"]`);
      if (!node || !stages.length) return;
      const cells = stages.flatMap(cellsOf);
      const counts = tally(cells);
      const box = node.querySelector(".box");
      const [left, top, width] = ["x", "y", "width"].map((name) => Number(box.getAttribute(name)));
      let x = left + 4;
      node.querySelector(".bar").replaceChildren(...counts.map(([state, count]) => {
        const share = ((width - 8) * count) / cells.length;
        x += share;
        return draw("rect", { class: `fill ${index.classes[state]}`, x: x - share, y: top + Number(box.getAttribute("height")) - 6, width: share, height: 3 });
      }));
      const worst = index.classes[counts[counts.length - 1][0]];
      node.querySelector(".corner").replaceChildren(draw("use", { class: `mark ${worst}`, href: `#mark-${worst}`, x: left + width - 6, y: top - 6, width: 12, height: 12 }));
      const { name } = index.stages[stages[0]];
      node.setAttribute("aria-label", `${stages.length > 1 ? counted(stages.length, "stage") : name}: ${counts.map(([state, count]) => `${count} ${index.words[state]}`).join(", ")}`);
    });
    at("legend").replaceChildren(...tally(index.names.keys()).map(([state, count]) => make("li", { class: index.classes[state] }, mark(index.classes[state]), " ", make("span", { class: "count" }, String(count)), ` ${index.words[state]}`)));
    drawUnfolded();
    gather();
  }

  // ---- Printing shows what is folded on a screen

  function beginPrinting() {
    let opened = [];
    addEventListener("beforeprint", () => {
      opened = [...document.querySelectorAll("details.passport:not([open])")];
      opened.forEach((details) => (details.open = true));
      if (list.rows.length <= 2000) paint(true);
    });
    addEventListener("afterprint", () => {
      opened.forEach((details) => (details.open = false));
      paint();
    });
  }

  function begin() {
    document.documentElement.classList.add("scripted");
    beginPicture();
    beginList();
    beginPrinting();
    document.querySelectorAll(".show-run").forEach((button) => button.addEventListener("click", () => showRun(Number(button.dataset.run))));
    if (at("one")) {
      for (const id of ["one", "other", "compare-filter", "differing"]) at(id).addEventListener("input", compare);
      compare();
    }
    addEventListener("hashchange", followAddress);
    addEventListener("keydown", (event) => event.key === "Escape" && !at("cell").hidden && close());
    followAddress();
    if (index.live) poll();
  }

  return { receive };
})();
