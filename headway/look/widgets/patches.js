// Patches: a picture with what one patch, or [CLS], takes from each; layers and heads small, to pick from.

const HEAT = [[0, 0, 4], [40, 11, 84], [101, 21, 110], [159, 42, 99], [212, 72, 66], [245, 125, 21], [250, 193, 39], [252, 255, 164]];

const css = `
  .hw .patches-strip { display: flex; flex-wrap: wrap; gap: 4px; margin: 0 0 0.4rem; align-items: flex-end; }
  .hw .patches-strip > span { font-size: 12px; opacity: 0.75; width: 3.4rem; align-self: center; }
  .hw .patches-strip button { padding: 2px; border: 1px solid transparent; line-height: 1; }
  .hw .patches-strip button[aria-pressed=true] { background: transparent; border-color: var(--hw-accent); box-shadow: 0 0 0 1px var(--hw-accent); color: inherit; }
  .hw .patches-strip button span { display: block; font-size: 10px; margin-top: 2px; opacity: 0.75; text-align: center; }
  .hw .patches-pair { display: flex; flex-wrap: wrap; gap: 12px; }
  .hw .patches-pair figure { margin: 0; }
  .hw .patches-pair figcaption { font-size: 12px; opacity: 0.8; margin-top: 3px; height: 1.5em; overflow: hidden; }
  .hw .patches-pair canvas { border-radius: 4px; cursor: crosshair; touch-action: manipulation; max-width: none; }
  .hw .patches-told { height: 3em; overflow: hidden; margin: 0.4rem 0 0; font-variant-numeric: tabular-nums; }
  .hw .patches-none { visibility: hidden; }
`;

function heat(share) {
  const x = Math.max(0, Math.min(1, share)) * (HEAT.length - 1), i = Math.min(HEAT.length - 2, Math.floor(x)), f = x - i;
  return HEAT[i].map((low, c) => Math.round(low + f * (HEAT[i + 1][c] - low)));
}

/** A canvas of its own with one pixel for each value, coloured. */
function painted(values, columns, rows, top) {
  const canvas = html("canvas", { width: columns, height: rows });
  const pen = canvas.getContext("2d"), image = pen.createImageData(columns, rows);
  for (let i = 0; i < rows * columns; i++) image.data.set([...heat(values[i] / top), 255], 4 * i);
  pen.putImageData(image, 0, 0);
  return canvas;
}

