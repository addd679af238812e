"use strict";
// Whatever units and agents wrote is put in as text, never as markup: nothing here parses HTML.
const data = JSON.parse(document.getElementById("data").textContent);
const { columns, rows, transcripts } = data;
const SHOWN = 40, ROW = 34, SPARE = 12, LONGEST = 300;
const at = (name) => columns.findIndex((column) => column.name === name);
const KEY = at("key"), STATUS = at("status"), GONE = at("gone");
const used = arrangedColumns(), shown = used.slice(0, SHOWN);
const byId = (id) => document.getElementById(id);
const view = byId("view"), body = byId("rows"), search = byId("search"), only = byId("only"), found = byId("found");
const compare = new Intl.Collator(undefined, { numeric: true }).compare;
let order = rows.map((_, n) => n), sorted = { column: -1, down: false }, here = -1, haystacks = null;

function arrangedColumns() {
  // Answers first; columns in which nothing stands are left out.
  const begins = (prefix) => columns.map((_, n) => n).filter((n) => columns[n].name.startsWith(prefix));
  const answers = begins("out_"), payload = begins("in_"), last = [at("cost_usd"), at("attempts"), GONE];
  const lead = [KEY, STATUS, ...answers, at("text"), at("error"), at("verdict"), at("corrected_from"), ...payload];
  const known = [...lead, ...last].filter((n) => n >= 0);
  const all = [...known, ...columns.map((_, n) => n).filter((n) => !known.includes(n))];
  return all.filter((n) => n === KEY || rows.some((row) => row[n] !== null && (n !== GONE || row[n])));
}

function make(tag, text, name) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (name) element.className = name;
  return element;
}

function words(value) {
  return value === null ? "" : String(value);
}

function isNumber(n) {
  return columns[n].kind === "integer" || columns[n].kind === "real";
}

function head() {
  const line = make("tr");
  for (const n of shown) {
    const cell = make("th"), button = make("button", columns[n].name);
    cell.scope = "col";
    button.type = "button";
    button.title = columns[n].name;
    button.addEventListener("click", () => sort(n));
    cell.append(button);
    line.append(cell);
  }
  byId("head").append(line);
}

function sort(n) {
  sorted = { column: n, down: sorted.column === n && !sorted.down };
  [...byId("head").querySelectorAll("th")].forEach((cell, i) => {
    const way = sorted.down ? "descending" : "ascending";
    if (shown[i] === n) cell.setAttribute("aria-sort", way);
    else cell.removeAttribute("aria-sort");
    cell.firstChild.textContent = columns[shown[i]].name + (shown[i] === n ? (sorted.down ? " ▼" : " ▲") : "");
  });
  choose();
}

function arranged(chosen) {
  const { column, down } = sorted;
  if (column < 0) return chosen;
  const way = down ? -1 : 1, number = isNumber(column);
  return chosen.sort((a, b) => {
    const one = rows[a][column], other = rows[b][column];
    if (one === null || other === null) return (one === null) - (other === null) || a - b;
    return way * (number ? Number(one) - Number(other) : compare(words(one), words(other))) || a - b;
  });
}

function choose() {
  const terms = search.value.toLowerCase().split(/\s+/).filter(Boolean), status = only.value;
  if (terms.length && !haystacks) haystacks = rows.map((row) => row.map(words).join("\n").toLowerCase());
  const chosen = [];
  for (let n = 0; n < rows.length; n++) {
    if (status && rows[n][STATUS] !== status) continue;
    if (terms.every((term) => haystacks[n].includes(term))) chosen.push(n);
  }
  order = arranged(chosen);
  here = -1;
  view.removeAttribute("aria-activedescendant");
  view.scrollTop = 0;
  found.textContent = `${order.length.toLocaleString()} of ${rows.length.toLocaleString()} results`;
  draw();
  draw(); // now that it is as high as it will be
}

function space(height) {
  const line = make("tr", undefined, "space"), cell = make("td");
  line.setAttribute("aria-hidden", "true");
  cell.colSpan = shown.length;
  cell.style.height = `${height}px`;
  line.append(cell);
  return line;
}

