// The top of the page, for the selected appliances: the verdict, the boxes, and the table of appliances.
// Without a script, archive/dashboard/fleet_markup.py makes the same.

const SEVERITIES = ["critical", "warning", "no data", "ok", "retired"];
const SEVERITY_SIGNS = { critical: "✕", warning: "!", "no data": "?", ok: "✓", retired: "–" };
const SEVERITY_WORDS = {
  critical: ["is critical", "are critical"],
  warning: ["has a warning", "have a warning"],
  "no data": ["has no recent data", "have no recent data"],
  ok: ["is ok", "are ok"],
};
const STRIP_DAYS = 30;

const classOfSeverity = (severity) => severity.replace(" ", "-");
const signOf = (severity) => element("span", { "aria-hidden": "true", text: SEVERITY_SIGNS[severity] });
const badge = (severity) =>
  element("span", { class: `badge of-${classOfSeverity(severity)}` }, signOf(severity), ` ${severity}`);

// Like `reason` in archive/reports/appliances.py.
function reason({ state, severity, consecutive_failures: failures }) {
  if (state === "overdue" || state === "never") return state;
  if (severity !== "critical" && severity !== "warning") return "";
  if (!failures) return "smaller than expected";
  return failures > 1 ? amount(failures, "consecutive failure") : amount(failures, "failure");
}

const soft = (text) => element("div", { class: "soft", text });

function countBySeverity(rows) {
  const number = Object.fromEntries(SEVERITIES.map((one) => [one, 0]));
  for (const { severity } of rows) number[severity] += 1;
  return number;
}

// Like `verdict` in archive/reports/appliances.py.
function verdict(rows) {
  const number = countBySeverity(rows);
  const total = rows.length - number.retired;
  if (!total) return ["no data", "No appliance is expected to have a backup."];
  if (number.ok === total) {
    return ["ok", `${total > 1 ? `All ${grouped(total, 0)} appliances are` : "The appliance is"} ok.`];
  }
  const present = Object.keys(SEVERITY_WORDS).filter((one) => number[one]);
  if (total === 1) return [present[0], `The appliance ${SEVERITY_WORDS[present[0]][0]}.`];
  const parts = present.map((one, at) => {
    const of = at ? "" : ` of ${grouped(total, 0)} appliances`;
    return `${grouped(number[one], 0)}${of} ${SEVERITY_WORDS[one][Number(number[one] > 1)]}`;
  });
  return [present[0], `${parts.join(", ")}.`];
}

function showVerdict(rows) {
  const [severity, text] = verdict(rows);
  byId("verdict").className = `verdict of-${classOfSeverity(severity)}`;
  byId("verdict").replaceChildren(signOf(severity), ` ${text}`);
}

// Update the numbers of the boxes. `rows` are the appliances selected apart from their state.
function showBoxes(rows, tables) {
  const number = countBySeverity(rows);
  for (const table of tables) number[table.name] = table.rows.length + table.left;
  for (const box of document.querySelectorAll(".tile")) {
    const link = box.querySelector("a");
    const severity = SEVERITIES.find((one) => box.classList.contains(`is-${classOfSeverity(one)}`));
    const count = number[severity ?? link.hash.slice("#t-".length)];
    box.querySelector(".value").textContent = grouped(count, 0);
    box.classList.toggle("any", count > 0);
  }
}

// A box selects its severity. The boxes of a single appliance do not lead away from it, as another address would.
function listenToBoxes(select, isSingle) {
  for (const box of document.querySelectorAll(".tile")) {
    const severity = SEVERITIES.find((one) => box.classList.contains(`is-${classOfSeverity(one)}`));
    box.querySelector("a").addEventListener("click", (event) => {
      if (isSingle()) {
        event.preventDefault();
        byId(event.currentTarget.hash.slice(1)).scrollIntoView();
      } else if (severity) select(severity);
    });
  }
}

