"use strict";
(async () => {
  const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  const packed = bytes(document.getElementById("data").textContent);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const D = JSON.parse(await new Response(stream).text());
  const scores = bytes(D.scores), windows = D.about.starts.length, IDLE = 255, SCALE = 50, ALERT = 3, SOURCES_DRAWN = 6;
  const byId = new Map([...D.cases, ...D.below].map(one => [one.case_id, one])), isBelow = one => D.below.includes(one);
  const hostAt = new Map(D.hosts.map((host, at) => [host, at]));
  const starts = D.about.starts.map(text => Date.parse(text) / 1000);
  const view = document.getElementById("view"), today = document.getElementById("today"), main = document.getElementById("main");

  // elements are made of texts only: what logs say is never read as HTML
  const el = (tag, given = {}, ...children) => {
    const made = tag === "svg" || given.svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(given)) if (name !== "svg" && value !== null && value !== undefined) made.setAttribute(name, value);
    made.append(...children.flat(9).filter(child => child !== null && child !== undefined).map(child => (child instanceof Node ? child : String(child))));
    return made;
  };
  const shape = (tag, given) => el(tag, { ...given, svg: true });
  const bdi = text => el("bdi", {}, text);
  const clock = new Intl.DateTimeFormat("sv-SE", { timeZone: D.about.zone, timeStyle: "short" }), day = new Intl.DateTimeFormat("sv-SE", { timeZone: D.about.zone, dateStyle: "short" });
  const zoned = new Intl.DateTimeFormat("sv-SE", { timeZone: D.about.zone, dateStyle: "short", timeStyle: "short" });
  const when = text => {
    const [date, time] = zoned.format(new Date(text)).split(" ");
    return el("time", { datetime: text, title: text.replace("T", " ").replace("Z", " UTC") }, el("span", { class: "address" }, date), " ", time);
  };
  const seen = (first, last) => {  // the date of the last only where it is another one
    const until = when(last), same = day.format(new Date(first)) === day.format(new Date(last));
    if (same) until.textContent = clock.format(new Date(last));
    return el("span", { class: "address" }, when(first), " to ", until);
  };
  const spans = starts => {  // windows that follow each other as one span
    const found = [];
    for (const at of starts.map(text => Date.parse(text))) if (found.length && found.at(-1)[1] === at) found.at(-1)[1] += 900e3; else found.push([at, at + 900e3]);
    return found.map((ends, at) => [at ? ", " : "", ends.map((end, last) => [last ? " to " : "", when(new Date(end).toISOString().replace(":00.000", ""))])]);
  };
  const number = value => (value === null || value === undefined ? "–" : Number(value).toLocaleString("en", { maximumFractionDigits: 2 }));
  const inUnit = values => {
    const most = Math.max(0, ...values.filter(Number.isFinite)), units = ["B", "kB", "MB", "GB", "TB"];
    const power = Math.min(4, Math.max(0, Math.floor(Math.log10(Math.max(most, 1)) / 3)));
    const written = value => (value > 0 && value < 0.01 ? "< 0.01" : value.toLocaleString("en", { maximumSignificantDigits: 3 }));
    return value => (value === null ? "–" : `${written(value / 1000 ** power)} ${units[power]}`);
  };
  const many = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
  const toCase = one => [el("a", { href: `#case=${one.case_id}` }, bdi(one.source), ` ${one.technique.name}`), isBelow(one) ? " (below the line)" : ""];
  const toSegment = name => (D.segments[name] ? el("a", { href: `#segment=${encodeURIComponent(name)}` }, bdi(name)) : bdi(name));
  const toHost = host => (hostAt.has(host) ? el("a", { href: `#host=${encodeURIComponent(host)}` }, bdi(host)) : el("bdi", { class: "address" }, host));
  const line = host => { const at = hostAt.get(host); return at === undefined ? null : Array.from(scores.subarray(at * windows, (at + 1) * windows), code => (code === IDLE ? null : code / SCALE)); };

  const spark = (host, width = 120, height = 26) => {
    const values = line(host);
    if (!values) return el("span", { class: "quiet" }, "outside");
    const x = at => (at / Math.max(windows - 1, 1)) * (width - 4) + 2, y = value => height - 2 - (value / 5) * (height - 4);
    const points = values.map((value, at) => (value === null ? null : `${x(at).toFixed(1)},${y(value).toFixed(1)}`));
    const alerts = values.map((value, at) => (value !== null && value >= ALERT ? shape("circle", { class: "dot", cx: x(at), cy: y(value), r: 1.8 }) : null));
    return el("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", focusable: "false" },
      shape("line", { class: "edge", x1: 0, x2: width, y1: y(ALERT), y2: y(ALERT) }), shape("polyline", { class: "line", points: points.filter(Boolean).join(" ") }), alerts);
  };

  const ink = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const chart = (title, values, { low = [], high = [], marked = null, bytes: isBytes = false, note = "", band = null } = {}) => {
    const holder = el("div"), known = values.filter(value => value !== null);
    const usual = low.map((least, at) => [least, high[at]]).filter(pair => pair[0] !== null), tops = usual.map(pair => pair[1]);
    const written = isBytes ? inUnit([...known, ...tops]) : number;
    const most = known.length ? Math.max(...known) : null;
    const busy = usual.find(pair => pair[1] === Math.max(...tops));
    const plain = isBytes ? inUnit(tops) : number;
    const said = band ?? (busy ? `; half of the time ${plain(busy[0])} to ${plain(busy[1])}${busy[1] > Math.min(...tops) ? " when it is busiest" : ""}` : "");
    const figure = el("figure", {}, holder, el("figcaption", {}, `${title}: at most ${written(most)}${said}${note}`));
    const draw = () => {
      const axis = { stroke: ink("--quiet"), grid: { stroke: ink("--line"), width: 1 }, ticks: { stroke: ink("--line") } };
      const series = [{}, { label: title, stroke: ink("--series"), width: 1.5, points: { size: 4 }, spanGaps: false, value: (_, value) => written(value) }];
      const hooks = { drawClear: [plot => {
        const { ctx, bbox } = plot;
        const at = (value, axisOf) => plot.valToPos(value, axisOf, true);
        ctx.save(); ctx.beginPath(); ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height); ctx.clip();
        ctx.fillStyle = ink("--band");
        low.forEach((least, place) => { if (least !== null) ctx.fillRect(at(starts[place], "x"), at(high[place], "y"), at(starts[place] + 900, "x") - at(starts[place], "x") + 1, Math.max(2, at(least, "y") - at(high[place], "y"))); });
        if (marked) { ctx.fillStyle = ink("--alert"); ctx.globalAlpha = .16; ctx.fillRect(at(marked[0], "x"), bbox.top, at(marked[1], "x") - at(marked[0], "x"), bbox.height); }
        ctx.restore();
      }] };
      const options = { width: Math.max(260, Math.min(holder.clientWidth || 420, 900)), height: 150, series, hooks, legend: { show: false }, cursor: { drag: { x: false, y: false } },
        tzDate: stamp => uPlot.tzDate(new Date(stamp * 1e3), D.about.zone),
        scales: { y: { range: (_, least, greatest) => [0, Math.max(greatest ?? 1, ...tops, 1) * 1.05] } },
        axes: [{ ...axis, values: (_, ticks) => ticks.map((stamp, at) => clock.format(stamp * 1000) + (at ? "" : "\n" + day.format(stamp * 1000))) }, { ...axis, size: 64, values: (_, ticks) => ticks.map(written) }] };
      holder.replaceChildren(); new uPlot(options, [starts, values], holder);
    };
    figure.draw = draw;
    return figure;
  };
  const dates = (rows, step, height) => {  // the first date below bars, and the last one where there is room for it
    const ends = rows.length ? [shape("text", { x: 0, y: height - 4 }), ...(rows.length > 6 ? [shape("text", { x: rows.length * step, y: height - 4, "text-anchor": "end" })] : [])] : [];
    ends.forEach((text, at) => { text.textContent = rows[at ? rows.length - 1 : 0].date; });
    return ends;
  };
  const bars = (title, rows, key, part = null) => {
    const width = 420, height = 110, most = Math.max(1, ...rows.map(row => row[key])), step = width / Math.max(rows.length, 14);
    const drawn = rows.map((row, at) => {
      const tall = value => (value / most) * (height - 24);
      const box = (value, name) => shape("rect", { class: name, x: at * step + 1, width: Math.max(step - 2, 1), y: height - 18 - tall(value), height: tall(value), fill: name === "dot" ? "" : ink("--series") });
      return [box(row[key], "whole"), part ? box(row[part], "dot") : null];
    });
    const words = rows.map(row => `${row.date} ${row[key]}`).join(", ");
    return el("figure", {}, el("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": `${title}: ${words}` }, drawn.flat(), dates(rows, step, height)),
      el("figcaption", {}, `${title}: at most ${number(most)} a day`));
  };
  const volume = rows => {  // cases a day by technique, against what the team can look at
    const width = 420, height = 110, most = Math.max(D.budget, ...rows.map(row => row.cases)) * 1.1, step = width / Math.max(rows.length, 14), tall = value => (value / most) * (height - 24);
    const techniques = [...new Set(rows.flatMap(row => Object.keys(row.counts)))].sort(), shade = name => 1 - 0.75 * (techniques.indexOf(name) / Math.max(techniques.length, 1));
    const stacked = rows.map((row, at) => {
      let up = height - 18;
      return techniques.filter(name => row.counts[name]).map(name => { up -= tall(row.counts[name]); return shape("rect", { class: "part", x: at * step + 1, width: Math.max(step - 2, 1), y: up, height: tall(row.counts[name]), "fill-opacity": shade(name).toFixed(2) }); });
    });
    const edge = height - 18 - tall(D.budget), line = shape("line", { class: "limit", x1: 0, x2: width, y1: edge, y2: edge }), label = shape("text", { x: width, y: edge - 3, "text-anchor": "end" });
    label.textContent = `budget ${number(D.budget)} a day`;
    const sums = techniques.map(name => `${name} ${number(rows.reduce((sum, row) => sum + (row.counts[name] || 0), 0))}`).join(", "), over = rows.filter(row => row.cases > D.budget).length;
    const judged = Object.values(D.verdicts).reduce((sum, count) => sum + count, 0), words = rows.map(row => `${row.date} ${row.cases}`).join(", ");
    return el("figure", {}, el("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": `cases that began, budget ${D.budget} a day: ${words}` }, stacked, line, label, dates(rows, step, height)),
      el("figcaption", {}, `Cases that began: at most ${number(Math.max(...rows.map(row => row.cases)))} a day, ${over ? `on ${many(over, "day")} more than` : "never more than"} the budget of ${number(D.budget)}. By technique, dark to light: ${sums}. `,
        judged ? `Of ${many(judged, "case")} with a verdict, ${number(D.verdicts.true)} ${D.verdicts.true === 1 ? "was" : "were"} true, ${number(D.verdicts.false)} false, ${number(D.verdicts.expected)} expected.` : "No case has a verdict yet."));
  };
  const spread = (title, rows, key) => {
    const width = 420, height = 110, step = width / Math.max(rows.length, 14), most = Math.max(1, ...rows.map(row => row[key].quantiles[2])) * 1.1;
    const down = value => height - 18 - (Math.min(value, most) / most) * (height - 24), x = at => at * step + 1, w = Math.max(step - 2, 1);
    const drawn = rows.map((row, at) => {
      const [low, middle, high] = row[key].quantiles, box = shape("rect", { class: "whole", x: x(at), width: w, y: down(high), height: Math.max(2, down(low) - down(high)) });
      box.setAttribute("fill", ink("--band"));
      return [box, shape("line", { class: "line", x1: x(at), x2: x(at) + w, y1: down(middle), y2: down(middle) })];
    });
    const words = rows.map(row => `${row.date} ${row[key].quantiles.map(number).join(", ")}`).join("; ");
    return el("figure", {}, el("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": `${title}, quartiles and the most: ${words}` }, drawn.flat()),
      el("figcaption", {}, `${title}: median, and the middle half of the hosts; it reaches ${number(Math.max(...rows.map(row => row[key].quantiles[2])))}`));
  };
  const middle = (values, share) => values[Math.min(values.length - 1, Math.floor(share * values.length))];
  const rhythm = (one, found) => {  // the gaps between the sessions of the contact that is most like a clock, if it is one
    if (!found || !one.reasons.some(reason => reason.feature.startsWith("pair_regular"))) return null;
    const at = Object.fromEntries(found.columns.map((name, place) => [name, place])), begun = new Map();
    for (const row of found.rows.filter(row => row[at.session_end_reason])) {
      const contact = `${row[at.src_ip]} to ${row[at.dst_ip]}:${row[at.dst_port]}`;
      begun.set(contact, [...(begun.get(contact) || []), Date.parse(row[at.end_ts]) - 1e3 * (row[at.duration_s] || 0)]);
    }
    const gapsOf = ([contact, times]) => {
      times.sort((a, b) => a - b);
      const gaps = times.slice(1).map((time, place) => ({ time, gap: (time - times[place]) / 6e4 })), mean = gaps.reduce((sum, { gap }) => sum + gap, 0) / gaps.length;
      const even = Math.max(0, 1 - Math.sqrt(gaps.reduce((sum, { gap }) => sum + (gap - mean) ** 2, 0) / gaps.length) / mean) || 0;
      return { contact, gaps, even, far: even * Math.sqrt(gaps.length) };
    };
    const best = [...begun].map(gapsOf).sort((a, b) => b.far - a.far)[0];
    if (!best || best.gaps.length < 5 || best.far < 3) return null;  // chance hardly makes them so even, as with reasons
    const minutes = value => value.toLocaleString("en", { maximumSignificantDigits: 3 });
    const width = 420, height = 110, side = 90, sorted = best.gaps.map(({ gap }) => gap).sort((a, b) => a - b), most = sorted.at(-1), BINS = 12;
    const first = best.gaps[0].time, long = Math.max(best.gaps.at(-1).time - first, 1), y = gap => height - 18 - (gap / most) * (height - 24);
    const ends = [[most, `${minutes(most)} min`], [0, "0"]].map(([gap, text]) => { const label = shape("text", { x: 0, y: y(gap) + (gap ? 8 : 12) }); label.textContent = text; return label; });
    const dots = best.gaps.map(({ time, gap }) => shape("circle", { class: "dot", cx: ((time - first) / long) * (width - side - 12) + 3, cy: y(gap), r: 2 }));
    const counts = Array(BINS).fill(0);
    for (const gap of sorted) counts[Math.min(BINS - 1, Math.floor((gap / most) * BINS))] += 1;
    const bins = counts.map((count, bin) => shape("rect", { class: "part", x: width - side, width: (count / Math.max(...counts)) * side, y: y(((bin + 1) / BINS) * most), height: (height - 24) / BINS - 1 }));
    const said = `median ${minutes(middle(sorted, 0.5))} min, half of them ${minutes(middle(sorted, 0.25))} to ${minutes(middle(sorted, 0.75))} min, at most ${minutes(most)} min`;
    return el("figure", { id: "rhythm" }, el("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": `gaps between sessions over time, and how often each: ${said}` }, shape("line", { class: "edge", x1: 0, x2: width, y1: y(0), y2: y(0) }), dots, bins, ends),
      el("figcaption", {}, "Gaps between the sessions of ", bdi(best.contact), ` over time, and how often each: ${said}. Evenness of ${number(best.gaps.length)} gaps: ${best.even.toFixed(2)}; 1 is a clock, 0 is chance.`, found.count > found.rows.length ? ` Of the first ${number(found.rows.length)} records.` : ""));
  };
  const table = (caption, heads, rows, numeric = []) => el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, el("table", {}, el("caption", {}, caption),
    el("thead", {}, el("tr", {}, heads.map((head, at) => el("th", { scope: "col", class: numeric.includes(at) ? "num" : null }, head)))),
    el("tbody", {}, rows.map(cells => el("tr", {}, cells.map((cell, at) => el("td", { class: numeric.includes(at) ? "num" : null }, cell)))))));
  const facts = pairs => el("dl", { class: "facts" }, pairs.filter(pair => pair[1] !== null && pair[1] !== "" && pair[1] !== undefined).map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
  const command = text => { const shown = el("pre", { tabindex: "0" }, text); return shown; };

  const send = async (what, asked) => {
    const answer = await fetch(what, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(asked), keepalive: true });
    const found = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(found.error || `the server answers ${answer.status}`);
    return found;
  };
  const choice = (name, label, words, chosen) => [el("label", { for: name }, label), el("select", { id: name }, words.map(word => el("option", word === chosen ? { selected: "" } : {}, word)))];
  const triage = one => {
    const form = el("form", { class: "triage" }, choice("t-status", "Status", ["new", "in-progress", "true", "false", "expected", "closed"], one.status),
      choice("t-scope", "Hides", ["pair", "host", "segment", "behaviour"], "pair"), el("label", { for: "t-days" }, "for days"), el("input", { id: "t-days", type: "number", min: "1", max: "3650", value: "90" }),
      el("label", { for: "t-owner" }, "Owner"), el("input", { id: "t-owner", value: one.owner || "" }), el("label", { for: "t-note" }, "Note"), el("input", { id: "t-note", class: "wide" }),
      el("button", { type: "button", id: "t-preview" }, "Preview"), el("button", { type: "submit" }, "Save"));
    const said = el("p", { role: "status", id: "t-said" });
    const asked = () => ({ case_id: one.case_id, seen: one.seen, status: form.querySelector("#t-status").value, scope: form.querySelector("#t-scope").value,
      days: Number(form.querySelector("#t-days").value), owner: form.querySelector("#t-owner").value, note: form.querySelector("#t-note").value });
    const hidden = found => (found.hidden.length ? `hides ${many(found.hidden.length, "case")} of the last 30 days: ${found.hidden.map(each => `${each.case_id} (${each.source}, ${each.technique})`).join(", ")}` : "hides nothing of the last 30 days");
    form.querySelector("#t-preview").addEventListener("click", () => send("preview", asked()).then(found => { said.textContent = `This ${hidden(found)}.`; }, error => { said.textContent = error.message; }));
    form.addEventListener("submit", event => {
      event.preventDefault();
      send("triage", asked()).then(found => { said.textContent = `Saved: it ${hidden(found)}.`; changed(one, found); }, error => { said.textContent = error.message; });
    });
    return [form, said];
  };
  const standing = one => [`Status: ${one.status}`, one.owner ? [", owner ", bdi(one.owner)] : ""];
  const changed = (one, found) => {  // what a hidden case hid comes back; that only a new page knows
    if (one.hidden_by) { location.reload(); return; }
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
    document.getElementById("today-title").textContent = many(D.cases.length - away, "case") + (away ? `, ${number(away)} hidden by triage` : "");
    filter();
  };
  const showCase = id => {
    const one = byId.get(id);
    if (!one) return [el("h1", {}, "No such case"), el("p", {}, `The page has no case ${id}.`)];
    const names = host => (one.names[host] ? [toHost(host), " (", bdi(one.names[host]), ")"] : toHost(host));
    const listed = hosts => hosts.map((host, at) => [at ? ", " : "", names(host)]);
    const sent = inUnit(one.contacts.map(contact => contact.sent)), received = inUnit(one.contacts.map(contact => contact.received));
    const marked = [Date.parse(one.start) / 1000, Date.parse(one.end) / 1000], host = hostAt.has(one.source) ? one.source : one.targets[0];
    const activity = D.activity[host] || [], drawn = [...new Set([host, ...one.sources])].filter(each => hostAt.has(each)).slice(0, SOURCES_DRAWN);
    const charts = [...drawn.map(each => chart(`score of ${each} in decades`, line(each), { marked, note: "; from 3 on it alerts" })),
      ...activity.map(found => chart(`${found.metric} of ${host} in 15 min`, found.values, { low: found.low, high: found.high, bytes: found.bytes, marked, note: found.of === "segment" ? " in its segment" : "" }))].filter(Boolean);
    const found = one.sessions, mark = `ndr-feedback --lake <lake> --case ${one.case_id} --status expected --note "<why>"`;
    return [
      el("h1", {}, isBelow(one) ? "below the line" : el("span", { class: `severity ${one.severity}` }, one.severity), ` ${one.decades.toFixed(isBelow(one) ? 2 : 1)}: `, bdi(one.source), one.sources.length > 1 ? ` and ${one.sources.length - 1} more` : "", `, ${one.technique.name}`),
      el("p", {}, bdi(one.sentence)),
      el("h2", {}, "Who"),
      facts([["source", listed(one.sources)], ["segment", toSegment(one.segment_id)], ["user", one.user && [bdi(one.user), one.users_cnt > 1 ? ` and ${one.users_cnt - 1} more` : ""]], ["shared address", one.shared && bdi(one.shared.words.replace(/^shared address: /, ""))], ["most critical machine", one.machine && one.machine !== one.source ? toHost(one.machine) : null], ["criticality", one.criticality], ["role", one.role && bdi(one.role)], ["owner of the machine", one.machine_owner && bdi(one.machine_owner)], ["customer", one.customer_id],
        ["resembles", [one.technique.name, one.technique.attack_id ? ` (${one.technique.attack_id} ${one.technique.attack_name})` : ""]], ["also", one.techniques.filter(name => name !== one.technique.name).join(", ")],
        ["alerted because of it", one.targets.length ? listed(one.targets) : "no other host"], ["first and last seen", [when(one.start), " to ", when(one.end)]],
        ["windows", `${one.windows}, the highest at `], ["before", isBelow(one) ? null : one.earlier ? `${many(one.earlier, "case")} of it in the week before` : "its first case in a week"], ["case", one.case_id]]
        .map(([name, value]) => (name === "windows" ? [name, [`${one.windows}, the highest `, when(one.peak)]] : [name, value]))),
      el("h2", {}, "Why"), el("p", { class: "quiet" }, "As it was in the highest window, ", when(one.peak), "."),
      el("ul", { class: "reasons" }, one.reasons.map((reason, at) => { const bar = el("i"); bar.style.width = `${Math.min(100, reason.share * 100)}%`; return el("li", {}, bdi(one.words[at]), el("div", { class: "bar", "aria-hidden": "true" }, bar)); })),
      one.indicators.length ? [el("h2", {}, "Indicators"), meetings(one.indicators)] : null,
      el("h2", {}, "Whom"),
      table(`${many(one.contacts.length, "contact")}, those of each window that stand out most; sessions and bytes of the busiest 24 hours`, ["Source", "Target", "Port", "Decades", "Sessions", "Failed", "Sent", "Received", "New", "Known to others", "Seen"],
        one.contacts.map(contact => [toHost(contact.source), [toHost(contact.target), [contact.domain, contact.owner].filter(Boolean).map(text => [el("br"), el("bdi", { class: "quiet" }, text)])], [contact.port, contact.app ? [el("br"), el("bdi", { class: "quiet" }, contact.app)] : ""], contact.decades.toFixed(1), number(contact.sessions), number(contact.failed), sent(contact.sent), received(contact.received), contact.new.join(", "), contact.kind.startsWith("outbound") ? number(contact.others) : "–", seen(contact.first, contact.last)]), [2, 3, 4, 5, 6, 7, 9]),
      el("h2", {}, "When"), el("div", { class: "charts" }, charts, rhythm(one, found)),
      el("h2", {}, "Sessions"),
      found ? [el("p", {}, `${number(found.rows.length)} of ${many(found.count, "record")} of this case, threats that the firewall saw included. On the firewall, they are found by`), command(one.filter),
        found.rows.length ? el("details", {}, el("summary", {}, "Show them, the first to end first"), el("div", { class: "raw" }, table("Sessions", found.columns, found.rows.map(row => row.map(value => (value === null ? "" : bdi(value))))))) : el("p", { class: "empty" }, "They are not kept any more.")]
        : el("p", {}, "They are printed by ", el("code", {}, `ndr-sessions --lake <lake> --case ${one.case_id}`)),
      el("h2", {}, "Triage"),
      el("p", { id: "t-now" }, standing(one), one.rule ? [`; hidden as ${one.rule.status} by `, bdi(one.rule.by), ": ", bdi(one.rule.note), one.rule.until ? [", until ", when(one.rule.until)] : ""] : ""),
      one.history.length ? table("History", ["When", "Who", "Status", "Note"], one.history.map(change => [when(change.changed), bdi(change.by), change.status, bdi(change.note)])) : null,
      document.documentElement.dataset.live ? triage(one) : [command(mark), el("p", { class: "quiet" }, "--preview says what this would hide of the last 30 days, --scope how far it reaches.")],
      el("h2", {}, "Related"),
      one.related.length ? el("ul", {}, one.related.map(other => el("li", {}, toCase(byId.get(other)), " ", when(byId.get(other).start)))) : el("p", { class: "empty" }, "No other case has one of its hosts."),
    ];
  };
  const showHost = host => {
    const values = line(host);
    if (!values) return [el("h1", {}, "No such host"), el("p", {}, bdi(host), " has no score in these windows.")];
    const activity = D.activity[host] || [], days = D.days[host] || [], cases = [...D.cases, ...D.below].filter(one => [...one.sources, ...one.targets].includes(host));
    const name = cases.map(one => one.names[host]).find(Boolean), segment = Object.keys(D.segments).find(each => D.segments[each].hosts.includes(host));
    return [el("h1", {}, bdi(host)), facts([["name", name && bdi(name)], ["segment", segment && toSegment(segment)]]), el("h2", {}, "These windows"),
      el("div", { class: "charts" }, chart("score in decades", values, { note: "; from 3 on it alerts" }), activity.map(found => chart(`${found.metric} in 15 min`, found.values, { low: found.low, high: found.high, bytes: found.bytes, note: found.of === "segment" ? " in its segment" : "" }))),
      activity.length ? null : el("p", { class: "empty" }, "What it did is drawn for hosts of cases only."),
      days.length ? [el("h2", {}, "Last 30 days"), el("div", { class: "charts" }, bars("sessions", days, "sessions"), bars("peers, of these new in red", days, "peers", "new"))] : null,
      el("h2", {}, "Cases"), cases.length ? el("ul", {}, cases.map(one => el("li", {}, toCase(one), " ", when(one.start), one.sources.includes(host) ? "" : " (as a target)"))) : el("p", { class: "empty" }, "None in these windows.")];
  };
  const showSegment = name => {
    const one = D.segments[name];
    if (!one) return [el("h1", {}, "No such segment"), el("p", {}, bdi(name), " is the segment of no case that is shown.")];
    const cases = D.cases.filter(found => found.segment_id === name), highest = host => Math.max(0, ...(line(host) || []).filter(value => value !== null));
    const hosts = [...one.hosts].sort((a, b) => highest(b) - highest(a) || (a < b ? -1 : 1)), shown = hosts.slice(0, 200);
    const reach = row => row.quantiles.slice(0, 3).map(number).join(" – "), most = row => [number(row.quantiles[3]), " (", toHost(row.most), ")"];
    return [el("h1", {}, "Segment ", bdi(name)), el("p", {}, `${many(hosts.length, "host")} with scores in these windows.`),
      el("h2", {}, "Last 30 days"), one.days.length ? [el("div", { class: "charts" }, spread("sessions of a host a day", one.days, "sessions"), spread("distinct peers of a host a day", one.days, "peers")),
        table("Quarter, median and three quarters of the hosts lie at", ["Date", "Hosts", "Sessions", "Most sessions", "Peers", "Most peers"], [...one.days].reverse().map(row => [row.date, number(row.hosts), reach(row.sessions), most(row.sessions), reach(row.peers), most(row.peers)]), [1])] : el("p", { class: "empty" }, "No sessions are known."),
      el("h2", {}, "Cases"), cases.length ? el("ul", {}, cases.map(found => el("li", {}, toCase(found), " ", when(found.start)))) : el("p", { class: "empty" }, "None in these windows."),
      el("h2", {}, "Hosts"), table("By the highest score in these windows, in decades", ["Host", "Highest", "Scores"], shown.map(host => [toHost(host), highest(host).toFixed(1), spark(host)]), [1]),
      hosts.length > shown.length ? el("p", {}, `${number(shown.length)} of ${number(hosts.length)} are shown.`) : null];
  };
  const told = indicator => [bdi(indicator.value), indicator.port === null ? "" : ` on port ${indicator.port}`, " is in ", bdi(indicator.source), " since ", when(indicator.valid_from || indicator.imported),
    ...indicator.labels.map(label => ["; ", bdi(label)]), indicator.confidence === null ? "" : `; confidence ${indicator.confidence}`, indicator.reference ? ["; ", bdi(indicator.reference)] : ""];
  const meetings = rows => table(`${many(rows.length, "contact")}, the newest first; scores are as they were`, ["Host", "Role", "Address", "Port", "Sessions", "First seen", "Last seen", "Who says what"],
    rows.map(row => [toHost(row.host_ip), el("span", { class: "address" }, row.role), toHost(row.peer_ip), row.peer_port, number(row.sessions), when(row.first), when(row.last), row.indicators.map((one, at) => [at ? el("br") : "", told(one)])]), [3, 4]);
  const some = (count, rows) => (count > rows.length ? el("p", {}, `${number(rows.length)} of ${number(count)} are shown; ndr-report --cases --json has all.`) : null);
  const showMet = () => [el("h1", {}, "Contacts with indicators"), el("p", {}, "Of hosts that no case is about."), D.met.length ? meetings(D.met) : el("p", { class: "empty" }, "None."), some(D.met_cnt, D.met)];
  const showStrangers = () => [el("h1", {}, `${number(D.strangers_cnt)} address${D.strangers_cnt === 1 ? "" : "es"} in no inventory`),
    D.strangers.length ? table("Most sessions first; seen within 30 days", ["Address", "Sessions", "First seen", "Last seen"], D.strangers.map(row => [toHost(row.host_ip), number(row.sessions), when(row.first), when(row.last)]), [1]) : el("p", { class: "empty" }, "None."),
    some(D.strangers_cnt, D.strangers)];
  const showBelow = () => {
    const left = D.below.filter(one => !one.hidden_by);
    return [el("h1", {}, `${many(D.below_cnt, "candidate")} just below the line`), el("p", {}, "They did not alert, are counted nowhere else and go into no message: what comes next by score, put together as cases are. In training, as many windows score so as alert."),
      left.length ? table("The highest first; the score in decades", ["Score", "Source", "Resembles", "What happened", "Seen", "Status", "Scores"], left.map(one => [one.decades.toFixed(2), [el("a", { href: `#case=${one.case_id}` }, bdi(one.source)), one.names[one.source] ? [el("br"), bdi(one.names[one.source])] : "", one.user ? [el("br"), bdi(one.user)] : ""], one.technique.name, bdi(one.sentence), seen(one.start, one.end), one.status, spark(hostAt.has(one.source) ? one.source : one.targets[0])]), [0]) : el("p", { class: "empty" }, "None."),
      D.below_cnt > D.below.length ? el("p", {}, `${number(D.below.length)} of ${number(D.below_cnt)} are shown; ndr-report --cases --top has more.`) : null];
  };
  const showHosts = () => {
    const list = el("div", { class: "list", tabindex: "0", role: "region", "aria-label": "Hosts by score" }), tall = 28.8, input = el("input", { type: "search", id: "of-host", autocomplete: "off" });
    const inner = el("div"); list.append(inner);
    let hosts = D.hosts;
    const fill = () => {
      const first = Math.max(0, Math.floor(list.scrollTop / tall) - 5), last = Math.min(hosts.length, first + Math.ceil((list.clientHeight || 512) / tall) + 10);
      inner.style.height = `${hosts.length * tall}px`;
      inner.replaceChildren(...hosts.slice(first, last).map((host, at) => {
        const most = Math.max(0, ...line(host).filter(value => value !== null)), row = el("a", { href: `#host=${encodeURIComponent(host)}` }, el("span", {}, bdi(host)), el("span", {}, spark(host, 120, 22)), el("span", { class: "num" }, most.toFixed(1)));
        row.style.top = `${(first + at) * tall}px`; return row;
      }));
    };
    input.addEventListener("input", () => { hosts = D.hosts.filter(host => host.includes(input.value.trim())); list.scrollTop = 0; fill(); });
    list.addEventListener("scroll", fill);
    queueMicrotask(fill);
    return [el("h1", {}, many(D.hosts.length, "host")), el("form", { role: "search" }, el("label", { for: "of-host" }, "Filter"), input), el("p", { class: "quiet" }, "By the highest score in these windows, in decades."), list];
  };
  const showHealth = () => {
    const health = D.health, words = ["finished", "begun and not finished", "not run", "older than what it was made from"], marks = ["", "…", "", "!"];
    const grid = el("table", { class: "grid" }, el("caption", {}, `Stages of ${many(windows, "window")}: green has finished, grey has not run, … has begun, ! is older than what it was made from`),
      el("tbody", {}, health.stages.map((stage, row) => el("tr", {}, el("th", { scope: "row" }, stage), health.grid[row].map((code, at) => el("td", { class: `s${code}`, title: `${stage} ${D.about.starts[at]}: ${words[code]}` }, marks[code] || el("span", { class: "skip" }, words[code])))))));
    return [el("h1", {}, "Health"), el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Stages" }, grid),
      el("h2", {}, "Proof of detection"), el("p", {}, bdi(health.canary)),
      el("h2", {}, "Lateness"), el("p", {}, health.minutes_late ? `Scores came ${number(health.minutes_late.median)} min after the end of a window, in the median, and ${number(health.minutes_late.most)} min at most.` : "These windows were scored a day or more after their end."),
      el("h2", {}, "Windows without scores"), health.missing.length ? el("p", {}, spans(health.missing)) : el("p", { class: "empty" }, "None."),
      el("h2", {}, "Incomplete logs"), health.incomplete.length ? table(`${many(health.incomplete_cnt, "window")}`, ["Window", "What is missing"], health.incomplete.map(row => [when(row.window), bdi(row.reason)])) : el("p", { class: "empty" }, "Nothing is known to be missing."),
      el("h2", {}, "Rejected records"), health.rejects.length ? table("Records by reason", ["Reason", "Records"], health.rejects.map(row => [bdi(row.reason), number(row.count)]), [1]) : el("p", { class: "empty" }, "None.")];
  };
  const showModel = () => [el("h1", {}, "Model"), el("p", {}, "These windows were scored by ", D.about.models.map((run, at) => [at ? ", " : "", el("code", {}, run)]), "."),
    el("h2", {}, "Drift"), D.drift.score_psi.some(value => value !== null) ? el("div", { class: "charts" }, chart("PSI of the score against training", D.drift.score_psi, { low: D.drift.bound.map(most => (most === null ? null : 0)), high: D.drift.bound, band: "; drifted above the band" })) : el("p", { class: "empty" }, "No window was compared with training."),
    D.drift.drifted.length ? el("p", {}, "Drifted: ", spans(D.drift.drifted)) : null,
    el("h2", {}, "Decisions"), D.models.length ? D.models.map(one => [el("h3", {}, `${one.action} `, el("code", {}, one.run_id), " ", when(one.decided)), el("p", {}, bdi(one.reason), ". By ", bdi(one.decided_by)),
      one.gates.length ? table("Gates", ["Gate", "Value", "Bound", "Verdict"], one.gates.map(gate => [gate.name.replaceAll("_", " "), number(gate.value), gate.bound, gate.verdict.replaceAll("_", " ")]), [1]) : null]) : el("p", { class: "empty" }, "None."),
    el("p", {}, "An earlier model is brought back by ", el("code", {}, 'ndr-models rollback --lake <lake> --reason "<why>"'), ".")];

  const rows = [...document.querySelectorAll("#cases tbody tr")];
  const query = document.getElementById("query"), withHidden = document.getElementById("with-hidden");
  const texts = new Map(rows.map(row => [row, row.textContent.toLowerCase()]));
  const holds = (one, row, token) => {
    const [, name, wanted] = /^(host|peer|port|technique|status|score|user|segment|criticality|role|indicator):(.*)$/.exec(token) || [null, null, token];
    const among = values => values.some(value => String(value ?? "").toLowerCase().includes(wanted));
    if (name === "host") return among([...one.sources, ...one.targets, ...Object.values(one.names)]);
    if (name === "peer") return among(one.contacts.flatMap(contact => [contact.source, contact.target]));
    if (name === "port") return one.contacts.some(contact => String(contact.port) === wanted);
    if (name === "technique") return among([one.technique.name, one.technique.attack_id, ...one.techniques]);
    if (name === "status") return among([one.status]);
    if (name === "score") return one.decades >= Number(wanted.replace(/^[>=]+/, "") || 0);
    if (name === "user") return among([one.user]);
    if (name === "criticality") return one.criticality === wanted;
    if (name === "role") return among([one.role]);
    if (name === "indicator") return among(one.indicators.flatMap(met => met.indicators.flatMap(known => [known.source, known.value, ...known.labels])));
    if (name === "segment") return among([one.segment_id]);
    return texts.get(row).includes(wanted);
  };
  const visible = () => rows.filter(row => !row.hidden);
  const filter = () => {
    const tokens = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) { const one = byId.get(row.dataset.case); row.hidden = (row.dataset.hidden && !withHidden.checked) || !tokens.every(token => holds(one, row, token)); }
    document.getElementById("found").textContent = `${many(visible().length, "case")} shown`;
  };
  const sorted = { key: "rank", down: false };
  const values = { rank: row => rows.indexOf(row), decades: row => byId.get(row.dataset.case).decades, source: row => byId.get(row.dataset.case).source, technique: row => byId.get(row.dataset.case).technique.name,
    start: row => byId.get(row.dataset.case).start, end: row => byId.get(row.dataset.case).end, status: row => byId.get(row.dataset.case).status };
  for (const head of document.querySelectorAll("#cases th[data-sort]")) {
    const button = el("button", { type: "button" }, head.textContent);
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const key = head.dataset.sort; sorted.down = sorted.key === key ? !sorted.down : key === "decades"; sorted.key = key;
      const of = values[key], sign = sorted.down ? -1 : 1;
      const ordered = [...rows].sort((one, other) => (of(one) < of(other) ? -sign : of(one) > of(other) ? sign : 0));
      document.querySelector("#cases tbody").append(...ordered);
      for (const each of document.querySelectorAll("#cases th[data-sort]")) each.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
    });
  }
  for (const row of rows) { const one = byId.get(row.dataset.case); row.querySelector(".spark").append(spark(hostAt.has(one.source) ? one.source : one.targets[0])); for (const time of row.querySelectorAll("time")) time.replaceWith(when(time.dateTime)); }
  query.addEventListener("input", filter); withHidden.addEventListener("change", filter);
  document.getElementById("find").addEventListener("submit", event => event.preventDefault());
  const save = (name, type, text) => { const link = el("a", { download: name, href: URL.createObjectURL(new Blob([text], { type })) }); link.click(); URL.revokeObjectURL(link.href); };
  const chosen = () => visible().map(row => byId.get(row.dataset.case));
  const cell = value => { const text = String(value ?? ""), safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text; return `"${safe.replaceAll('"', '""')}"`; };
  const columns = ["case_id", "severity", "decades", "source", "technique", "start", "end", "status", "owner", "sentence"];
  document.getElementById("csv").addEventListener("click", () => save("cases.csv", "text/csv", [columns.join(","), ...chosen().map(one => columns.map(name => cell(name === "technique" ? one.technique.name : one[name])).join(","))].join("\r\n") + "\r\n"));
  document.getElementById("json").addEventListener("click", () => save("cases.json", "application/json", JSON.stringify(chosen(), null, 1)));
  document.addEventListener("keydown", event => {
    if (today.hidden || event.target.matches("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    const shown = [...document.querySelectorAll("#cases tbody tr")].filter(row => !row.hidden), at = shown.findIndex(row => row.classList.contains("at"));
    const go = event.key === "j" ? Math.min(at + 1, shown.length - 1) : event.key === "k" ? Math.max(at - 1, 0) : null;
    if (go !== null && shown[go]) { shown[at]?.classList.remove("at"); shown[go].classList.add("at"); const link = shown[go].querySelector("a"); link.focus(); shown[go].scrollIntoView({ block: "nearest" }); }
    if (event.key === "x" && shown[at]) { toTriage = true; shown[at].querySelector("a").click(); }
  });

  const days = Object.entries(D.volume).map(([date, counts]) => ({ date, counts, cases: Object.values(counts).reduce((sum, count) => sum + count, 0) }));
  if (days.length) document.getElementById("volume").append(volume(days));
  let toTriage = false;
  const pages = { below: showBelow, hosts: showHosts, met: showMet, strangers: showStrangers, health: showHealth, model: showModel };
  const route = () => {
    const [name, value] = decodeURIComponent(location.hash.slice(1)).split(/=(.*)/s), page = name || "today";
    const made = page === "case" ? showCase(value) : page === "host" ? showHost(value) : page === "segment" ? showSegment(value) : pages[page] ? pages[page]() : null;
    today.hidden = Boolean(made); view.hidden = !made;
    view.replaceChildren(...(made ? [made].flat(9).filter(Boolean) : []));
    for (const link of document.querySelectorAll("nav a")) link.toggleAttribute("aria-current", link.hash === `#${made ? page : "today"}`);
    for (const link of document.querySelectorAll("nav a[aria-current]")) link.setAttribute("aria-current", "page");
    for (const figure of view.querySelectorAll("figure")) figure.draw?.();
    if (page === "case" && byId.has(value) && document.documentElement.dataset.live) send("opened", { case_id: value }).catch(() => {});
    if (made) { scrollTo(0, 0); main.focus({ preventScroll: true }); }
    if (toTriage) requestAnimationFrame(() => document.getElementById("t-now")?.scrollIntoView());  // once charts have their height
    toTriage = false;
  };
  let waiting;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(() => { for (const figure of view.querySelectorAll("figure")) figure.draw?.(); }, 150); });
  addEventListener("hashchange", route);
  filter(); route();
  document.documentElement.dataset.ready = "1";
})();