export default picture((root, data, view, look) => {
  const [rows, columns] = data.grid, n = rows * columns, last = data.layers.length - 1;
  const pixels = tensor(data.pixels), rollout = tensor(data.rollout), flow = tensor(data.flow);
  const importance = data.importance && tensor(data.importance);
  const opened = data.layers.map((layer) => ({ ...layer, first: tensor(layer.first), weights: tensor(layer.weights) }));
  view.layer = Math.max(0, Math.min(last, view.layer ?? last));
  view.head ??= "mean";
  view.show ??= "attention";
  const wide = root.clientWidth || 320;
  const two = wide >= 560;
  const side = Math.floor(Math.min(two ? (wide - 12) / 2 : wide, 420));
  const [height, width] = pixels.shape;
  const tall = Math.round((side * height) / width);

  root.append(html("style", {}, css));
  let pointed = null;

  // Numbers
  const patchOf = () => (view.patch ?? null);
  const memory = new Map();
  function values() {
    const key = [view.show, view.layer, view.head, patchOf()].join();
    if (!memory.has(key)) memory.set(key, Float32Array.from({ length: n }, (_, p) => value(p)));
    return memory.get(key);
  }
  function value(p) {
    const patch = patchOf();
    if (view.show === "rollout") return patch === null ? rollout.at(view.layer, p) : flow.at(patch + data.before, p);
    return weight(opened[view.layer], view.head, patch, p);
  }
  function weight(layer, head, patch, p) {
    const source = patch === null ? layer.first : layer.weights, many = source.shape[0];
    const get = (h) => (patch === null ? layer.first.at(h, p) : layer.weights.at(h, patch + data.before, p));
    if (head !== "mean" && many > 1) return get(head);
    let sum = 0;
    for (let h = 0; h < many; h++) sum += get(h);
    return sum / many;
  }
  const largest = (list) => list.reduce((a, b) => Math.max(a, b), 0) || 1;

  // Controls
  const modes = [["attention", "attention"], ["rollout", "rollout"]];
  if (importance) modes.push(["importance", "importance"]);
  const mode = choice("Show", modes, view.show, (show) => look.change({ show }));
  const layerChoice = choice("Layer", data.layers.map((layer, i) => [i, layer.name]), view.layer, (i) => look.change({ layer: Number(i) }));
  const names = opened[0].first.shape[0];
  const headChoice = choice("Head", [["mean", "mean of all heads"], ...Array.from({ length: names }, (_, h) => [h, `head ${h}`])], view.head,
    (h) => look.change({ head: h === "mean" ? h : Number(h) }));
  const back = html("button", { type: "button", onclick: () => look.change({ patch: null }) }, "[CLS]");
  root.append(html("div", { class: "controls" }, mode, layerChoice, headChoice, back));

  const thumb = (list) => {
    const small = html("canvas", { width: 40, height: Math.round((40 * rows) / columns) });
    const pen = small.getContext("2d");
    pen.imageSmoothingEnabled = false;
    pen.drawImage(painted(list, columns, rows, largest(list)), 0, 0, small.width, small.height);
    return small;
  };
  const strip = (label, count, name, change) => {
    const box = html("div", { class: "patches-strip", role: "group", "aria-label": label }, html("span", {}, label));
    const buttons = Array.from({ length: count }, (_, i) => {
      const button = html("button", { type: "button", "aria-label": name(i), title: name(i), onclick: () => change(i) }, html("canvas", { width: 40, height: 40 }), html("span", {}, name(i).replace(/^(layer|head|vision) /, "")));
      box.append(button);
      return button;
    });
    root.append(box);
    return buttons;
  };
  const layerButtons = strip("Layers", data.layers.length, (i) => data.layers[i].name, (layer) => look.change({ layer }));
  const headButtons = names > 1 ? strip("Heads", names + 1, (i) => (i ? `head ${i - 1}` : "mean"), (i) => look.change({ head: i ? i - 1 : "mean" })) : [];
  const headStrip = headButtons[0]?.parentNode;

  // The picture, and the same picture under what is taken
  const ratio = window.devicePixelRatio || 1;
  const photo = html("canvas", { width, height });
  {
    const pen = photo.getContext("2d"), image = pen.createImageData(width, height);
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
      image.data.set([0, 1, 2].map((c) => 255 * pixels.at(y, x, c)).concat(255), 4 * (y * width + x));
    }
    pen.putImageData(image, 0, 0);
  }
  const board = (label, given = {}) => html("canvas", { width: side * ratio, height: tall * ratio, style: `width:${side}px;height:${tall}px`, role: "img", "aria-label": label, ...given });
  const patchAt = (event) => {
    const place = event.currentTarget.getBoundingClientRect();
    const at = (p, size, count) => Math.max(0, Math.min(count - 1, Math.floor((p / size) * count)));
    return at(event.clientY - place.top, place.height, rows) * columns + at(event.clientX - place.left, place.width, columns);
  };
  const events = {
    onclick: (event) => { const patch = patchAt(event); look.change({ patch: patch === patchOf() ? null : patch }); },
    onpointermove: (event) => { if (event.pointerType === "mouse") { pointed = patchAt(event); tell(); } },
    onpointerleave: () => { pointed = null; tell(); },
  };
  const plain = board("the picture, cut into patches", events), over = board("what is taken from each patch", events);
  const under = html("figcaption", {}), beside = html("figcaption", {}, "what the model sees: tap a patch to see what it takes");
  const pair = html("div", { class: "patches-pair", tabindex: 0, role: "application", "aria-label": "Arrow keys choose a patch, escape [CLS], page up and down a layer.", onkeydown: keyed },
    html("figure", {}, plain, beside), html("figure", {}, over, under));
  root.append(pair);
  const told = html("p", { class: "patches-told", "aria-live": "polite" });
  root.append(told);

  function keyed(event) {
    const patch = patchOf(), y = patch === null ? 0 : Math.floor(patch / columns), x = patch === null ? 0 : patch % columns;
    const to = (dy, dx) => look.change({ patch: patch === null ? Math.floor(rows / 2) * columns + Math.floor(columns / 2)
      : Math.max(0, Math.min(rows - 1, y + dy)) * columns + Math.max(0, Math.min(columns - 1, x + dx)) });
    const go = { ArrowUp: () => to(-1, 0), ArrowDown: () => to(1, 0), ArrowLeft: () => to(0, -1), ArrowRight: () => to(0, 1),
      Escape: () => look.change({ patch: null }), PageUp: () => look.change({ layer: Math.max(0, view.layer - 1) }), PageDown: () => look.change({ layer: Math.min(last, view.layer + 1) }) }[event.key];
    if (!go || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    go();
  }
  const begin = (canvas) => {
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, side, tall);
    pen.imageSmoothingEnabled = true;
    pen.drawImage(photo, 0, 0, side, tall);
    return pen;
  };
  const cell = [side / columns, tall / rows];
  function frame(pen) {
    const patch = patchOf();
    if (patch === null) return;
    const x = (patch % columns) * cell[0], y = Math.floor(patch / columns) * cell[1];
    pen.lineWidth = 3;
    pen.strokeStyle = "#000";
    pen.strokeRect(x, y, cell[0], cell[1]);
    pen.lineWidth = 1.5;
    pen.strokeStyle = "#fff";
    pen.strokeRect(x, y, cell[0], cell[1]);
  }
  const share = (w) => percent(w).replace(" ", "\u00a0");
  const placeOf = (p) => `row ${Math.floor(p / columns)}, column ${p % columns}`;
  function tell() {
    const who = patchOf() === null ? "[CLS]" : `The patch in ${placeOf(patchOf())}`;
    if (view.show === "importance") {
      const y = pointed === null ? null : Math.floor(((Math.floor(pointed / columns) + 0.5) / rows) * importance.shape[0]);
      told.textContent = pointed === null ? "How important the model's head finds each pixel, from 0 (black) to 1."
        : `${placeOf(pointed)}: ${digits(importance.at(y, Math.floor(((pointed % columns) + 0.5) / columns * importance.shape[1])), 2)}`;
      return;
    }
    const list = values();
    if (pointed !== null) {
      told.textContent = view.show === "rollout" ? `${who}: ${share(list[pointed])} came from ${placeOf(pointed)}.` : `${who} takes ${share(list[pointed])} from ${placeOf(pointed)}.`;
      return;
    }
    const best = list.indexOf(largest(list)), sum = list.reduce((a, b) => a + b, 0);
    const rest = `; ${share(sum)} from all patches, the rest from ${data.before > 1 ? "[CLS] and registers" : "[CLS]"}`;
    told.textContent = view.show === "rollout" ? `${who} after ${patchOf() === null ? data.layers[view.layer].name : "the last layer"}: most came from ${placeOf(best)} (${share(list[best])})${rest}.`
      : `${who} takes most from ${placeOf(best)} (${share(list[best])})${rest}.`;
  }
  let stripsOf = null;

  return () => {
    mode.querySelector("select").value = view.show;
    layerChoice.querySelector("select").value = view.layer;
    headChoice.querySelector("select").value = view.head;
    const patch = patchOf(), attention = view.show === "attention";
    back.setAttribute("aria-pressed", patch === null);
    const single = attention && (patch === null || opened[view.layer].weights.shape[0] > 1);
    headChoice.classList.toggle("patches-none", !single);
    headStrip?.classList.toggle("patches-none", !single);
    layerButtons[0].parentNode.classList.toggle("patches-none", view.show === "importance" || (view.show === "rollout" && patch !== null));
    layerChoice.classList.toggle("patches-none", view.show === "importance" || (view.show === "rollout" && patch !== null));
    const state = [view.show, patch, view.layer, view.head].join();
    if (stripsOf !== state) {
      stripsOf = state;
      layerButtons.forEach((button, i) => {
        const list = Float32Array.from({ length: n }, (_, p) => (view.show === "rollout" ? rollout.at(i, p) : weight(opened[i], view.head, patch, p)));
        button.firstChild.replaceWith(thumb(list));
        button.setAttribute("aria-pressed", i === view.layer);
      });
      headButtons.forEach((button, i) => {
        button.firstChild.replaceWith(thumb(Float32Array.from({ length: n }, (_, p) => weight(opened[view.layer], i ? i - 1 : "mean", patch, p))));
        button.setAttribute("aria-pressed", (i ? i - 1 : "mean") === view.head);
      });
    }
    const pen = begin(plain);
    pen.strokeStyle = "rgba(255,255,255,0.28)";
    pen.lineWidth = 1;
    pen.beginPath();
    for (let x = 1; x < columns; x++) { pen.moveTo(Math.round(x * cell[0]) + 0.5, 0); pen.lineTo(Math.round(x * cell[0]) + 0.5, tall); }
    for (let y = 1; y < rows; y++) { pen.moveTo(0, Math.round(y * cell[1]) + 0.5); pen.lineTo(side, Math.round(y * cell[1]) + 0.5); }
    pen.stroke();
    frame(pen);
    const ink = begin(over);
    ink.globalAlpha = 0.78;
    if (view.show === "importance") {
      const [h, w] = importance.shape;
      ink.drawImage(painted(Float32Array.from({ length: h * w }, (_, i) => importance.at(Math.floor(i / w), i % w)), w, h, 1), 0, 0, side, tall);
    } else {
      ink.imageSmoothingEnabled = false;
      ink.drawImage(painted(values(), columns, rows, largest(values())), 0, 0, side, tall);
    }
    ink.globalAlpha = 1;
    frame(ink);
    under.textContent = view.show === "importance" ? "importance, from 0 to 1" : `${view.show === "rollout" ? "what came from each patch" : "what is taken from each patch"}, brightest ${share(largest(values()))}`;
    tell();
  };
});
