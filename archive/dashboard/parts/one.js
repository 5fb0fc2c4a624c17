// One appliance: how it stands, its days, its last backups with their messages, and its builds.

const ONE_WEEKS = 53;
const LEAST_WEEKS = 8;
const ONE_JOBS = 15;
const HASH = "#appliance=";
const BACKUP_COLUMNS = [
  column("day", "day"), column("outcome"), column("size_bytes", "bytes", "size"),
  column("duration_seconds", "seconds", "duration"), column("message"),
];

// A name as a word of a shell's command.
const shellWord = (name) => (/^[\w.-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`);

// The name of the appliance in the address, or null; an address that was cut off has none.
function nameInHash() {
  if (!location.hash.startsWith(HASH)) return null;
  try {
    return decodeURIComponent(location.hash.slice(HASH.length));
  } catch {
    return null;
  }
}

function facts(row) {
  const change = row.size_change_ratio;
  const since = change === null ? "" : ` (${change > 0 ? "+" : ""}${percent(change)} since the one before)`;
  const sized = row.size_bytes === null ? "" : `, ${size(row.size_bytes)}${since}`;
  const took = row.duration_seconds === null ? "" : `, in ${duration(row.duration_seconds)}`;
  const good =
    row.success_end_time === null
      ? "none"
      : `${duration(row.age_seconds)} ago: ${localTime(row.success_end_time)}${sized}${took}`;
  return [
    ["last good backup", good, utc(row.success_end_time)],
    ["consecutive failures", String(row.consecutive_failures), null],
    ["next due", row.next_due_time === null ? row.next_due || "nothing is expected" : localTime(row.next_due_time), utc(row.next_due_time)],
    ["last import", row.last_seen === null ? "none" : localTime(row.last_seen), utc(row.last_seen)],
  ];
}

// Whether the last backup was in progress at the last import.
function isRunning(data, place) {
  const last = data.starts[place + 1] - 1;
  return last >= data.starts[place] && data.status[last] === OPEN;
}

// A column for each week, Monday first, and a cell for each day.
function weeks(data, place) {
  const first = new Date(`${data.dates[0]}T00:00:00Z`);
  const weekday = (day) => (first.getUTCDay() + 6 + day) % 7;
  const known = (day) => cell(data, place, { from: day, to: day + 1 }).state !== "none";
  let from = Math.max(data.days - 7 * ONE_WEEKS, 0);
  while (from < data.days - 7 * LEAST_WEEKS && !known(from)) from += 1;
  const name = data.appliances[place].name;
  const cells = [];
  for (let blank = 0; blank < weekday(from); blank += 1) cells.push(element("span"));
  const number = {};
  for (let day = from; day < data.days; day += 1) {
    const found = cell(data, place, { from: day, to: day + 1 });
    number[found.state] = (number[found.state] ?? 0) + 1;
    const title = sentence(data, name, data.dates[day], found);
    // A screen without a pointer has no titles.
    const onclick = (event) => showTip(null, event, null, title);
    cells.push(element("span", { class: `of-${found.state}`, text: SIGNS[found.state], title, onclick }));
  }
  const told = Object.entries(number).map(([state, count]) => `${count} ${MEANINGS[state]}`);
  const made = element("div", { class: "weeks", role: "img" }, ...cells);
  made.setAttribute("aria-label", `${data.dates[from]} to ${data.dates.at(-1)}: ${told.join(", ")}`);
  const span = soft(`${data.dates[from]} to ${data.dates.at(-1)}, a column for each week, Monday first. Point at a day, or touch it, for details.`);
  return [element("h3", { text: "Day by day" }), span, element("div", { class: "scroll", tabIndex: 0, role: "group", "aria-label": "Days of the appliance" }, made)];
}

function lastBackups(data, place) {
  const rows = [];
  const number = (bin) => (bin === UNKNOWN ? null : data.bins[1][bin - data.bins[0]]);
  for (let job = data.starts[place + 1] - 1; job >= data.starts[place] && rows.length < ONE_JOBS; job -= 1) {
    const message = data.message[job] ? data.messages[data.message[job] - 1] : null;
    rows.push([
      data.dates[data.day[job]], ["succeeded", "failed", "in progress", "unknown status"][data.status[job]],
      number(data.size[job]), number(data.duration[job]), message ? (message[1] ?? message[0]) : null,
    ]);
  }
  return rows;
}

// Show the appliance of a name, or nothing for null.
function showOne(data, name) {
  const host = byId("one");
  const row = name === null ? null : data.fleetRows.find((one) => one.appliance === name);
  host.hidden = !row;
  if (!row) return;
  byId("h-one").textContent = plain(name);
  const place = data.appliances.findIndex((one) => one.name === name);
  const running = place >= 0 && isRunning(data, place) ? "a backup is in progress" : "";
  const state = [reason(row), running].filter(Boolean).join(", ");
  const list = facts(row).flatMap(([label, text, title]) => [
    element("dt", { text: label }), element("dd", title ? { text, title } : { text }),
  ]);
  byId("one-facts").replaceChildren(
    element("p", {}, badge(row.severity), ` ${state}`), element("dl", { class: "facts" }, ...list),
  );
  if (place < 0) {
    byId("t-one-jobs").replaceChildren();
    byId("t-one-builds").replaceChildren();
    if (row.last_seen === null) {
      byId("one-days").replaceChildren(element("p", { text: "It has never answered, so nothing is known of its backups." }));
      return;
    }
    const those = `the ${grouped(data.appliances.length, 0)} appliances that need most attention`;
    const text = `Its single backups are not in this file, which has those of ${those}.`;
    const command = `archive dashboard --appliance ${shellWord(name)} -o appliance.html`;
    const recent = data.recent.places.has(name) ? [strip(data, (day) => recentState(data, name, day))] : [];
    byId("one-days").replaceChildren(
      element("h3", { text: `Last ${STRIP_DAYS} days` }), ...recent,
      element("p", {}, `${text} To see them, run `, element("code", { text: command })),
    );
    return;
  }
  byId("one-days").replaceChildren(...weeks(data, place));
  byId("one-days").querySelector(".scroll").scrollLeft = 1e6; // the latest week
  showTable(byId("t-one-jobs"), {
    name: "backups", title: `Last backups`, columns: BACKUP_COLUMNS, rows: lastBackups(data, place),
    empty: "No backup ran.",
  });
  const builds = data.reports.find((one) => one.name === "builds-of-appliances");
  const own = builds.rows.filter((one) => one[0] === name).map((one) => one.slice(1));
  showTable(byId("t-one-builds"), { ...builds, title: "Builds", columns: builds.columns.slice(1), rows: own });
}
