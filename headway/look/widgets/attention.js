// Attention: the words with lines between them, and beside them the matrix with one row for each word that takes.
// Lines run from what is taken from (left) to what takes (right); the matrix's rows stand beside the words that take.

const LONGEST = 80; // words in columns; a longer text is shown as it reads
const MEAN = "mean";

const css = `
  .hw .attn-heads { display: flex; flex-wrap: wrap; gap: 4px 6px; margin: 0 0 0.6rem; align-items: flex-start; }
  .hw .attn-group { display: flex; gap: 3px; padding-bottom: 4px; }
  .hw .attn-group.shared { border-bottom: 2px solid color-mix(in srgb, currentColor 30%, transparent); }
  .hw .attn-heads button { padding: 2px; border-radius: 5px; border: 1px solid transparent; line-height: 1; }
  .hw .attn-heads button[aria-pressed=true] { background: transparent; border-color: var(--hw-accent); box-shadow: 0 0 0 1px var(--hw-accent); }
  .hw .attn-heads button span { display: block; font-size: 10px; margin-top: 2px; opacity: 0.75; text-align: center; color: var(--attn-text); }
  .hw .attn-figure { position: relative; outline-offset: 4px; border-radius: 4px; }
  .hw .attn-figure canvas { position: absolute; max-width: none; }
  .hw .attn-word { position: absolute; white-space: pre; overflow: hidden; text-overflow: ellipsis; cursor: pointer; border-radius: 3px;
    padding: 0 4px; line-height: var(--pitch); height: var(--pitch); font-size: var(--size); user-select: none; }
  .hw .attn-word.hidden { opacity: 0.32; }
  .hw .attn-word.chosen { outline: 2px solid var(--hw-accent); outline-offset: -2px; font-weight: 600; }
  .hw .attn-label { position: absolute; transform-origin: 0 50%; transform: rotate(-52deg); white-space: pre; font-size: 11px; line-height: 1;
    max-width: 84px; overflow: hidden; text-overflow: ellipsis; pointer-events: none; opacity: 0.75; }
  .hw .attn-label.chosen { opacity: 1; font-weight: 600; }
  .hw .attn-head { position: absolute; font-size: 11px; opacity: 0.65; white-space: nowrap; }
  .hw .attn-text { line-height: 1.9; margin: 0 0 0.6rem; max-height: 20rem; overflow-y: auto; overflow-wrap: anywhere; }
  .hw .attn-text span { cursor: pointer; border-radius: 3px; padding: 1px 0; white-space: pre-wrap; }
  .hw .attn-text span.hidden { opacity: 0.35; }
  .hw .attn-text span.chosen { outline: 2px solid var(--hw-accent); }
  .hw .attn-told { margin: 0.5rem 0 0; font-variant-numeric: tabular-nums; }
  .hw .attn-told p { margin: 0; overflow: hidden; line-height: 1.5; height: 1.5em; }
  .hw .attn-told.narrow p { height: 3em; }
  .hw .attn-legend { display: flex; flex-wrap: wrap; gap: 0.2rem 1.2rem; font-size: 12px; opacity: 0.8; margin: 0.4rem 0 0; align-items: center; }
  .hw .attn-legend.narrow { align-content: flex-start; min-height: 5.2em; }
  .hw .attn-legend span { display: inline-flex; align-items: center; gap: 0.4rem; }
  .hw .attn-legend i { display: inline-block; height: 11px; border-radius: 2px; }
`;

const clamp = (x, low, high) => Math.max(low, Math.min(high, x));

/** How strongly a share from 0 to 1 is drawn: its square root, so that a tenth can still be seen. */
const strength = (share) => Math.sqrt(clamp(share, 0, 1));

/** A canvas of `width` by `height` CSS pixels that is sharp on every screen, and what draws on it. */
function board(width, height, given = {}) {
  const ratio = window.devicePixelRatio || 1;
  const canvas = html("canvas", { width: Math.max(1, Math.round(width * ratio)), height: Math.max(1, Math.round(height * ratio)),
    style: `width:${width}px;height:${height}px`, ...given });
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  return [canvas, pen];
}

