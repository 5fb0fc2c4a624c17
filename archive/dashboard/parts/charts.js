// The charts: the selected data, put into the specifications in the file.

const tip = byId("tip");

function showTip(_, event, __, text) {
  if (!text) {
    tip.hidden = true;
    return;
  }
  tip.textContent = text;
  tip.hidden = false;
  const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
  const below = event.clientY + 16;
  const top = below + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 12 : below;
  tip.style.left = `${Math.max(left, 4)}px`;
  tip.style.top = `${Math.max(top, 4)}px`;
}

const drawn = new Map();

// Redraw a chart, if any of its rows has a value. With `ast`, expressions are interpreted, so that the
// content security policy need not allow eval.
async function draw(data, name, rows, change = (spec) => spec) {
  const before = drawn.get(name);
  if (!rows.some(({ value }) => value !== null)) {
    before?.finalize();
    drawn.delete(name);
    byId(name).replaceChildren(element("p", { class: "soft", text: "No data." }));
    return null;
  }
  const spec = change({ ...data.charts[name], datasets: { rows, focus: [] } });
  const made = await vegaEmbed(byId(name), spec, {
    actions: false, ast: true, defaultStyle: false, hover: false, mode: "vega-lite", renderer: "svg",
    tooltip: showTip,
  });
  if (drawn.get(name) === before) drawn.set(name, made);
  else made.finalize();
  before?.finalize();
  return made.view;
}

// Round numbers between two values in bytes or seconds: at least two above 0.
const UNITS = { bytes: BINARY.map((_, power) => 1024 ** power), seconds: [1, 60, 3600] };

function ticks(kind, low, high) {
  const unit = UNITS[kind].findLast((one) => one <= high) ?? 1;
  const rough = (high - low) / unit / 5 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((one) => one >= rough) * unit;
  const number = Math.floor(high / step) - Math.ceil(low / step) + 1;
  return Array.from({ length: number }, (_, at) => (Math.ceil(low / step) + at) * step);
}

// The labels of an axis that counts jobs: of a few, Vega would also label halves.
function whole(spec, channel, most) {
  if (most >= 5) return spec;
  const encoded = spec.encoding[channel];
  const axis = { ...encoded.axis, format: "d", values: Array.from({ length: most + 1 }, (_, at) => at) };
  return { ...spec, encoding: { ...spec.encoding, [channel]: { ...encoded, axis } } };
}

// Bars of many periods are thin: an edge of a whole pixel would cover the colour of few failed jobs.
const MANY_BARS = 45;
const thinner = (spec, bars) =>
  bars > MANY_BARS ? { ...spec, mark: { ...spec.mark, strokeWidth: 0.4 } } : spec;

const PERIOD_COLUMNS = [
  column("period"), column("succeeded", "count"), column("failed", "count"),
  column("success_rate", "ratio", "success rate"), column("size_median_bytes", "bytes", "size median"),
  column("size_p95_bytes", "bytes", "size p95"),
  column("duration_median_seconds", "seconds", "duration median"),
  column("duration_p95_seconds", "seconds", "duration p95"),
];

const periodCells = (row) => [
  row.period, row.succeeded, row.failed, row.rate, row.size50, row.size95, row.duration50, row.duration95,
];

// The axis of rates starts at the greatest of these that no rate is below, so that 97 and 99 % differ.
const RATE_STARTS = [0.95, 0.9, 0.8, 0.5, 0];

function zoomed(spec, rates) {
  const least = rates.reduce((low, { value }) => Math.min(low, value ?? 1), 1);
  const { y } = spec.encoding;
  const domain = [RATE_STARTS.find((one) => one <= least), 1];
  return { ...spec, encoding: { ...spec.encoding, y: { ...y, scale: { ...y.scale, domain } } } };
}

