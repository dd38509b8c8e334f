// The next token under the dials. They turn here, in the page: the same steps, in the same order, as headway/sample/filters.py.

const KS = [0, 1, 2, 3, 5, 10, 20, 40, 100, 200];
const DIALS = [
  ["repetition_penalty", "Repetition penalty", 1, 2, 0.05, 1],
  ["no_repeat_ngram", "No n-gram twice", 0, 3, 1, 0],
  ["temperature", "Temperature", 0, 2, 0.05, 1],
  ["top_k", "Top-k", 0, KS.length - 1, 1, 0],
  ["top_p", "Top-p", 0.05, 1, 0.01, 1],
  ["min_p", "Min-p", 0, 0.5, 0.01, 0],
];

const css = `
  .hw .dial { display: grid; grid-template-columns: 9.5rem minmax(5rem, 1fr) 3.2rem 15rem; gap: 0.2rem 0.7rem; align-items: center; min-height: 1.9em; }
  .hw .dial input[type=range] { width: 100%; }
  .hw .dial output { font-variant-numeric: tabular-nums; }
  .hw .dial .did { font-size: 12px; opacity: 0.75; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; font-variant-numeric: tabular-nums; }
  .hw .dial.neutral .did { opacity: 0.4; }
  .hw.narrow .dial { grid-template-columns: 8.5rem 1fr 3rem; }
  .hw.narrow .dial .did { grid-column: 1 / -1; height: 1.5em; }
  .hw .dial-sum { display: flex; gap: 1rem; align-items: center; margin: 0.4rem 0 0.8rem; min-height: 2em; }
  .hw .dial-legend { display: flex; gap: 1.2rem; font-size: 12px; opacity: 0.8; margin: 0 0 0.3rem; flex-wrap: wrap; }
  .hw .dial-legend i { display: inline-block; width: 1.2rem; height: 0.7em; border-radius: 2px; margin-right: 0.4rem; }
`;

/** Probabilities from logits, -Infinity being none. */
function softmax(logits) {
  let top = -Infinity, sum = 0;
  for (const x of logits) if (x > top) top = x;
  const p = new Float64Array(logits.length);
  for (let i = 0; i < p.length; i++) sum += p[i] = Math.exp(logits[i] - top);
  for (let i = 0; i < p.length; i++) p[i] /= sum;
  return p;
}

/** What one dial makes of logits; `data` says which tokens were said and which would repeat. */
const FILTERS = {
  repetition_penalty(x, by, data) {
    const y = x.slice();
    for (const i of data.said) y[i] = y[i] < 0 ? y[i] * by : y[i] / by;
    return y;
  },
  no_repeat_ngram(x, n, data) {
    const y = x.slice();
    for (const i of data.repeats[n] ?? []) y[i] = -Infinity;
    return y;
  },
  temperature(x, t) {
    if (t > 0) return x.map((v) => v / t);
    let best = 0;
    for (let i = 1; i < x.length; i++) if (x[i] > x[best]) best = i;
    return x.map((_, i) => (i === best ? 0 : -Infinity));
  },
  top_k(x, k) {
    const least = x.slice().sort()[Math.max(0, x.length - k)];
    return x.map((v) => (v < least ? -Infinity : v));
  },
  top_p(x, p) {
    const share = softmax(x), order = Array.from(x.keys()).sort((a, b) => x[a] - x[b]), y = x.slice();
    let sum = 0;
    for (const i of order.slice(0, -1)) {
      sum += share[i];
      if (sum > 1 - p) break;
      y[i] = -Infinity;
    }
    return y;
  },
  min_p(x, p) {
    const share = softmax(x);
    let best = 0;
    for (const s of share) if (s > best) best = s;
    return x.map((v, i) => (share[i] < p * best ? -Infinity : v));
  },
};

export default picture((root, data, view, look) => {
  const { paint } = look;
  const packed = tensor(data.logits), v = packed.shape[0], n = data.words.length;
  const logits = Float64Array.from({ length: v }, (_, i) => packed.at(i));
  const own = softmax(logits);
  const value = (name) => view[name] ?? data.dials[name];
  root.append(html("style", {}, css));
  root.classList.toggle("narrow", root.clientWidth < 620);

  // A slider's place is not always the dial's value: top-k goes by steps, and n-grams begin at 2.
  const place = (name, x) => (name === "top_k" ? KS.reduce((best, k, i) => (Math.abs(k - x) < Math.abs(KS[best] - x) ? i : best), 0)
    : name === "no_repeat_ngram" ? (x < 2 ? 0 : x - 1) : x);
  const meant = (name, at) => (name === "top_k" ? KS[at] : name === "no_repeat_ngram" ? (at ? at + 1 : 0) : at);
  const rows = new Map();
  const panel = html("div", {});
  for (const [name, label, low, high, step, neutral] of DIALS) {
    const input = html("input", { type: "range", min: low, max: high, step, value: place(name, value(name)), "aria-label": label,
      oninput: () => look.change({ [name]: meant(name, Number(input.value)) }) });
    const output = html("output", {}), did = html("span", { class: "did" });
    const row = html("div", { class: "dial" }, html("span", {}, label), input, output, did);
    rows.set(name, { input, output, did, row, neutral });
    panel.append(row);
  }
  const sum = html("span", { "aria-live": "polite" });
  const reset = html("button", { onclick: () => {
    for (const [name, , , , , neutral] of DIALS) rows.get(name).input.value = place(name, neutral);
    look.change(Object.fromEntries(DIALS.map(([name, , , , , neutral]) => [name, neutral])));
  } }, "All off");
  const pale = shade(0.3, paint.ink);
  const list = bars(n, { colour: paint.accent, pale, label: "The likeliest next tokens" });
  root.append(panel, html("div", { class: "dial-sum" }, reset, sum),
    html("div", { class: "dial-legend" }, html("span", {}, html("i", { style: `background:${pale}` }), "the model's own"),
      html("span", {}, html("i", { style: `background:${paint.accent}` }), "drawn from")), list.element);

  return () => {
    let x = logits, p = own, kept = v;
    for (const [name, , , , , neutral] of DIALS) {
      const { output, did, row, input } = rows.get(name), now = value(name);
      if (document.activeElement !== input && root.getRootNode().activeElement !== input) input.value = place(name, now);
      const greedy = value("temperature") === 0 && ["top_k", "top_p", "min_p"].includes(name);
      const off = now === neutral || greedy;
      output.textContent = now === neutral ? (name === "temperature" ? "1" : "off") : digits(now);
      row.classList.toggle("neutral", off);
      if (off) { did.textContent = greedy ? "the likeliest is taken" : "changes nothing"; continue; }
      const y = FILTERS[name](x, now, data);
      let gone = 0, left = 0;
      for (let i = 0; i < v; i++) { if (y[i] > -Infinity) left++; else if (x[i] > -Infinity) gone += p[i]; }
      did.textContent = left === kept ? "moves probability, rules out none" : `rules out ${(kept - left).toLocaleString("en")} with ${(100 * gone).toFixed(1)} %`;
      [x, p, kept] = [y, softmax(y), left];
    }
    let bits = 0;
    for (const share of p) if (share > 0) bits -= share * Math.log2(share);
    sum.textContent = `${kept.toLocaleString("en")} of ${v.toLocaleString("en")} tokens left, ${bits.toFixed(2)} bits`;
    let top = 0;
    for (let i = 0; i < n; i++) top = Math.max(top, own[i], p[i]);
    list.set(data.words.map((word, i) => [visible(word), p[i] / top, p[i] ? percent(p[i]) : "out", { back: own[i] / top, gone: !p[i] }]));
  };
});
