// The figures of the selected appliances and days, compared with as many days before.

const FIGURES = [
  ["backups: finished", "count", (one) => one.succeeded + one.failed],
  ["backups: failed", "count", (one) => one.failed],
  ["backups: in progress", "count", (one) => one.open],
  ["backups: success rate", "ratio", (one) => one.rate],
  ["data: transferred", "bytes", (one) => (one.sized ? one.bytes : null)],
  ["data: median", "bytes", (one) => one.size50],
  ["data: p95", "bytes", (one) => one.size95],
  ["time: median", "seconds", (one) => one.duration50],
  ["time: p95", "seconds", (one) => one.duration95],
  ["expected: backups", "count", (one) => one.expected],
  ["expected: missed", "count", (one) => one.missed],
  ["expected: schedule compliance", "ratio", (one) => (one.expected ? 1 - one.missed / one.expected : null)],
];
const FIGURE_COLUMNS = [
  column("figure"), ...["value", "before", "change"].map((name) => column(name, "figure")),
];

function expectedWithin(data, places, from, to) {
  let [expected, met] = [0, 0];
  for (const place of places) {
    for (let day = from; day < to; day += 1) {
      const outcome = data.expected[place * data.days + day];
      if (outcome) expected += 1;
      if (outcome === 1) met += 1;
    }
  }
  return { expected, missed: expected - met };
}

// The figures of the period, and of the one before if the page covers it.
function periodFigures(data, selection) {
  const { from, to, places } = selection;
  const before = from - (to - from);
  const known = before >= 0;
  const both = { ...selection, from: Math.max(before, 0) };
  const [now, then] = counted(data, both, 2, (_, day) => Number(day < from));
  Object.assign(now, expectedWithin(data, places, from, to));
  if (!known) return [now, null];
  return [now, Object.assign(then, expectedWithin(data, places, before, from))];
}

// Replace the figures of the whole fleet, unless the file has only its sums.
function showFigures(data, selection) {
  if (!data.whole && !selection.filtered) {
    byId("t-figures").hidden = true;
    byId("d-figures").hidden = false;
    byId("of-figures").textContent = `All ${amount(data.number, "appliance")}, for any selected period: ${byId("of-figures").dataset.notes}`;
    return;
  }
  const [now, then] = periodFigures(data, selection);
  const rows = FIGURES.map(([name, kind, of]) => {
    const [value, earlier] = [of(now), then === null ? null : of(then)];
    const change = value === null || earlier === null ? null : value - earlier;
    const told = (number) => (number === null ? NONE : readable(kind, number));
    const changed = kind === "ratio" && change !== null ? points(change) : told(change);
    return [name, told(value), told(earlier), change > 0 ? `+${changed}` : changed];
  });
  const days = `${data.dates[selection.from]} to ${data.dates.at(-1)}`;
  const compared = then === null ? "The page has no days before them to compare with." : "Before: as many days before these.";
  byId("of-figures").textContent = `${days}, ${amount(selection.places.length, "appliance")}. ${compared} Sizes and durations are within 1 %.`;
  byId("t-figures").hidden = false;
  byId("d-figures").hidden = true;
  showTable(byId("t-figures"), { name: "figures", label: "Figures", columns: FIGURE_COLUMNS, rows, empty: "" });
}
