/** The colours of the pictures, from the site's theme: CSS variables of playground.css. */

/** Red, green and blue of a CSS variable, whatever notation its colour is written in. */
function rgb(host, variable) {
  const probe = document.createElement("span");
  probe.style.color = `var(${variable})`;
  host.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour
    .match(/[\d.]+/g)
    .slice(0, 3)
    .map(Number);
}

/** What a picture needs to know; read again for each painting, since the theme may have changed. */
export function coloursOf(host) {
  return {
    positive: rgb(host, "--pg-positive"),
    negative: rgb(host, "--pg-negative"),
    zero: rgb(host, "--pg-zero"),
    ink: rgb(host, "--pg-ink"),
    chosen: rgb(host, "--pg-chosen"),
  };
}

export const css = (colour) => `rgb(${colour.join(" ")})`;

/**
 * Straight lines in sRGB from zero's colour to that of `scale` and of −scale, as the legend's CSS
 * gradient has them. Writes into `target` at `start`.
 */
export function diverging(colours, value, scale, target, start) {
  const share = Math.min(Math.abs(value) / scale, 1);
  const pole = value < 0 ? colours.negative : colours.positive;
  for (let i = 0; i < 3; i++) {
    target[start + i] = colours.zero[i] + share * (pole[i] - colours.zero[i]);
  }
  target[start + 3] = 255;
}

/** Black or white, whichever is easier to read on a colour: WCAG's contrast, 4.5 at the least. */
export function textOn(colour) {
  const [r, g, b] = colour.map((part) => {
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