/** The stripes that stand for "may not be seen". */
function stripes(pen, colour) {
  const tile = html("canvas", { width: 6, height: 6 });
  const ink = tile.getContext("2d");
  ink.strokeStyle = colour;
  ink.lineWidth = 1;
  for (const shift of [-6, 0, 6]) { ink.beginPath(); ink.moveTo(shift, 6); ink.lineTo(shift + 6, 0); ink.stroke(); }
  return pen.createPattern(tile, "repeat");
}

/** One layer, its packed numbers read once: weights of every head and of their mean, and what may be seen. */
function opened(layer) {
  const weights = tensor(layer.weights), mask = tensor(layer.seen);
  const [n, rows, columns] = weights.shape;
  const heads = [], mean = new Float32Array(rows * columns), seen = new Uint8Array(rows * columns);
  let lowest = 0, most = 0;
  for (let h = 0; h < n; h++) {
    const head = new Float32Array(rows * columns);
    for (let t = 0; t < rows; t++) {
      for (let s = 0; s < columns; s++) {
        const at = t * columns + s, w = weights.at(h, t, s);
        head[at] = Math.abs(w) < 2e-5 * (layer.weights.high - layer.weights.low) ? 0 : w; // what packing makes of a 0
        lowest = Math.min(lowest, head[at]);
        most = Math.max(most, Math.abs(head[at]));
      }
    }
    heads.push(head);
  }
  const signed = lowest < 0;
  for (const head of heads) for (let at = 0; at < mean.length; at++) mean[at] += (signed ? Math.abs(head[at]) : head[at]) / n;
  for (let t = 0; t < rows; t++) for (let s = 0; s < columns; s++) seen[t * columns + s] = mask.at(t, s) > 0.5 ? 1 : 0;
  const shares = layer.kind === "attention" || layer.kind === "alignment";
  const some = seen.some((x) => !x);
  return { ...layer, heads, names: layer.heads, mean, seen, some, rows, columns, signed, shares, top: shares && columns <= LONGEST ? 1 : most || 1,
    rowTexts: layer.rows, columnTexts: layer.columns };
}

