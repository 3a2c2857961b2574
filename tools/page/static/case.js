"use strict";
const against = ({ feature, value, usual, usual_of: of, low, high }) => {
  // the value against what is ordinary
  const most = high ?? usual,
    least = low ?? (of === "none" ? 0 : usual);
  if (feature.endsWith("_rarity") || value === null || most === null) return null;
  const width = 260,
    x = each => 4 + (Math.log1p(Math.max(each, 0)) / Math.log1p(Math.max(value, most, 1e-9))) * (width - 8);
  return el(
    "svg",
    { class: "against", width, height: 10, viewBox: `0 0 ${width} 10`, "aria-hidden": "true" },
    shape("line", { class: "edge", x1: 0, x2: width, y1: 5, y2: 5 }),
    shape("rect", { class: "ordinary", x: x(least) - 1, width: Math.max(3, x(most) - x(least)), y: 1, height: 8 }),
    shape("circle", { class: "dot", cx: x(value), cy: 5, r: 4 }),
  );
};
const why = one => [
  el("h2", {}, "Why"),
  el(
    "p",
    { class: "quiet" },
    "As it was in the highest window, ",
    when(one.peak),
    "; in brackets the share of the score. The dot is the value, the band what is ordinary; the scale is logarithmic.",
  ),
  el(
    "ul",
    { class: "reasons" },
    one.reasons.map((reason, at) => el("li", {}, bdi(one.words[at]), against(reason))),
  ),
];

const before = host => {
  // who had the address before, as far as the inventory says
  const spans = D.named_before[host];
  return spans
    ? spans.map((span, at) => [
        at ? ", " : "",
        bdi(span.name),
        span.first === span.last ? ` in ${span.first}` : ` from ${span.first} to ${span.last}`,
      ])
    : null;
};
const who = one => {
  const listed = hosts => hosts.map((host, at) => [at ? ", " : "", named(host)]);
  const earlier = one.sources
    .filter(before)
    .map((host, at) => [at ? "; " : "", one.sources.length > 1 ? [bdi(host), ": "] : "", before(host)]);
  const ownless = one.sources.filter(host => (D.activity[host] || []).some(found => found.of === "segment"));
  const { attack_id: attack, attack_name: attackName, name: technique } = one.technique;
  return [
    el("h2", {}, "Who"),
    facts([
      ["source", listed(one.sources)],
      ["segment", toSegment(one.segment_id)],
      ["machines of the address", earlier.length ? earlier : null],
      ["user", one.user && [bdi(one.user), one.users_cnt > 1 ? ` and ${one.users_cnt - 1} more` : ""]],
      ["shared address", one.shared && bdi(one.shared.words.replace(/^shared address: /, ""))],
      ["most critical machine", one.machine && one.machine !== one.source ? toHost(one.machine) : null],
      ["criticality", one.criticality],
      ["role", one.role && bdi(one.role)],
      ["owner of the machine", one.machine_owner && bdi(one.machine_owner)],
      ["customer", one.customer_id],
      ["baseline", ownless.length ? ["that of its segment; too little is known of ", listed(ownless)] : null],
      ["resembles", [technique, attack ? ` (${attack} ${attackName})` : ""]],
      ["also", one.techniques.filter(name => name !== technique).join(", ")],
      ["alerted because of it", one.targets.length ? listed(one.targets) : "no other host"],
      ["first and last seen", [when(one.start), " to ", when(one.end), `, ${lasting(one.start, one.end)}`]],
      ["windows", [`${one.windows}, the highest `, when(one.peak)]],
      [
        "before",
        isBelow(one)
          ? null
          : one.earlier
            ? `${many(one.earlier, "case")} of it in the week before`
            : "its first case in a week",
      ],
      ["case", one.case_id],
    ]),
  ];
};