function drawTrends(data, periods) {
  // The last period is drawn as one that is not over.
  const rows = periods.map((row, at) =>
    data.unfinished && at === periods.length - 1 ? { ...row, period: `${row.period} …` } : row,
  );
  const outcomes = rows.flatMap(({ period, succeeded, failed }) => {
    const tooltip = `${period}\n${grouped(succeeded, 0)} succeeded, ${grouped(failed, 0)} failed`;
    return [
      { period, outcome: "failed", place: 0, jobs: failed, tooltip },
      { period, outcome: "succeeded", place: 1, jobs: succeeded, tooltip },
    ];
  });
  const most = rows.reduce((high, { succeeded, failed }) => Math.max(high, succeeded + failed), 0);
  const rates = rows.map(({ period, rate }) => ({
    period, value: rate, tooltip: `${period}\n${rate === null ? "nothing finished" : percent(rate)}`,
  }));
  const percentiles = (name, kind, median, p95) => {
    const values = rows.flatMap((row) => {
      const shown = (value) => (value === null ? NONE : readable(kind, value));
      const tooltip = `${row.period}\nmedian ${shown(row[median])}, p95 ${shown(row[p95])}`;
      return [
        { period: row.period, which: "median", value: row[median], tooltip },
        { period: row.period, which: "p95", value: row[p95], tooltip },
      ];
    });
    const high = values.reduce((most, { value }) => Math.max(most, value ?? 0), 0);
    return draw(data, name, values, (spec) => {
      const { y } = spec.encoding;
      const axis = { ...y.axis, values: ticks(kind, 0, high) };
      return { ...spec, encoding: { ...spec.encoding, y: { ...y, axis } } };
    });
  };
  return Promise.all([
    draw(data, "rate", rates, (spec) => zoomed(spec, rates)),
    draw(data, "outcomes", outcomes, (spec) => thinner(whole(spec, "y", most), rows.length)),
    percentiles("sizes", "bytes", "size50", "size95"),
    percentiles("durations", "seconds", "duration50", "duration95"),
  ]);
}

const MOST_REASONS = 12;

// On narrow screens, bars are labelled with the end of their ids, which is where they differ.
const LAST = 22;

function named(ids) {
  const short = ids.map((id) => (id.length > LAST + 2 ? `…${id.slice(-LAST)}` : id));
  return innerWidth < 640 && new Set(short).size === ids.length ? short : ids;
}

function drawReasons(data, reasons) {
  const most = reasons.slice(0, MOST_REASONS);
  const names = named(most.map(({ id }) => plain(id)));
  const rows = most.map(({ id, jobs, appliances, text }, at) => {
    const reason = names[at];
    const number = `${grouped(jobs, 0)} failed on ${amount(appliances, "appliance")}`;
    return { reason, jobs, tooltip: `${plain(id)}\n${number}\n${plain(text ?? "")}` };
  });
  const high = rows.reduce((number, { jobs }) => Math.max(number, jobs), 0);
  return draw(data, "reasons", rows, (spec) => whole({ ...spec, height: 24 * rows.length }, "x", high));
}

// The fleet's row of the report, or the same of the selected rows: without growth, sizes stay constant;
// appliances err independently, so how far low and high are from the middle adds up by its squares.
function drawGrowth(data, table, selection) {
  const at = Object.fromEntries(table.columns.map((one, place) => [one.name, place]));
  const fleet = table.rows.find((row) => row[0] === null);
  const own = table.rows.filter((row) => row[0] !== null && selection.shows(row[0]));
  const sum = (rows, name) => rows.reduce((total, row) => total + row[at[name]], 0);
  const grows = own.filter((row) => row[at.monthly_growth_bytes] !== null);
  const constant = sum(own.filter((row) => row[at.monthly_growth_bytes] === null), "size_bytes");
  const away = (middle, end) =>
    Math.hypot(...grows.map((row) => row[at[`${middle}_${end}_bytes`]] - row[at[`${middle}_bytes`]]));
  const ahead = (name) => {
    if (!selection.filtered) return ["_low", "", "_high"].map((end) => fleet[at[`${name}${end}_bytes`]]);
    const middle = sum(grows, `${name}_bytes`) + constant;
    return [middle - away(name, "low"), middle, middle + away(name, "high")];
  };
  const any = selection.filtered ? grows.length : fleet && fleet[at.monthly_growth_bytes] !== null;
  byId("growth").hidden = !any;
  if (!any) return null;
  const now = selection.filtered ? sum(own, "size_bytes") : fleet[at.size_bytes];
  const rows = [{ days: 0, middle: now, low: now, high: now }];
  for (const days of [30, 90, 365]) {
    const [low, middle, high] = ahead(`in_${days}_days`);
    rows.push({ days, middle, low, high });
  }
  for (const row of rows) {
    const when = row.days ? `in ${row.days} days` : "now";
    row.tooltip = `${when}: ${size(row.middle)}\nbetween ${size(row.low)} and ${size(row.high)}`;
  }
  const high = rows.reduce((most, row) => Math.max(most, row.high), now);
  return draw(data, "growth", rows, (spec) => {
    const values = ticks("bytes", 0, high);
    const layer = spec.layer.map((one) => {
      const { y } = one.encoding;
      return { ...one, encoding: { ...one.encoding, y: { ...y, axis: { ...y.axis, values } } } };
    });
    return { ...spec, layer };
  });
}
