/** The colors of the pictures, from the site's CSS variables. */

/** Red, green, and blue of the variables, read again for each painting: the theme may have changed. */
export function colorsOf(host) {
  const names = ["forward", "backward", "positive", "negative"];
  const found = names.map((name) => [name, rgb(host, `--${name}`)]);
  const figure = ["ink", "faint", "paper"].map((name) => [name, rgb(host, `--figure-${name}`)]);
  return Object.fromEntries([...found, ...figure]);
}

function rgb(host, variable) {
  const probe = document.createElement("span");
  probe.style.color = `var(${variable})`;
  host.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color
    .match(/[\d.]+/g)
    .slice(0, 3)
    .map(Number);
}

export const css = (color) => `rgb(${color.map(Math.round).join(" ")})`;

/** From the paper's color, at 0, to another, at 1. */
export function mixed(paper, color, share) {
  const part = Math.max(0, Math.min(1, share));
  return paper.map((value, i) => value + part * (color[i] - value));
}

/** Call back when the site switches between light and dark. */
export function onThemeChange(callback) {
  const observer = new MutationObserver(callback);
  observer.observe(document.body, { attributes: true, attributeFilter: ["data-md-color-scheme"] });
}
