// The selection, and the updates that follow from it.

const APPLIANCE_COLUMNS = [
  column("appliance"), column("state"), column("consecutive_failures", "count", "consecutive failures"),
  column("expected", "count"), column("missed", "count"), column("succeeded", "count"),
  column("failed", "count"), column("success_rate", "ratio", "success rate"),
  column("size_median_bytes", "bytes", "size median"), column("size_p95_bytes", "bytes", "size p95"),
  column("duration_median_seconds", "seconds", "duration median"),
  column("duration_p95_seconds", "seconds", "duration p95"),
];
const REASON_COLUMNS = [
  column("message_id", "text", "message id"), column("jobs", "count"), column("appliances", "count"),
  column("first_day", "day", "first day"), column("last_day", "day", "last day"), column("example"),
];
// The names of rows without a name.
const UNNAMED = { growth: "(whole fleet)", builds: "(unknown)", failures: "(no message)" };
const USUAL_GRAIN = { 30: "day", 90: "day", 365: "week", 0: "month" };

// The name of the appliance that is shown alone, or null.
let only = null;

const form = () => ({
  only,
  state: byId("state").value,
  filter: byId("filter").value,
  tag: byId("tag").value,
  period: Number(byId("period").value),
  grain: byId("grain").value,
});

// A report of the selected days, or of all days if there is no other.
function reportOf(data, name, days = null) {
  const found = data.reports.filter((one) => one.name === name);
  return found.find((one) => one.period === days) ?? found.find((one) => one.period === null);
}

function offerTags(data) {
  const known = new Map();
  for (const tags of data.tags.values()) {
    for (const [name, value] of Object.entries(tags)) known.set(`${name}=${value}`, [name, value]);
  }
  byId("tags").hidden = !known.size;
  for (const label of [...known.keys()].sort()) {
    byId("tag").append(element("option", { value: JSON.stringify(known.get(label)), text: plain(label) }));
  }
}

function reasons(data, selection) {
  const report = reportOf(data, "failures", selection.days);
  const named = (one) => ({ ...one, id: one.id ?? UNNAMED.failures });
  if (report && !selection.filtered) {
    return report.rows.map(([id, jobs, appliances, since, until, text]) => {
      const days = { since: since.slice(0, 10), until: until.slice(0, 10) };
      return named({ id, jobs, appliances, ...days, text });
    });
  }
  return byReason(data, selection).map((one) => named({ ...one, appliances: one.places.size }));
}

// Describe the days and appliances of each section.
function describe(data, selection) {
  const { places, others, filtered } = selection;
  const last = data.dates.at(-1);
  const days = `${data.dates[selection.from]} to ${last}`;
  const all = amount(data.number, "appliance");
  const chosen = `${grouped(places.length + others, 0)} of ${all} selected`;
  const single = data.whole ? "" : `; ${grouped(places.length, 0)} shown individually`;
  byId("chosen").textContent = `${filtered ? chosen : all}${single}. ${days}, by ${selection.grain}.`;
  byId("rest").textContent = data.whole
    ? "Worst first: appliances without a recent success, then those with most consecutive failures."
    : `Of ${all}, the ${grouped(data.appliances.length, 0)} that need most attention are shown individually, ` +
      `worst first. The other ${grouped(data.number - data.appliances.length, 0)} are included in the totals, ` +
      "and in the tables of problems, growth and collection history.";
  const alone = others
    ? `, without ${amount(others, "other")}; to include all, create a page of them (archive dashboard --appliance or --tag)`
    : "";
  const own = data.whole
    ? amount(places.length, "selected appliance")
    : `${amount(places.length, "selected appliance")} shown individually${alone}`;
  const scope = filtered ? own : `all ${all}`;
  const open = data.unfinished ? ` ${last} is not over yet.` : "";
  const grown = reportOf(data, "growth");
  const cut = filtered && grown.left ? " that is in the table below" : "";
  const lately = Math.max(selection.from, data.days - data.failureDays);
  const failures = data.whole || filtered || lately === selection.from
    ? `${days}, ${scope}.`
    : `${data.dates[lately]} to ${last}, ${scope}. For more days, run archive report failures.`;
  const several = data.ofSeveral ? ` Not counted: ${amount(data.ofSeveral, "import")} of several appliances.` : "";
  const texts = {
    trends: `${days}, ${scope}.${open}`,
    reasons: failures,
    growth:
      "From the successes of the last 365 days, for any selected period. The line is the total size of one " +
      `backup of each ${filtered ? "selected " : ""}appliance${cut}. 90 % of sizes are expected in the band.`,
    builds: filtered
      ? `${data.dates[0]} to ${last}, ${own}, for any selected period.`
      : data.whole ? `${days}, all ${all}.` : `All days of the archive, all ${all}, for any selected period.`,
    collection: `Imports, gaps and attempts of all days of this page, ${data.dates[0]} to ${last}, for any ` +
      `selected period. All other columns are as of now.${several}`,
  };
  for (const [name, text] of Object.entries(texts)) byId(`of-${name}`).textContent = text;
}

