// Renders the page's maths with the KaTeX that lies beside this file; a page without maths loads
// nothing of it.

const formulas = document.querySelectorAll(".arithmatex");

if (formulas.length > 0) {
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = new URL("katex/katex.min.css", import.meta.url).href;
  document.head.append(style);

  const script = document.createElement("script");
  script.src = new URL("katex/katex.min.js", import.meta.url).href;
  script.addEventListener("load", () => formulas.forEach(render));
  document.head.append(script);
}

function render(element) {
  // Arithmatex leaves \(…\) and \[…\].
  const source = element.textContent.trim();
  katex.render(source.slice(2, -2), element, {
    displayMode: source.startsWith("\\["),
    throwOnError: false,
    strict: (code) => (code === "unicodeTextInMathMode" ? "error" : "ignore"),
    macros: { "\\T": "^{\\top}", "\\d": "\\mathrm{d}" },
  });
}
