"use strict";
const showSegment = name => {
  const one = D.segments[name];
  if (!one)
    return [el("h1", {}, "No such segment"), el("p", {}, bdi(name), " is the segment of no case that is shown.")];
  const cases = D.cases.filter(found => found.segment_id === name),
    highest = host => Math.max(0, ...(line(host) || []).filter(value => value !== null));
  const hosts = [...one.hosts].sort((a, b) => highest(b) - highest(a) || (a < b ? -1 : 1)),
    shown = hosts.slice(0, 200);
  const reach = row => row.quantiles.slice(0, 3).map(number).join(" – "),
    most = row => [number(row.quantiles[3]), " (", toHost(row.most), ")"];
  return [
    el("h1", {}, "Segment ", bdi(name)),
    el("p", {}, `${many(hosts.length, "host")} with scores in these windows.`),
    el("h2", {}, "Last 30 days"),
    one.days.length
      ? [
          el(
            "div",
            { class: "charts" },
            spread("sessions of a host a day", one.days, "sessions"),
            spread("distinct peers of a host a day", one.days, "peers"),
          ),
          table(
            "Quarter, median and three quarters of the hosts lie at",
            ["Date", "Hosts", "Sessions", "Most sessions", "Peers", "Most peers"],
            [...one.days]
              .reverse()
              .map(row => [
                row.date,
                number(row.hosts),
                reach(row.sessions),
                most(row.sessions),
                reach(row.peers),
                most(row.peers),
              ]),
            [1],
          ),
        ]
      : el("p", { class: "empty" }, "No sessions are known."),
    el("h2", {}, "Cases"),
    caseList(
      cases,
      D.earlier.filter(found => found.segment_id === name),
      "None in 30 days.",
    ),
    el("h2", {}, "Hosts"),
    table(
      "By the highest score in these windows, in decades",
      ["Host", "Highest", "Scores"],
      shown.map(host => [named(host), highest(host).toFixed(1), spark(host)]),
      [1],
    ),
    hosts.length > shown.length ? el("p", {}, `${number(shown.length)} of ${number(hosts.length)} are shown.`) : null,
  ];
};
const told = indicator => [
  bdi(indicator.value),
  indicator.port === null ? "" : ` on port ${indicator.port}`,
  " is in ",
  bdi(indicator.source),
  " since ",
  when(indicator.valid_from || indicator.imported),
  ...indicator.labels.map(label => ["; ", bdi(label)]),
  indicator.confidence === null ? "" : `; confidence ${indicator.confidence}`,
  indicator.reference ? ["; ", bdi(indicator.reference)] : "",
];
const meetings = rows =>
  table(
    `${many(rows.length, "contact")}, the newest first; scores are as they were`,
    ["Host", "Role", "Address", "Port", "Sessions", "First seen", "Last seen", "Who says what"],
    rows.map(row => [
      toHost(row.host_ip),
      el("span", { class: "address" }, row.role),
      toHost(row.peer_ip),
      row.peer_port,
      number(row.sessions),
      when(row.first),
      when(row.last),
      row.indicators.map((one, at) => [at ? el("br") : "", told(one)]),
    ]),
    [3, 4],
  );
const some = (count, rows) =>
  count > rows.length
    ? el("p", {}, `${number(rows.length)} of ${number(count)} are shown; ndr-report --cases --json has all.`)
    : null;
const showMet = () => [
  el("h1", {}, "Contacts with indicators"),
  el("p", {}, "Of hosts that no case is about."),
  D.met.length ? meetings(D.met) : el("p", { class: "empty" }, "None."),
  some(D.met_cnt, D.met),
];
const showStrangers = () => [
  el("h1", {}, `${number(D.strangers_cnt)} address${D.strangers_cnt === 1 ? "" : "es"} in no inventory`),
  D.strangers.length
    ? table(
        "Most sessions first; seen within 30 days",
        ["Address", "Sessions", "First seen", "Last seen"],
        D.strangers.map(row => [toHost(row.host_ip), number(row.sessions), when(row.first), when(row.last)]),
        [1],
      )
    : el("p", { class: "empty" }, "None."),
  some(D.strangers_cnt, D.strangers),
];
const showBelow = () => {
  const left = D.below.filter(one => !one.hidden_by);
  return [
    el("h1", {}, `${many(D.below_cnt, "candidate")} just below the line`),
    el(
      "p",
      {},
      "They did not alert, are counted nowhere else and go into no message: what comes next by score, put together as cases are. In training, as many windows score so as alert.",
    ),
    left.length
      ? table(
          "The highest first; the score in decades",
          ["Score", "Source", "Resembles", "What happened", "Seen", "Status", "Scores"],
          left.map(one => [
            one.decades.toFixed(2),
            [
              el("a", { href: `#case=${one.case_id}` }, bdi(one.source)),
              one.names[one.source] ? [el("br"), bdi(one.names[one.source])] : "",
              one.user ? [el("br"), bdi(one.user)] : "",
            ],
            one.technique.name,
            bdi(one.sentence),
            seen(one.start, one.end),
            one.status,
            spark(hostAt.has(one.source) ? one.source : one.targets[0]),
          ]),
          [0],
        )
      : el("p", { class: "empty" }, "None."),
    D.below_cnt > D.below.length
      ? el("p", {}, `${number(D.below.length)} of ${number(D.below_cnt)} are shown; ndr-report --cases --top has more.`)
      : null,
  ];
};
const showHosts = () => {
  const list = el("div", { class: "list", tabindex: "0", role: "region", "aria-label": "Hosts by score" }),
    tall = 28.8,
    input = el("input", { type: "search", id: "of-host", autocomplete: "off" });
  const inner = el("div");
  list.append(inner);
  let hosts = D.hosts;
  const fill = () => {
    const first = Math.max(0, Math.floor(list.scrollTop / tall) - 5),
      last = Math.min(hosts.length, first + Math.ceil((list.clientHeight || 512) / tall) + 10);
    inner.style.height = `${hosts.length * tall}px`;
    inner.replaceChildren(
      ...hosts.slice(first, last).map((host, at) => {
        const most = Math.max(0, ...line(host).filter(value => value !== null)),
          row = el(
            "a",
            { href: `#host=${encodeURIComponent(host)}` },
            el("span", {}, bdi(host), D.names[host] ? [" ", el("bdi", { class: "quiet" }, D.names[host])] : ""),
            el("span", {}, spark(host, 120, 22)),
            el("span", { class: "num" }, most.toFixed(1)),
          );
        row.style.top = `${(first + at) * tall}px`;
        return row;
      }),
    );
  };
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    hosts = D.hosts.filter(host => `${host} ${D.names[host] ?? ""}`.toLowerCase().includes(wanted));
    list.scrollTop = 0;
    fill();
  });
  list.addEventListener("scroll", fill);
  queueMicrotask(fill);
  return [
    el("h1", {}, many(D.hosts.length, "host")),
    el("form", { role: "search" }, el("label", { for: "of-host" }, "Filter"), input),
    el("p", { class: "quiet" }, "By the highest score in these windows, in decades."),
    list,
  ];
};
