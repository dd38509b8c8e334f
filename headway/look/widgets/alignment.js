// Alignment: words over a sound, on the axis of time, with the attention below; or written words under those of their source.

const HEAT = [[0, 0, 4], [40, 11, 84], [101, 21, 110], [159, 42, 99], [212, 72, 66], [245, 125, 21], [250, 193, 39], [252, 255, 164]];

const css = `
  .hw .align-how { font-size: 12px; opacity: 0.75; margin: 0 0 0.5rem; }
  .hw .align-figure { position: relative; outline-offset: -2px !important; }
  .hw .align-figure canvas { position: absolute; max-width: none; }
  .hw .align-word { position: absolute; white-space: pre; cursor: pointer; border-radius: 4px; padding: 0 4px; line-height: 22px; height: 22px; font-size: 14px; user-select: none; overflow: hidden; text-overflow: ellipsis; }
  .hw .align-word.chosen { outline: 2px solid var(--hw-accent); outline-offset: -2px; font-weight: 600; }
  .hw .align-token { position: absolute; font-size: 11px; line-height: 14px; text-align: right; white-space: pre; overflow: hidden; text-overflow: ellipsis; opacity: 0.8; }
  .hw .align-tick { position: absolute; font-size: 11px; opacity: 0.7; transform: translateX(-50%); white-space: nowrap; }
  .hw .align-told { height: 3em; overflow: hidden; margin: 0.4rem 0 0; font-variant-numeric: tabular-nums; }
`;

function heat(share) {
  const x = Math.max(0, Math.min(1, share)) * (HEAT.length - 1), i = Math.min(HEAT.length - 2, Math.floor(x)), f = x - i;
  return HEAT[i].map((low, c) => Math.round(low + f * (HEAT[i + 1][c] - low)));
}

function sharp(width, height, given = {}) {
  const ratio = window.devicePixelRatio || 1;
  const canvas = html("canvas", { width: Math.max(1, Math.round(width * ratio)), height: Math.max(1, Math.round(height * ratio)), style: `width:${width}px;height:${height}px`, ...given });
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  return [canvas, pen];
}