const whom = one => {
  const sent = inUnit(one.contacts.map(contact => contact.sent)),
    received = inUnit(one.contacts.map(contact => contact.received));
  const domains = Object.fromEntries(one.contacts.map(contact => [contact.target, contact.domain]));
  const below = texts => texts.filter(Boolean).map(text => [el("br"), el("bdi", { class: "quiet" }, text)]);
  const heads = [
    "Source",
    "Target",
    "Port",
    "Decades",
    "Sessions",
    "Failed",
    "Sent",
    "Received",
    "New",
    "Known to others",
    "Seen",
  ];
  const rows = one.contacts.map(contact => [
    toHost(contact.source),
    [toHost(contact.target), below([D.names[contact.target], contact.domain, contact.owner])],
    [contact.port, below([contact.app])],
    contact.decades.toFixed(1),
    number(contact.sessions),
    number(contact.failed),
    sent(contact.sent),
    received(contact.received),
    contact.new.join(", "),
    contact.kind.startsWith("outbound") ? number(contact.others) : "–",
    seen(contact.first, contact.last),
  ]);
  const caption = `${many(one.contacts.length, "contact")}, those of each window that stand out most; sessions and bytes of the busiest 24 hours`;
  return [
    el("h2", {}, "Whom"),
    one.graph ? caseGraph(one.graph, host => D.names[host] || domains[host]) : null,
    table(caption, heads, rows, [2, 3, 4, 5, 6, 7, 9]),
  ];
};

const fromOn = "; from 3 on it alerts, from 2.7 on in the fourth window of a day";
const whenOf = one => {
  const marked = [Date.parse(one.start) / 1000, Date.parse(one.end) / 1000],
    host = hostAt.has(one.source) ? one.source : one.targets[0];
  const drawn = [...new Set([host, ...one.sources])].filter(each => hostAt.has(each)).slice(0, SOURCES_DRAWN);
  const long = drawn
    .filter(longLine)
    .map(each =>
      chart(`score of ${each} in ${many(longDays(), "day")}, in decades`, longLine(each), {
        marked,
        note: fromOn,
        times: longStarts,
      }),
    );
  const short = drawn.map(each => chart(`score of ${each} in decades`, line(each), { marked, note: fromOn }));
  return [
    el("h2", {}, "When"),
    el("div", { class: "charts" }, long, short, activityOf(host, ` of ${host}`, { marked }), rhythm(one, one.sessions)),
  ];
};
const activityOf = (host, of, more = {}) =>
  (D.activity[host] || []).map(found =>
    chart(`${found.metric}${of} in 15 min`, found.values, {
      low: found.low,
      high: found.high,
      bytes: found.bytes,
      note: found.of === "segment" ? " in its segment" : "",
      ...more,
    }),
  );

const sessionsOf = one => {
  const found = one.sessions;
  if (!found)
    return [
      el("h2", {}, "Sessions"),
      el("p", {}, "They are printed by ", el("code", {}, `ndr-sessions --lake <lake> --case ${one.case_id}`)),
    ];
  const rows = found.rows.map(row => row.map(value => (value === null ? "" : bdi(value))));
  return [
    el("h2", {}, "Sessions"),
    el(
      "p",
      {},
      `${number(rows.length)} of ${many(found.count, "record")} of this case, threats that the firewall saw included. On the firewall, they are found by`,
    ),
    command(one.filter),
    el("p", {}, "All of them are printed by ", el("code", {}, `ndr-sessions --lake <lake> --case ${one.case_id}`), "."),
    rows.length
      ? el(
          "details",
          {},
          el("summary", {}, "Show them, the first to end first"),
          el("div", { class: "raw" }, table("Sessions", found.columns, rows)),
        )
      : el("p", { class: "empty" }, "They are not kept any more."),
  ];
};

const showCase = id => {
  const one = byId.get(id);
  if (!one) return [el("h1", {}, "No such case"), el("p", {}, `The page has no case ${id}.`)];
  const below = isBelow(one),
    related = one.related.map(other => byId.get(other)).filter(Boolean),
    earlier = one.related.map(other => earlierById.get(other)).filter(Boolean);
  return [
    el(
      "h1",
      {},
      below ? "below the line" : el("span", { class: `severity ${one.severity}` }, one.severity),
      ` ${one.decades.toFixed(below ? 2 : 1)}: `,
      bdi(one.source),
      one.sources.length > 1 ? ` and ${one.sources.length - 1} more` : "",
      `, ${one.technique.name}`,
    ),
    el("p", {}, bdi(one.sentence)),
    who(one),
    why(one),
    one.indicators.length ? [el("h2", {}, "Indicators"), meetings(one.indicators)] : null,
    whom(one),
    whenOf(one),
    sessionsOf(one),
    el("h2", {}, "Triage"),
    triageOf(one),
    el("h2", {}, "Related"),
    caseList(related, earlier, "No other case of 30 days has one of its hosts."),
  ];
};
