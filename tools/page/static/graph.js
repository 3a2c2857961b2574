"use strict";
// who met whom in a case: sources at the left, their peers at the right, and the same as a table
const GRAPH = { row: 38, box: 32, least: 300, most: 760, margin: 6 };
const isolated = text => `\u2068${text}\u2069`; // a name that is written from right to left turns nothing else around
const pen = document.createElement("canvas").getContext("2d");
const fits = (text, box) => {
  pen.font = `11px ${getComputedStyle(document.body).fontFamily}`;
  return pen.measureText(isolated(text)).width <= box - 2 * GRAPH.margin;
};
const fitted = (text, box) => {
  if (fits(text, box)) return isolated(text);
  let most = Math.min(text.length, 80);
  while (most > 1 && !fits(`${text.slice(0, most)}…`, box)) most -= 1;
  return isolated(`${text.slice(0, most)}…`);
};
const portsOf = (passed, most) => {
  if (passed.ports_cnt > most) return many(passed.ports_cnt, "port");
  return `port${passed.ports_cnt === 1 ? "" : "s"} ${passed.ports.join(", ")}`;
};
const failedOf = passed => `${many(passed.sessions, "session")}, ${number(passed.failed)} failed`;
const passedWords = (passed, box) => {
  // as much as there is room for
  const ways = [3, 0].map(most => `${portsOf(passed, most)}: ${failedOf(passed)}`);
  return ways.find(words => fits(words, box)) ?? failedOf(passed);
};
const nodeWords = (node, nameOf) => {
  const [first] = node.hosts,
    name = nameOf(first);
  if (node.count === 1) return name ? `${first} (${name})` : first;
  return `${number(node.count)} hosts ${node.segment === "outside" ? "outside" : node.segment ? `in ${node.segment}` : "more"}`;
};

const drawnGraph = (graph, width, nameOf) => {
  const { sources, peers, edges } = graph,
    height = Math.max(sources.length, peers.length) * GRAPH.row + 2;
  const left = Math.min(210, width * 0.32),
    right = Math.min(330, width * 0.56),
    from = width - right - 1;
  const middle = (nodes, at) => ((at + 0.5) * height) / nodes.length;
  const drawn = (node, x, y, wide, above, below) => [
    shape("rect", {
      class: node.alerted ? "node alerted" : "node",
      x,
      y: y - GRAPH.box / 2,
      width: wide,
      height: GRAPH.box,
      rx: 4,
    }),
    shape("text", { class: "who", x: x + GRAPH.margin, y: y - 3 }, fitted((node.alerted ? "! " : "") + above, wide)),
    shape("text", { x: x + GRAPH.margin, y: y + 11 }, fitted(below, wide)),
  ];
  const lines = edges.map(edge => {
    const y0 = middle(sources, edge.source),
      y1 = middle(peers, edge.peer),
      x0 = left + 1,
      x1 = from - 7,
      bend = (x0 + x1) / 2;
    const thick = Math.min(6, 1 + Math.log10(edge.sessions)).toFixed(1);
    return [
      shape("path", {
        class: edge.failed * 2 > edge.sessions ? "link failing" : "link",
        d: `M${x0} ${y0}C${bend} ${y0} ${bend} ${y1} ${x1} ${y1}`,
        "stroke-width": thick,
      }),
      shape("path", { class: "arrow", d: `M${x1} ${y1 - 4}L${from} ${y1}L${x1} ${y1 + 4}Z` }),
    ];
  });
  const said = `${sources.map(node => nodeWords(node, nameOf)).join(", ")} met ${peers.map(node => `${nodeWords(node, nameOf)} on ${portsOf(node, 4)}: ${failedOf(node)}`).join("; ")}`;
  return el(
    "svg",
    {
      class: "graph",
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: "img",
      "aria-labelledby": "graph-title graph-said",
    },
    shape("title", { id: "graph-title" }, "Who met whom"),
    shape("desc", { id: "graph-said" }, said),
    lines,
    sources.map((node, at) =>
      drawn(
        node,
        1,
        middle(sources, at),
        left,
        node.count === 1 ? node.hosts[0] : nodeWords(node),
        nameOf(node.hosts[0]) && node.count === 1 ? nameOf(node.hosts[0]) : "began",
      ),
    ),
    peers.map((node, at) =>
      drawn(node, from, middle(peers, at), right, nodeWords(node, nameOf), passedWords(node, right)),
    ),
  );
};

const caseGraph = (graph, nameOf) => {
  const holder = el("div"),
    named = node => {
      const more = node.count - node.hosts.length,
        hosts = node.hosts.map((host, at) => [
          at ? ", " : "",
          toHost(host),
          nameOf(host) ? [" (", bdi(nameOf(host)), ")"] : "",
        ]);
      return [
        node.count > 1 ? `${nodeWords(node, nameOf)}: ` : "",
        hosts,
        more ? ` and ${number(more)} more` : "",
        node.alerted ? " – alerted" : "",
      ];
    };
  const figure = el(
    "figure",
    { id: "graph" },
    holder,
    el(
      "figcaption",
      {},
      "Who began at the left, whom it met at the right, with ports, sessions, and how many failed; the thicker, the more sessions, dashed where most failed.",
      graph.peers.some(node => node.alerted) ? " ! alerted because of it." : "",
    ),
  );
  const rows = graph.edges.map(edge => [
    named(graph.sources[edge.source]),
    named(graph.peers[edge.peer]),
    portsOf(edge, 4),
    number(edge.sessions),
    number(edge.failed),
  ]);
  figure.draw = () =>
    holder.replaceChildren(
      drawnGraph(graph, Math.max(GRAPH.least, Math.min(holder.clientWidth || 600, GRAPH.most)), nameOf),
    );
  return [
    figure,
    el(
      "details",
      {},
      el("summary", {}, "The same as a table"),
      table("Who met whom", ["Source", "Peer", "Ports", "Sessions", "Failed"], rows, [3, 4]),
    ),
  ];
};
