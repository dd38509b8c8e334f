// The diagram of an architecture: what a box is, its sizes, its parameters and where it is in the code, said below it.

export default picture((root, data, view, look) => {
  const frame = html("div", {});
  frame.innerHTML = data.drawing;
  const told = html("p", { class: "told", "aria-live": "polite", style: "min-height: 7.6em; white-space: pre-line; max-width: 25rem; margin-left: auto; margin-right: auto" });
  root.append(frame, told);
  const groups = [...frame.querySelectorAll("[data-key]")];
  const hint = `${data.title}\nPoint at a box, or go through them with Tab, to see its sizes and where it is in our code.`;
  const say = (key) => { told.textContent = data.about[key] ?? hint; };
  for (const group of groups) {
    const { key } = group.dataset;
    // The browser's own hint would lie over the drawing.
    group.querySelector("title")?.remove();
    group.style.cursor = "pointer";
    group.addEventListener("pointerenter", () => say(key));
    group.addEventListener("pointerleave", () => say(view.key));
    group.addEventListener("focus", () => say(key));
    group.addEventListener("blur", () => say(view.key));
    group.addEventListener("click", () => look.change({ key: view.key === key ? null : key }));
    group.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      look.change({ key: view.key === key ? null : key });
    });
  }
  return (now) => {
    for (const group of groups) group.classList.toggle("chosen", group.dataset.key === now.key);
    say(now.key);
  };
});
