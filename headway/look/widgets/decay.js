// What a state keeps: above, the factor from each token to the next; below, what is left of one token at each later one.

const css = `
  .hw .dec-figure { outline-offset: 3px; border-radius: 4px; }
  .hw .dec-names { display: flex; flex-wrap: wrap; gap: 0.3rem; margin: 0 0 0.4rem; }
  .hw .dec-names button { font-size: 12px; border-left-width: 6px; }
  .hw .dec-names button[aria-pressed=true] { background: transparent; color: inherit; box-shadow: 0 0 0 1px currentColor; font-weight: 600; }
  .hw.narrow .dec-told { height: 6em; }
  .hw .dec-told { line-height: 1.5; height: 3em; margin: 0.3rem 0 0; overflow: hidden; font-variant-numeric: tabular-nums; }
  .hw .dec-caption { margin: 0.3rem 0 0; font-size: 12px; opacity: 0.8; }
  .hw .dec-token { width: 7em; display: inline-block; overflow: hidden; text-overflow: ellipsis; white-space: pre; vertical-align: bottom; }
`;

/** A half-life in a few places. */
const life = (x) => (!Number.isFinite(x) || x > 1e6 ? "no end" : x >= 10 ? Math.round(x).toLocaleString("en") : digits(x, 2));

export default picture((root, data, view, look) => {
  const { paint } = look;
  const colour = hues(root), width = Math.max(280, root.clientWidth || 640);
  const upper = 150, lower = 250, strip = 54;
  view.layer = Math.max(0, Math.min(data.layers.length - 1, view.layer ?? data.layers.length - 1));
  view.token ??= 0;
  view.head ??= Math.floor(data.layers[view.layer].names.length / 2);
  root.append(html("style", {}, css));
  root.classList.toggle("narrow", root.clientWidth < 620);
  const most = Math.max(...data.layers.map((layer) => layer.names.length));
  const longest = Math.max(...data.layers.map((layer) => layer.steps.length));
  const tokenName = html("output", { class: "dec-token" });
  const control = html("input", { type: "range", min: 0, max: longest - 1, step: 1, value: view.token, "aria-label": "Token", oninput: () => look.change({ token: Number(control.value) }) });
  root.append(html("div", { class: "controls" },
    choice("Layer", data.layers.map((layer, i) => [i, layer.place]), view.layer, (i) => look.change({ layer: Number(i) })),
    html("label", {}, "Token", control, tokenName)));
  const names = html("div", { class: "dec-names", role: "group", "aria-label": "What is shown" });
  const captions = [0, 1, 2].map(() => html("p", { class: "dec-caption" }));
  const above = html("div", { style: `height:${upper}px` }), below = html("div", { class: "dec-figure", tabindex: 0, role: "group", "aria-label": "Chart; arrows choose the token", style: `height:${lower}px` });
  const lives = html("div", { style: `height:${strip}px` });
  const told = html("p", { class: "dec-told", "aria-live": "polite" });
  root.append(names, captions[0], above, captions[1], below, told, captions[2], lives);
  const buttons = Array.from({ length: most }, (_, i) => html("button", { "aria-pressed": "false", onclick: () => look.change({ head: i }) }));
  names.append(...buttons);
  const name = (layer) => buttons.forEach((button, i) => {
    button.hidden = i >= layer.names.length;
    button.textContent = layer.names[i] ?? "";
    button.style.borderLeftColor = colour[i % colour.length];
  });
  // As high as the layer with the longest names needs it, so that choosing a layer moves nothing.
  const heights = data.layers.map((layer) => { name(layer); return names.offsetHeight; });
  names.style.minHeight = `${Math.max(...heights)}px`;

  let shown = -1, keep = null, state = null, layer = null, top = null, bottom = null;
  const label = (i) => visible(data.texts[layer.side][layer.steps[i]]);
  const draw = () => {
    layer = data.layers[view.layer];
    keep = tensor(layer.keep);
    state = tensor(layer.state);
    const t = layer.steps.length, some = spread(t, Math.floor((width - 60) / 20)).map((i) => [i, label(i).slice(0, 10)]);
    const ticks = [[0, "0"], [0.5, "0.5"], [1, "1"]], x = { low: 0, high: Math.max(1, t - 1) };
    control.max = t - 1;
    top = ground(width, upper, { ...x, ticks: [] }, { low: 0, high: 1.02, ticks });
    bottom = ground(width, lower, { ...x, ticks: some }, { low: 0, high: 1.02, ticks }, true);
    above.replaceChildren(top.figure);
    below.replaceChildren(bottom.figure);
    captions[0].textContent = `What is kept from each token to the next: ${layer.gate}${layer.total > layer.names.length ? `, ${layer.names.length} of ${layer.total.toLocaleString("en")} numbers` : ""}`;
    name(layer);
    // Half-lives of all, on one line
    const half = tensor(layer.half_lives), found = Array.from({ length: half.shape[0] }, (_, i) => half.at(i)).map((v) => (Number.isFinite(v) ? v : 1e6));
    const low = Math.min(1, ...found) * 0.8, high = Math.max(100, ...found) * 1.25;
    const axis = ground(width, strip, { low, high, log: true, ticks: decades(low, high, life, width < 500 ? 4 : 7) }, { low: 0, high: 1, ticks: [] });
    for (const v of found) axis.drawn.append(svg("line", { x1: axis.X(v), x2: axis.X(v), y1: axis.top, y2: strip - axis.bottom, stroke: paint.accent, opacity: 0.6, "stroke-width": 2 }));
    lives.replaceChildren(axis.figure);
    captions[2].textContent = "Half-lives in this layer, in tokens";
    shown = view.layer;
  };
  below.addEventListener("keydown", (event) => {
    const t = layer.steps.length, step = { ArrowLeft: -1, ArrowRight: 1, Home: -t, End: t }[event.key];
    if (!step) return;
    event.preventDefault();
    look.change({ token: Math.max(0, Math.min(t - 1, view.token + step)) });
  });
  return (view) => {
    if (view.layer !== shown) draw();
    const t = layer.steps.length, h = layer.names.length;
    const s = Math.max(0, Math.min(t - 1, view.token)), head = Math.max(0, Math.min(h - 1, view.head));
    control.value = s;
    tokenName.textContent = label(s);
    top.drawn.replaceChildren();
    bottom.drawn.replaceChildren(svg("line", { x1: bottom.X(s), x2: bottom.X(s), y1: bottom.top, y2: lower - bottom.bottom, stroke: "currentColor", opacity: 0.35 }));
    let half = null, end = 1;
    for (let i = 0; i < h; i++) {
      const ink = { stroke: colour[i % colour.length], "stroke-width": i === head ? 2.6 : 1.3, opacity: i === head ? 1 : 0.55 };
      top.drawn.append(top.path(Array.from({ length: t }, (_, n) => [n, keep.at(i, n)]), ink));
      const points = [[s, 1]];
      for (let n = s + 1, left = 1; n < t; n++) {
        left *= keep.at(i, n);
        points.push([n, left]);
        if (i === head) { end = left; if (half === null && left < 0.5) half = n - s; }
      }
      bottom.drawn.append(bottom.path(points, ink));
      buttons[i].setAttribute("aria-pressed", i === head ? "true" : "false");
    }
    top.drawn.append(svg("line", { x1: top.X(s), x2: top.X(s), y1: top.top, y2: upper - top.bottom, stroke: "currentColor", opacity: 0.35 }));
    captions[1].textContent = `What is left of “${label(s)}” at each later token`;
    told.textContent = `${layer.names[head]}: at “${label(s)}” it keeps ${percent(keep.at(head, s))} of what it held, and is ${digits(state.at(head, s))} large; of what is written there ` +
      (s === t - 1 ? "all is left, for it is the last." : `${percent(end)} is left at the end${half === null ? "" : `, less than half after ${half} token${half === 1 ? "" : "s"}`}.`);
  };
});
