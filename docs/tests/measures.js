// What the tests ask of an open page. The file is one expression: an object of functions.
({
  // Text that a formula should have become: any $, \( \[ \begin or \frac outside of code. A $ that
  // touches nothing, or only brackets, is a character of a text that a network reads.
  unrenderedMath() {
    const not = "code, pre, script, style, noscript, template, textarea, annotation, .katex";
    const raw = /\$(?=[^\s)])|(?<=[^\s(])\$|\\[()[\]]|\\[a-zA-Z]{2,}/;
    const faults = [];
    const texts = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode;
      if (raw.test(text.data) && !text.parentElement.closest(not)) {
        faults.push(text.data.trim().slice(0, 80));
      }
    }
    for (const element of document.querySelectorAll("[alt], [title], [aria-label]")) {
      for (const name of ["alt", "title", "aria-label"]) {
        const value = element.getAttribute(name) ?? "";
        if (raw.test(value) && !element.closest(".katex")) faults.push(`${name}="${value}"`);
      }
    }
    for (const element of document.querySelectorAll(".katex-error")) {
      faults.push(`KaTeX: ${element.title || element.textContent}`.slice(0, 160));
    }
    for (const element of document.querySelectorAll(".arithmatex")) {
      if (!element.querySelector(".katex")) {
        faults.push(`not rendered: ${element.textContent.trim().slice(0, 80)}`);
      }
    }
    return [...new Set(faults)];
  },

  // The elements that make the page wider than its window.
  overflow() {
    const width = window.innerWidth;
    const wide = document.scrollingElement.scrollWidth;
    if (wide <= width) return [];
    const clipped = (element) => {
      for (let e = element.parentElement; e && e !== document.body; e = e.parentElement) {
        if (getComputedStyle(e).overflowX !== "visible") return true;
      }
      return false;
    };
    const culprits = [...document.body.querySelectorAll("*")]
      .filter((e) => e.getBoundingClientRect().right > width + 0.5 && !clipped(e))
      .map((e) => `${this.name(e)} reaches ${Math.round(e.getBoundingClientRect().right)} px`);
    return [`${wide} px wide in a window of ${width}`, ...culprits.slice(0, 8)];
  },

  // Displayed formulas that are wider than the text, of which a reader sees a part only.
  wideFormulas() {
    return [...document.querySelectorAll("div.arithmatex")]
      .filter((e) => e.scrollWidth > e.clientWidth + 1)
      .map((e) => `formula ${e.scrollWidth - e.clientWidth} px too wide: ` +
        e.textContent.trim().slice(0, 60));
  },

  // Words in figures and widgets that are too small to read, or a sub- or superscript in them.
  smallLetters() {
    const least = 10;
    const faults = new Set();
    for (const text of document.querySelectorAll("figure svg text")) {
      if (!text.textContent.trim() || !this.visible(text)) continue;
      const { a, b } = text.getScreenCTM();
      const parts = [text, ...text.querySelectorAll("tspan")].filter((e) => e.textContent.trim());
      const own = parts.filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()));
      const size = Math.min(...own.map((e) => parseFloat(getComputedStyle(e).fontSize)));
      const pixels = size * Math.hypot(a, b);
      if (pixels < least - 0.05) {
        const name = text.ownerSVGElement.getAttribute("aria-label") ?? "";
        faults.add(`letters of ${pixels.toFixed(1)} px: “${text.textContent.trim().slice(0, 30)}” in ` +
          `“${name.slice(0, 60)}”`);
      }
    }
    return [...faults];
  },

  // Controls and pictures in which a screen reader finds nothing to say. (Chromium's own names,
  // computedName or the accessibility tree, take seconds on a page with much maths.)
  nameless() {
    const named = "a[href], button, input, select, textarea, summary, img, canvas, iframe, " +
      "[role=button], [role=checkbox], [role=link], [role=slider], [role=switch], [role=tab]";
    const textOf = (e) => [
      e.getAttribute("aria-label"),
      e.title,
      e.alt,
      ["button", "submit", "reset"].includes(e.type) ? e.value : "",
      ["INPUT", "SELECT", "TEXTAREA"].includes(e.tagName) ? "" : e.textContent,
      ...[...e.querySelectorAll("img, svg")].map((p) => p.alt || p.getAttribute("aria-label")),
    ].join("").trim();
    const nameOf = (e) => {
      const ids = (e.getAttribute("aria-labelledby") ?? "").split(" ").filter(Boolean);
      const others = [...ids.map((id) => document.getElementById(id)), ...(e.labels ?? [])];
      return textOf(e) || others.map((other) => other && textOf(other)).join("");
    };
    return [...document.querySelectorAll(named)]
      .filter((e) => this.visible(e) && !e.closest("[aria-hidden=true], [role=presentation]"))
      .filter((e) => !nameOf(e) && !(e.tagName === "IMG" && e.hasAttribute("alt")))
      .map((e) => `without a name: ${this.name(e)}`);
  },

  // Pictures drawn in the page that are neither named nor hidden; icons belong to their control.
  namelessDrawings() {
    const not = "a, button, label, summary, [aria-hidden=true], .twemoji, .katex";
    return [...document.querySelectorAll("svg")]
      .filter((svg) => this.visible(svg) && !svg.closest(not))
      .filter((svg) => svg.getAttribute("role") !== "img" || !svg.getAttribute("aria-label"))
      .filter((svg) => svg.getAttribute("role") !== "img" || !svg.querySelector(":scope > title"))
      .map((svg) => `drawing without role="img" and a name: ${this.name(svg)}`);
  },

  name(element) {
    const classes = [...element.classList].map((c) => `.${c}`).join("");
    return element.tagName.toLowerCase() + (element.id ? `#${element.id}` : "") + classes;
  },

  // Texts with less contrast than WCAG AA asks for: 4.5, or 3 where they are large.
  contrast() {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    const paint = canvas.getContext("2d", { willReadFrequently: true });
    const known = new Map();
    const rgba = (css) => {
      if (!known.has(css)) {
        paint.clearRect(0, 0, 1, 1);
        paint.fillStyle = css;
        paint.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data;
        known.set(css, [r, g, b, a / 255]);
      }
      return known.get(css);
    };
    const over = ([r, g, b, a], [R, G, B]) => [
      r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1,
    ];
    const backgrounds = new Map();
    const background = (element) => {
      if (!element) return [255, 255, 255, 1];
      if (!backgrounds.has(element)) {
        const color = rgba(getComputedStyle(element).backgroundColor);
        const opaque = color[3] === 1;
        backgrounds.set(element, opaque ? color : over(color, background(element.parentElement)));
      }
      return backgrounds.get(element);
    };
    const opacities = new Map([[null, 1]]);
    const opacity = (element) => {
      if (!opacities.has(element)) {
        const own = getComputedStyle(element).opacity;
        opacities.set(element, own * opacity(element.parentElement));
      }
      return opacities.get(element);
    };
    const luminance = (color) => {
      const [r, g, b] = color.slice(0, 3).map((c) => {
        const s = c / 255;
        return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const faults = new Map();
    const judge = (element, style, text) => {
      const under = background(element);
      const [r, g, b, a] = rgba(style.color);
      const color = over([r, g, b, a * style.opacity * opacity(element)], under);
      const [low, high] = [luminance(color), luminance(under)].sort((p, q) => p - q);
      const ratio = (high + 0.05) / (low + 0.05);
      const size = parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
      if (ratio >= (large ? 3 : 4.5)) return;
      const hex = (c) => "#" + c.slice(0, 3).map((v) => Math.round(v).toString(16).padStart(2, 0)).join("");
      const where = `${this.name(element.parentElement)} > ${this.name(element)}`;
      const what = `${where}: ${ratio.toFixed(2)}, ${hex(color)} on ${hex(under)}`;
      if (!faults.has(what)) faults.set(what, `${what}: “${text.trim().slice(0, 30)}”`);
    };
    const seen = new Set();
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode;
      const element = text.parentElement;
      if (!text.data.trim() || seen.has(element)) continue;
      seen.add(element);
      const skipped = "svg, script, style, noscript, template, .katex-mathml, [disabled]";
      if (element.closest(skipped) || !this.visible(element)) continue;
      const { color, fontSize, fontWeight } = getComputedStyle(element);
      judge(element, { color, fontSize, fontWeight, opacity: 1 }, text.data);
    }
    for (const field of document.querySelectorAll("[placeholder]")) {
      if (this.visible(field)) judge(field, getComputedStyle(field, "::placeholder"), field.placeholder);
    }
    return [...faults.values()];
  },

  visible(element) {
    const box = element.getBoundingClientRect();
    const style = { opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: false };
    return box.width > 1 && box.height > 1 && element.checkVisibility(style);
  },
})