export default picture((root, data, view, look) => {
  const weights = tensor(data.weights), [rows, columns] = weights.shape, { paint } = look;
  view.row ??= null;
  view.column ??= null;
  root.append(html("style", {}, css), html("p", { class: "align-how" }, data.how[0].toUpperCase() + data.how.slice(1) + "."));
  const wide = root.clientWidth || 320;
  const scroll = html("div", { class: "wide" }), told = html("p", { class: "align-told", "aria-live": "polite" });
  root.append(scroll, told);
  let pointed = null, mark = () => {};
  const point = (at) => { pointed = at; mark(); };
  const put = (element, x, y) => { element.style.left = `${x}px`; element.style.top = `${y}px`; return element; };
  const say = (token) => `“${visible(token)}”`;
  const share = (w) => percent(w).replace(" ", "\u00a0");
  const keyed = (count) => (event) => {
    const to = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") return look.change({ row: null, column: null });
    if (!to || event.ctrlKey || event.metaKey || event.altKey) return undefined;
    event.preventDefault();
    pointed = null;
    return look.change({ row: view.row === null ? 0 : Math.max(0, Math.min(count - 1, view.row + to)), column: null });
  };

  function sound() {
    const words = data.words, mel = tensor(data.sound), [bands, frames] = mel.shape, left = 74;
    const width = Math.max(wide - left - 4, data.seconds * 70), second = width / data.seconds;
    // Each word in the first lane that is free where it begins.
    const LANES = 3, lane = 24, free = Array(LANES).fill(-Infinity), ruler = html("canvas").getContext("2d");
    ruler.font = "600 14px system-ui, sans-serif";
    const places = words.map((word) => {
      const size = ruler.measureText(word.text).width + 10, x = Math.min(left + word.begin * second, left + width - size);
      let at = free.findIndex((end) => end <= x);
      if (at < 0) at = free.indexOf(Math.min(...free));
      free[at] = x + size + 2;
      return { x, at };
    });
    const used = 1 + places.reduce((most, { at }) => Math.max(most, at), 0);
    const top = used * lane + 4, high = 110, gap = 26, line = 15;
    const figure = html("div", { class: "align-figure", tabindex: 0, role: "application", "aria-label": "Words in the sound. Arrow keys choose one, escape none.",
      style: `width:${left + width + 2}px;height:${top + high + gap + rows * line + 4}px`, onkeydown: keyed(words.length), onpointerleave: () => point(null) });
    scroll.append(figure);
    const picture = html("canvas", { width: frames, height: bands }), small = picture.getContext("2d"), image = small.createImageData(frames, bands);
    for (let b = 0; b < bands; b++) for (let f = 0; f < frames; f++) image.data.set([...heat((mel.at(b, f) - mel.low) / (mel.high - mel.low || 1)), 255], 4 * ((bands - 1 - b) * frames + f));
    small.putImageData(image, 0, 0);
    const [canvas, pen] = sharp(width, high, { role: "img", "aria-label": "the sound: frequencies over time" });
    const [below, ink] = sharp(width, rows * line, { role: "img", "aria-label": "attention of each token over time" });
    figure.append(put(canvas, left, top), put(below, left, top + high + gap));
    figure.append(put(html("span", { class: "align-tick", style: "transform:none" }, "frequency"), 0, top + 2));
    const step = second > 120 ? 0.5 : second > 45 ? 1 : 5;
    for (let s = 0; s <= data.seconds + 1e-6; s += step) {
      const tick = put(html("span", { class: "align-tick" }, `${step < 1 ? s.toFixed(1) : s} s`), left + Math.min(s * second, width - 10), top + high + 4);
      figure.append(tick);
    }
    const chips = words.map((word, n) => {
      const chip = put(html("span", { class: "align-word", onclick: () => look.change({ row: view.row === n ? null : n, column: null }),
        onpointerenter: (event) => { if (event.pointerType === "mouse") point(n); } }, word.text), places[n].x, (used - 1 - places[n].at) * lane);
      figure.append(chip);
      return chip;
    });
    const tokens = data.rows.map((token, t) => {
      const label = put(html("span", { class: "align-token", style: `width:${left - 6}px` }, visible(token)), 0, top + high + gap + t * line);
      figure.append(label);
      return label;
    });
    const wordAt = (event) => {
      const time = (event.clientX - event.currentTarget.getBoundingClientRect().left) / second;
      const at = words.findIndex((word) => time < word.end);
      return at < 0 ? words.length - 1 : at;
    };
    for (const board of [canvas, below]) {
      board.addEventListener("pointermove", (event) => { if (event.pointerType === "mouse") point(wordAt(event)); });
      board.addEventListener("click", (event) => { const n = wordAt(event); look.change({ row: view.row === n ? null : n, column: null }); });
    }
    const most = weights.high || 1, cell = width / columns;
    mark = () => {
      const at = pointed ?? view.row, word = at === null ? null : words[at];
      pen.drawImage(picture, 0, 0, width, high);
      ink.clearRect(0, 0, width, rows * line);
      for (let t = 0; t < rows; t++) for (let s = 0; s < columns; s++) {
        ink.fillStyle = shade(Math.sqrt(Math.max(0, weights.at(t, s)) / most), paint.ink);
        ink.fillRect(s * cell, t * line, cell + 0.3, line - 1);
      }
      ink.strokeStyle = paint.hot ? `rgb(${paint.hot})` : "#c60";
      ink.lineWidth = 1.5;
      ink.beginPath();
      for (let t = 0; t < rows; t++) {
        const x = data.best[t] * cell, end = (t + 1 < rows ? data.best[t + 1] : columns) * cell;
        ink.moveTo(x, t * line + line - 1);
        ink.lineTo(end, t * line + line - 1);
        if (t + 1 < rows) ink.lineTo(end, (t + 1) * line + line - 1);
      }
      ink.stroke();
      for (const { begin, end } of words) {
        pen.fillStyle = "rgba(255,255,255,0.55)";
        pen.fillRect(begin * second, 0, 1, high);
        if (word && (begin !== word.begin || end !== word.end)) { pen.fillStyle = "rgba(0,0,0,0.55)"; pen.fillRect(begin * second, 0, (end - begin) * second, high); }
      }
      if (word) {
        ink.strokeStyle = paint.accent;
        ink.lineWidth = 2;
        ink.strokeRect(1, word.rows[0] * line, width - 2, (word.rows[1] - word.rows[0]) * line - 1);
      }
      chips.forEach((chip, n) => chip.classList.toggle("chosen", n === at));
      tokens.forEach((label, t) => { label.style.fontWeight = word && t >= word.rows[0] && t < word.rows[1] ? "700" : ""; });
      told.textContent = word ? `“${word.text}” is said from ${word.begin.toFixed(2)} to ${word.end.toFixed(2)} s.` : "Choose a word, or a place in the sound.";
    };
  }

  function text() {
    const ruler = html("canvas").getContext("2d");
    ruler.font = "600 14px system-ui, sans-serif";
    const size = (token) => Math.max(15, ruler.measureText(visible(token)).width + 8);
    const laid = (tokens, extra) => { let x = 0; return tokens.map((token) => { const box = { x, width: size(token) + extra }; x += box.width; return box; }); };
    const end = (boxes) => boxes.at(-1).x + boxes.at(-1).width;
    // What is left of the width goes to all words alike, up to a point.
    const spare = Math.max(0, Math.min(18, ...[data.columns, data.rows].map((tokens) => (wide - end(laid(tokens, 0))) / tokens.length)));
    const from = laid(data.columns, spare), to = laid(data.rows, spare);
    const width = Math.max(wide, end(from), end(to)), lines = 150, chip = 24;
    const shift = [(Math.max(end(from), end(to)) - end(from)) / 2, (Math.max(end(from), end(to)) - end(to)) / 2];
    const figure = html("div", { class: "align-figure", tabindex: 0, role: "application", "aria-label": "Written words and their source. Arrow keys choose a written word, escape none.",
      style: `width:${width}px;height:${2 * chip + lines}px`, onkeydown: keyed(rows), onpointerleave: () => point(null) });
    scroll.append(figure);
    const [sheet, pen] = sharp(width, lines, { "aria-hidden": "true", style: `width:${width}px;height:${lines}px;pointer-events:none` });
    figure.append(put(sheet, 0, chip));
    const chips = (tokens, boxes, dx, y, what) => tokens.map((token, n) => {
      const item = put(html("span", { class: "align-word", style: `width:${boxes[n].width}px;text-align:center`, title: token,
        onclick: () => { const [row, column] = what(n); look.change(view.row === row && view.column === column ? { row: null, column: null } : { row, column }); },
        onpointerenter: (event) => { if (event.pointerType === "mouse") point(what(n)); } }, visible(token)), dx + boxes[n].x, y);
      figure.append(item);
      return item;
    });
    const sources = chips(data.columns, from, shift[0], 0, (n) => [null, n]), written = chips(data.rows, to, shift[1], chip + lines, (n) => [n, null]);
    const middle = (boxes, n, dx) => dx + boxes[n].x + boxes[n].width / 2;
    const curve = (t, s, alpha, line) => {
      const x0 = middle(from, s, shift[0]), x1 = middle(to, t, shift[1]);
      pen.strokeStyle = shade(alpha, paint.ink);
      pen.lineWidth = line;
      pen.beginPath();
      pen.moveTo(x0, 2);
      pen.bezierCurveTo(x0, lines * 0.5, x1, lines * 0.5, x1, lines - 2);
      pen.stroke();
    };
    mark = () => {
      const [row, column] = pointed ?? [view.row, view.column], any = row !== null || column !== null;
      pen.clearRect(0, 0, width, lines);
      for (const loud of any ? [false, true] : [true]) for (let t = 0; t < rows; t++) for (let s = 0; s < columns; s++) {
        const w = weights.at(t, s), mine = !any || row === t || column === s;
        if (w < 0.015 || mine !== loud) continue;
        curve(t, s, (loud ? 1 : 0.15) * (any && loud ? 0.15 + 0.85 * Math.sqrt(w) : w ** 0.75), 0.8 + (any && loud ? 7 : 5) * w);
      }
      sources.forEach((item, s) => { item.classList.toggle("chosen", column === s); item.style.background = row !== null ? shade(0.75 * Math.sqrt(weights.at(row, s)), paint.ink) : ""; });
      written.forEach((item, t) => { item.classList.toggle("chosen", row === t); item.style.background = column !== null ? shade(0.75 * Math.sqrt(weights.at(t, column)), paint.ink) : ""; });
      const list = (count, get, tokens) => Array.from({ length: count }, (_, i) => [get(i), i]).sort((a, b) => b[0] - a[0]).slice(0, 4).filter(([w]) => w >= 0.005).map(([w, i]) => `${say(tokens[i])} ${share(w)}`).join(", ");
      told.textContent = row !== null ? `${say(data.rows[row])} was written from ${list(columns, (s) => weights.at(row, s), data.columns)}.`
        : column !== null ? `From ${say(data.columns[column])}: ${list(rows, (t) => weights.at(t, column), data.rows)}.` : "The source above, what was written below. Choose a word.";
    };
  }

  (data.seconds === null ? text : sound)();
  return () => mark();
});
