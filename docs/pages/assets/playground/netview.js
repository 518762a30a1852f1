/**
 * The network as a drawing: 784 pixels as an image, a column for each layer, and the strongest
 * weights as lines. What it shows at each stage is decided by stages.js and edges.js.
 */

import { element } from "./dom.js";
import { edgesAt } from "./edges.js";
import { curveOf, layoutOf, neighbor, pointOn, targetAt } from "./layout.js";
import { paintColumn, paintImages, paintLoss, paintOutputs } from "./netparts.js";
import { colorsOf, css } from "./theme.js";

const WIDE = 760; // CSS pixels; above it the drawing is enlarged
const GROWTH = 650; // milliseconds in which the lines of a stage grow

/**
 * @param {HTMLElement} host
 * @param {{hover: (target: object | null) => void, pin: (target: object | null) => void}} on
 */
export function createNetView(host, on) {
  const canvas = element("canvas", { role: "img", "aria-label": "The network" });
  host.append(canvas);
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  let shown = null; // what was painted last
  let begun = -GROWTH; // when the lines began to grow
  let frame = 0;

  function paint() {
    cancelAnimationFrame(frame);
    if (!shown) return;
    const { view, layout, edges, scale } = shown;
    const grown = still.matches ? 1 : Math.min(1, (performance.now() - begun) / GROWTH);
    const context = scaled(canvas, layout, scale);
    const colors = colorsOf(host);
    paintImages(context, colors, layout, view);
    const back = view.stages[view.at].direction === "backward";
    for (const edge of edges) paintEdge(context, colors, layout, edge, grown, back);
    layout.columns
      .slice(0, -1)
      .forEach((_, l) => paintColumn(context, colors, layout, view, l + 1));
    paintOutputs(context, colors, layout, view);
    paintLoss(context, colors, layout, view);
    if (grown < 1) frame = requestAnimationFrame(paint);
  }

  function find(event) {
    const { layout, edges, view, scale } = shown;
    return targetAt(layout, edges, view.unit, event.offsetX / scale, event.offsetY / scale);
  }

  canvas.addEventListener("pointermove", (event) => {
    if (!shown || event.pointerType === "touch") return;
    const target = find(event);
    canvas.style.cursor = target ? "pointer" : "";
    on.hover(target);
  });
  canvas.addEventListener("pointerleave", () => on.hover(null));
  canvas.addEventListener("click", (event) => {
    if (shown) on.pin(find(event)); // a click beside everything lets go
  });
  host.addEventListener("keydown", (event) => {
    if (event.key === "Escape") on.pin(null);
    if (!shown || !event.key.startsWith("Arrow") || event.ctrlKey || event.altKey || event.metaKey)
      return;
    event.preventDefault();
    on.pin(neighbor(shown.layout, shown.view.target, event.key));
  });

  return {
    /**
     * @param {object} view {state, stages, at, target, unit, caption}
     * @param {boolean} grow whether its lines grow: the stage is new
     */
    show(view, grow = false) {
      const units = view.state.params.map(({ b }) => b.length);
      const scale = Math.max(1, host.clientWidth / WIDE);
      const layout = layoutOf(host.clientWidth / scale, host.clientHeight / scale, units);
      const edges = view.state.x ? edgesAt(view.stages, view.at, view.state, view.target) : [];
      // Lines that still grow when another network comes are those of the pass that was shown.
      shown = { view: { ...view, state: { ...view.state } }, layout, edges, scale };
      if (grow) begun = performance.now();
      canvas.setAttribute("aria-label", view.caption);
      paint();
    },
  };
}

function scaled(canvas, { width, height }, scale) {
  const ratio = (window.devicePixelRatio || 1) * scale;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  canvas.style.width = `${width * scale}px`;
  canvas.style.height = `${height * scale}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** A line of its sign's color; while it grows, a dot of the direction's color runs ahead of it. */
function paintEdge(context, colors, layout, edge, grown, back) {
  const curve = curveOf(layout, edge);
  const active = edge.lit > 0.25;
  const part = active ? grown : 1;
  const length = 1.06 * Math.hypot(curve[6] - curve[0], curve[7] - curve[1]);
  context.save();
  context.globalAlpha = edge.lit * (0.22 + 0.7 * edge.share);
  context.strokeStyle = css(edge.value < 0 ? colors.negative : colors.positive);
  context.lineWidth = 0.6 + 2.2 * edge.share * (active ? 1 : 0.6);
  context.beginPath();
  if (back) {
    context.moveTo(curve[6], curve[7]);
    context.bezierCurveTo(curve[4], curve[5], curve[2], curve[3], curve[0], curve[1]);
  } else {
    context.moveTo(curve[0], curve[1]);
    context.bezierCurveTo(...curve.slice(2));
  }
  if (part < 1) context.setLineDash([length * part, 2 * length]);
  context.stroke();
  if (part < 1) {
    const [x, y] = pointOn(curve, back ? 1 - part : part);
    context.globalAlpha = edge.lit;
    context.fillStyle = css(back ? colors.backward : colors.forward);
    context.beginPath();
    context.arc(x, y, 1.4 + 1.6 * edge.share, 0, 2 * Math.PI);
    context.fill();
  }
  context.restore();
}