// The outcomes of the last days as small bars: failures are higher, and stronger in colour.
function strip(data, stateOf) {
  const number = {};
  const bars = [];
  for (let day = Math.max(data.days - STRIP_DAYS, 0); day < data.days; day += 1) {
    const state = stateOf(day);
    number[state] = (number[state] ?? 0) + 1;
    bars.push(element("span", { class: `of-${state}`, title: `${data.dates[day]}: ${MEANINGS[state]}` }));
  }
  const told = Object.entries(number).map(([state, count]) => `${count} ${MEANINGS[state]}`);
  const label = `last ${bars.length} days: ${told.join(", ")}`;
  const made = element("div", { class: "strip", role: "img" }, ...bars);
  made.setAttribute("aria-label", label);
  return made;
}

// The state of a day of an appliance whose single backups are not in this file.
function recentState(data, name, day) {
  const { days, outcomes, places } = data.recent;
  const state = EXPECTED[outcomes[places.get(name) * days + day - data.days + days]];
  if (state) return state;
  if (day >= (data.silentFrom.get(name) ?? data.days)) return "nodata";
  return data.unfinished && day === data.days - 1 ? "pending" : "none";
}

function lastGood(row) {
  if (row.success_end_time === null) return ["none"];
  return [`${duration(row.age_seconds)} ago`, soft(localTime(row.success_end_time))];
}

function sizeAndChange(row) {
  const change = row.size_change_ratio;
  const text = change === null ? "" : `${change > 0 ? "+" : ""}${percent(change)}`;
  return [row.size_bytes === null ? "" : size(row.size_bytes), soft(text)];
}

function fleetColumns(data, open) {
  const own = (name, label, kind, make, title = () => null) => ({
    name, label, kind, cell: ({ own: row }) => make(row), title: ({ own: row }) => title(row),
  });
  const name = (row) =>
    element(
      "button",
      { type: "button", class: "name", onclick: () => open(row.appliance) },
      ...breakable({ name: "appliance" }, plain(row.appliance)),
    );
  const state = (row) => [badge(row.severity)].concat(reason(row) ? [soft(reason(row))] : []);
  const place = new Map(data.appliances.map((one, at) => [one.name, at]));
  const stateOf = (name) =>
    place.has(name)
      ? (day) => cell(data, place.get(name), { from: day, to: day + 1 }).state
      : (day) => recentState(data, name, day);
  const days = ({ appliance }) =>
    place.has(appliance) || data.recent.places.has(appliance) ? [strip(data, stateOf(appliance))] : [NONE];
  return [
    own("severity", "state", "state", state),
    own("appliance", "appliance", "name", (row) => [name(row)]),
    own("age_seconds", "last good backup", "age", lastGood, (row) => utc(row.success_end_time)),
    own("size_bytes", "size", "bytes", sizeAndChange),
    own("duration_seconds", "duration", "seconds", (row) => [readable("seconds", row.duration_seconds)]),
    own("next_due_time", "next due", "due", (row) => [row.next_due || readable("instant", row.next_due_time)],
      (row) => utc(row.next_due_time)),
    own("consecutive_failures", "consecutive failures", "count", (row) => [String(row.consecutive_failures || "")]),
    own("days", `last ${STRIP_DAYS} days`, "days", days),
  ];
}

function showFleet(data, rows, open) {
  const columns = fleetColumns(data, open);
  const cells = rows.map((row) =>
    Object.assign(
      columns.map(({ name }) => (name === "severity" ? SEVERITIES.indexOf(row.severity) : row[name])),
      { own: row },
    ),
  );
  const { columns: all } = data.fleet;
  showTable(byId("t-appliances"), {
    name: "appliances", label: "Appliances", columns, rows: cells, empty: "No appliance selected.",
    left: data.fleet.left, csv: { columns: all, rows: rows.map((row) => all.map(({ name }) => row[name])) },
  });
}
