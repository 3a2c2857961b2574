"use strict";
const rows = [...document.querySelectorAll("#cases tbody tr")];
const query = document.getElementById("query"),
  withHidden = document.getElementById("with-hidden");
const texts = new Map(rows.map(row => [row, row.textContent.toLowerCase()]));
const holds = (one, row, token) => {
  const [, name, wanted] =
    /^(host|peer|port|technique|status|score|user|segment|criticality|role|indicator):(.*)$/.exec(token) || [
      null,
      null,
      token,
    ];
  const among = values =>
    values.some(value =>
      String(value ?? "")
        .toLowerCase()
        .includes(wanted),
    );
  if (name === "host") return among([...one.sources, ...one.targets, ...Object.values(one.names)]);
  if (name === "peer") return among(one.contacts.flatMap(contact => [contact.source, contact.target]));
  if (name === "port") return one.contacts.some(contact => String(contact.port) === wanted);
  if (name === "technique") return among([one.technique.name, one.technique.attack_id, ...one.techniques]);
  if (name === "status") return among([one.status]);
  if (name === "score") return one.decades >= Number(wanted.replace(/^[>=]+/, "") || 0);
  if (name === "user") return among([one.user]);
  if (name === "criticality") return one.criticality === wanted;
  if (name === "role") return among([one.role]);
  if (name === "indicator")
    return among(
      one.indicators.flatMap(met => met.indicators.flatMap(known => [known.source, known.value, ...known.labels])),
    );
  if (name === "segment") return among([one.segment_id]);
  return texts.get(row).includes(wanted);
};
const visible = () => rows.filter(row => !row.hidden);
const filter = () => {
  const tokens = query.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of rows) {
    const one = byId.get(row.dataset.case);
    row.hidden = (row.dataset.hidden && !withHidden.checked) || !tokens.every(token => holds(one, row, token));
  }
  document.getElementById("found").textContent = `${many(visible().length, "case")} shown`;
};
const sorted = { key: "rank", down: false };
const values = {
  rank: row => rows.indexOf(row),
  decades: row => byId.get(row.dataset.case).decades,
  source: row => byId.get(row.dataset.case).source,
  technique: row => byId.get(row.dataset.case).technique.name,
  start: row => byId.get(row.dataset.case).start,
  end: row => byId.get(row.dataset.case).end,
  status: row => byId.get(row.dataset.case).status,
};
for (const head of document.querySelectorAll("#cases th[data-sort]")) {
  const button = el("button", { type: "button" }, head.textContent);
  head.replaceChildren(button);
  button.addEventListener("click", () => {
    const key = head.dataset.sort;
    sorted.down = sorted.key === key ? !sorted.down : key === "decades";
    sorted.key = key;
    const of = values[key],
      sign = sorted.down ? -1 : 1;
    const ordered = [...rows].sort((one, other) => (of(one) < of(other) ? -sign : of(one) > of(other) ? sign : 0));
    document.querySelector("#cases tbody").append(...ordered);
    for (const each of document.querySelectorAll("#cases th[data-sort]")) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
  });
}
const fill = () => {
  // what is drawn from the data, in the list that is there without it
  for (const told of document.querySelectorAll(".range, .chip .words"))
    told.replaceChildren(...timed(told.textContent));
  for (const row of rows) {
    const one = byId.get(row.dataset.case);
    row.querySelector(".spark").append(spark(hostAt.has(one.source) ? one.source : one.targets[0]));
    for (const time of row.querySelectorAll("time")) time.replaceWith(when(time.dateTime));
    row.querySelector(".lasting").textContent = lasting(one.start, one.end);
  }
};
query.addEventListener("input", filter);
withHidden.addEventListener("change", filter);
document.getElementById("find").addEventListener("submit", event => event.preventDefault());
const save = (name, type, text) => {
  const link = el("a", { download: name, href: URL.createObjectURL(new Blob([text], { type })) });
  link.click();
  URL.revokeObjectURL(link.href);
};
const chosen = () => visible().map(row => byId.get(row.dataset.case));
const cell = value => {
  const text = String(value ?? ""),
    safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
};
const columns = [
  "case_id",
  "severity",
  "decades",
  "source",
  "technique",
  "start",
  "end",
  "status",
  "owner",
  "sentence",
];
document
  .getElementById("csv")
  .addEventListener("click", () =>
    save(
      "cases.csv",
      "text/csv",
      [
        columns.join(","),
        ...chosen().map(one =>
          columns.map(name => cell(name === "technique" ? one.technique.name : one[name])).join(","),
        ),
      ].join("\r\n") + "\r\n",
    ),
  );
document
  .getElementById("json")
  .addEventListener("click", () => save("cases.json", "application/json", JSON.stringify(chosen(), null, 1)));
// in the list, j and k move and x opens at the verdict; in a case, they open the next and the one before
const inOrder = () => [...document.querySelectorAll("#cases tbody tr")];
const stepped = key => {
  const id = location.hash.slice("#case=".length),
    kept = (one, isHidden) => one === id || !isHidden;
  const all = isBelow(byId.get(id))
    ? D.below.filter(one => kept(one.case_id, one.hidden_by)).map(one => one.case_id)
    : inOrder()
        .filter(row => kept(row.dataset.case, row.hidden))
        .map(row => row.dataset.case);
  const next = all[all.indexOf(id) + (key === "j" ? 1 : -1)];
  if (next) location.hash = `#case=${next}`;
};
const moved = key => {
  const shown = inOrder().filter(row => !row.hidden),
    at = shown.findIndex(row => row.classList.contains("at"));
  const next = shown[key === "j" ? Math.min(at + 1, shown.length - 1) : Math.max(at - 1, 0)];
  if (key === "x") {
    if (shown[at]) {
      toTriage = true;
      shown[at].querySelector("a").click();
    }
    return;
  }
  if (!next) return;
  shown[at]?.classList.remove("at");
  next.classList.add("at");
  next.querySelector("a").focus();
  next.scrollIntoView({ block: "nearest" });
};
document.addEventListener("keydown", event => {
  if (event.target.matches("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (verdict(event.key)) event.preventDefault();
  else if ("jk".includes(event.key) && location.hash.startsWith("#case=")) stepped(event.key);
  else if ("jkx".includes(event.key) && !today.hidden) moved(event.key);
});
