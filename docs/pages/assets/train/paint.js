/** Colors of the pictures, from the site's theme: sign is green and purple, and 0 is paper. */

/** Red, green, and blue of the CSS variables that the pictures use; they change with the theme. */
export function colorsOf(host) {
  const probe = document.createElement("span");
  host.append(probe);
  const rgb = (variable) => {
    probe.style.color = `var(${variable})`;
    return getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
  };
  const names = ["positive", "negative", "wrong"].map((name) => [name, rgb(`--${name}`)]);
  const figure = ["ink", "faint", "paper"].map((name) => [name, rgb(`--figure-${name}`)]);
  probe.remove();
  return Object.fromEntries([...names, ...figure]);
}

export const css = (color) => `rgb(${color.join(" ")})`;

/** A canvas with one pixel per number, from −scale (negative) through 0 (paper) to scale (positive). */
export function tinted(canvas, side, values, scale, colors) {
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  const image = context.createImageData(side, side);
  for (let i = 0; i < side * side; i++) {
    const share = Math.max(-1, Math.min(1, values[i] / scale)) || 0;
    const pole = share < 0 ? colors.negative : colors.positive;
    for (let c = 0; c < 3; c++) {
      image.data[4 * i + c] = colors.paper[c] + Math.abs(share) * (pole[c] - colors.paper[c]);
    }
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** The largest |value|, to scale colors by. */
export function reach(values) {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  return largest;
}

/** A canvas as sharp as the screen, `width` × `height` in CSS pixels; its context draws in those. */
export function sharp(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}
