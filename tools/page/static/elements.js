"use strict";
// elements are made of texts only: what logs say is never read as HTML
const el = (tag, given = {}, ...children) => {
  const made =
    tag === "svg" || given.svg
      ? document.createElementNS("http://www.w3.org/2000/svg", tag)
      : document.createElement(tag);
  for (const [name, value] of Object.entries(given))
    if (name !== "svg" && value !== null && value !== undefined) made.setAttribute(name, value);
  made.append(
    ...children
      .flat(9)
      .filter(child => child !== null && child !== undefined)
      .map(child => (child instanceof Node ? child : String(child))),
  );
  return made;
};
const shape = (tag, given, ...children) => el(tag, { ...given, svg: true }, ...children);
const bdi = text => el("bdi", {}, text);
const number = value =>
  value === null || value === undefined ? "–" : Number(value).toLocaleString("en", { maximumFractionDigits: 2 });
const exact = value =>
  value === null || value === undefined ? "–" : value.toLocaleString("en", { maximumSignificantDigits: 3 });
const inUnit = values => {
  const most = Math.max(0, ...values.filter(Number.isFinite)),
    units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(4, Math.max(0, Math.floor(Math.log10(Math.max(most, 1)) / 3)));
  const written = value =>
    value > 0 && value < 0.01 ? "< 0.01" : value.toLocaleString("en", { maximumSignificantDigits: 3 });
  return value => (value === null ? "–" : `${written(value / 1000 ** power)} ${units[power]}`);
};
const many = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
const table = (caption, heads, rows, numeric = []) =>
  el(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el(
      "table",
      {},
      el("caption", {}, caption),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          heads.map((head, at) => el("th", { scope: "col", class: numeric.includes(at) ? "num" : null }, head)),
        ),
      ),
      el(
        "tbody",
        {},
        rows.map(cells =>
          el(
            "tr",
            {},
            cells.map((cell, at) => el("td", { class: numeric.includes(at) ? "num" : null }, cell)),
          ),
        ),
      ),
    ),
  );
const facts = pairs =>
  el(
    "dl",
    { class: "facts" },
    pairs
      .filter(pair => pair[1] !== null && pair[1] !== "" && pair[1] !== undefined)
      .map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
  );
const command = text => {
  const shown = el("pre", { tabindex: "0" }, text);
  return shown;
};
