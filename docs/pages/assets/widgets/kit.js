/** What the widgets are made of: elements, drawings, controls, numbers as text. */

/** element("p", { class: "says" }, "text", child) */
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** mark("circle", { cx: 1, cy: 2, r: 3 }), in an SVG. */
export function mark(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** An SVG of its own units, no wider than these are pixels; `name` is for those who cannot see it. */
export function drawing(width, height, name, ...children) {
  return mark(
    "svg",
    {
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": name,
      style: `display: block; margin: 0 auto; max-width: ${width}px; width: 100%`,
      fill: "var(--figure-ink)",
      "font-size": 14,
      "text-anchor": "middle",
    },
    ...children,
  );
}

/** Words in a drawing; `y` is their middle. */
export function words(x, y, text, attributes = {}) {
  return mark("text", { x, y, dy: ".35em", ...attributes }, text);
}

/** A button: button("Step", () => …). */
export function button(text, click) {
  const made = element("button", { type: "button" }, text);
  made.addEventListener("click", click);
  return made;
}

/**
 * A labeled slider that shows its value. `change(value)` is called while it moves; `text(value)` is
 * what it shows. Where `scale` is "log", `min` and `max` are powers of ten, and so is what it hands on.
 */
export function slider(label, { min, max, step, value, scale, text = show }, change) {
  const log = scale === "log";
  const input = element("input", { type: "range", min, max, step, value: log ? Math.log10(value) : value });
  const says = element("output");
  const read = () => (log ? 10 ** input.valueAsNumber : input.valueAsNumber);
  const tell = () => (says.textContent = text(read()));
  input.addEventListener("input", () => (tell(), change(read())));
  tell();
  const made = element("label", {}, label, input, says);
  made.read = read;
  made.set = (value) => ((input.value = log ? Math.log10(value) : value), tell());
  return made;
}

/** A labeled choice: choice("Activation", ["relu", "tanh"], "relu", (name) => …). */
export function choice(label, names, chosen, change) {
  const select = element("select", {}, ...names.map((name) => new Option(name, name)));
  select.value = chosen;
  select.addEventListener("change", () => change(select.value));
  const made = element("label", {}, label, select);
  made.read = () => select.value;
  made.set = (name) => (select.value = name);
  return made;
}

/** The line below a widget that says in words what has just happened; it is read aloud. */
export function sayings() {
  return element("p", { class: "says", role: "status", "aria-live": "polite" });
}

/** Four significant digits at most, with a real minus sign: 0.7311, −2.285, 12, 3.1e−5. */
export function show(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  const small = size !== 0 && (size < 1e-3 || size >= 1e5);
  const text = small ? value.toExponential(1) : String(Number(value.toPrecision(4)));
  return text.replaceAll("-", "−");
}

/**
 * A pointer that drags: `move({ x, y })` in the units of the drawing, from pressing to letting go.
 * The keyboard's way is the widget's own: each thing that is dragged needs one.
 */
export function draggable(svg, handle, move) {
  handle.style.touchAction = "none";
  handle.style.cursor = "grab";
  const at = (event) => {
    const point = new DOMPoint(event.clientX, event.clientY);
    const { x, y } = point.matrixTransform(svg.getScreenCTM().inverse());
    return { x, y };
  };
  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  handle.addEventListener("pointermove", (event) => {
    if (handle.hasPointerCapture(event.pointerId)) move(at(event));
  });
}

/** Waits for a stylesheet beside the module: await styled(new URL("graph.css", import.meta.url)). */
export function styled(address) {
  const { href } = new URL(address);
  styled.sheets ??= new Map();
  if (!styled.sheets.has(href)) {
    const link = element("link", { rel: "stylesheet", href });
    styled.sheets.set(
      href,
      new Promise((loaded, failed) => Object.assign(link, { onload: loaded, onerror: failed })),
    );
    document.head.append(link);
  }
  return styled.sheets.get(href);
}
