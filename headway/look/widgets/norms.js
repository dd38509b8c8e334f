// How large the stream, what was added to it, and the gradients are: a line for each token, a strong one for their median.

const WHAT = { stream: "residual stream", added: "added by each part", gradient: "gradient of the loss", parameters: "parameters" };

const css = `
  .hw .norm-figure { outline-offset: 3px; border-radius: 4px; }
  .hw.narrow .norm-told, .hw.narrow .norm-loss { height: 4.5em; }
  .hw .norm-told { line-height: 1.5; height: 3em; margin: 0.3rem 0 0; overflow: hidden; font-variant-numeric: tabular-nums; }
  .hw .norm-loss { font-size: 12px; opacity: 0.8; margin: 0.2rem 0 0; height: 3em; overflow: hidden; }
`;

export default picture((root, data, view, look) => {
  const { paint } = look;
  const width = Math.max(280, root.clientWidth || 640), height = 320;
  const sent = Number.isFinite(data.loss);
  const stacks = data.stacks.map((stack) => ({ ...stack, stream: tensor(stack.stream), added: tensor(stack.added), gradient: tensor(stack.gradient) }));
  view.stack = Math.max(0, Math.min(stacks.length - 1, view.stack ?? stacks.length - 1));
  view.show ??= "stream";
  if (!sent && view.show === "gradient") view.show = "stream";
  view.token ??= null;
  view.place ??= 0;
  root.append(html("style", {}, css));
  root.classList.toggle("narrow", root.clientWidth < 620);

  const shows = Object.entries(WHAT).filter(([key]) => sent || key !== "gradient");
  const tokenChoice = html("select", { "aria-label": "Token", onchange: () => look.change({ token: tokenChoice.value === "" ? null : Number(tokenChoice.value) }) });
  const tokens = html("label", {}, "Token", tokenChoice);
  root.append(html("div", { class: "controls" },
    choice("Show", shows, view.show, (show) => look.change({ show, place: 0 })),
    stacks.length > 1 ? choice("Stack", stacks.map((stack, i) => [i, stack.name]), view.stack, (i) => look.change({ stack: Number(i), token: null, place: 0 })) : null,
    tokens));
  const figure = html("div", { class: "norm-figure", tabindex: 0, role: "group", "aria-label": "Chart; arrows move from place to place", style: `height:${height}px` });
  const told = html("p", { class: "norm-told", "aria-live": "polite" });
  const loss = sent ? `Loss ${data.loss.toFixed(3)} nats, ${data.loss_told}. Thin lines are single tokens, the strong one their median.` : `${data.loss_told[0].toUpperCase()}${data.loss_told.slice(1)}.`;
  root.append(figure, told, html("p", { class: "norm-loss" }, loss));

  let shown = "", chart = null, series = null, mark = null;
  /** The lines of what is shown: names of places, for each line its values. */
  const lines = () => {
    if (view.show === "parameters") {
      return { places: data.groups.map((g) => g.name), all: [], strong: [["weights", data.groups.map((g) => g.weight), paint.accent],
        ...(sent ? [["gradient", data.groups.map((g) => g.gradient), paint.warm]] : [])] };
    }
    const stack = stacks[view.stack], values = stack[view.show], [n, t] = values.shape;
    const all = Array.from({ length: t }, (_, i) => Array.from({ length: n }, (_, place) => values.at(place, i)));
    const median = Array.from({ length: n }, (_, place) => all.map((line) => line[place]).sort((a, b) => a - b)[Math.floor((t - 1) / 2)]);
    return { places: stack.places, all, strong: [["median", median, paint.warm]] };
  };
  const draw = () => {
    series = lines();
    const every = [...series.all, ...series.strong.map((line) => line[1])].flat().filter((x) => x > 0);
    const high = Math.max(1e-30, ...every), low = Math.max(Math.min(...every, high), high * 1e-8);
    const n = series.places.length, most = Math.floor((width - 60) / 17);
    const y = { low: low * 0.8, high: high * 1.25, log: true };
    y.ticks = decades(y.low, y.high, (v) => digits(v));
    if (y.ticks.length < 2) y.ticks = [low, Math.sqrt(low * high), high].map((v) => [v, digits(v, 2)]);
    chart = ground(width, height, { low: 0, high: Math.max(1, n - 1), ticks: spread(n, most).map((i) => [i, series.places[i].replace(/^blocks\./, "")]) }, y, true);
    for (const line of series.all) chart.drawn.append(chart.path(line.map((v, i) => [i, v > 0 ? Math.max(v, y.low) : NaN]), { stroke: paint.accent, "stroke-width": 1, opacity: Math.max(0.12, 1 / series.all.length) }));
    for (const [, line, colour] of series.strong) chart.drawn.append(chart.path(line.map((v, i) => [i, v > 0 ? Math.max(v, y.low) : NaN]), { stroke: colour, "stroke-width": 2.2 }));
    mark = svg("g");
    chart.drawn.append(mark);
    chart.figure.addEventListener("pointermove", (event) => {
      const box = chart.figure.getBoundingClientRect();
      const at = Math.round(((event.clientX - box.left) * (width / box.width) - chart.left) / ((width - chart.left - chart.right) / Math.max(1, n - 1)));
      if (at !== view.place) look.change({ place: Math.max(0, Math.min(n - 1, at)) });
    });
    figure.replaceChildren(chart.figure);
    tokenChoice.replaceChildren(html("option", { value: "" }, "all"));
    if (view.show !== "parameters") data.texts[stacks[view.stack].side].forEach((text, i) => tokenChoice.append(html("option", { value: i }, `${i} ${visible(text)}`)));
    tokenChoice.disabled = view.show === "parameters";
  };
  figure.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -1e6, End: 1e6 }[event.key];
    if (!step) return;
    event.preventDefault();
    look.change({ place: Math.max(0, Math.min(series.places.length - 1, view.place + step)) });
  });
  return (view) => {
    const now = `${view.show} ${view.stack}`;
    if (now !== shown) { shown = now; draw(); }
    const place = Math.max(0, Math.min(series.places.length - 1, view.place));
    tokenChoice.value = view.token ?? "";
    const one = view.token === null ? null : series.all[view.token];
    mark.replaceChildren(svg("line", { x1: chart.X(place), x2: chart.X(place), y1: chart.top, y2: chart.height - chart.bottom, stroke: "currentColor", opacity: 0.35 }));
    if (one) mark.append(chart.path(one.map((v, i) => [i, v > 0 ? v : NaN]), { stroke: paint.accent, "stroke-width": 2.2 }));
    for (const [values, colour] of [...series.strong.map((line) => [line[1], line[2]]), ...(one ? [[one, paint.accent]] : [])]) {
      if (values[place] > 0) mark.append(svg("circle", { cx: chart.X(place), cy: chart.Y(values[place]), r: 4, fill: colour }));
    }
    const name = series.places[place];
    if (view.show === "parameters") {
      const group = data.groups[place];
      told.textContent = `${name}: ${group.count.toLocaleString("en")} numbers, as one vector ${digits(group.weight)} long` + (sent ? `, its gradient ${digits(group.gradient)}` : "");
    } else {
      const text = view.token === null ? null : data.texts[stacks[view.stack].side][view.token];
      const what = { stream: "the stream after it is", added: "what it adds is", gradient: "the loss's gradient there is" }[view.show];
      told.textContent = `${name}: ${what} ${digits(series.strong[0][1][place])} long in the median` + (one ? `, at “${visible(text)}” ${digits(one[place])}` : "");
    }
  };
});
