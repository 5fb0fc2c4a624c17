// The data of the page: unpacked, filtered and counted.

const UNKNOWN = 65535;
const SUCCEEDED = 0;
const FAILED = 1;
const OPEN = 2;
// The states of the numbers in `expected`; 0 stands for nothing expected.
const EXPECTED = [null, "success", "failed", "open", "missed", "nodata"];

async function unpacked() {
  const bytes = Uint8Array.from(atob(byId("data").textContent), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(stream).arrayBuffer();
  const length = new DataView(buffer).getUint32(0, true);
  const content = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let at = 4 + length;
  const wide = () => {
    const column = new Uint16Array(buffer, at, content.jobs);
    at += 2 * content.jobs;
    return column;
  };
  const data = { ...content, day: wide(), size: wide(), duration: wide(), message: wide() };
  data.status = new Uint8Array(buffer, at, content.jobs);
  data.expected = new Uint8Array(buffer, at + content.jobs, content.appliances.length * content.days);
  const others = data.expected.byteOffset + data.expected.length;
  data.recent = { days: content.others.length && content.recent / content.others.length, outcomes: new Uint8Array(buffer, others, content.recent) };
  data.recent.places = new Map(content.recent ? content.others.map(([name], place) => [name, place]) : []);
  data.starts = [0];
  for (const count of content.counts) data.starts.push(data.starts.at(-1) + count);
  const first = Date.parse(`${content.first}T00:00:00Z`);
  data.dates = Array.from({ length: content.days }, (_, day) =>
    new Date(first + day * 86400000).toISOString().slice(0, 10),
  );
  data.labels = { day: data.dates, week: data.weeks, month: data.dates.map((day) => day.slice(0, 7)) };
  data.whole = content.number === content.appliances.length;
  setZone(data.zone);
  const names = data.fleet.columns.map(({ name }) => name);
  data.fleetRows = data.fleet.rows.map((row) => Object.fromEntries(names.map((name, at) => [name, row[at]])));
  data.silentFrom = silences(data);
  data.severity = new Map(data.fleetRows.map((row) => [row.appliance, row.severity]));
  data.tags = new Map([...content.others, ...content.appliances.map((one) => [one.name, one.tags])]);
  return data;
}

// The first day without an import of each appliance that is not reporting. Nothing is known of it from then on.
function silences(data) {
  const { columns, rows } = data.attention.find((one) => one.name === "not-reporting");
  const [name, last] = ["appliance", "last_seen"].map((wanted) => columns.findIndex((one) => one.name === wanted));
  const seen = rows.filter((row) => row[last] !== null);
  return new Map(seen.map((row) => [row[name], data.dates.indexOf(localTime(row[last]).slice(0, 10)) + 1]));
}

// Match names by globs or parts of names, separated by commas; case is ignored.
function matcher(text) {
  const wanted = text.toLowerCase().split(",").map((part) => part.trim()).filter(Boolean);
  const patterns = wanted.map((part) => {
    const pattern = part.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".");
    return /[*?]/.test(part) ? new RegExp(`^${pattern}$`, "s") : new RegExp(pattern, "s");
  });
  return (name) => !patterns.length || patterns.some((pattern) => pattern.test(name.toLowerCase()));
}

// The selection: places of appliances, days (`from` included, `to` excluded), and their periods.
function chosen(data, form) {
  const matches = matcher(form.filter);
  const tag = form.tag ? JSON.parse(form.tag) : null;
  const isNamed = (name) =>
    form.only === null
      ? matches(name) && (!tag || data.tags.get(name)?.[tag[0]] === tag[1])
      : name === form.only;
  const isChosen = (name) => isNamed(name) && (!form.state || data.severity.get(name) === form.state);
  const places = [];
  const names = new Set();
  data.appliances.forEach(({ name }, place) => {
    if (isChosen(name)) {
      places.push(place);
      names.add(name);
    }
  });
  const others = data.others.reduce((number, [name]) => number + isChosen(name), 0);
  const from = form.period ? Math.max(data.days - form.period, 0) : 0;
  const labels = data.labels[form.grain];
  const periods = [];
  const periodOf = new Uint16Array(data.days);
  for (let day = from; day < data.days; day += 1) {
    if (!periods.length || labels[day] !== periods.at(-1).label) {
      periods.push({ label: labels[day], from: day, to: day + 1 });
    }
    periods.at(-1).to = day + 1;
    periodOf[day] = periods.length - 1;
  }
  const filtered = Boolean(form.only !== null || form.filter.trim() || tag || form.state);
  const shows = (name) => (name === null ? !filtered : isChosen(name));
  return {
    places, names, others, from, to: data.days, periods, periodOf, filtered, shows, isNamed, grain: form.grain,
    days: form.period || null,
  };
}

