"use strict";
const dates = (rows, step, height) => {
  // the first date below bars, and the last one where there is room for it
  const ends = rows.length
    ? [
        shape("text", { x: 0, y: height - 4 }),
        ...(rows.length > 6 ? [shape("text", { x: rows.length * step, y: height - 4, "text-anchor": "end" })] : []),
      ]
    : [];
  ends.forEach((text, at) => {
    text.textContent = rows[at ? rows.length - 1 : 0].date;
  });
  return ends;
};
const bars = (title, rows, key, { part = null, isBytes = false, usual = null } = {}) => {
  // a bar for each date, against what is usual in 24 hours
  const width = 420,
    height = 110,
    greatest = Math.max(...rows.map(row => row[key])),
    [low, high] = usual ?? [null, null],
    most = Math.max(1, greatest, high ?? 0),
    step = width / Math.max(rows.length, 14);
  const tall = value => (value / most) * (height - 24),
    written = isBytes ? inUnit([most]) : number;
  const box = (row, at, name) =>
    shape("rect", {
      class: name,
      x: at * step + 1,
      width: Math.max(step - 2, 1),
      y: height - 18 - tall(row),
      height: tall(row),
      fill: name === "dot" ? "" : ink("--series"),
    });
  const drawn = rows.map((row, at) => [box(row[key], at, "whole"), part ? box(row[part], at, "dot") : null]);
  const band =
    high === null
      ? null
      : shape("rect", {
          class: "band",
          x: 0,
          width,
          y: height - 18 - tall(high),
          height: Math.max(2, tall(high) - tall(low)),
        });
  const words = rows.map(row => `${row.date} ${row[key]}`).join(", "),
    known =
      high === null
        ? ""
        : low === high
          ? `; mostly ${written(low)}`
          : `; half of the time ${written(low)} to ${written(high)}`;
  return el(
    "figure",
    {},
    el(
      "svg",
      { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": `${title}: ${words}${known}` },
      band,
      drawn.flat(),
      dates(rows, step, height),
    ),
    el("figcaption", {}, `${title}: at most ${written(greatest)} a day${known}`),
  );
};
const volume = rows => {
  // cases a day by technique, against what the team can look at
  const width = 420,
    height = 110,
    most = Math.max(D.budget, ...rows.map(row => row.cases)) * 1.1,
    step = width / Math.max(rows.length, 14),
    tall = value => (value / most) * (height - 24);
  const techniques = [...new Set(rows.flatMap(row => Object.keys(row.counts)))].sort(),
    shade = name => 1 - 0.75 * (techniques.indexOf(name) / Math.max(techniques.length, 1));
  const stacked = rows.map((row, at) => {
    let up = height - 18;
    return techniques
      .filter(name => row.counts[name])
      .map(name => {
        up -= tall(row.counts[name]);
        return shape("rect", {
          class: "part",
          x: at * step + 1,
          width: Math.max(step - 2, 1),
          y: up,
          height: tall(row.counts[name]),
          "fill-opacity": shade(name).toFixed(2),
        });
      });
  });
  const edge = height - 18 - tall(D.budget),
    line = shape("line", { class: "limit", x1: 0, x2: width, y1: edge, y2: edge }),
    label = shape("text", { x: width, y: edge - 3, "text-anchor": "end" });
  label.textContent = `budget ${number(D.budget)} a day`;
  const sums = techniques
      .map(name => `${name} ${number(rows.reduce((sum, row) => sum + (row.counts[name] || 0), 0))}`)
      .join(", "),
    over = rows.filter(row => row.cases > D.budget).length;
  const judged = Object.values(D.verdicts).reduce((sum, count) => sum + count, 0),
    words = rows.map(row => `${row.date} ${row.cases}`).join(", ");
  return el(
    "figure",
    {},
    el(
      "svg",
      {
        viewBox: `0 0 ${width} ${height}`,
        height,
        role: "img",
        "aria-label": `cases that began, budget ${D.budget} a day: ${words}`,
      },
      stacked,
      line,
      label,
      dates(rows, step, height),
    ),
    el(
      "figcaption",
      {},
      `Cases that began: at most ${number(Math.max(...rows.map(row => row.cases)))} a day, ${over ? `on ${many(over, "day")} more than` : "never more than"} the budget of ${number(D.budget)}. By technique, dark to light: ${sums}. `,
      judged
        ? `Of ${many(judged, "case")} with a verdict, ${number(D.verdicts.true)} ${D.verdicts.true === 1 ? "was" : "were"} true, ${number(D.verdicts.false)} false, ${number(D.verdicts.expected)} expected.`
        : "No case has a verdict yet.",
    ),
  );
};
const spread = (title, rows, key) => {
  const width = 420,
    height = 110,
    step = width / Math.max(rows.length, 14),
    most = Math.max(1, ...rows.map(row => row[key].quantiles[2])) * 1.1;
  const down = value => height - 18 - (Math.min(value, most) / most) * (height - 24),
    x = at => at * step + 1,
    w = Math.max(step - 2, 1);
  const drawn = rows.map((row, at) => {
    const [low, middle, high] = row[key].quantiles,
      box = shape("rect", {
        class: "whole",
        x: x(at),
        width: w,
        y: down(high),
        height: Math.max(2, down(low) - down(high)),
      });
    box.setAttribute("fill", ink("--band"));
    return [box, shape("line", { class: "line", x1: x(at), x2: x(at) + w, y1: down(middle), y2: down(middle) })];
  });
  const words = rows.map(row => `${row.date} ${row[key].quantiles.map(number).join(", ")}`).join("; ");
  return el(
    "figure",
    {},
    el(
      "svg",
      {
        viewBox: `0 0 ${width} ${height}`,
        height,
        role: "img",
        "aria-label": `${title}, quartiles and the most: ${words}`,
      },
      drawn.flat(),
    ),
    el(
      "figcaption",
      {},
      `${title}: median, and the middle half of the hosts; it reaches ${number(Math.max(...rows.map(row => row[key].quantiles[2])))}`,
    ),
  );
};
const middle = (values, share) => values[Math.min(values.length - 1, Math.floor(share * values.length))];
const rhythm = (one, found) => {
  // the gaps between the sessions of the contact that is most like a clock, if it is one
  if (!found || !one.reasons.some(reason => reason.feature.startsWith("pair_regular"))) return null;
  const at = Object.fromEntries(found.columns.map((name, place) => [name, place])),
    begun = new Map();
  for (const row of found.rows.filter(row => row[at.session_end_reason])) {
    const contact = `${row[at.src_ip]} to ${row[at.dst_ip]}:${row[at.dst_port]}`;
    begun.set(contact, [...(begun.get(contact) || []), Date.parse(row[at.end_ts]) - 1e3 * (row[at.duration_s] || 0)]);
  }
  const gapsOf = ([contact, times]) => {
    times.sort((a, b) => a - b);
    const gaps = times.slice(1).map((time, place) => ({ time, gap: (time - times[place]) / 6e4 })),
      mean = gaps.reduce((sum, { gap }) => sum + gap, 0) / gaps.length;
    const even =
      Math.max(0, 1 - Math.sqrt(gaps.reduce((sum, { gap }) => sum + (gap - mean) ** 2, 0) / gaps.length) / mean) || 0;
    return { contact, gaps, even, far: even * Math.sqrt(gaps.length) };
  };
  const best = [...begun].map(gapsOf).sort((a, b) => b.far - a.far)[0];
  if (!best || best.gaps.length < 5 || best.far < 3) return null; // chance hardly makes them so even, as with reasons
  const minutes = value => value.toLocaleString("en", { maximumSignificantDigits: 3 });
  const width = 420,
    height = 110,
    side = 90,
    sorted = best.gaps.map(({ gap }) => gap).sort((a, b) => a - b),
    most = sorted.at(-1),
    BINS = 12;
  const first = best.gaps[0].time,
    long = Math.max(best.gaps.at(-1).time - first, 1),
    y = gap => height - 18 - (gap / most) * (height - 24);
  const ends = [
    [most, `${minutes(most)} min`],
    [0, "0"],
  ].map(([gap, text]) => {
    const label = shape("text", { x: 0, y: y(gap) + (gap ? 8 : 12) });
    label.textContent = text;
    return label;
  });
  const dots = best.gaps.map(({ time, gap }) =>
    shape("circle", { class: "dot", cx: ((time - first) / long) * (width - side - 12) + 3, cy: y(gap), r: 2 }),
  );
  const counts = Array(BINS).fill(0);
  for (const gap of sorted) counts[Math.min(BINS - 1, Math.floor((gap / most) * BINS))] += 1;
  const bins = counts.map((count, bin) =>
    shape("rect", {
      class: "part",
      x: width - side,
      width: (count / Math.max(...counts)) * side,
      y: y(((bin + 1) / BINS) * most),
      height: (height - 24) / BINS - 1,
    }),
  );
  const said = `median ${minutes(middle(sorted, 0.5))} min, half of them ${minutes(middle(sorted, 0.25))} to ${minutes(middle(sorted, 0.75))} min, at most ${minutes(most)} min`;
  return el(
    "figure",
    { id: "rhythm" },
    el(
      "svg",
      {
        viewBox: `0 0 ${width} ${height}`,
        height,
        role: "img",
        "aria-label": `gaps between sessions over time, and how often each: ${said}`,
      },
      shape("line", { class: "edge", x1: 0, x2: width, y1: y(0), y2: y(0) }),
      dots,
      bins,
      ends,
    ),
    el(
      "figcaption",
      {},
      "Gaps between the sessions of ",
      bdi(best.contact),
      ` over time, and how often each: ${said}. Evenness of ${number(best.gaps.length)} gaps: ${best.even.toFixed(2)}; 1 is a clock, 0 is chance.`,
      found.count > found.rows.length ? ` Of the first ${number(found.rows.length)} records.` : "",
    ),
  );
};
