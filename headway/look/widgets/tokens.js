// The text as the model sees it: each token on a ground as strong as it was surprising, and what might have stood there.

const SHOWS = [["surprise", "surprise"], ["rank", "rank"], ["entropy", "entropy"]];

const css = `
  .hw .tok-text { line-height: 2.1; overflow-wrap: anywhere; outline-offset: 4px; border-radius: 4px; max-height: 24rem; overflow-y: auto; padding: 2px; }
  .hw .tok { white-space: pre-wrap; cursor: pointer; padding: 3px 0; border-radius: 3px; box-decoration-break: clone; -webkit-box-decoration-break: clone;
    border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
  .hw .tok.next { border: 1px dashed color-mix(in srgb, currentColor 55%, transparent); padding: 1px 0.5rem; margin-left: 0.3rem; opacity: 0.8; }
  .hw .tok.chosen { outline: 2px solid var(--hw-warm); outline-offset: -1px; }
  .hw.narrow .tok-told { height: 4.5em; }
  .hw .tok-told { line-height: 1.5; height: 3em; margin: 0.6rem 0 0.3rem; overflow: hidden; }
  .hw .tok-sum { margin: 0.5rem 0 0; height: 3em; overflow: hidden; font-size: 12px; opacity: 0.8; }
`;

export default picture((root, data, view, look) => {
  const { paint } = look;
  const p = tensor(data.probabilities), bits = tensor(data.surprisals), entropies = tensor(data.entropies);
  const others = tensor(data.alternative_probabilities);
  const n = data.texts.length, k = others.shape[1];
  view.show ??= "surprise";
  const surest = data.texts.reduce((best, _, i) => (data.ranks[i] && (best < 0 || bits.at(i) > bits.at(best)) ? i : best), -1);
  view.token = Math.max(0, Math.min(n - 1, view.token ?? Math.max(0, surest)));
  root.append(html("style", {}, css));
  root.classList.toggle("narrow", root.clientWidth < 620);
  root.append(html("div", { class: "controls" }, choice("Colour", SHOWS, view.show, (show) => look.change({ show }))));

  const line = html("div", { class: "tok-text", tabindex: 0, role: "listbox", "aria-label": "Tokens; arrows move" });
  const chips = data.texts.map((text, i) => {
    const after = text === "" && i === n - 1;
    return html("span", { class: after ? "tok next" : "tok", role: "option",
      onclick: () => { line.focus({ preventScroll: true }); look.change({ token: i }); } }, after ? "what comes next" : text.replace(/\n/g, "⏎\n").replace(/\t/g, "⇥") || "␣");
  });
  line.append(...chips);
  line.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -8, ArrowDown: 8, Home: -n, End: n }[event.key];
    if (!step) return;
    event.preventDefault();
    look.change({ token: Math.max(0, Math.min(n - 1, view.token + step)) });
    chips[view.token].scrollIntoView({ block: "nearest" });
  });
  const told = html("p", { class: "tok-told", "aria-live": "polite" });
  const list = bars(k, { colour: paint.accent, label: "The likeliest tokens here" });
  const given = data.way === "next" ? "each token from those before it" : "each token from all others, a mask in its place";
  const mean = Number.isFinite(data.bits) ? `${data.bits.toFixed(2)} bits per token, perplexity ${digits(data.perplexity, 4)}: ${given}.` : `Nothing to foretell: ${given}.`;
  root.append(line, told, list.element, html("p", { class: "tok-sum" }, mean));

  let shown = null, chosen = null;
  return (view) => {
    if (view.show !== shown) {
      shown = view.show;
      chips.forEach((chip, i) => {
        const share = shown === "entropy" ? entropies.at(i) / data.most : !data.ranks[i] ? 0
          : shown === "rank" ? Math.log2(data.ranks[i]) / data.most : bits.at(i) / data.most;
        chip.style.background = shade(0.8 * share, paint.hot);
      });
    }
    const i = Math.max(0, Math.min(n - 1, view.token));
    chosen?.classList.remove("chosen");
    chosen = chips[i];
    chosen.classList.add("chosen");
    const name = `“${visible(data.texts[i])}”`, alternatives = data.alternatives[i];
    const expected = Number.isFinite(entropies.at(i)) ? `expected: ${entropies.at(i).toFixed(1)} bits (entropy).` : "";
    told.textContent = data.ranks[i]
      ? `${name}: probability ${percent(p.at(i))}, rank ${data.ranks[i].toLocaleString("en")}, ${bits.at(i).toFixed(1)} bits of surprise; ${expected}`
      : alternatives.length ? `${data.texts[i] === "" ? "After the text" : name}: what might stand here; ${expected}`
        : `${name} is given: of it the model says nothing.`;
    list.set(alternatives.map((word, j) => [visible(word), others.at(i, j), percent(others.at(i, j)), { chosen: word === data.texts[i] }]));
  };
});
