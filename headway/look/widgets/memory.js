// Bytes of caches by length of text, both by their logarithm; weights as dotted lines of the same colour.

const css = `
  .hw .controls label:has(input[type=range]) { max-width: 100%; }
  .hw .controls input[type=range] { min-width: 4rem; flex: 1 1 9rem; }
  .hw .mem-figure { outline-offset: 3px; border-radius: 4px; }
  .hw .mem-table { width: 100%; margin-top: 0.4rem; }
  .hw .mem-table td:not(:first-child), .hw .mem-table th:not(:first-child) { text-align: right; white-space: nowrap; }
  .hw .mem-table i { display: inline-block; width: 0.8em; height: 0.8em; border-radius: 2px; margin-right: 0.4em; }
  .hw .mem-table .past { opacity: 0.6; }
  .hw .mem-cross { font-size: 13px; margin: 0.5rem 0 0; padding: 0 0 0 1.1rem; }
`;

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** ``1.5 GB``, in powers of 1000. */
function size(bytes) {
  let unit = 0;
  while (bytes >= 999.5 && unit < UNITS.length - 1) { bytes /= 1000; unit++; }
  return `${unit && bytes < 99.95 ? bytes.toFixed(1) : bytes.toFixed(0)} ${UNITS[unit]}`;
}

export default picture((root, data, view, look) => {
  const { lengths, models } = data;
  const colour = hues(root), width = Math.max(280, root.clientWidth || 640), height = 320;
  const last = lengths.length - 1;
  view.at = Math.max(0, Math.min(last, view.at ?? last));
  root.append(html("style", {}, css));
  const all = models.flatMap((model) => [...model.cache, model.weights]).filter((x) => x > 0);
  const y = { low: Math.min(...all) / 2, high: Math.max(...all) * 2, log: true };
  y.ticks = decades(y.low, y.high, size, 6);
  const x = { low: 1, high: Math.max(2, lengths[last]), log: true };
  x.ticks = lengths.filter((n) => Number.isInteger(Math.log2(n)) && Math.log2(n) % (width < 500 ? 4 : 2) === 0).map((n) => [n, n.toLocaleString("en")]);
  const chart = ground(width, height, x, y, false, {});
  models.forEach((model, m) => {
    const ink = colour[m % colour.length];
    const points = lengths.map((n, i) => [n, model.cache[i] || NaN]);
    const within = points.filter(([n]) => !model.context || n <= model.context), beyond = points.slice(Math.max(0, within.length - 1));
    chart.drawn.append(
      svg("line", { x1: chart.left, x2: width - chart.right, y1: chart.Y(model.weights), y2: chart.Y(model.weights), stroke: ink, "stroke-dasharray": "2 4" }),
      chart.path(within, { stroke: ink, "stroke-width": 2.2 }),
      chart.path(beyond, { stroke: ink, "stroke-width": 2.2, "stroke-dasharray": "7 5", opacity: 0.7 }));
  });
  for (const crossing of data.crossings) {
    const model = models.find((m) => m.name === crossing.larger);
    const after = lengths.findIndex((n) => n >= crossing.length), before = Math.max(0, after - 1);
    const part = lengths[after] === lengths[before] ? 0 : (crossing.length - lengths[before]) / (lengths[after] - lengths[before]);
    const bytes = model.cache[before] + part * (model.cache[after] - model.cache[before]);
    chart.drawn.append(svg("circle", { cx: chart.X(crossing.length), cy: chart.Y(Math.max(bytes, y.low)), r: 4, fill: "none", stroke: "currentColor", "stroke-width": 1.5 }));
  }
  const mark = svg("g");
  chart.drawn.append(mark);
  const figure = html("div", { class: "mem-figure", tabindex: 0, role: "group", "aria-label": "Chart; arrows change the length", style: `height:${height}px` }, chart.figure);
  const move = (step) => { control.value = Math.max(0, Math.min(last, Number(control.value) + step)); control.dispatchEvent(new Event("input")); };
  figure.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -last, End: last }[event.key];
    if (step) { event.preventDefault(); move(step); }
  });
  const labelled = slider("Length", 0, last, 1, view.at, (at) => look.change({ at }), (at) => `${lengths[at].toLocaleString("en")} tokens`);
  const control = labelled.querySelector("input");
  labelled.querySelector("output").style.minWidth = "7.5em";
  const cells = models.map(() => [html("td"), html("td")]);
  const table = html("table", { class: "mem-table" },
    html("tr", {}, html("th", {}, ""), html("th", {}, "cache"), html("th", {}, "per token"), html("th", {}, "weights")),
    ...models.map((model, m) => html("tr", {}, html("td", {}, html("i", { style: `background:${colour[m % colour.length]}` }), `${model.name} `, html("span", { class: "quiet" }, model.dtype)), ...cells[m],
      html("td", {}, size(model.weights)))));
  const notes = [
    ...data.crossings.map((c) => `From ${c.length.toLocaleString("en")} tokens on ${c.larger} needs more than ${c.smaller}.`),
    ...models.filter((m) => m.equals_weights).map((m) => `From ${m.equals_weights.toLocaleString("en")} tokens on the cache of ${m.name} is larger than its weights.`),
  ];
  root.append(html("div", { class: "controls" }, labelled), figure, html("div", { class: "wide" }, table),
    html("ul", { class: "mem-cross" }, ...notes.map((note) => html("li", {}, note)),
      models.some((m) => m.context && m.context < lengths[last]) ? html("li", { class: "quiet" }, "Dashed: beyond the length that the model was trained for. Dotted: its weights.") : html("li", { class: "quiet" }, "Dotted: the weights.")));
  return (view) => {
    const at = Math.max(0, Math.min(last, view.at));
    mark.replaceChildren(svg("line", { x1: chart.X(lengths[at]), x2: chart.X(lengths[at]), y1: chart.top, y2: height - chart.bottom, stroke: "currentColor", opacity: 0.35 }));
    models.forEach((model, m) => {
      const bytes = model.cache[at];
      if (bytes > 0) mark.append(svg("circle", { cx: chart.X(lengths[at]), cy: chart.Y(bytes), r: 4, fill: colour[m % colour.length] }));
      cells[m][0].textContent = size(bytes);
      cells[m][1].textContent = size(bytes / lengths[at]);
      cells[m][0].classList.toggle("past", Boolean(model.context && lengths[at] > model.context));
    });
  };
});
