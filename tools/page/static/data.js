"use strict";
// what the page holds; load() unpacks it before anything is drawn
let D, scores, longScores, longStarts, byId, earlierById, hostAt, starts, windows, clock, day, zoned;
const IDLE = 255,
  SCALE = 50,
  ALERT = 3,
  SOURCES_DRAWN = 6;
const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
const load = async () => {
  const packed = bytes(document.getElementById("data").textContent);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  D = JSON.parse(await new Response(stream).text());
  scores = bytes(D.scores);
  starts = D.about.starts.map(text => Date.parse(text) / 1000);
  windows = starts.length;
  byId = new Map([...D.cases, ...D.below].map(one => [one.case_id, one]));
  earlierById = new Map(D.earlier.map(one => [one.case_id, one]));
  if (D.longer) {
    longScores = bytes(D.longer.scores);
    longStarts = Array.from({ length: D.longer.windows }, (_, at) => Date.parse(D.longer.start) / 1000 + at * 900);
  }
  hostAt = new Map(D.hosts.map((host, at) => [host, at]));
  const format = parts => new Intl.DateTimeFormat("sv-SE", { timeZone: D.about.zone, ...parts });
  [clock, day, zoned] = [
    { timeStyle: "short" },
    { dateStyle: "short" },
    { dateStyle: "short", timeStyle: "short" },
  ].map(format);
};
const isBelow = one => D.below.includes(one);
const when = text => {
  const [date, time] = zoned.format(new Date(text)).split(" ");
  return el(
    "time",
    { datetime: text, title: text.replace("T", " ").replace("Z", " UTC") },
    el("span", { class: "address" }, date),
    " ",
    time,
  );
};
const MOMENT = /(\d{4}-\d\d-\d\dT\d\d:\d\dZ)/;
const timed = text => text.split(MOMENT).map(part => (MOMENT.test(part) ? when(part) : part)); // moments in a text as those of the zone
const ranged = range => timed(range.replace("/", " to "));
const seen = (first, last) => {
  // the date of the last only where it is another one
  const until = when(last),
    same = day.format(new Date(first)) === day.format(new Date(last));
  if (same) until.textContent = clock.format(new Date(last));
  return el("span", { class: "address" }, when(first), " to ", until);
};
const spans = starts => {
  // windows that follow each other as one span
  const found = [];
  for (const at of starts.map(text => Date.parse(text)))
    if (found.length && found.at(-1)[1] === at) found.at(-1)[1] += 900e3;
    else found.push([at, at + 900e3]);
  return found.map((ends, at) => [
    at ? ", " : "",
    ends.map((end, last) => [last ? " to " : "", when(new Date(end).toISOString().replace(":00.000", ""))]),
  ]);
};
const toCase = one => [
  el("a", { href: `#case=${one.case_id}` }, bdi(one.source), ` ${one.technique.name}`),
  isBelow(one) ? " (below the line)" : "",
  " ",
  when(one.start),
];
const toEarlier = one => [
  bdi(one.source),
  ` ${one.technique} `,
  when(one.start),
  `, ${one.status}, `,
  el("span", { class: "address" }, one.case_id),
]; // the page of its day has it
const caseList = (cases, earlier, none, more = () => "") =>
  cases.length + earlier.length
    ? el(
        "ul",
        {},
        cases.map(one => el("li", {}, toCase(one), more(one))),
        earlier.map(one => el("li", {}, toEarlier(one))),
      )
    : el("p", { class: "empty" }, none);
const named = host => (D.names[host] ? [toHost(host), " (", bdi(D.names[host]), ")"] : toHost(host));
const toSegment = name =>
  D.segments[name] ? el("a", { href: `#segment=${encodeURIComponent(name)}` }, bdi(name)) : bdi(name);
const toHost = host =>
  hostAt.has(host)
    ? el("a", { href: `#host=${encodeURIComponent(host)}` }, bdi(host))
    : el("bdi", { class: "address" }, host);
const decoded = (codes, at, count) =>
  Array.from(codes.subarray(at * count, (at + 1) * count), code => (code === IDLE ? null : code / SCALE));
const line = host => {
  const at = hostAt.get(host);
  return at === undefined ? null : decoded(scores, at, windows);
};
const longLine = host => {
  const at = D.longer ? D.longer.hosts.indexOf(host) : -1;
  return at < 0 ? null : decoded(longScores, at, D.longer.windows);
};
const longDays = () => Math.ceil(D.longer.windows / 96);
const lasting = (start, end) => {
  const minutes = (Date.parse(end) - Date.parse(start)) / 6e4;
  return minutes < 120
    ? `${minutes} min`
    : minutes < 2880
      ? `${number(minutes / 60)} h`
      : `${number(minutes / 1440)} days`;
};