function line(place) {
  const row = rows[order[place]], element = make("tr");
  element.id = `row-${place}`;
  element.setAttribute("aria-rowindex", String(place + 2));
  if (place === here) element.className = "here";
  for (const n of shown) {
    const text = words(row[n]);
    const cell = make("td", text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text, isNumber(n) ? "number" : "");
    if (n === STATUS) cell.classList.add("status", text);
    element.append(cell);
  }
  element.addEventListener("click", () => { go(place); show(); });
  return element;
}

function draw() {
  // Only what is seen is there, with as much empty space above and below as the rest would take.
  const first = Math.max(0, Math.floor(view.scrollTop / ROW) - SPARE);
  const last = Math.min(order.length, first + Math.ceil(view.clientHeight / ROW) + 2 * SPARE);
  const lines = [];
  for (let place = first; place < last; place++) lines.push(line(place));
  if (!order.length) {
    const empty = make("tr"), cell = make("td", rows.length ? "No result matches." : "There are no results yet.", "nothing");
    cell.colSpan = shown.length;
    empty.append(cell);
    lines.push(empty);
  }
  body.replaceChildren(space(first * ROW), ...lines, space((order.length - last) * ROW));
  for (const cell of byId("head").querySelectorAll("th")) cell.style.minWidth = `${cell.offsetWidth}px`;
}

function go(place) {
  if (!order.length) return;
  here = Math.max(0, Math.min(order.length - 1, place));
  const top = here * ROW, room = view.clientHeight - 2 * ROW;
  if (top < view.scrollTop) view.scrollTop = top;
  else if (top > view.scrollTop + room) view.scrollTop = top - room;
  draw();
  view.setAttribute("aria-activedescendant", `row-${here}`);
}

function show() {
  const row = rows[order[here]], list = byId("fields");
  byId("which").textContent = words(row[KEY]);
  list.replaceChildren();
  columns.forEach((column, n) => {
    if (row[n] !== null) list.append(make("dt", column.name), make("dd", words(row[n])));
  });
  byId("one").showModal();
}

const KEYS = {
  ArrowDown: () => go(here + 1),
  ArrowUp: () => go(here - 1),
  PageDown: () => go(here + Math.floor(view.clientHeight / ROW) - 2),
  PageUp: () => go(here - Math.floor(view.clientHeight / ROW) + 2),
  Home: () => go(0),
  End: () => go(order.length - 1),
  Enter: () => { if (here >= 0) show(); },
};

function told(transcript) {
  const part = make("details"), title = make("summary", transcript.key);
  title.append(" ", make("span", transcript.status, `status ${transcript.status}`), ` ${transcript.error || ""}`);
  part.append(title);
  part.addEventListener("toggle", () => {
    if (!part.open || part.children.length > 1) return;
    const list = make("ol");
    for (const one of transcript.said) {
      const item = make("li");
      item.append(make("span", `${one.at} · attempt ${one.attempt ?? "none"} · ${one.kind}`), make("pre", one.text));
      list.append(item);
    }
    part.append(list);
  });
  return part;
}

function begin() {
  head();
  for (const status of [...new Set(rows.map((row) => row[STATUS]))].sort()) only.append(new Option(status, status));
  for (const [status, n] of Object.entries(data.counts)) {
    const part = make("span", undefined, status);
    part.style.flexGrow = String(n);
    part.title = `${n.toLocaleString()} ${status}`;
    if (n) byId("bar").append(part);
  }
  if (used.length > SHOWN) {
    byId("more").textContent = `${used.length - SHOWN} more columns: open a result to see all of it.`;
  }
  byId("troubles").hidden = !transcripts.length;
  byId("told").append(...transcripts.map(told));
  let waiting = 0;
  search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(choose, 120); });
  only.addEventListener("change", choose);
  view.addEventListener("scroll", () => requestAnimationFrame(draw));
  view.addEventListener("keydown", (event) => {
    if (event.target !== view || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  addEventListener("resize", draw);
  byId("close").addEventListener("click", () => byId("one").close());
  byId("one").addEventListener("close", () => view.focus());
  view.setAttribute("aria-rowcount", String(rows.length + 1));
  choose();
}

begin();