// The index of the first job of an appliance on or after a day.
function firstJob(data, place, day) {
  let low = data.starts[place];
  let high = data.starts[place + 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (data.day[middle] < day) low = middle + 1;
    else high = middle;
  }
  return low;
}

// The nearest-rank percentile of counts by bin, as in the reports.
function percentile(data, counts, offset, number, percentage) {
  if (!number) return null;
  const rank = Math.floor((number * percentage + 99) / 100);
  let up = 0;
  for (let bin = 0; bin < data.bins[1].length; bin += 1) {
    up += counts[offset + bin];
    if (up >= rank) return data.bins[1][bin];
  }
  return null;
}

// Counts of jobs and percentiles of successes by row; `rowOf` gives the row of an appliance and a day.
function counted(data, selection, number, rowOf) {
  const width = data.bins[1].length;
  const least = data.bins[0];
  const rows = Array.from({ length: number }, () => ({
    succeeded: 0, failed: 0, open: 0, sized: 0, timed: 0, bytes: 0,
  }));
  const sizes = new Uint32Array(number * width);
  const durations = new Uint32Array(number * width);
  selection.places.forEach((place, order) => {
    for (let job = firstJob(data, place, selection.from); job < data.starts[place + 1]; job += 1) {
      const at = rowOf(order, data.day[job]);
      const row = rows[at];
      const status = data.status[job];
      if (status === FAILED) row.failed += 1;
      if (status === OPEN) row.open += 1;
      if (status !== SUCCEEDED) continue;
      row.succeeded += 1;
      if (data.size[job] !== UNKNOWN) {
        sizes[at * width + data.size[job] - least] += 1;
        row.sized += 1;
        row.bytes += data.bins[1][data.size[job] - least];
      }
      if (data.duration[job] !== UNKNOWN) {
        durations[at * width + data.duration[job] - least] += 1;
        row.timed += 1;
      }
    }
  });
  rows.forEach((row, at) => {
    const finished = row.succeeded + row.failed;
    row.rate = finished ? row.succeeded / finished : null;
    row.size50 = percentile(data, sizes, at * width, row.sized, 50);
    row.size95 = percentile(data, sizes, at * width, row.sized, 95);
    row.duration50 = percentile(data, durations, at * width, row.timed, 50);
    row.duration95 = percentile(data, durations, at * width, row.timed, 95);
  });
  return rows;
}

// A row for each period: of the selected appliances, or of all if the file has only their sums.
function byPeriod(data, selection) {
  if (!data.whole && !selection.filtered) {
    const first = selection.periods[0].label;
    return data.series[selection.grain]
      .filter((row) => row[0] >= first)
      .map(([period, succeeded, failed, , size50, size95, duration50, duration95]) => {
        const rate = succeeded + failed ? succeeded / (succeeded + failed) : null;
        return { period, succeeded, failed, rate, size50, size95, duration50, duration95 };
      });
  }
  const { periods, periodOf } = selection;
  const rows = counted(data, selection, periods.length, (_, day) => periodOf[day]);
  return rows.map((row, at) => ({ period: periods[at].label, ...row }));
}

// A row for each selected appliance, with its expected and missed backups.
function byAppliance(data, selection) {
  const rows = counted(data, selection, selection.places.length, (order) => order);
  return rows.map((row, order) => {
    const place = selection.places[order];
    const number = [0, 0, 0, 0, 0, 0];
    for (let day = selection.from; day < selection.to; day += 1) {
      number[data.expected[place * data.days + day]] += 1;
    }
    const expected = number[1] + number[2] + number[3] + number[4] + number[5];
    return { ...row, ...data.appliances[place], expected, missed: expected - number[1] };
  });
}

// The failed jobs by the id of their first message, most frequent first.
function byReason(data, selection) {
  const found = new Map();
  for (const place of selection.places) {
    for (let job = firstJob(data, place, selection.from); job < data.starts[place + 1]; job += 1) {
      if (data.status[job] !== FAILED) continue;
      const [id, text] = data.message[job] ? data.messages[data.message[job] - 1] : [null, null];
      const day = data.dates[data.day[job]];
      const known = found.get(id) ?? { id, jobs: 0, places: new Set(), since: day, until: day, text };
      known.jobs += 1;
      known.places.add(place);
      if (day < known.since) known.since = day;
      if (day > known.until) known.until = day;
      known.text ??= text;
      found.set(id, known);
    }
  }
  return [...found.values()].sort((one, other) => other.jobs - one.jobs);
}
