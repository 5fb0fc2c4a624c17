// A table that can be sorted by any column and downloaded as CSV.

const NUMBERS = new Set(["count", "ratio", "bytes", "seconds", "rate", "figure"]);

// Columns with sentences, which may wrap; the second set has long ones.
const PROSE = new Set(["message", "example", "reason", "note"]);
const LONG = new Set(["message", "example"]);
// Columns that do not fit on paper and most screens; the CSV file has them.
const EXTRA = /_(low|high)_bytes$|^(retained_copies|longest_gap_.*)$/;

const column = (name, kind = "text", label = name) => ({ name, kind, label });

const classOf = (one, otherwise) =>
  `${NUMBERS.has(one.kind) ? "number" : otherwise}${EXTRA.test(one.name) ? " extra" : ""}`;

// The class that decides whether a text wraps.
function widthOf(one, text) {
  if (LONG.has(one.name)) return "wide prose";
  if (PROSE.has(one.name) || text.length > 60) return "wide";
  if (one.name === "key") return "narrow key";
  return one.kind === "instant" ? "narrow instant" : "narrow";
}

// A long name may wrap after any dot but the last.
const LONG_NAME = 24;
const breakable = (one, text) =>
  one.name !== "appliance" || text.length <= LONG_NAME
    ? [text]
    : text.split(/(?<=\S\.)(?=[a-z][^.]*\.)/i).flatMap((part, at) => (at ? [element("wbr"), part] : [part]));

function ordered(rows, at, descending) {
  const sign = descending ? -1 : 1;
  return [...rows].sort((one, other) => {
    const [a, b] = [one[at], other[at]];
    if (a === null || b === null || a === undefined || b === undefined) {
      return (a ?? null) === (b ?? null) ? 0 : (a ?? null) === null ? 1 : -1;
    }
    if (typeof a === "string") return sign * a.localeCompare(String(b), "en", { numeric: true });
    return sign * (a - b);
  });
}

// Rows are added so many at a time, because browsers take long for thousands.
const AT_ONCE = 500;

// `table` has name, title (optional), columns, rows, empty and left; `most` rows are shown at first.
// A column may make its own cells; then `csv` has the columns and rows to save.
function showTable(host, table, most = 25) {
  const state = (host.tableState ??= { by: null, descending: false, limit: null });
  state.number = table.rows.length;
  const { columns } = table;
  const heading = table.title ? [element("h3", { text: plain(table.title) })] : [];
  const leftOut = table.left ? `This file does not include ${amount(table.left, "further row")}.` : "";
  if (!table.rows.length) {
    host.replaceChildren(...heading, element("p", { text: leftOut || table.empty }));
    return;
  }
  const again = () => showTable(host, table, most);
  host.showAgain = again;
  const rows = state.by === null ? table.rows : ordered(table.rows, state.by, state.descending);
  const limit = Math.max(state.limit ?? most, most);
  const heads = columns.map((one, at) => {
    const sort = () => {
      state.descending = state.by === at ? !state.descending : NUMBERS.has(one.kind);
      state.by = at;
      again();
      host.querySelectorAll("th button")[at].focus();
    };
    const button = element("button", { type: "button", text: one.label, onclick: sort });
    const head = element("th", { scope: "col", class: classOf(one, ""), "data-label": one.label }, button);
    if (state.by === at) head.setAttribute("aria-sort", state.descending ? "descending" : "ascending");
    return head;
  });
  const body = rows.slice(0, limit).map((row) =>
    element(
      "tr",
      {},
      ...columns.map((one, at) => {
        if (one.cell) {
          const title = one.title(row);
          const made = element("td", { class: classOf(one, `of-${one.kind}`) }, ...one.cell(row));
          if (title) made.title = title;
          if (!made.textContent && !made.querySelector(".strip")) made.classList.add("blank");
          if (one.kind !== "name" && one.kind !== "state") made.dataset.label = one.label;
          return made;
        }
        const text = readable(one.kind, row[at]);
        const made = element("td", { class: classOf(one, widthOf(one, text)) }, ...breakable(one, text));
        if (one.kind === "instant" && row[at]) made.title = utc(row[at]);
        if (!text) made.classList.add("blank");
        else if (at && !PROSE.has(one.name)) made.dataset.label = one.label;
        return made;
      }),
    ),
  );
  const made = element(
    "table",
    {},
    element("thead", {}, element("tr", {}, ...heads)),
    element("tbody", {}, ...body),
  );
  made.setAttribute("aria-label", plain(table.title ?? table.label ?? table.name));
  const scroll = element("div", { class: "scroll", tabIndex: 0 }, made);
  scroll.setAttribute("role", "group");
  scroll.setAttribute("aria-label", `${plain(table.title ?? table.label ?? table.name)}, a table`);
  const under = element("div", { class: "row" });
  const show = (text, number) => {
    const onclick = () => {
      state.limit = number;
      again();
    };
    under.append(element("button", { type: "button", text, onclick }));
  };
  if (rows.length > limit + AT_ONCE) show(`Show ${AT_ONCE} more rows`, limit + AT_ONCE);
  else if (rows.length > limit) show(`Show all ${grouped(rows.length, 0)} rows`, rows.length);
  if (limit > most) show(`Show ${most} rows`, most);
  const save = () => download(`${table.name}.csv`, csv(table.csv?.columns ?? columns, table.csv?.rows ?? rows));
  const label = `CSV of ${plain(table.title ?? table.label ?? table.name)}`;
  const button = element("button", { type: "button", text: "CSV", onclick: save, title: label });
  button.setAttribute("aria-label", label);
  under.append(button);
  if (rows.length > limit) {
    under.append(element("span", { class: "soft", text: `${grouped(limit, 0)} of ${grouped(rows.length, 0)} rows` }));
  }
  if (leftOut) under.append(element("span", { class: "soft", text: leftOut }));
  host.replaceChildren(...heading, scroll, under);
}
