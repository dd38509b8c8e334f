// The logit lens: a row for each layer (the last on top), a column for each position, in each cell what would be said there.

const SHOWS = [["word", "likeliest token"], ["rank", "rank of the last layer's choice"], ["entropy", "entropy in bits"]];

const css = `
  .hw .lens-grid { display: grid; width: max-content; font-size: 12px; outline-offset: 3px; border-radius: 4px; }
  .hw .lens-grid > * { height: 22px; line-height: 22px; padding: 0 4px; overflow: hidden; text-overflow: ellipsis; white-space: pre; }
  .hw .lens-side { position: sticky; left: 0; z-index: 1; background: var(--lens-ground); opacity: 1; text-align: right; color: inherit; }
  .hw .lens-head { font-weight: 600; text-align: center; }
  .hw .lens-cell { text-align: center; cursor: pointer; border: 1px solid transparent; border-radius: 3px; line-height: 20px !important; }
  .hw .lens-cell.agrees { font-weight: 700; text-decoration: underline; text-decoration-color: var(--hw-accent); text-underline-offset: 3px; }
  .hw .lens-cell.chosen { border-color: var(--hw-warm); box-shadow: 0 0 0 1px var(--hw-warm); }
  .hw.narrow .lens-told { height: 6em; }
  .hw .lens-legend { font-size: 12px; opacity: 0.8; margin: 0.4rem 0 0; }
  .hw .lens-told { line-height: 1.5; height: 3em; margin: 0.6rem 0 0.2rem; overflow: hidden; }
`;

export default picture((root, data, view, look) => {
  const { paint } = look;
  const p = tensor(data.probabilities), entropies = tensor(data.entropies);
  const n = data.layers.length, t = data.texts.length, k = p.shape[2];
  view.show ??= "word";
  view.layer = Math.max(0, Math.min(n - 1, view.layer ?? n - 1));
  view.position = Math.max(0, Math.min(t - 1, view.position ?? t - 1));
  root.append(html("style", {}, css));
  root.classList.toggle("narrow", root.clientWidth < 620);
  root.style.setProperty("--lens-ground", dark(root) ? "#181a1f" : "#fff");

  root.append(html("div", { class: "controls" }, choice("Show", SHOWS, view.show, (show) => look.change({ show }))));
  const cells = [];
  const grid = html("div", { class: "lens-grid", tabindex: 0, role: "grid", "aria-label": "Layers and positions; arrows move",
    style: `grid-template-columns: 5.6rem repeat(${t}, 66px)` });
  const row = (name, texts, make) => {
    grid.append(html("div", { class: "lens-side quiet" }, name));
    texts.forEach((text, i) => grid.append(make(text, i)));
  };
  row("", data.texts, (text) => html("div", { class: "lens-head", title: text }, visible(text)));
  for (let layer = n - 1; layer >= 0; layer--) {
    cells[layer] = [];
    row(data.layers[layer] === "embedding" ? "embedding" : `layer ${data.layers[layer]}`, data.texts, (_, i) => {
      const cell = html("div", { class: "lens-cell", role: "gridcell", onclick: () => { grid.focus({ preventScroll: true }); look.change({ layer, position: i }); } });
      return (cells[layer][i] = cell);
    });
  }
  row("really comes", data.comes, (text) => html("div", { class: "lens-head quiet", title: text }, text === "" ? "" : visible(text)));
  const scroller = html("div", { class: "wide" }, grid);
  root.append(scroller, html("p", { class: "lens-legend" }, "Underlined: the last layer's choice already. Darker: likelier (or of a better rank, or surer)."));
  const told = html("p", { class: "lens-told", "aria-live": "polite" });
  const list = bars(k, { colour: paint.accent, label: "The likeliest tokens here" });
  root.append(told, list.element);

  grid.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -t], End: [0, t] }[event.key];
    if (!step) return;
    event.preventDefault();
    const position = Math.max(0, Math.min(t - 1, view.position + step[1]));
    look.change({ layer: Math.max(0, Math.min(n - 1, view.layer + step[0])), position });
    const cell = cells[view.layer][position], side = 96;
    if (cell.offsetLeft - side < scroller.scrollLeft) scroller.scrollLeft = cell.offsetLeft - side;
    if (cell.offsetLeft + cell.offsetWidth > scroller.scrollLeft + scroller.clientWidth) scroller.scrollLeft = cell.offsetLeft + cell.offsetWidth - scroller.clientWidth + 4;
  });
  requestAnimationFrame(() => {
    const cell = cells[0][view.position];
    scroller.scrollLeft = Math.max(0, cell.offsetLeft + cell.offsetWidth - scroller.clientWidth + 4);
  });

  let shown = null, chosen = null;
  const paintCells = (show) => {
    for (let layer = 0; layer < n; layer++) {
      for (let i = 0; i < t; i++) {
        const cell = cells[layer][i], rank = data.ranks[layer][i], bits = entropies.at(layer, i);
        const share = show === "word" ? p.at(layer, i, 0) : show === "rank" ? 1 / (1 + Math.log2(Math.max(1, rank))) : 1 - bits / data.most;
        cell.textContent = show === "word" ? visible(data.guesses[layer][i][0]) : show === "rank" ? rank.toLocaleString("en") : bits.toFixed(1);
        cell.style.background = shade(0.75 * share, paint.ink);
        cell.style.color = !dark(root) && show !== "entropy" && share > 0.8 ? "#fff" : "";
        cell.classList.toggle("agrees", rank === 1);
      }
    }
  };
  return (view) => {
    if (view.show !== shown) paintCells((shown = view.show));
    const layer = Math.max(0, Math.min(n - 1, view.layer)), i = Math.max(0, Math.min(t - 1, view.position));
    chosen?.classList.remove("chosen");
    chosen = cells[layer][i];
    chosen.classList.add("chosen");
    const where = data.layers[layer] === "embedding" ? "The embedding" : `After layer ${data.layers[layer]},`;
    const final = visible(data.guesses[n - 1][i][0]), comes = data.comes[i];
    told.textContent = `${where} at “${visible(data.texts[i])}”: entropy ${entropies.at(layer, i).toFixed(1)} of ${data.most.toFixed(1)} bits; ` +
      `“${final}”, the last layer's choice, has rank ${data.ranks[layer][i].toLocaleString("en")}` +
      (comes ? `; “${visible(comes)}”, which comes, ${data.ranks_of_comes[layer][i].toLocaleString("en")}` : "");
    list.set(data.guesses[layer][i].map((word, j) => [visible(word), p.at(layer, i, j), percent(p.at(layer, i, j)), { chosen: word === data.guesses[n - 1][i][0] }]));
  };
});
