"use strict";
const daily = [
  ["sessions", "sessions"],
  ["bytes sent", "sent", { isBytes: true }],
  ["sessions denied", "denied"],
  ["sessions without a reply", "unanswered"],
  ["distinct ports", "ports"],
  ["peers, of these new in red", "peers", { part: "new" }],
];
const showHost = host => {
  const values = line(host);
  if (!values) return [el("h1", {}, "No such host"), el("p", {}, bdi(host), " has no score in these windows.")];
  const { days = [], peers = [], peers_cnt: met = 0 } = D.days[host] || {},
    active = activityOf(host, ""),
    usual = D.usual_days[host] || {};
  const cases = [...D.cases, ...D.below].filter(one => [...one.sources, ...one.targets].includes(host));
  const segment = Object.keys(D.segments).find(each => D.segments[each].hosts.includes(host)),
    long = longLine(host);
  const rows = peers.map(peer => [
    [named(peer.peer), peer.domain ? [" ", el("bdi", { class: "quiet" }, peer.domain)] : ""],
    peer.first,
    peer.last,
    number(peer.sessions),
  ]);
  return [
    el("h1", {}, bdi(host)),
    facts([
      ["name", D.names[host] && bdi(D.names[host])],
      ["machines of the address", before(host)],
      ["segment", segment && toSegment(segment)],
    ]),
    el("h2", {}, "These windows"),
    el("div", { class: "charts" }, chart("score in decades", values, { note: fromOn }), active),
    active.length ? null : el("p", { class: "empty" }, "What it did is drawn for hosts of cases only."),
    long || days.length
      ? [
          el("h2", {}, "Last 30 days"),
          el(
            "div",
            { class: "charts" },
            long ? chart("score in decades", long, { note: fromOn, times: longStarts }) : null,
            daily
              .filter(([, key]) => days.some(day => day[key]))
              .map(([title, key, more]) => bars(title, days, key, { ...more, usual: usual[key] })),
          ),
        ]
      : null,
    rows.length
      ? [
          el("h2", {}, "Peers"),
          table(
            `Those that it met last for the first time${met > rows.length ? `, ${number(rows.length)} of ${number(met)}` : ""}; 30 days`,
            ["Peer", "First met", "Last met", "Sessions"],
            rows,
            [3],
          ),
        ]
      : null,
    el("h2", {}, "Cases"),
    caseList(
      cases,
      D.earlier.filter(one => one.hosts.includes(host)),
      "None in 30 days.",
      one => `, ${one.status}${one.sources.includes(host) ? "" : ", as a target"}`,
    ),
  ];
};
