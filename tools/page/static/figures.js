"use strict";
const spark = (host, width = 120, height = 26) => {
  const values = line(host);
  if (!values) return el("span", { class: "quiet" }, "outside");
  const x = at => (at / Math.max(windows - 1, 1)) * (width - 4) + 2,
    y = value => height - 2 - (value / 5) * (height - 4);
  const points = values.map((value, at) => (value === null ? null : `${x(at).toFixed(1)},${y(value).toFixed(1)}`));
  const alerts = values.map((value, at) =>
    value !== null && value >= ALERT ? shape("circle", { class: "dot", cx: x(at), cy: y(value), r: 1.8 }) : null,
  );
  return el(
    "svg",
    { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", focusable: "false" },
    shape("line", { class: "edge", x1: 0, x2: width, y1: y(ALERT), y2: y(ALERT) }),
    shape("polyline", { class: "line", points: points.filter(Boolean).join(" ") }),
    alerts,
  );
};

const ink = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const chart = (
  title,
  values,
  { low = [], high = [], marked = null, bytes: isBytes = false, note = "", band = null, times = starts } = {},
) => {
  const isLong = times.length > 4 * 96,
    holder = el("div"),
    known = values.filter(value => value !== null);
  const usual = low.map((least, at) => [least, high[at]]).filter(pair => pair[0] !== null),
    tops = usual.map(pair => pair[1]);
  const written = isBytes ? inUnit([...known, ...tops]) : number;
  const most = known.length ? Math.max(...known) : null;
  const busy = usual.find(pair => pair[1] === Math.max(...tops));
  const plain = isBytes ? inUnit(tops) : number;
  const said =
    band ??
    (busy
      ? `; ${busy[0] === busy[1] ? `mostly ${plain(busy[0])}` : `half of the time ${plain(busy[0])} to ${plain(busy[1])}`}${busy[1] > Math.min(...tops) ? " when it is busiest" : ""}`
      : "");
  const figure = el(
    "figure",
    { class: times === starts ? null : "wide" },
    holder,
    el("figcaption", {}, `${title}: at most ${written(most)}${said}${note}`),
  );
  const draw = () => {
    const axis = {
      stroke: ink("--quiet"),
      grid: { stroke: ink("--line"), width: 1 },
      ticks: { stroke: ink("--line") },
    };
    const series = [
      {},
      {
        label: title,
        stroke: ink("--series"),
        width: 1.5,
        points: { size: isLong ? 2 : 4 },
        spanGaps: false,
        value: (_, value) => written(value),
      },
    ];
    const hooks = {
      drawClear: [
        plot => {
          const { ctx, bbox } = plot;
          const at = (value, axisOf) => plot.valToPos(value, axisOf, true);
          ctx.save();
          ctx.beginPath();
          ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
          ctx.clip();
          ctx.fillStyle = ink("--band");
          low.forEach((least, place) => {
            if (least !== null)
              ctx.fillRect(
                at(times[place], "x"),
                at(high[place], "y"),
                at(times[place] + 900, "x") - at(times[place], "x") + 1,
                Math.max(2, at(least, "y") - at(high[place], "y")),
              );
          });
          if (marked) {
            ctx.fillStyle = ink("--alert");
            ctx.globalAlpha = 0.16;
            ctx.fillRect(
              at(marked[0], "x"),
              bbox.top,
              Math.max(3, at(marked[1], "x") - at(marked[0], "x")),
              bbox.height,
            );
          }
          ctx.restore();
        },
      ],
    };
    const options = {
      width: Math.max(260, Math.min(holder.clientWidth || 420, 900)),
      height: 150,
      series,
      hooks,
      legend: { show: false },
      cursor: { drag: { x: false, y: false } },
      tzDate: stamp => uPlot.tzDate(new Date(stamp * 1e3), D.about.zone),
      scales: { y: { range: (_, least, greatest) => [0, Math.max(greatest ?? 1, ...tops, 1) * 1.05] } },
      axes: [
        {
          ...axis,
          values: (_, ticks) =>
            ticks.map((stamp, at) =>
              isLong
                ? clock.format(stamp * 1000) === "00:00"
                  ? day.format(stamp * 1000).slice(5)
                  : ""
                : clock.format(stamp * 1000) + (at ? "" : "\n" + day.format(stamp * 1000)),
            ),
        },
        { ...axis, size: 64, values: (_, ticks) => ticks.map(written) },
      ],
    };
    holder.replaceChildren();
    new uPlot(options, [times, values], holder);
  };
  figure.draw = draw;
  return figure;
};
