// The calendar: a row for each appliance, a column for each period, as many as fit.

const SIGNS = { success: "", mixed: "/", failed: "×", missed: "–", nodata: "?", open: "…", pending: "·", none: "" };
const MEANINGS = {
  success: "succeeded",
  mixed: "some succeeded, some did not",
  failed: "failed",
  missed: "did not run",
  nodata: "no data",
  open: "running",
  pending: "not over yet",
  none: "none expected, none ran",
};
const COUNTED = { success: "succeeded", failed: "failed", missed: "did not run", nodata: "no data", open: "running" };
const WORST = ["failed", "missed", "nodata", "open"];
const ROWS = 25;
// The bounds of the width of a cell, in pixels.
const NARROWEST = 11;
const WIDEST = 18;
const labelWidth = () => (innerWidth < 640 ? 110 : 190);

// The state of a period of an appliance, and the details for its text.
function cell(data, place, period) {
  const jobs = { succeeded: 0, failed: 0, open: 0, other: 0 };
  const onDay = new Map();
  let message = null;
  let last = null;
  for (let job = firstJob(data, place, period.from); job < data.starts[place + 1]; job += 1) {
    const day = data.day[job];
    if (day >= period.to) break;
    const status = ["succeeded", "failed", "open", "other"][data.status[job]];
    jobs[status] += 1;
    if (status === "succeeded" || onDay.get(day) !== "succeeded") onDay.set(day, status);
    if (status === "succeeded") last = job;
    if (status === "failed" && data.message[job]) message = data.messages[data.message[job] - 1];
  }
  const number = { success: 0, failed: 0, missed: 0, nodata: 0, open: 0 };
  const silent = data.silentFrom.get(data.appliances[place].name) ?? data.days;
  for (let day = period.from; day < period.to; day += 1) {
    const expected = EXPECTED[data.expected[place * data.days + day]];
    const ran = { succeeded: "success", failed: "failed", open: "open" }[onDay.get(day)];
    const state = expected ?? ran ?? (day < silent ? null : "nodata");
    if (state) number[state] += 1;
  }
  const isToday = data.unfinished && period.to === data.days && period.to - period.from === 1;
  const bad = WORST.filter((state) => number[state]);
  const quiet = isToday ? "pending" : "none";
  const state = !bad.length ? (number.success ? "success" : quiet) : number.success ? "mixed" : bad[0];
  return { state, number, jobs, last, message, bad, days: period.to - period.from };
}

function sentence(data, name, label, found) {
  const lines = [`${plain(name)}, ${label}: ${MEANINGS[found.state]}`];
  if (found.days > 1 && found.state !== "none") {
    const parts = ["success", ...found.bad].map((state) => `${found.number[state]} ${COUNTED[state]}`);
    lines[0] += ` (days: ${parts.join(", ")})`;
  }
  const ran = Object.entries(found.jobs).filter(([, count]) => count);
  if (ran.length) lines.push(`backups: ${ran.map(([what, count]) => `${count} ${what}`).join(", ")}`);
  if (found.last !== null) {
    const of = (kind, bin) => (bin === UNKNOWN ? NONE : readable(kind, data.bins[1][bin - data.bins[0]]));
    const took = of("seconds", data.duration[found.last]);
    lines.push(`last success: ${of("bytes", data.size[found.last])} in ${took}`);
  }
  if (found.message) lines.push(plain(found.message[1] ?? found.message[0] ?? "(another message)"));
  return lines.join("\n");
}

// The view: columns from `first` on, with `back` columns after it; rows from `top` on; `at` has the focus.
const calendar = {
  selection: null, view: null, back: 0, top: 0, first: 0, at: null, cells: [], columns: [], rows: [],
};

function showLegend() {
  const items = Object.entries(MEANINGS).map(([state, meaning]) =>
    element("li", {}, element("span", { class: `of-${state}`, text: SIGNS[state] }), meaning),
  );
  byId("legend").replaceChildren(...items);
}

// The number of periods that fit, and the width of each.
function room(number) {
  const pixels = byId("heat").clientWidth - labelWidth() - 30;
  const step = Math.max(Math.min(Math.floor(pixels / number), WIDEST), NARROWEST);
  return { wide: Math.max(Math.min(Math.floor(pixels / step), number), Math.min(number, 6)), step };
}