export default picture((root, data, view, look) => {
  const { paint } = look;
  const wide = root.clientWidth || 320;
  const ready = new Map();
  const layerAt = (n) => { if (!ready.has(n)) ready.set(n, opened(data.layers[n])); return ready.get(n); };
  const shapes = data.layers.map((layer) => layer.weights.shape);
  const last = data.layers.length - 1;
  const start = data.layers.findLastIndex((layer) => layer.rows !== layer.columns);
  view.layer ??= start >= 0 ? start : Math.floor(last / 2);
  if (view.layer < 0) view.layer += last + 1;
  view.layer = clamp(Math.round(view.layer), 0, last);
  view.head ??= data.head ?? MEAN;

  root.append(html("style", {}, css));
  root.style.setProperty("--attn-text", getComputedStyle(root).color);
  const faint = dark(root) ? "rgba(255,255,255,0.16)" : "rgba(0,0,0,0.15)";
  const ground = dark(root) ? "rgba(255,255,255,0.035)" : "rgba(0,0,0,0.025)";
  const colour = (w, top) => shade(strength(Math.abs(w) / top), w < 0 ? paint.hot : paint.ink);

  const say = (token) => `“${visible(token)}”`;
  const share = (w, layer) => (layer.shares ? percent(w).replace(" ", "\u00a0") : digits(w, 2));
  const words = (name) => data.texts[name];

  // Chosen for good by a click or a key; pointed at for a moment.
  let pointed = null;
  let shown = null; // what is drawn: layer, weights
  const chosen = () => pointed ?? (view.row != null ? { row: view.row, column: view.column ?? null } : view.column != null ? { row: null, column: view.column } : null);
  const point = (what) => {
    if (JSON.stringify(what) === JSON.stringify(pointed)) return;
    pointed = what;
    mark();
  };
  const pin = (row, column) => {
    const same = (view.row ?? null) === row && (view.column ?? null) === column;
    pointed = null;
    look.change(same ? { row: null, column: null } : { row, column });
  };

  // Controls: which layer, which head
  const layers = choice("Layer", data.layers.map((layer, n) => [n, layer.name]), view.layer, (n) => look.change({ layer: Number(n) }));
  const heads = choice("Head", [[MEAN, "mean of all heads"]], MEAN, (n) => look.change({ head: n === MEAN ? MEAN : Number(n) }));
  const headSelect = heads.querySelector("select"), layerSelect = layers.querySelector("select");
  root.append(html("div", { class: "controls" }, layers, heads));
  const strip = html("div", { class: "attn-heads", role: "group", "aria-label": "Heads of this layer" });
  root.append(strip);
  const figure = html("div", {});
  root.append(figure);
  const takes = html("p", {}), gives = html("p", {});
  root.append(html("div", { class: wide < 620 ? "attn-told narrow" : "attn-told", "aria-live": "polite" }, takes, gives));
  const legend = html("div", { class: wide < 620 ? "attn-legend narrow" : "attn-legend" });
  root.append(legend);

  // The heads, small: to be compared and picked from
  function thumbnail(layer, weights) {
    const side = 46;
    const [canvas, pen] = board(side, side);
    const small = html("canvas", { width: layer.columns, height: layer.rows });
    const ink = small.getContext("2d"), image = ink.createImageData(layer.columns, layer.rows);
    for (let at = 0; at < weights.length; at++) {
      const w = weights[at], [r, g, b] = w < 0 ? paint.hot : paint.ink;
      image.data.set([r, g, b, 255 * strength(Math.abs(w) / layer.top)], 4 * at);
    }
    ink.putImageData(image, 0, 0);
    pen.fillStyle = ground;
    pen.fillRect(0, 0, side, side);
    pen.imageSmoothingEnabled = layer.columns > side;
    pen.drawImage(small, 0, 0, side, side);
    return canvas;
  }
  let stripOf = null;
  function drawStrip(layer) {
    if (stripOf !== layer) {
      const held = strip.contains(root.getRootNode().activeElement);
      strip.replaceChildren();
      headSelect.replaceChildren();
      const n = layer.heads.length, per = Math.max(1, n / layer.groups);
      const entry = (head, name, small, label) => {
        headSelect.append(html("option", { value: head }, name));
        return html("button", { type: "button", "data-head": head, title: name, "aria-label": name, onclick: () => look.change({ head }) },
          thumbnail(layer, small), html("span", {}, label));
      };
      if (n > 1) strip.append(html("div", { class: "attn-group" }, entry(MEAN, layer.signed ? "mean size of all heads" : "mean of all heads", layer.mean, "mean")));
      for (let g = 0; g < (per > 1 ? layer.groups : n); g++) {
        const group = html("div", { class: per > 1 ? "attn-group shared" : "attn-group", title: per > 1 ? `these ${per} heads share keys and values ${g}` : null });
        for (let h = g * per; h < (g + 1) * per; h++) group.append(entry(h, layer.names[h], layer.heads[h], layer.names[h].replace(/^head /, "").slice(0, 9)));
        strip.append(group);
      }
      stripOf = layer;
      if (held) strip.querySelector(`[data-head="${view.head}"]`)?.focus();
    }
    const head = headOf(layer);
    headSelect.value = head;
    for (const button of strip.querySelectorAll("button")) button.setAttribute("aria-pressed", button.dataset.head === String(head));
  }
  const headOf = (layer) => (layer.heads.length === 1 ? 0 : view.head === MEAN || !(view.head in layer.heads) ? MEAN : view.head);

  // The figure. Its sizes are those of the largest layer, so that nothing below it moves from one to the next.
  const running = (shape) => Math.max(shape[1], shape[2]) > LONGEST;
  const side = wide >= 620; // matrix beside the words, else under them
  const HEAD = 18;
  const longest = Math.max(...data.layers.flatMap((layer) => data.texts[layer.columns].slice(0, LONGEST).map((token) => visible(token).length)));
  const LABELS = Math.min(84, 7 * longest) * 0.79 + 20;
  function sizes(shape) {
    const [, rows, columns] = shape;
    if (running(shape)) {
      const most = Math.min(wide / columns, 560 / rows, 12);
      const cell = most > 4 ? Math.floor(most) : most;
      return { cell, across: cell, width: cell * columns, height: cell * rows };
    }
    const word = side ? clamp(wide * 0.13, 90, 130) : clamp(wide * 0.3, 90, 130);
    const left = side ? wide - 2 * word - clamp(wide * 0.19, 110, 190) - 8 : wide - 104;
    const across = Math.min(36, left / columns);
    const lines = side ? Math.min(320, wide - 2 * word - 28 - across * columns) : wide - 2 * word;
    const pitch = side ? clamp(across, 15, 32) : 22;
    const down = side ? pitch : clamp(across, 9, 22);
    const top = LABELS;
    const tall = Math.max(rows, columns) * pitch;
    return { word, lines, across, pitch, down, top, height: side ? top + tall : HEAD + tall + 14 + top + down * rows };
  }
  const height = Math.max(...shapes.map((shape) => (running(shape) ? 0 : sizes(shape).height)));

  let marks = []; // what is painted anew when something else is chosen
  let figureOf = null;
  function drawFigure(layer) {
    const rows = words(layer.rowTexts), columns = words(layer.columnTexts);
    if (figureOf === layer) return;
    figureOf = layer;
    const held = figure.contains(root.getRootNode().activeElement);
    figure.replaceChildren();
    marks = [];
    (running([0, layer.rows, layer.columns]) ? textFigure : wordFigure)(layer, rows, columns);
    if (held) figure.querySelector("[tabindex]")?.focus({ preventScroll: true });
  }

  const keyed = (layer) => (event) => {
    const n = layer.rows;
    const row = view.row ?? null;
    const go = {
      ArrowDown: () => look.change({ row: row === null ? 0 : Math.min(n - 1, row + 1), column: null }),
      ArrowUp: () => look.change({ row: row === null ? n - 1 : Math.max(0, row - 1), column: null }),
      Home: () => look.change({ row: 0, column: null }),
      End: () => look.change({ row: n - 1, column: null }),
      ArrowRight: () => step(layer, 1),
      ArrowLeft: () => step(layer, -1),
      PageDown: () => look.change({ layer: Math.min(last, view.layer + 1) }),
      PageUp: () => look.change({ layer: Math.max(0, view.layer - 1) }),
      Escape: () => look.change({ row: null, column: null }),
    }[event.key];
    if (!go || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    pointed = null;
    go();
  };
  function step(layer, by) {
    const order = layer.heads.length === 1 ? [0] : [MEAN, ...layer.heads.keys()];
    const at = order.indexOf(headOf(layer));
    look.change({ head: order[clamp(at + by, 0, order.length - 1)] });
  }
  const focusable = (layer, given) => ({ tabindex: 0, role: "application", onkeydown: keyed(layer),
    "aria-label": "Attention between words. Up and down choose a word, left and right a head, page up and down a layer, escape none.", ...given });

  function wordFigure(layer, rows, columns) {
    const { word, lines, across, pitch, down, top } = sizes([0, layer.rows, layer.columns]);
    const begin = side ? top : HEAD;
    const box = html("div", focusable(layer, { class: "attn-figure", style: `height:${height}px;--pitch:${pitch}px;--size:${clamp(pitch - 5, 10, 14)}px`,
      onpointerleave: () => point(null) }));
    figure.append(box);
    const label = (text, place) => box.append(html("span", { class: "attn-head", style: `top:${begin - HEAD}px;${place}` }, text));
    label("taken from", `left:0;width:${word - 4}px;text-align:right`);
    label("takes", `left:${word + lines + 4}px`);
    const column = (texts, x, y, align, what) => texts.map((token, n) => {
      const item = html("span", { class: "attn-word", style: `left:${x}px;top:${begin + y + n * pitch}px;width:${word}px;text-align:${align}`, title: token,
        onpointerenter: (event) => { if (event.pointerType === "mouse") point(what(n)); },
        onclick: () => { const { row, column } = what(n); pin(row, column); } }, visible(token));
      box.append(item);
      return item;
    });
    // The shorter side stands in the middle of the longer.
    const tall = Math.max(layer.rows, layer.columns) * pitch;
    const shift = { from: (tall - layer.columns * pitch) / 2, to: (tall - layer.rows * pitch) / 2 };
    const from = column(columns, 0, shift.from, "right", (n) => ({ row: null, column: n }));
    const to = column(rows, word + lines, shift.to, "left", (n) => ({ row: n, column: null }));

    // Lines
    const [sheet, pen] = board(lines, tall, { "aria-hidden": "true" });
    sheet.style.left = `${word}px`;
    sheet.style.top = `${begin}px`;
    sheet.style.pointerEvents = "none";
    box.append(sheet);
    const curve = (t, s, w, strong) => {
      const y0 = shift.from + (s + 0.5) * pitch, y1 = shift.to + (t + 0.5) * pitch, size = Math.abs(w) / layer.top;
      pen.strokeStyle = shade(strong ? 0.15 + 0.85 * strength(size) : 0.75 * clamp(size, 0, 1) ** 0.75, w < 0 ? paint.hot : paint.ink);
      pen.lineWidth = strong ? 1 + 6 * clamp(size, 0, 1) : 0.8 + 3.5 * clamp(size, 0, 1);
      pen.beginPath();
      pen.moveTo(3, y0);
      pen.bezierCurveTo(lines * 0.45, y0, lines * 0.55, y1, lines - 3, y1);
      pen.stroke();
    };

    // The matrix
    const gap = 8;
    const left = side ? 2 * word + lines + gap : 84, above = side ? begin + shift.to : HEAD + tall + 14 + top;
    const rise = side ? pitch : down;
    const [grid, ink] = board(across * layer.columns, rise * layer.rows, { role: "img", "aria-label": "the weights as a matrix" });
    grid.style.left = `${left}px`;
    grid.style.top = `${above}px`;
    grid.style.cursor = "crosshair";
    const hatch = stripes(ink, faint);
    const cellAt = (event) => {
      const place = grid.getBoundingClientRect();
      return { row: clamp(Math.floor((event.clientY - place.top) / rise), 0, layer.rows - 1),
        column: clamp(Math.floor((event.clientX - place.left) / across), 0, layer.columns - 1) };
    };
    grid.addEventListener("pointermove", (event) => { if (event.pointerType === "mouse") point(cellAt(event)); });
    grid.addEventListener("pointerleave", () => point(null));
    grid.addEventListener("click", (event) => { const { row, column } = cellAt(event); pin(row, column); });
    box.append(grid);
    const every = Math.max(1, Math.ceil(11 / across));
    const labels = columns.map((token, n) => {
      const item = html("span", { class: "attn-label", style: `left:${left + (n + 0.5) * across}px;top:${above - 10}px` }, visible(token));
      item.hidden = n % every !== 0;
      box.append(item);
      return item;
    });
    const beside = side ? [] : rows.map((token, n) => {
      const item = html("span", { class: "attn-word", style: `left:0;top:${above + n * rise}px;width:82px;text-align:right;--pitch:${rise}px;--size:${clamp(rise - 1, 8, 12)}px`,
        onclick: () => pin(n, null) }, visible(token));
      item.hidden = n % Math.max(1, Math.ceil(10 / rise)) !== 0;
      box.append(item);
      return item;
    });

    marks.push((weights, at) => {
      const w = (t, s) => weights[t * layer.columns + s];
      const open = (t, s) => layer.seen[t * layer.columns + s] || Math.abs(w(t, s)) > 1e-4 * layer.top;
      // Lines
      pen.clearRect(0, 0, lines, tall);
      const strong = at ? (t, s) => (at.row === null || at.row === t) && (at.column === null || at.column === s) : () => false;
      for (const loud of at ? [false, true] : [false]) {
        pen.globalAlpha = at && !loud ? 0.12 : 1;
        for (let t = 0; t < layer.rows; t++) for (let s = 0; s < layer.columns; s++) {
          if (strong(t, s) === loud && Math.abs(w(t, s)) > 0.012 * layer.top) curve(t, s, w(t, s), loud);
        }
      }
      pen.globalAlpha = 1;
      // Words
      from.forEach((item, s) => {
        item.classList.toggle("chosen", at?.column === s);
        item.classList.toggle("hidden", at?.row != null && !open(at.row, s));
        item.style.background = at?.row != null ? colour(0.75 * w(at.row, s), layer.top) : "";
      });
      to.forEach((item, t) => {
        item.classList.toggle("chosen", at?.row === t);
        item.classList.toggle("hidden", at?.row == null && at?.column != null && !open(t, at.column));
        item.style.background = at?.row == null && at?.column != null ? colour(0.75 * w(t, at.column), layer.top) : "";
      });
      beside.forEach((item, t) => item.classList.toggle("chosen", at?.row === t));
      labels.forEach((item, s) => {
        item.classList.toggle("chosen", at?.column === s);
        const near = at?.column != null && Math.abs(s - at.column) < every;
        item.hidden = !(at?.column === s || (s % every === 0 && !(every > 1 && near)));
      });
      // The matrix
      ink.clearRect(0, 0, across * layer.columns, rise * layer.rows);
      ink.fillStyle = ground;
      ink.fillRect(0, 0, across * layer.columns, rise * layer.rows);
      const inset = across > 6 && rise > 6 ? 0.5 : 0;
      for (let t = 0; t < layer.rows; t++) for (let s = 0; s < layer.columns; s++) {
        ink.fillStyle = open(t, s) ? colour(w(t, s), layer.top) : hatch;
        ink.fillRect(s * across + inset * open(t, s), t * rise + inset * open(t, s), across - inset * open(t, s), rise - inset * open(t, s));
      }
      ink.strokeStyle = paint.accent;
      ink.lineWidth = 2;
      if (at?.row != null) ink.strokeRect(1, at.row * rise + 1, across * layer.columns - 2, rise - 2);
      if (at?.column != null) ink.strokeRect(at.column * across + 1, 1, Math.max(1, across - 2), rise * layer.rows - 2);
    });
  }

  // A text too long for columns: as it reads, and the matrix below
  function textFigure(layer, rows, columns) {
    const { cell, width: w0, height: h0 } = sizes([0, layer.rows, layer.columns]);
    const box = html("div", focusable(layer, { onpointerleave: () => point(null) }));
    figure.append(box);
    const one = layer.rowTexts === layer.columnTexts;
    const text = (tokens, what) => {
      const block = html("div", { class: "attn-text" });
      const items = tokens.map((token, n) => {
        const item = html("span", { onclick: () => { const { row, column } = what(n); pin(row, column); },
          onpointerenter: (event) => { if (event.pointerType === "mouse") point(what(n)); } }, token);
        block.append(item);
        return item;
      });
      box.append(block);
      return items;
    };
    const from = text(columns, (n) => (one ? { row: n, column: null } : { row: null, column: n }));
    const to = one ? from : text(rows, (n) => ({ row: n, column: null }));
    const [grid, ink] = board(w0, h0, { role: "img", "aria-label": "the weights as a matrix" });
    grid.style.position = "static";
    const cellAt = (event) => {
      const place = grid.getBoundingClientRect();
      return { row: clamp(Math.floor(((event.clientY - place.top) / place.height) * layer.rows), 0, layer.rows - 1),
        column: clamp(Math.floor(((event.clientX - place.left) / place.width) * layer.columns), 0, layer.columns - 1) };
    };
    grid.addEventListener("pointermove", (event) => { if (event.pointerType === "mouse") point(cellAt(event)); });
    grid.addEventListener("pointerleave", () => point(null));
    grid.addEventListener("click", (event) => { const { row, column } = cellAt(event); pin(row, column); });
    box.append(grid);
    const small = html("canvas", { width: layer.columns, height: layer.rows });
    let painted = null;
    marks.push((weights, at) => {
      if (painted !== weights) {
        const pen = small.getContext("2d"), image = pen.createImageData(layer.columns, layer.rows);
        for (let i = 0; i < weights.length; i++) {
          const [r, g, b] = weights[i] < 0 ? paint.hot : paint.ink, shut = !layer.seen[i] && Math.abs(weights[i]) < 1e-4 * layer.top;
          image.data.set(shut ? [128, 128, 128, 40] : [r, g, b, 255 * strength(Math.abs(weights[i]) / layer.top)], 4 * i);
        }
        pen.putImageData(image, 0, 0);
        painted = weights;
      }
      ink.clearRect(0, 0, w0, h0);
      ink.imageSmoothingEnabled = false;
      ink.drawImage(small, 0, 0, w0, h0);
      ink.strokeStyle = paint.accent;
      if (at?.row != null) ink.strokeRect(0.5, at.row * cell, w0 - 1, Math.max(1, cell));
      if (at?.column != null) ink.strokeRect(at.column * cell, 0.5, Math.max(1, cell), h0 - 1);
      let most = 0; // of a long text's many small weights the largest of the row is full
      if (at?.row != null) for (let s = 0; s < layer.columns; s++) most = Math.max(most, Math.abs(weights[at.row * layer.columns + s]));
      from.forEach((item, s) => {
        const w = at?.row != null ? weights[at.row * layer.columns + s] : 0;
        item.style.background = at?.row != null ? colour(0.6 * w, most || 1) : "";
        item.classList.toggle("hidden", at?.row != null && !layer.seen[at.row * layer.columns + s] && !w);
        item.classList.toggle("chosen", one ? at?.row === s : at?.column === s);
      });
      if (!one) to.forEach((item, t) => {
        item.style.background = at?.row == null && at?.column != null ? colour(weights[t * layer.columns + at.column], layer.top) : "";
        item.classList.toggle("chosen", at?.row === t);
      });
    });
  }

  function drawLegend(layer) {
    const ramp = (ink) => html("i", { style: `width:90px;background:linear-gradient(90deg,${[0, 0.04, 0.16, 0.36, 0.64, 1].map((w) => `${shade(strength(w), ink)} ${100 * w}%`).join(",")})` });
    const top = layer.shares ? percent(layer.top) : digits(layer.top, 2);
    legend.replaceChildren(html("span", {}, "0", ramp(paint.ink), top));
    if (layer.signed && headOf(layer) !== MEAN) legend.append(html("span", {}, "below 0", ramp(paint.hot), `−${top}`));
    if (layer.some) legend.append(html("span", {}, html("i", { style: `width:22px;background:repeating-linear-gradient(135deg,${faint} 0 1px,${ground} 1px 4px);border:1px solid ${faint}` }), "may not be seen"));
    const per = layer.heads.length / layer.groups;
    if (per > 1 && layer.groups > 0) legend.append(html("span", {}, `${per} heads share keys and values (underlined)`));
  }

  function tell(layer, weights, at) {
    const rows = words(layer.rowTexts), columns = words(layer.columnTexts), n = layer.columns;
    const what = layer.kind === "state space" ? "has in its state" : "takes";
    if (!at) {
      takes.textContent = "Choose a word: what it takes, and who takes from it.";
      gives.textContent = "";
      return;
    }
    const best = (entries) => entries.filter(([, w]) => Math.abs(w) >= 0.005 * layer.top).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, 4);
    const list = (entries, texts) => entries.map(([i, w]) => `${say(texts[i])} ${share(w, layer)}`).join(", ") || "nothing to speak of";
    if (at.row != null && at.column != null) {
      const w = weights[at.row * n + at.column];
      const shut = !layer.seen[at.row * n + at.column];
      takes.textContent = shut && Math.abs(w) < 1e-4 * layer.top ? `${say(rows[at.row])} may not see ${say(columns[at.column])}.`
        : `${say(rows[at.row])} ${what} ${share(w, layer)} from ${say(columns[at.column])}${shut ? ", which it may not see" : ""}.`;
      gives.textContent = "";
      return;
    }
    const row = at.row, column = at.column ?? (layer.rowTexts === layer.columnTexts ? at.row : null);
    takes.textContent = row != null ? `${say(rows[row])} ${what}: ${list(best(columns.map((_, s) => [s, weights[row * n + s]])), columns)}` : "";
    gives.textContent = column != null ? `From ${say(columns[column])} take: ${list(best(rows.map((_, t) => [t, weights[t * n + column]])), rows)}` : "";
  }

  function mark() {
    const { layer, weights } = shown;
    let at = chosen();
    if (at && ((at.row ?? 0) >= layer.rows || (at.column ?? 0) >= layer.columns)) at = null;
    for (const paintAgain of marks) paintAgain(weights, at);
    tell(layer, weights, at);
  }

  return () => {
    const layer = layerAt(clamp(view.layer, 0, last));
    layerSelect.value = view.layer;
    const head = headOf(layer);
    shown = { layer, weights: head === MEAN ? layer.mean : layer.heads[head] };
    drawStrip(layer);
    drawFigure(layer);
    drawLegend(layer);
    mark();
  };
});
