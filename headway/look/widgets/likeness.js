// Likeness: a table of cosines; for a CLIP, under each cosine what the softmax at a temperature makes of it.

const css = `
  .hw .like-table { border-collapse: separate; border-spacing: 3px; }
  .hw .like-table td, .hw .like-table th { padding: 0; text-align: center; vertical-align: middle; }
  .hw .like-table td.cell { border-radius: 5px; cursor: pointer; font-size: 13px; line-height: 1.25; }
  .hw .like-table td.cell.chosen { outline: 2px solid var(--hw-accent); }
  .hw .like-table th { font-size: 12px; line-height: 1.25; overflow: hidden; }
  .hw .like-table th.row { text-align: right; padding-right: 6px; }
  .hw .like-table th div { overflow: hidden; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow-wrap: anywhere; }
  .hw .like-table th.row canvas { border-radius: 4px; margin-left: auto; }
  .hw .like-table small { display: block; font-size: 11px; }
  .hw .like-told { height: 4.5em; overflow: hidden; margin: 0.4rem 0 0; }
`;

export default picture((root, data, view, look) => {
  const cosines = tensor(data.cosines), [n, m] = cosines.shape, { paint } = look;
  const pictures = data.pictures && tensor(data.pictures);
  view.temperature ??= data.temperature;
  view.row ??= null;
  view.column ??= null;
  root.append(html("style", {}, css));
  const wide = root.clientWidth || 320;
  const label = Math.min(200, wide * 0.32), cell = Math.max(46, Math.min(96, (wide - label - 3 * (m + 2)) / m));
  if (data.temperature !== null) {
    const low = 0, high = Math.log(200);
    root.append(html("div", { class: "controls" },
      slider("Cosines times", low, high, 0.01, Math.log(view.temperature), (x) => look.change({ temperature: Math.exp(x) }), (x) => Math.exp(x).toFixed(1)),
      html("button", { type: "button", onclick: () => { look.change({ temperature: data.temperature }); knob.value = Math.log(data.temperature); knob.dispatchEvent(new Event("input")); } }, `as learned (${data.temperature.toFixed(0)})`)));
  }
  const knob = root.querySelector("input[type=range]");
  const name = (text, width) => html("div", { title: text, style: `width:${width}px` }, text);
  const table = html("table", { class: "like-table", tabindex: 0, role: "application", "aria-label": "Cosines. Arrow keys choose one.", onkeydown: keyed, onpointerleave: () => point(null) });
  table.append(html("tr", {}, html("th", {}), ...data.columns.map((text) => html("th", { scope: "col" }, name(text, cell)))));
  const cells = [];
  for (let r = 0; r < n; r++) {
    const head = html("th", { class: "row", scope: "row" });
    if (pictures) {
      const [, h, w] = pictures.shape, small = html("canvas", { width: w, height: h, title: data.rows[r], role: "img", "aria-label": data.rows[r] });
      const pen = small.getContext("2d"), image = pen.createImageData(w, h);
      for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) image.data.set([0, 1, 2].map((c) => 255 * pictures.at(r, y, x, c)).concat(255), 4 * (y * w + x));
      pen.putImageData(image, 0, 0);
      head.append(small);
    } else head.append(name(data.rows[r], label));
    const row = html("tr", {}, head);
    cells.push(Array.from({ length: m }, (_, c) => {
      const item = html("td", { class: "cell", style: `width:${cell}px;min-width:${cell}px;height:${Math.min(cell, 60)}px`, onclick: () => choose(r, c),
        onpointerenter: (event) => { if (event.pointerType === "mouse") point([r, c]); } });
      row.append(item);
      return item;
    }));
    table.append(row);
  }
  root.append(html("div", { class: "wide" }, table));
  const told = html("p", { class: "like-told", "aria-live": "polite" });
  root.append(told);
  let pointed = null;
  const point = (at) => { pointed = at; tell(); };
  const choose = (row, column) => look.change(view.row === row && view.column === column ? { row: null, column: null } : { row, column });
  function keyed(event) {
    const [dr, dc] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [];
    if (dr === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (view.row === null) look.change({ row: 0, column: 0 });
    else look.change({ row: Math.max(0, Math.min(n - 1, view.row + dr)), column: Math.max(0, Math.min(m - 1, view.column + dc)) });
  }
  const share = (r, c) => {
    let sum = 0;
    for (let k = 0; k < m; k++) sum += Math.exp(view.temperature * (cosines.at(r, k) - cosines.at(r, c)));
    return 1 / sum;
  };
  function tell() {
    const at = pointed ?? (view.row === null ? null : [view.row, view.column]);
    if (!at) told.textContent = data.temperature === null ? "The cosine of the angle between two vectors: 1 is the same direction, 0 has nothing in common."
      : "Each row: the cosine of a picture with each text, and the share of it that the softmax gives to each.";
    else {
      const [r, c] = at, cosine = cosines.at(r, c);
      told.textContent = `“${data.rows[r]}” and “${data.columns[c]}”: cosine ${cosine.toFixed(3)}`
        + (data.temperature === null ? `, an angle of ${((Math.acos(Math.max(-1, Math.min(1, cosine))) * 180) / Math.PI).toFixed(0)}°.` : `, ${percent(share(r, c))} of the row.`);
    }
  }
  const bright = dark(root);
  return () => {
    for (let r = 0; r < n; r++) for (let c = 0; c < m; c++) {
      const item = cells[r][c], cosine = cosines.at(r, c), strong = data.temperature === null ? Math.abs(cosine) : share(r, c);
      item.style.background = shade(0.06 + 0.94 * strong, cosine < 0 ? paint.hot : paint.ink);
      item.style.color = strong > 0.6 ? (bright ? "#10131a" : "#fff") : "";
      item.replaceChildren(cosine.toFixed(2), ...(data.temperature === null ? [] : [html("small", {}, percent(share(r, c)))]));
      item.classList.toggle("chosen", view.row === r && view.column === c);
    }
    tell();
  };
});
