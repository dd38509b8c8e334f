// What all pictures share: elements, packed tensors, colours for light and dark, and how a picture redraws.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element with attributes, listeners (`onclick`) and children. */
function html(name, given = {}, ...children) {
  return fill(document.createElement(name), given, children);
}

/** The same for SVG. */
function svg(name, given = {}, ...children) {
  return fill(document.createElementNS(SVG, name), given, children);
}

function fill(element, given, children) {
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A packed tensor: `shape`, and `at(i, j, ...)`, which is NaN where the number was not finite. */
function tensor(packed) {
  const text = atob(packed.codes);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const codes = new DataView(bytes.buffer);
  const { shape, low, high } = packed;
  const step = (high - low) / 65534;
  return {
    shape, low, high,
    at(...index) {
      let place = 0;
      for (let axis = 0; axis < shape.length; axis++) place = place * shape[axis] + index[axis];
      const code = codes.getUint16(2 * place, true);
      return code === 65535 ? NaN : low + code * step;
    },
  };
}

/** A token as it can be seen: blanks and line ends get a sign. */
function visible(token) {
  return token.replace(/\n/g, "⏎").replace(/\t/g, "⇥").replace(/^ /, "").replace(/ $/, "␣") || "␣";
}

const percent = (p) => (p >= 0.9995 ? "100 %" : p >= 0.1 ? `${(100 * p).toFixed(0)} %` : p >= 0.001 ? `${(100 * p).toFixed(1)} %` : "<0.1 %");

const digits = (x, n = 3) => (Number.isFinite(x) ? Number(x.toPrecision(n)).toString() : "–");

/** Whether the picture stands on a dark ground: asked of the colour that its text has. */
function dark(el) {
  const [r, g, b] = (getComputedStyle(el).color.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number);
  return 0.3 * r + 0.6 * g + 0.1 * b > 140;
}

const STYLE = `
  .hw { font: 14px/1.45 system-ui, -apple-system, "Segoe UI", sans-serif; color: inherit; max-width: 100%; position: relative; }
  .hw * { box-sizing: border-box; }
  .hw svg { display: block; max-width: 100%; overflow: visible; }
  .hw canvas { display: block; max-width: 100%; }
  .hw text { fill: currentColor; font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; }
  .hw .quiet { opacity: 0.65; }
  .hw .controls { display: flex; flex-wrap: wrap; gap: 0.3rem 1rem; align-items: center; margin: 0 0 0.5rem; }
  .hw label { display: inline-flex; gap: 0.4rem; align-items: center; white-space: nowrap; }
  .hw select, .hw button, .hw input { font: inherit; color: inherit; background: transparent; border: 1px solid color-mix(in srgb, currentColor 35%, transparent);
    border-radius: 5px; padding: 0.1rem 0.4rem; max-width: 100%; }
  .hw select option { color: #1c1e21; background: #fff; }
  .hw input[type=range] { padding: 0; width: 9rem; accent-color: var(--hw-accent); }
  .hw button { cursor: pointer; }
  .hw button[aria-pressed=true] { background: var(--hw-accent); border-color: var(--hw-accent); color: #fff; }
  .hw :focus-visible { outline: 2px solid var(--hw-accent); outline-offset: 1px; }
  .hw .told { min-height: 1.5em; margin: 0.35rem 0 0; font-variant-numeric: tabular-nums; }
  .hw .wide { overflow-x: auto; max-width: 100%; }
  .hw .title { font-weight: 600; margin: 0 0 0.4rem; }
  .hw .edits { margin: 0 0 0.4rem; color: var(--hw-warm); }
  .hw table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
  .hw td, .hw th { padding: 0.1rem 0.5rem; text-align: left; font-weight: 400; }
  .hw .bar { display: grid; grid-template-columns: 6.5rem 1fr 5.2rem; gap: 0.5rem; height: 1.5em; align-items: center; }
  .hw .bar-word, .hw .bar-told { overflow: hidden; text-overflow: ellipsis; white-space: pre; font-variant-numeric: tabular-nums; }
  .hw .bar-word { text-align: right; }
  .hw .bar-room { position: relative; height: 0.85em; }
  .hw .bar-room i { position: absolute; left: 0; top: 0; bottom: 0; border-radius: 2px; }
  .hw .bar.gone .bar-word { opacity: 0.45; text-decoration: line-through; }
  .hw .bar.chosen .bar-word { font-weight: 700; }
`;

/** Colours for the ground the picture stands on. */
function colours(el) {
  return dark(el)
    ? { accent: "#6aa9ff", warm: "#f0a35e", ground: [24, 26, 31], ink: [106, 169, 255], hot: [240, 163, 94] }
    : { accent: "#2f6fc4", warm: "#b4570c", ground: [255, 255, 255], ink: [31, 95, 184], hot: [190, 92, 14] };
}

/** The colour of a share from 0 to 1, from transparent to ink. */
function shade(share, [r, g, b]) {
  const s = Number.isFinite(share) ? Math.max(0, Math.min(1, share)) : 0;
  return `rgba(${r},${g},${b},${s.toFixed(3)})`;
}

/** Choose one of several: a labelled <select>. `options` are [value, text] pairs. */
function choice(label, options, value, changed) {
  const select = html("select", { onchange: () => changed(select.value), "aria-label": label });
  for (const [key, text] of options) select.append(html("option", { value: key, selected: String(key) === String(value) }, text));
  return html("label", {}, label, select);
}

/** A labelled slider. */
function slider(label, low, high, step, value, changed, told = String) {
  const shown = html("output", {}, told(value));
  const input = html("input", {
    type: "range", min: low, max: high, step, value, "aria-label": label,
    oninput: () => { shown.textContent = told(Number(input.value)); changed(Number(input.value)); },
  });
  return html("label", {}, label, input, shown);
}

/**
 * The frame of every picture. `build(root, data, view, look)` draws once per new `data`; it returns `redraw(view)`, which only
 * changes what is there. The height is held while the picture is built anew, so that nothing below it jumps.
 */
function picture(build) {
  return {
    render({ model, el }) {
      const root = html("div", { class: "hw" });
      el.append(html("style", {}, STYLE), root);
      let redraw = null, scheme = null;
      const view = { ...(model.get("view") ?? {}) };
      const look = {
        view,
        change(news) {
          Object.assign(view, news);
          redraw?.(view);
          model.set("view", { ...view });
          model.save_changes();
        },
      };
      const make = () => {
        const data = model.get("data");
        if (!data?.picture) return; // nothing to be drawn yet
        root.dataset.picture = data.picture;
        root.style.minHeight = root.offsetHeight ? `${root.offsetHeight}px` : "";
        scheme = dark(root);
        const paint = colours(root);
        root.style.setProperty("--hw-accent", paint.accent);
        root.style.setProperty("--hw-warm", paint.warm);
        const focus = root.contains(root.getRootNode().activeElement)
          ? [...root.querySelectorAll("select,input,button,[tabindex]")].indexOf(root.getRootNode().activeElement) : -1;
        root.replaceChildren();
        if (data.edits?.length) root.append(html("p", { class: "edits" }, data.edits.join("; ")));
        redraw = build(root, data, view, { ...look, paint });
        redraw?.(view);
        if (focus >= 0) root.querySelectorAll("select,input,button,[tabindex]")[focus]?.focus();
        root.style.minHeight = "";
      };
      const viewed = () => {
        const news = model.get("view") ?? {};
        if (JSON.stringify(news) === JSON.stringify(view)) return;
        Object.assign(view, news);
        redraw?.(view);
      };
      model.on("change:data", make);
      model.on("change:view", viewed);
      make();
      // The page may change between light and dark, or the width.
      const query = matchMedia("(prefers-color-scheme: dark)");
      const recolour = () => { if (dark(root) !== scheme) make(); };
      query.addEventListener("change", recolour);
      const watcher = new MutationObserver(recolour);
      for (const place of [document.documentElement, document.body]) watcher.observe(place, { attributes: true, attributeFilter: ["class", "data-theme", "style"] });
      let width = root.clientWidth;
      const sized = new ResizeObserver(() => {
        if (Math.abs(root.clientWidth - width) < 2) return;
        width = root.clientWidth;
        make();
      });
      sized.observe(root);
      return () => {
        query.removeEventListener("change", recolour);
        watcher.disconnect();
        sized.disconnect();
        model.off("change:data", make);
        model.off("change:view", viewed);
      };
    },
  };
}

/** Colours of several lines in one chart, told apart on either ground. */
function hues(el) {
  return dark(el)
    ? ["#6aa9ff", "#f0a35e", "#7fce8c", "#d58be0", "#e3d26f", "#6fd6d2", "#ff8f8f", "#b9b9c4"]
    : ["#1f5fb8", "#b4570c", "#2c7a3d", "#8a3aa0", "#857006", "#0d7f7c", "#b3282d", "#5f6470"];
}

/**
 * The ground of a chart: an SVG with axes, and where a value lies in it.
 *
 * `x` and `y` are { low, high, log, ticks: [[value, label], ...] }; `slanted` gives long labels below the axis room.
 */
function ground(width, height, x, y, slanted = false, given = {}) {
  const left = 52, right = 10, top = 8, bottom = slanted ? 62 : 24;
  const scale = (axis, from, to) => {
    const f = axis.log ? Math.log : (v) => v;
    const low = f(axis.low), span = f(axis.high) - low || 1;
    return (v) => from + ((f(v) - low) / span) * (to - from);
  };
  const X = scale(x, left, width - right), Y = scale(y, height - bottom, top);
  const line = "color-mix(in srgb, currentColor 18%, transparent)";
  const figure = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, ...given });
  for (const [value, label] of y.ticks) {
    figure.append(svg("line", { x1: left, x2: width - right, y1: Y(value), y2: Y(value), stroke: line }),
      svg("text", { x: left - 6, y: Y(value) + 4, "text-anchor": "end", class: "quiet", style: "font-size:11px" }, label));
  }
  for (const [value, label] of x.ticks) {
    const at = [X(value), height - bottom + (slanted ? 12 : 16)];
    figure.append(svg("line", { x1: at[0], x2: at[0], y1: height - bottom, y2: height - bottom + 4, stroke: line }),
      svg("text", { x: at[0], y: at[1], "text-anchor": slanted ? "end" : "middle", class: "quiet", style: "font-size:11px",
        transform: slanted ? `rotate(-48 ${at[0]} ${at[1]})` : null }, label));
  }
  const drawn = svg("g");
  figure.append(drawn);
  const path = (points, given) => {
    let d = "", pen = "M";
    for (const [a, b] of points) {
      if (!Number.isFinite(a) || !Number.isFinite(b)) { pen = "M"; continue; }
      d += `${pen}${X(a).toFixed(1)},${Y(b).toFixed(1)}`;
      pen = "L";
    }
    return svg("path", { d, fill: "none", "stroke-linejoin": "round", ...given });
  };
  return { figure, drawn, X, Y, path, left, right, top, bottom, width, height };
}