async function update(data) {
  const selection = chosen(data, form());
  describe(data, selection);
  const own = (table) => {
    if (table.columns[0].name !== "appliance" || !selection.filtered) return table;
    const left = table.leftOf.reduce((sum, [name, number]) => sum + (selection.shows(name) ? number : 0), 0);
    return { ...table, rows: table.rows.filter((row) => selection.shows(row[0])), left };
  };
  const problems = data.attention.map(own);
  for (const table of problems) showTable(byId(`t-${table.name}`), table, 8);
  showBoxes(data.fleetRows.filter((row) => selection.isNamed(row.appliance)), problems);
  const standing = data.fleetRows.filter((row) => selection.shows(row.appliance));
  showVerdict(standing);
  showFleet(data, standing, open);
  showOne(data, only);
  showFigures(data, selection);
  const names = { growth: "Growth by appliance", builds: "Builds", collection: "Collection history" };
  if (selection.filtered) names["builds-of-appliances"] = names.builds;
  byId("t-builds").hidden = selection.filtered;
  byId("t-builds-of-appliances").hidden = !selection.filtered;
  for (const [name, label] of Object.entries(names)) {
    const table = own(reportOf(data, name, selection.days));
    const rows = table.rows.map(([first, ...rest]) => [first ?? UNNAMED[name], ...rest]);
    showTable(byId(`t-${name}`), { ...table, rows, title: null, label });
  }
  const fleet = byAppliance(data, selection).map((row) => [
    row.name, row.state, row.consecutive_failures, row.expected, row.missed, ...periodCells(row).slice(1),
  ]);
  const empty = "No appliance selected.";
  const title = "Appliances in this period";
  showTable(byId("t-fleet"), { name: "appliances", title, columns: APPLIANCE_COLUMNS, rows: fleet, empty });
  const periods = byPeriod(data, selection);
  const trends = {
    name: "trends", label: "Trends", columns: PERIOD_COLUMNS, rows: periods.map(periodCells),
    empty: "No backup ran.",
  };
  const details = byId("d-trends");
  details.ontoggle = () => details.open && showTable(byId("t-trends"), trends);
  details.ontoggle();
  const found = reasons(data, selection);
  const cells = found.map((one) => [one.id, one.jobs, one.appliances, one.since, one.until, one.text]);
  showTable(byId("t-reasons"), {
    name: "failures", label: "Failures by reason", columns: REASON_COLUMNS, rows: cells,
    empty: "No backup has failed.",
  });
  byId("reasons").hidden = !found.length;
  await Promise.all([
    showCalendar(data, selection),
    drawTrends(data, periods),
    found.length ? drawReasons(data, found) : null,
    drawGrowth(data, reportOf(data, "growth"), selection),
  ]);
}

// Show one appliance, or all for null.
function open(name) {
  if (name === null) history.pushState(null, "", location.pathname + location.search);
  else location.hash = HASH + encodeURIComponent(name);
}

function follow(data) {
  only = nameInHash();
  if (!data.severity.has(only)) only = null;
  byId("filter").value = only ?? "";
  byId("tag").value = byId("state").value = "";
  return update(data);
}

async function openFromHash(data) {
  const before = only;
  await follow(data);
  if (only !== null) byId("one").scrollIntoView();
  else if (before !== null) byId("fleet").scrollIntoView();
}

function leave() {
  if (only === null) return;
  only = null;
  open(null);
}

// Paper has all rows of a table, or the first ones of a table that has too many.
const MOST_ON_PAPER = 1000;
const FIRST_ON_PAPER = 100;

function listenToPrinting() {
  const limits = new Map();
  addEventListener("beforeprint", () => {
    for (const host of document.querySelectorAll("[id^='t-']")) {
      if (!host.tableState || !host.showAgain) continue;
      limits.set(host, host.tableState.limit);
      host.tableState.limit = host.tableState.number > MOST_ON_PAPER ? FIRST_ON_PAPER : MOST_ON_PAPER;
      host.showAgain();
    }
  });
  addEventListener("afterprint", () => {
    for (const [host, limit] of limits) {
      host.tableState.limit = limit;
      host.showAgain();
    }
    limits.clear();
  });
}

function listen(data) {
  let waiting = 0;
  const later = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => update(data), 150);
  };
  byId("choose").onsubmit = (event) => event.preventDefault();
  byId("filter").oninput = () => {
    leave();
    later();
  };
  byId("tag").onchange = byId("state").onchange = () => {
    if (only !== null) byId("filter").value = "";
    leave();
    update(data);
  };
  byId("grain").onchange = () => update(data);
  byId("back").onclick = () => {
    byId("filter").value = "";
    leave();
    update(data);
    byId("fleet").scrollIntoView();
  };
  listenToBoxes((severity) => {
    byId("state").value = severity;
    byId("state").onchange();
  }, () => only !== null);
  addEventListener("hashchange", () => {
    if (nameInHash() !== only) openFromHash(data);
  });
  addEventListener("popstate", () => {
    if (nameInHash() !== only) openFromHash(data);
  });
  listenToPrinting();
  addEventListener("pointerdown", () => {
    tip.hidden = true;
  });
  byId("period").onchange = () => {
    byId("grain").value = USUAL_GRAIN[byId("period").value];
    update(data);
  };
  byId("theme").onchange = () => {
    const theme = byId("theme").value;
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  };
  byId("earlier").onclick = () => turn(data, 1, 0);
  byId("later").onclick = () => turn(data, -1, 0);
  byId("above").onclick = () => turn(data, 0, -1);
  byId("below").onclick = () => turn(data, 0, 1);
  const keys = /^(Arrow(Left|Right|Up|Down)|Home|End|Page(Up|Down))$/;
  byId("heat").onkeydown = (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || !keys.test(event.key)) return;
    event.preventDefault();
    moveFocus(data, event.key);
  };
  byId("d-heat").ontoggle = () => byId("d-heat").open && showCells();
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    showCalendar(data, calendar.selection);
  });
}

async function start() {
  const data = await unpacked();
  byId("waiting").hidden = true;
  byId("choose").hidden = false;
  for (const part of document.querySelectorAll(".made")) part.hidden = false;
  showLegend();
  offerTags(data);
  listen(data);
  await openFromHash(data);
  document.documentElement.dataset.ready = "yes";
}

start().catch((error) => {
  const reason = `Cannot show the charts: ${error.message}.`;
  byId("waiting").textContent = `${reason} The tables below do not need them.`;
  throw error;
});
