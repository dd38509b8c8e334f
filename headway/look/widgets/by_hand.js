// Attention worked by hand: drag the query, and see scores, weights and the average of the values follow.

const SIDE = 300, REACH = 3.5, MOST = 3;

const css = `
  .hw .hand-planes { display: flex; flex-wrap: wrap; gap: 0.5rem 2rem; justify-content: center; }
  .hw .hand-planes figure { margin: 0; flex: 0 1 ${SIDE}px; }
  .hw .hand-planes figcaption { font-weight: 600; text-align: center; margin-bottom: 0.2rem; }
  .hw .hand-planes svg { width: 100%; height: auto; overflow: hidden; }
  .hw .hand-planes .drag { cursor: grab; touch-action: none; }
  .hw .hand-planes .drag:focus-visible { outline: none; }
  .hw .hand-planes .drag:focus-visible .ring { stroke-opacity: 1; }
  .hw table.hand-table { margin: 0.6rem auto 0; width: 100%; max-width: 40rem; table-layout: fixed; display: table; }
  .hw table.hand-table th { font-weight: 600; vertical-align: bottom; }
  .hw table.hand-table th, .hw table.hand-table td { padding: 0.15rem 0.3rem; overflow: hidden; white-space: nowrap; }
  .hw.narrow table.hand-table { font-size: 13px; }
  .hw table.hand-table td.room { position: relative; }
  .hw table.hand-table .track { display: inline-block; vertical-align: middle; width: calc(100% - 3.4rem); height: 0.8em; margin-right: 0.4rem; }
  .hw table.hand-table .track i { display: block; height: 100%; border-radius: 2px; }
  .hw .hand-told { text-align: center; margin: 0.5rem 0 0; height: 1.5em; font-variant-numeric: tabular-nums; }
  .hw .hand-told.narrow { height: 4.5em; }
`;

const minus = (text) => text.replace(/-/g, "−");
const short = (x) => minus(Number(x.toFixed(2)).toString().replace(/^-0$/, "0"));
const two = (x) => minus((Math.abs(x) < 0.005 ? 0 : x).toFixed(2));
const pair = ([x, y], form = short) => `(${form(x)}, ${form(y)})`;

