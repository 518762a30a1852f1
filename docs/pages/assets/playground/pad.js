/**
 * The drawing pad: strokes by mouse, finger, or pen, undo and clear, and the ink as numbers.
 *
 * What is on the pad is a list of marks in order: a stroke, a loaded digit, or a "clear" that wipes
 * what came before, so that undo takes a clear back too.
 */

import { SIDE } from "./preprocess.js";
import { colorsOf, css } from "./theme.js";

const PIXELS = 20 * SIDE; // of the pad's own bitmap, along each side
const PEN = 0.1 * PIXELS; // of a digit 0.8 as high as the pad, 2.5 of its 20 rows, as MNIST's are

/**
 * @param {HTMLCanvasElement} canvas
 * @param {(done: boolean) => void} onChange done is false while a stroke is being drawn
 */
export function createPad(canvas, onChange) {
  const ink = Object.assign(document.createElement("canvas"), { width: PIXELS, height: PIXELS });
  const context = ink.getContext("2d", { willReadFrequently: true });
  canvas.width = canvas.height = PIXELS;
  let marks = [];
  let stroke = null; // the one being drawn, and whose pointer draws it

  const visible = () => marks.slice(marks.findLastIndex((mark) => mark.clear) + 1);

  function paint() {
    context.clearRect(0, 0, PIXELS, PIXELS);
    for (const mark of visible()) (mark.digit ? paintDigit : paintStroke)(context, mark);
    const view = canvas.getContext("2d");
    view.globalCompositeOperation = "source-over";
    view.clearRect(0, 0, PIXELS, PIXELS);
    view.drawImage(ink, 0, 0);
    view.globalCompositeOperation = "source-in"; // the ink in the theme's color
    view.fillStyle = css(colorsOf(canvas.parentElement).ink);
    view.fillRect(0, 0, PIXELS, PIXELS);
  }

  function change(done = true) {
    paint();
    onChange(done);
  }

  function place(event) {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [
      event.clientX - box.left - canvas.clientLeft,
      event.clientY - box.top - canvas.clientTop,
    ];
    return [(x * PIXELS) / canvas.clientWidth, (y * PIXELS) / canvas.clientHeight];
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (stroke || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId); // a stroke may leave the pad and come back
    stroke = { pointer: event.pointerId, points: [place(event)] };
    if (visible().some((mark) => mark.digit)) marks.push({ clear: true }); // nobody draws over a digit
    marks.push(stroke);
    change(false);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (stroke?.pointer !== event.pointerId) return;
    const between = event.getCoalescedEvents?.() ?? [];
    stroke.points.push(...(between.length ? between : [event]).map(place));
    change(false);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => {
      if (stroke?.pointer !== event.pointerId) return;
      stroke = null;
      change();
    });
  }

  return {
    paint,
    undo() {
      marks.pop();
      change();
    },
    clear() {
      if (visible().length) marks.push({ clear: true });
      change();
    },
    /** Put a test digit on an empty pad. */
    load(digit) {
      marks = [...marks, { clear: true }, { digit }];
      change();
    },
    isBlank: () => visible().length === 0,
    /** The test digit, if it is there. */
    digit() {
      const shown = visible();
      return shown.length === 1 ? (shown[0].digit ?? null) : null;
    },
    /** @returns {{values: Uint8Array, width: number, height: number}} 0, paper, to 255 */
    ink() {
      const { data } = context.getImageData(0, 0, PIXELS, PIXELS);
      const values = Uint8Array.from({ length: PIXELS * PIXELS }, (_, i) => data[4 * i + 3]);
      return { values, width: PIXELS, height: PIXELS };
    },
  };
}

function paintStroke(context, { points }) {
  context.lineWidth = PEN;
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  context.moveTo(...points[0]);
  if (points.length === 1) context.lineTo(...points[0]); // a tap is a dot
  // Curves through the middles of the segments: a quick stroke has few points.
  points.slice(1).forEach((point, i) => {
    const last = points[i];
    context.quadraticCurveTo(...last, (last[0] + point[0]) / 2, (last[1] + point[1]) / 2);
  });
  context.lineTo(...points.at(-1));
  context.stroke();
}

function paintDigit(context, { digit }) {
  const image = new ImageData(SIDE, SIDE);
  digit.pixels.forEach((value, i) => (image.data[4 * i + 3] = value));
  const small = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  small.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, PIXELS, PIXELS);
}
