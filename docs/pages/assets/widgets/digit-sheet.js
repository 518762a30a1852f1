/** The sheet of the digit widget: strokes by mouse, finger or pen, or a digit of the test set. */

import { SIDE, toMnist } from "../playground/preprocess.js";
import { element } from "./kit.js";

const PIXELS = 10 * SIDE; // of the bitmap, along each side
const PEN = 0.1 * PIXELS; // as wide as MNIST's strokes: 2.5 of the 20 rows of a digit

/**
 * @param {(pixels: Uint8Array | null, done: boolean) => void} change is told the 784 pixels that the
 *   network sees, null for an empty sheet; `done` is false while a stroke is being drawn
 */
export function createSheet(change) {
  const canvas = element("canvas", {
    width: PIXELS,
    height: PIXELS,
    role: "img",
    "aria-label": "Pad to draw a digit on, with a mouse, a finger, or a pen",
  });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  let shown = null; // the test digit on the sheet
  let stroke = null; // whose pointer draws, and where it was last
  let waiting = false; // for the next frame, to look at the sheet once in each

  function tell(done = true) {
    change(shown ? shown.pixels : toMnist(inkOf(context), PIXELS, PIXELS), done);
  }

  function clear() {
    context.clearRect(0, 0, PIXELS, PIXELS);
    shown = null;
  }

  function place(event) {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top].map((v) => (v * PIXELS) / box.width);
  }

  function draw(to) {
    context.lineWidth = PEN;
    context.lineCap = context.lineJoin = "round";
    context.strokeStyle = "#000";
    context.beginPath();
    context.moveTo(...stroke.last);
    context.lineTo(...to);
    context.stroke();
    stroke.last = to;
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (stroke || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId); // a stroke may leave the sheet and come back
    if (shown) clear(); // who draws over a test digit means a new one
    stroke = { pointer: event.pointerId, last: place(event) };
    draw(stroke.last); // a tap is a dot
    tell(false);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (stroke?.pointer !== event.pointerId) return;
    const between = event.getCoalescedEvents?.() ?? [];
    for (const point of between.length ? between : [event]) draw(place(point));
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      if (stroke) tell(false);
    });
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => {
      if (stroke?.pointer !== event.pointerId) return;
      stroke = null;
      tell();
    });
  }

  return {
    canvas,
    clear() {
      clear();
      tell();
    },
    /** @param {import("../playground/assets.js").Digit} digit */
    load(digit) {
      clear();
      shown = digit;
      paint(context, digit.pixels);
      tell();
    },
    /** What the test digit on the sheet is, or null. */
    label: () => shown && shown.label,
  };
}

/** 0, paper, to 255, pixel by pixel. */
function inkOf(context) {
  const { data } = context.getImageData(0, 0, PIXELS, PIXELS);
  return Uint8Array.from({ length: PIXELS * PIXELS }, (_, i) => data[4 * i + 3]);
}

function paint(context, pixels) {
  const image = new ImageData(SIDE, SIDE);
  pixels.forEach((value, i) => (image.data[4 * i + 3] = value));
  const small = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  small.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, PIXELS, PIXELS);
}
