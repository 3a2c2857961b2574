"use strict";
const showHealth = () => {
  const health = D.health,
    late = Object.entries(health.minutes_late),
    words = ["finished", "begun and not finished", "not run", "older than what it was made from"],
    marks = ["", "…", "", "!"];
  const grid = el(
    "table",
    { class: "grid" },
    el(
      "caption",
      {},
      `Stages of ${many(windows, "window")}: green has finished, grey has not run, … has begun, ! is older than what it was made from`,
    ),
    el(
      "tbody",
      {},
      health.stages.map((stage, row) =>
        el(
          "tr",
          {},
          el("th", { scope: "row" }, stage),
          health.grid[row].map((code, at) =>
            el(
              "td",
              { class: `s${code}`, title: `${stage} ${D.about.starts[at]}: ${words[code]}` },
              marks[code] || el("span", { class: "skip" }, words[code]),
            ),
          ),
        ),
      ),
    ),
  );
  return [
    el("h1", {}, "Health"),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Stages" }, grid),
    el("h2", {}, "Proof of detection"),
    el("p", {}, bdi(health.canary)),
    el("h2", {}, "Lateness"),
    late.length
      ? table(
          "Minutes until a stage was done: from the end of a window, and from when what it reads was done; windows of backfills do not count",
          ["Stage", "Median", "95 of 100 within", "Most", "From what it reads", "95 of 100 within"],
          late.map(([stage, one]) => [
            stage,
            ...[one.median, one.p95, one.most].map(number),
            ...[one.took, one.took_p95].map(minutes => (minutes === undefined ? "" : number(minutes))),
          ]),
          [1, 2, 3, 4, 5],
        )
      : el("p", { class: "empty" }, "These windows were made a day or more after their end."),
    el("h2", {}, "Windows without scores"),
    health.missing.length ? el("p", {}, spans(health.missing)) : el("p", { class: "empty" }, "None."),
    el("h2", {}, "Incomplete logs"),
    health.incomplete.length
      ? table(
          `${many(health.incomplete_cnt, "window")}`,
          ["Window", "What is missing"],
          health.incomplete.map(row => [when(row.window), bdi(row.reason)]),
        )
      : el("p", { class: "empty" }, "Nothing is known to be missing."),
    el("h2", {}, "Rejected records"),
    health.rejects.length
      ? table(
          "Records by reason",
          ["Reason", "Records"],
          health.rejects.map(row => [bdi(row.reason), number(row.count)]),
          [1],
        )
      : el("p", { class: "empty" }, "None."),
  ];
};
const showModel = () => {
  const current = D.decisions.length ? D.decisions[0].current_run : null,
    used = D.about.models;
  const place = run =>
    [used.includes(run) ? "scored these windows" : "", run === current ? "current" : "earlier"]
      .filter(Boolean)
      .join(", ");
  const band = {
    low: D.drift.bound.map(most => (most === null ? null : 0)),
    high: D.drift.bound,
    band: "; drifted above the band",
  };
  const compared = D.drift.score_psi.some(value => value !== null);
  return [
    el("h1", {}, "Model"),
    table(
      "What they were trained on, and how good they were then",
      ["Model", "Now", "Trained on", "Rows", "Features", "Average precision", "Share that alerts"],
      D.models.map(one => [
        el("code", {}, one.run_id),
        place(one.run_id),
        one.training_window ? ranged(one.training_window) : "not kept",
        number(one.rows),
        number(one.features_used),
        exact(one.average_precision),
        exact(one.alert_share),
      ]),
      [3, 4, 5, 6],
    ),
    el("h2", {}, "Drift"),
    compared
      ? el("div", { class: "charts" }, chart("PSI of the score against training", D.drift.score_psi, band))
      : el("p", { class: "empty" }, "No window was compared with training."),
    D.drift.drifted.length ? el("p", {}, "Drifted: ", spans(D.drift.drifted)) : null,
    el("h2", {}, "Decisions"),
    D.decisions.length ? D.decisions.map(decision) : el("p", { class: "empty" }, "None."),
    el(
      "p",
      {},
      "An earlier model is brought back by ",
      el("code", {}, 'ndr-models rollback --lake <lake> --reason "<why>"'),
      ".",
    ),
  ];
};
const decision = one => [
  el("h3", {}, `${one.action} `, el("code", {}, one.run_id), " ", when(one.decided)),
  el("p", {}, bdi(one.reason), ". By ", bdi(one.decided_by)),
  one.gates.length
    ? table(
        "Gates",
        ["Gate", "Value", "Bound", "Verdict"],
        one.gates.map(gate => [
          gate.name.replaceAll("_", " "),
          exact(gate.value),
          gate.bound,
          gate.verdict.replaceAll("_", " "),
        ]),
        [1],
      )
    : null,
];
