/** The colors of the pictures, from the site's theme: CSS variables of playground.css. */

/** Red, green, and blue of a CSS variable, whatever notation its color is written in. */
function rgb(probe, variable) {
  probe.style.color = `var(${variable})`;
  const color = getComputedStyle(probe).color;
  return color
    .match(/[\d.]+/g)
    .slice(0, 3)
    .map(Number);
}

const NAMES = [
  "positive",
  "negative",
  "zero",
  "ink",
  "chosen",
  "wrong",
  "forward",
  "backward",
  "faint",
  "muted",
];
const known = new Map(); // by host: while neither theme nor page changes, nothing is read again

/** What a picture needs to know. */
export function colorsOf(host) {
  const scheme = document.body.getAttribute("data-md-color-scheme");
  if (known.get(host)?.scheme !== scheme) {
    const probe = document.createElement("span");
    host.append(probe);
    const colors = Object.fromEntries(NAMES.map((name) => [name, rgb(probe, `--pg-${name}`)]));
    probe.remove();
    known.set(host, { scheme, colors });
  }
  return { ...known.get(host).colors };
}

export const css = (color) => `rgb(${color.join(" ")})`;

/**
 * Straight lines in sRGB from zero's color to that of `scale` and of −scale, as the legend's CSS
 * gradient has them. Writes into `target` at `start`.
 */
export function diverging(colors, value, scale, target, start) {
  const share = Math.min(Math.abs(value) / scale, 1);
  const pole = value < 0 ? colors.negative : colors.positive;
  for (let i = 0; i < 3; i++) {
    target[start + i] = Math.round(colors.zero[i] + share * (pole[i] - colors.zero[i]));
  }
  target[start + 3] = 255;
}

/** The color of one number, as `diverging` has it. */
export function mixed(colors, value, scale) {
  const color = [0, 0, 0, 0];
  diverging(colors, value, scale, color, 0);
  return color.slice(0, 3);
}

/** Black or white, whichever is easier to read on a color: WCAG's contrast, 4.5 at the least. */
export function textOn(color) {
  const [r, g, b] = color.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
}

/** Call back when the site switches between light and dark. */
export function onThemeChange(callback) {
  const observer = new MutationObserver(callback);
  observer.observe(document.body, {
    attributes: true,
    attributeFilter: ["data-md-color-scheme", "data-md-color-primary", "data-md-color-accent"],
  });
}
