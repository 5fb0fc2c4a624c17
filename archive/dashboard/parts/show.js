// Format values like archive/render/units.py, make elements, and write CSV. Text is never parsed as HTML.

const NONE = "–";

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class") made.className = value;
    else if (key === "text") made.textContent = value;
    else if (key in made && key !== "role") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

const byId = (id) => document.getElementById(id);

// Show invisible characters, and those that change the text direction, as escapes.
const plain = (text) =>
  String(text).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => {
    const code = char.codePointAt(0);
    if (code < 256) return `\\x${code.toString(16).padStart(2, "0")}`;
    return code < 65536
      ? `\\u${code.toString(16).padStart(4, "0")}`
      : `\\U${code.toString(16).padStart(8, "0")}`;
  });

const grouped = (number, digits) =>
  number.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });

// A number with its noun.
const amount = (number, one) => `${grouped(number, 0)} ${one}${number === 1 ? "" : "s"}`;

const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];

function size(value) {
  let power = 0;
  let scaled = value;
  while (Math.abs(scaled) >= (power ? 1023.95 : 1024) && power < BINARY.length - 1) {
    power += 1;
    scaled = value / 1024 ** power;
  }
  return `${grouped(scaled, power ? 1 : 0)} ${BINARY[power]}`;
}

function duration(value) {
  const two = (number) => String(number).padStart(2, "0");
  if (value < 0) return `-${duration(-value)}`;
  if (value < 60) return `${value} s`;
  if (value < 3600) return `${Math.floor(value / 60)} m ${two(value % 60)} s`;
  const minutes = Math.floor((value + 30) / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
  const hours = Math.floor((value + 1800) / 3600);
  return `${grouped(Math.floor(hours / 24), 0)} d ${two(hours % 24)} h`;
}

function percent(value) {
  const hundredths = value * 100;
  if (value < 0) return `-${percent(-value)}`;
  if (hundredths > 0 && hundredths < 0.1) return `${Math.max(hundredths, 0.01).toFixed(2)} %`;
  if (hundredths > 99.9 && hundredths < 100) return `${Math.min(hundredths, 99.99).toFixed(2)} %`;
  return `${grouped(hundredths, 1)} %`;
}

// The difference of two ratios, in percentage points.
const points = (value) => percent(value).replace("%", "points");

// Instants are shown on the clocks of the archive's time zone, which the page sets once.
let clock = null;

const setZone = (zone) => {
  const parts = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" };
  clock = new Intl.DateTimeFormat("sv-SE", { ...parts, timeZone: zone });
};

const localTime = (value) => clock.format(new Date(value));

const utc = (value) => (value === null ? null : `${value.slice(0, 10)} ${value.slice(11, 19)}Z`);

const READABLE = {
  ratio: percent,
  bytes: size,
  seconds: duration,
  rate: (value) => `${size(value)}/s`,
  instant: localTime,
  figure: (value) => value,
  flag: (value) => (value ? "yes" : "no"),
};

function readable(kind, value) {
  if (value === null || value === undefined) return "";
  if (READABLE[kind]) return READABLE[kind](value);
  return typeof value === "number" ? grouped(value, 0) : plain(value);
}

// Like archive/render/delimited.py: quote values that a spreadsheet would read as formulas.
function csvCell(kind, value) {
  if (value === null || value === undefined) return "";
  if (kind === "flag") return value ? "true" : "false";
  if (typeof value !== "string") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return text === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const csvRecord = (cells) => `${cells.join(",") || '""'}\r\n`;

function csv(columns, rows) {
  const records = rows.map((row) => csvRecord(row.map((value, at) => csvCell(columns[at].kind, value))));
  return csvRecord(columns.map((column) => csvCell("text", column.name))) + records.join("");
}

function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