export default picture((root, data, view, look) => {
  const { paint } = look;
  const wide = (root.clientWidth || 320) >= 560;
  const tones = hues(root).slice(1); // the first is the query's
  view.query ??= [...data.query];
  root.classList.toggle("narrow", !wide);
  root.append(html("style", {}, css));
  const at = ([x, y]) => [((x + REACH) / (2 * REACH)) * SIDE, ((REACH - y) / (2 * REACH)) * SIDE];

  function arrow(to, colour, thick) {
    const [x0, y0] = at([0, 0]), [x, y] = at(to), long = Math.hypot(x - x0, y - y0) || 1;
    const [ux, uy] = [(x - x0) / long, (y - y0) / long], n = Math.min(9, long);
    const tip = `M${x},${y}L${x - n * ux + 0.45 * n * uy},${y - n * uy - 0.45 * n * ux}L${x - n * ux - 0.45 * n * uy},${y - n * uy + 0.45 * n * ux}Z`;
    return svg("g", {}, svg("path", { d: `M${x0},${y0}L${x},${y}`, stroke: colour, "stroke-width": thick }), svg("path", { d: tip, fill: colour }));
  }
  const label = (to, text, colour, bold, gap = 5) => {
    const [x, y] = at(to), right = to[0] >= 0;
    return svg("text", { x: Math.min(SIDE - 4, Math.max(4, x + (right ? 7 : -7))), y: y + (to[1] >= 0 ? -gap : gap + 10), "text-anchor": right ? (x > SIDE - 70 ? "end" : "start") : (x < 70 ? "start" : "end"), style: `fill:${colour};font-size:13px;font-weight:${bold ? 700 : 500}` }, text);
  };
  function plane(title, names) {
    const drawing = svg("svg", { viewBox: `0 0 ${SIDE} ${SIDE}` });
    const [x0, y0] = at([0, 0]), line = { stroke: "currentColor", "stroke-opacity": 0.18 };
    for (let n = -3; n <= 3; n++) {
      const [x, y] = at([n, n]);
      drawing.append(svg("path", { d: `M${x},0V${SIDE}M0,${y}H${SIDE}`, ...line, "stroke-opacity": n ? 0.08 : 0.35 }));
    }
    if (names) {
      drawing.append(svg("text", { x: SIDE - 4, y: y0 + 14, "text-anchor": "end", class: "quiet" }, `${names[0]} →`));
      drawing.append(svg("text", { x: x0 + 6, y: 13, class: "quiet" }, `${names[1]} ↑`));
    }
    const figure = html("figure", {}, html("figcaption", {}, title), drawing);
    return [figure, drawing];
  }

  const [left, asked] = plane("Query and keys: drag the query", data.features);
  const [right, handed] = plane("Values, and what comes out", null);
  root.append(html("div", { class: "hand-planes" }, left, right));
  data.keys.forEach((key, n) => asked.append(arrow(key, tones[n], 2), label(key, data.words[n], tones[n])));
  handed.append(svg("path", { d: `M${data.values.map((value) => at(value).join(",")).join("L")}Z`, fill: "currentColor", "fill-opacity": 0.06, stroke: "currentColor", "stroke-opacity": 0.25 }));
  const dots = data.values.map((value, n) => {
    const [x, y] = at(value), dot = svg("circle", { cx: x, cy: y, fill: tones[n] });
    handed.append(dot, label(value, data.words[n], tones[n], false, 14));
    return dot;
  });
  const pulls = data.values.map((_, n) => { const pull = svg("path", { stroke: tones[n], "stroke-linecap": "round" }); handed.append(pull); return pull; });
  const out = svg("circle", { r: 6, fill: paint.accent, stroke: "currentColor" });
  handed.append(out);
  const grip = svg("g", { class: "drag", tabindex: 0, role: "slider", "aria-label": `query of ${data.asks}` });
  asked.append(grip);

  const move = (x, y) => {
    const hold = (v) => Math.max(-MOST, Math.min(MOST, Math.round(v * 10) / 10));
    look.change({ query: [hold(x), hold(y)] });
  };
  const place = (event) => {
    const box = asked.getBoundingClientRect();
    move(((event.clientX - box.left) / box.width) * 2 * REACH - REACH, REACH - ((event.clientY - box.top) / box.height) * 2 * REACH);
  };
  let held = false;
  grip.addEventListener("pointerdown", (event) => { held = true; grip.setPointerCapture(event.pointerId); event.preventDefault(); grip.focus(); });
  grip.addEventListener("pointermove", (event) => { if (held) place(event); });
  for (const end of ["pointerup", "pointercancel"]) grip.addEventListener(end, () => { held = false; });
  grip.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-0.2, 0], ArrowRight: [0.2, 0], ArrowUp: [0, 0.2], ArrowDown: [0, -0.2] }[event.key];
    if (!step) return;
    event.preventDefault();
    move(view.query[0] + step[0], view.query[1] + step[1]);
  });

  const rows = data.words.map((word, n) => {
    const bar = html("i", { style: `background:${tones[n]}` }), share = html("span", {});
    const cells = { score: html("td", {}), scaled: html("td", {}), bar, share };
    return { ...cells, row: html("tr", {}, html("td", { style: `color:${tones[n]};font-weight:600` }, word), cells.score, cells.scaled,
      html("td", { class: "room" }, html("span", { class: "track" }, bar), share), html("td", {}, pair(data.values[n]))) };
  });
  const widths = wide ? [16, 30, 12, 27, 15] : [21, 13, 16, 30, 20];
  const heads = wide ? ["word", "query · key", "÷ √2", "weight", "value"] : ["word", "q · k", "÷ √2", "weight", "value"];
  root.append(html("table", { class: "hand-table" }, html("thead", {}, html("tr", {}, ...heads.map((name, n) => html("th", { style: `width:${widths[n]}%` }, name)))),
    html("tbody", {}, ...rows.map((row) => row.row))));
  const told = html("p", { class: wide ? "hand-told" : "hand-told narrow", "aria-live": "polite" });
  root.append(told);

  return (now) => {
    const q = now.query, scores = data.keys.map((key) => key[0] * q[0] + key[1] * q[1]);
    const scaled = scores.map((score) => score / Math.SQRT2), top = Math.max(...scaled);
    const powers = scaled.map((score) => Math.exp(score - top)), sum = powers.reduce((a, b) => a + b);
    const weights = powers.map((power) => power / sum);
    const result = [0, 1].map((i) => data.values.reduce((total, value, n) => total + weights[n] * value[i], 0));
    rows.forEach((row, n) => {
      const key = data.keys[n], product = (i) => `${short(q[i])}·${key[i] < 0 ? `(${short(key[i])})` : short(key[i])}`;
      row.score.textContent = wide ? `${product(0)} + ${product(1)} = ${short(scores[n])}` : short(scores[n]);
      row.scaled.textContent = two(scaled[n]);
      row.bar.style.width = `${100 * weights[n]}%`;
      row.share.textContent = percent(weights[n]);
      dots[n].setAttribute("r", 3 + 9 * Math.sqrt(weights[n]));
      const [x, y] = at(data.values[n]), [a, b] = at(result);
      pulls[n].setAttribute("d", `M${x},${y}L${a},${b}`);
      pulls[n].setAttribute("stroke-width", 5 * weights[n]);
    });
    const [a, b] = at(result);
    out.setAttribute("cx", a);
    out.setAttribute("cy", b);
    const [gx, gy] = at(q);
    grip.replaceChildren(arrow(q, paint.accent, 3.5), svg("circle", { class: "ring", cx: gx, cy: gy, r: 13, fill: paint.accent, "fill-opacity": 0.18, stroke: paint.accent, "stroke-opacity": 0.5, "stroke-width": 2 }),
      label(q, data.asks, paint.accent, true));
    grip.setAttribute("aria-valuetext", pair(q));
    told.textContent = `${data.asks} gets ${weights.map((weight, n) => `${two(weight)}·${pair(data.values[n])}`).join(" + ")} = ${pair(result, two)}`;
  };
});
