"use strict";
const view = document.getElementById("view"),
  today = document.getElementById("today"),
  main = document.getElementById("main");
let toTriage = false;
const pages = {
  below: showBelow,
  hosts: showHosts,
  met: showMet,
  strangers: showStrangers,
  health: showHealth,
  model: showModel,
};
const route = () => {
  const [name, value] = decodeURIComponent(location.hash.slice(1)).split(/=(.*)/s),
    page = name || "today";
  const made =
    page === "case"
      ? showCase(value)
      : page === "host"
        ? showHost(value)
        : page === "segment"
          ? showSegment(value)
          : pages[page]
            ? pages[page]()
            : null;
  today.hidden = Boolean(made);
  view.hidden = !made;
  view.replaceChildren(...(made ? [made].flat(9).filter(Boolean) : []));
  for (const link of document.querySelectorAll("nav a"))
    link.toggleAttribute("aria-current", link.hash === `#${made ? page : "today"}`);
  for (const link of document.querySelectorAll("nav a[aria-current]")) link.setAttribute("aria-current", "page");
  for (const figure of view.querySelectorAll("figure")) figure.draw?.();
  if (page === "case" && byId.has(value) && document.documentElement.dataset.live)
    send("opened", { case_id: value }).catch(() => {});
  if (made) {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
  if (toTriage) requestAnimationFrame(() => document.getElementById("t-now")?.scrollIntoView()); // once charts have their height
  toTriage = false;
};
let waiting;
addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    for (const figure of view.querySelectorAll("figure")) figure.draw?.();
  }, 150);
});
load().then(() => {
  fill();
  const days = Object.entries(D.volume).map(([date, counts]) => ({
    date,
    counts,
    cases: Object.values(counts).reduce((sum, count) => sum + count, 0),
  }));
  if (days.length) document.getElementById("volume").append(volume(days));
  addEventListener("hashchange", route);
  filter();
  route();
  document.documentElement.dataset.ready = "1";
});
