"use strict";
const send = async (what, asked) => {
  const answer = await fetch(what, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(asked),
    keepalive: true,
  });
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(found.error || `the server answers ${answer.status}`);
  return found;
};
const choice = (name, label, words, chosen) => [
  el("label", { for: name }, label),
  el(
    "select",
    { id: name },
    words.map(word => el("option", word === chosen ? { selected: "" } : {}, word)),
  ),
];
const triage = one => {
  const form = el(
    "form",
    { class: "triage" },
    choice("t-status", "Status", ["new", "in-progress", "true", "false", "expected", "closed"], one.status),
    choice("t-scope", "Hides", ["pair", "host", "segment", "behaviour"], "pair"),
    el("label", { for: "t-days" }, "for days"),
    el("input", { id: "t-days", type: "number", min: "1", max: "3650", value: "90" }),
    el("label", { for: "t-owner" }, "Owner"),
    el("input", { id: "t-owner", value: one.owner || "" }),
    el("label", { for: "t-note" }, "Note"),
    el("input", { id: "t-note", class: "wide" }),
    el("button", { type: "button", id: "t-preview" }, "Preview"),
    el("button", { type: "submit" }, "Save"),
  );
  const said = el("p", { role: "status", id: "t-said" });
  const asked = () => ({
    case_id: one.case_id,
    seen: one.seen,
    status: form.querySelector("#t-status").value,
    scope: form.querySelector("#t-scope").value,
    days: Number(form.querySelector("#t-days").value),
    owner: form.querySelector("#t-owner").value,
    note: form.querySelector("#t-note").value,
  });
  const hidden = found =>
    found.hidden.length
      ? `hides ${many(found.hidden.length, "case")} of the last 30 days: ${found.hidden.map(each => `${each.case_id} (${each.source}, ${each.technique})`).join(", ")}`
      : "hides nothing of the last 30 days";
  form.querySelector("#t-preview").addEventListener("click", () =>
    send("preview", asked()).then(
      found => {
        said.textContent = `This ${hidden(found)}.`;
      },
      error => {
        said.textContent = error.message;
      },
    ),
  );
  form.addEventListener("submit", event => {
    event.preventDefault();
    send("triage", asked()).then(
      found => {
        said.textContent = `Saved: it ${hidden(found)}.`;
        changed(one, found);
        main.focus({ preventScroll: true });
      },
      error => {
        said.textContent = error.message;
      },
    );
  });
  const keys = Object.entries(KEYS).map(([key, status], at) => [at ? ", " : "", el("kbd", {}, key), ` ${status}`]);
  return [
    form,
    el(
      "p",
      { class: "quiet" },
      keys,
      "; then the note, and ",
      el("kbd", {}, "Enter"),
      " saves. ",
      el("kbd", {}, "j"),
      " opens the next case.",
    ),
    said,
  ];
};
const KEYS = { t: "true", f: "false", e: "expected", i: "in-progress" };
const verdict = key => {
  // chosen by a key: the note is next, and Enter saves
  const status = document.getElementById("t-status");
  if (!status || !KEYS[key]) return false;
  status.value = KEYS[key];
  document.getElementById("t-now").scrollIntoView();
  document.getElementById("t-note").focus({ preventScroll: true });
  return true;
};
const standing = one => [`Status: ${one.status}`, one.owner ? [", owner ", bdi(one.owner)] : ""];
const changed = (one, found) => {
  // what a hidden case hid comes back; that only a new page knows
  if (one.hidden_by) {
    location.reload();
    return;
  }
  const { change_id: seen, status, owner, note, by, changed_ts: at } = found;
  Object.assign(one, { seen, status, owner });
  one.history.push({ changed: at, by, status, note });
  for (const each of found.hidden) if (byId.has(each.case_id)) byId.get(each.case_id).hidden_by = seen;
  document.getElementById("t-now").replaceChildren(...standing(one).flat(9));
  if (isBelow(one)) return;
  for (const row of rows) if (byId.get(row.dataset.case).hidden_by) row.dataset.hidden = "1";
  const mine = rows.find(row => row.dataset.case === one.case_id);
  mine.lastElementChild.replaceChildren(status, ...(owner ? [el("br"), el("bdi", { class: "quiet" }, owner)] : []));
  texts.set(mine, mine.textContent.toLowerCase());
  const away = D.cases.filter(each => each.hidden_by).length;
  document.getElementById("today-title").textContent =
    many(D.cases.length - away, "case") + (away ? `, ${number(away)} hidden by triage` : "");
  filter();
};
const triageOf = one => {
  const mark = `ndr-feedback --lake <lake> --case ${one.case_id} --status expected --note "<why>"`,
    { rule } = one;
  const hidden = rule
    ? [
        `; hidden as ${rule.status} by `,
        bdi(rule.by),
        ": ",
        bdi(rule.note),
        rule.until ? [", until ", when(rule.until)] : "",
      ]
    : "";
  const changes = one.history.map(change => [when(change.changed), bdi(change.by), change.status, bdi(change.note)]);
  return [
    el("p", { id: "t-now" }, standing(one), hidden),
    changes.length ? table("History", ["When", "Who", "Status", "Note"], changes) : null,
    document.documentElement.dataset.live
      ? triage(one)
      : [
          command(mark),
          el(
            "p",
            { class: "quiet" },
            "--preview says what this would hide of the last 30 days, --scope how far it reaches.",
          ),
        ],
  ];
};