/** Powers of ten from `low` to `high` as ticks, few enough to be read. */
function decades(low, high, told, most = 7) {
  const from = Math.ceil(Math.log10(low) - 1e-9), to = Math.floor(Math.log10(high) + 1e-9);
  const step = Math.max(1, Math.ceil((to - from + 1) / most));
  const ticks = [];
  for (let e = from; e <= to; e += step) ticks.push([10 ** e, told(10 ** e)]);
  return ticks;
}

/** Indices of labels that leave each other room: at most `most` of `n`, evenly spread. */
function spread(n, most) {
  const step = Math.max(1, Math.ceil(n / Math.max(1, most)));
  return Array.from({ length: Math.ceil(n / step) }, (_, i) => i * step);
}

/** Rows of a word and a bar, of which only the numbers change: `bars.set([[word, share, text, style], ...])`. */
function bars(n, { colour, pale = null, label = "" }) {
  const rows = Array.from({ length: n }, () => {
    const word = html("span", { class: "bar-word" }), back = html("i", { class: "bar-back" }), front = html("i", { class: "bar-front" });
    const told = html("span", { class: "bar-told" });
    const row = html("div", { class: "bar" }, word, html("span", { class: "bar-room" }, back, front), told);
    back.style.background = pale ?? "transparent";
    front.style.background = colour;
    return { row, word, back, front, told };
  });
  const element = html("div", { class: "bars", role: "group", "aria-label": label }, ...rows.map((r) => r.row));
  return {
    element,
    set(values) {
      rows.forEach((r, i) => {
        const [word, share, told, given = {}] = values[i] ?? ["", 0, ""];
        r.word.textContent = word;
        r.word.title = word;
        r.front.style.width = `${100 * Math.max(0, Math.min(1, share || 0))}%`;
        r.back.style.width = `${100 * Math.max(0, Math.min(1, given.back || 0))}%`;
        r.told.textContent = told;
        r.row.classList.toggle("gone", Boolean(given.gone));
        r.row.classList.toggle("chosen", Boolean(given.chosen));
      });
    },
  };
}