async function showCalendar(data, selection) {
  if (calendar.selection !== selection) Object.assign(calendar, { back: 0, top: 0, at: null, selection });
  const { periods, places } = selection;
  const { wide, step } = room(periods.length);
  calendar.back = Math.max(Math.min(calendar.back, periods.length - wide), 0);
  const last = periods.length - calendar.back;
  calendar.first = last - wide;
  calendar.columns = periods.slice(last - wide, last);
  calendar.top = Math.max(Math.min(calendar.top, places.length - 1), 0);
  calendar.rows = places.slice(calendar.top, calendar.top + ROWS);
  calendar.cells = calendar.rows.flatMap((place) =>
    calendar.columns.map((period) => {
      const appliance = data.appliances[place].name;
      const found = cell(data, place, period);
      const tooltip = sentence(data, appliance, period.label, found);
      const what = { state: found.state, sign: SIGNS[found.state], tooltip, found };
      return { appliance: plain(appliance), column: period.label, ...what };
    }),
  );
  byId("earlier").disabled = calendar.back + wide >= periods.length;
  byId("later").disabled = calendar.back === 0;
  byId("above").disabled = calendar.top === 0;
  byId("below").disabled = calendar.top + ROWS >= places.length;
  const ends = `${calendar.columns[0].label} to ${calendar.columns.at(-1).label}`;
  const rows = `${calendar.top + 1} to ${calendar.top + calendar.rows.length}`;
  byId("window").textContent = places.length
    ? `appliances ${rows} of ${grouped(places.length, 0)}, ${ends}`
    : "no appliance selected";
  const label = `Outcomes by appliance, worst first, and ${selection.grain}: ${ends}`;
  byId("heat").setAttribute("aria-label", label);
  const shown = calendar.cells.map(({ found, ...row }) => row);
  calendar.view = await draw(data, "heat", shown, (spec) => {
    const { y } = spec.encoding;
    const encoding = { ...spec.encoding, y: { ...y, axis: { ...y.axis, labelLimit: labelWidth() } } };
    return { ...spec, encoding, width: { step } };
  });
  if (calendar.at && calendar.view) focusCell();
  if (byId("d-heat").open) showCells();
}

function showCells() {
  const columns = ["appliance", "period", "outcome", "backups", "message"].map((name) =>
    column(name, name === "backups" ? "count" : "text"),
  );
  const rows = calendar.cells.map(({ appliance, column: period, state, found }) => {
    const backups = Object.values(found.jobs).reduce((total, count) => total + count, 0);
    const message = found.message ? (found.message[1] ?? found.message[0]) : null;
    return [appliance, period, MEANINGS[state], backups, message];
  });
  const empty = "No appliance selected.";
  showTable(byId("t-heat"), { name: "calendar", label: "cells of the calendar", columns, rows, empty });
}

// Focus the cell at calendar.at, if it is in view.
function focusCell() {
  const [row, at] = [calendar.at[0] - calendar.top, calendar.at[1] - calendar.first];
  const found = calendar.cells[row * calendar.columns.length + at];
  if (!found) return;
  byId("heat-said").textContent = found.tooltip.replaceAll("\n", "; ");
  calendar.view.data("focus", [{ appliance: found.appliance, column: found.column }]).runAsync();
}

// Move the focus, and scroll beyond an edge. It starts at the latest period in the first row.
async function moveFocus(data, key) {
  const { periods, places } = calendar.selection;
  if (!places.length) return;
  const end = calendar.first + calendar.columns.length;
  let [row, at] = calendar.at ?? [calendar.top, end - 1];
  if (calendar.at && key === "ArrowLeft") at -= 1;
  if (calendar.at && key === "ArrowRight") at += 1;
  if (calendar.at && key === "ArrowUp") row -= 1;
  if (calendar.at && key === "ArrowDown") row += 1;
  if (key === "Home") at = 0;
  if (key === "End") at = periods.length - 1;
  if (key === "PageUp") row -= ROWS;
  if (key === "PageDown") row += ROWS;
  row = Math.max(Math.min(row, places.length - 1), 0);
  at = Math.max(Math.min(at, periods.length - 1), 0);
  calendar.at = [row, at];
  const top = row - (row % ROWS);
  let { back } = calendar;
  if (at < calendar.first) back = periods.length - 1 - at;
  if (at >= end) back = periods.length - at - calendar.columns.length;
  if (top === calendar.top && back === calendar.back) focusCell();
  else {
    Object.assign(calendar, { top, back });
    await showCalendar(data, calendar.selection);
  }
}

function turn(data, columns, rows) {
  calendar.back += columns * calendar.columns.length;
  calendar.top += rows * ROWS;
  calendar.at = null;
  return showCalendar(data, calendar.selection);
}
