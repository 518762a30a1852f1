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
 * A slider that shows its value, with a label that is a text or a node. `change(value)` is called while it
 * moves; `text(value)` is what it shows. With `values`, it goes from one of them to the next. Where
 * `scale` is "log", `min` and `max` are powers of ten, and so is what it hands on.
 */
export function slider(label, { min = 0, max, step = 1, value, values, scale, text = show }, change) {
  const log = scale === "log";
  const place = (now) => (values ? nearest(values, now) : log ? Math.log10(now) : now);
  const most = max ?? values.length - 1;
  const input = element("input", { type: "range", min, max: most, step, value: place(value) });
  const says = element("output");
  const at = () => input.valueAsNumber;
  const read = () => (values ? values[at()] : log ? 10 ** at() : at());
  const tell = () => {
    says.textContent = text(read());
    input.setAttribute("aria-valuetext", says.textContent);
  };
  input.addEventListener("input", () => (tell(), change(read())));
  tell();
  const made = element("label", {}, label, input, says);
  made.read = read;
  made.set = (now) => ((input.value = place(now)), tell());
  return made;
}

const nearest = (values, wanted) => {
  const apart = values.map((value) => Math.abs(value - wanted));
  return apart.indexOf(Math.min(...apart));
};

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

/**
 * A field for a number: `change(value)` as it is edited. While it holds none, the field is marked, the
 * widget's line says that the old number is kept, and leaving the field brings that number back.
 */
export function numberField(field, change) {
  let kept = null;
  const line = () => field.closest(".widget")?.querySelector(".says");
  const refuses = (yes) => {
    line()?.classList.toggle("refuses", yes);
    if (yes) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  };
  field.addEventListener("focus", () => (kept = field.value));
  field.addEventListener("input", () => {
    if (Number.isFinite(field.valueAsNumber)) {
      kept = field.value;
      refuses(false);
      return change(field.valueAsNumber);
    }
    refuses(true);
    if (line()) line().textContent = `That is not a number, so ${kept} is kept.`;
  });
  field.addEventListener("blur", () => {
    if (!field.hasAttribute("aria-invalid")) return;
    field.value = kept;
    refuses(false);
    change(field.valueAsNumber);
  });
  return field;
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
  return text.replace(/\.0(?=e)|\+/g, "").replaceAll("-", "−");
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
