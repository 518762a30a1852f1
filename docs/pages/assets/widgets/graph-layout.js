/**
 * Places for the boxes of a graph, in layers from the leaves to the outputs. What goes past a layer has a
 * narrow place in it, so that no line runs through a box. "along" is the direction from layer to layer.
 */

const LANE = 10; // the width of a line's place in a layer it goes past
const SWEEPS = 24;

/** The layers as lists of { key, name, past, above, below }, in a good order; `past` marks a line's place. */
export function layersOf(boxes) {
  const depth = new Map();
  const readers = new Map(boxes.map(({ name }) => [name, []]));
  for (const { name, args } of boxes) {
    if (args.length) depth.set(name, 1 + Math.max(...args.map((arg) => depth.get(arg) ?? 0)));
    for (const arg of args) if (!readers.get(arg).includes(name)) readers.get(arg).push(name);
  }
  for (const { name, args } of boxes) {
    if (!args.length) depth.set(name, Math.min(...readers.get(name).map((reader) => depth.get(reader))) - 1);
  }
  const layers = Array.from({ length: 1 + Math.max(...depth.values()) }, () => []);
  const place = (name, layer) => {
    const key = layer === depth.get(name) ? name : `${name} past ${layer}`;
    let found = layers[layer].find((each) => each.key === key);
    if (!found) layers[layer].push((found = { key, name, past: key !== name, above: [], below: [] }));
    return found;
  };
  const seen = new Set();
  const visit = (box) => {
    if (seen.has(box.name)) return;
    seen.add(box.name);
    for (const arg of box.args) visit(boxes.find(({ name }) => name === arg));
    place(box.name, depth.get(box.name));
  };
  for (const box of boxes) if (!readers.get(box.name).length) visit(box);
  for (const { name, args } of boxes) {
    for (const arg of new Set(args)) {
      for (let layer = depth.get(arg) + 1; layer <= depth.get(name); layer++) {
        const [from, to] = [place(arg, layer - 1), place(layer === depth.get(name) ? name : arg, layer)];
        if (!from.below.includes(to)) {
          from.below.push(to);
          to.above.push(from);
        }
      }
    }
  }
  return ordered(layers);
}

/** The order with the fewest crossings that some sweeps find, each by the mean place of the neighbors. */
function ordered(layers) {
  let best = { crossings: crossings(layers), layers: layers.map((layer) => [...layer]) };
  for (let sweep = 0; sweep < SWEEPS && best.crossings; sweep++) {
    const down = sweep % 2 === 0;
    const at = new Map(layers.flatMap((layer) => layer.map((each, i) => [each, i / layer.length])));
    for (const layer of down ? layers : layers.toReversed()) {
      const mean = new Map(
        layer.map((each) => {
          const near = down ? each.above : each.below;
          return [
            each,
            near.length ? near.reduce((sum, other) => sum + at.get(other), 0) / near.length : at.get(each),
          ];
        }),
      );
      layer.sort((a, b) => mean.get(a) - mean.get(b));
      layer.forEach((each, i) => at.set(each, i / layer.length));
    }
    const found = crossings(layers);
    if (found < best.crossings) best = { crossings: found, layers: layers.map((layer) => [...layer]) };
  }
  return best.layers;
}

function crossings(layers) {
  let count = 0;
  for (let i = 1; i < layers.length; i++) {
    const edges = layers[i - 1].flatMap((from, f) => from.below.map((to) => [f, layers[i].indexOf(to)]));
    for (const [f, t] of edges) for (const [g, u] of edges) if (f < g && t > u) count++;
  }
  return count;
}

/**
 * The middle of each place across the layers, by key. `size(place)` is its extent across; neighbors in
 * a layer are `gap` apart, and all together are in the middle of 0 … width.
 */
export function across(layers, size, gap, width) {
  const extent = (place) => (place.past ? LANE : size(place));
  const at = new Map();
  for (const layer of layers) {
    const total = layer.reduce((sum, place) => sum + extent(place) + gap, -gap);
    let from = (width - total) / 2;
    for (const place of layer) {
      at.set(place.key, from + extent(place) / 2);
      from += extent(place) + gap;
    }
  }
  const pull = (a, b) => (a.past && b.past ? 4 : a.past || b.past ? 0.5 : 1); // long lines are straight
  const mean = (place, near) => {
    const weight = near.reduce((sum, other) => sum + pull(place, other), 0);
    return near.reduce((sum, other) => sum + pull(place, other) * at.get(other.key), 0) / weight;
  };
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (const layer of sweep % 2 ? layers.toReversed() : layers) {
      const wanted = layer.map((place) => {
        const near = [...place.above, ...place.below];
        return near.length ? mean(place, near) : at.get(place.key);
      });
      spread(wanted, layer.map(extent), gap, width).forEach((middle, i) => at.set(layer[i].key, middle));
    }
  }
  const places = layers.flat();
  const first = Math.min(...places.map((place) => at.get(place.key) - extent(place) / 2));
  const last = Math.max(...places.map((place) => at.get(place.key) + extent(place) / 2));
  for (const { key } of places) at.set(key, at.get(key) + (width - first - last) / 2);
  return at;
}

/** The places nearest to the wanted ones that keep their order, their distance, and to 0 … width. */
function spread(wanted, extents, gap, width) {
  const offsets = [];
  let offset = 0;
  extents.forEach((extent, i) => {
    offset += extent / 2 + (i ? gap + extents[i - 1] / 2 : 0);
    offsets.push(offset);
  });
  const room = Math.max(0, width - offset - extents.at(-1) / 2);
  const pools = [];
  wanted.forEach((want, i) => {
    pools.push({ sum: want - offsets[i], count: 1 });
    const mean = ({ sum, count }) => sum / count;
    while (pools.length > 1 && mean(pools.at(-2)) > mean(pools.at(-1))) {
      const { sum, count } = pools.pop();
      pools.at(-1).sum += sum;
      pools.at(-1).count += count;
    }
  });
  const firsts = pools.flatMap(({ sum, count }) => Array(count).fill(sum / count));
  return firsts.map((first, i) => Math.min(Math.max(first, 0), room) + offsets[i]);
}

/**
 * Widths for what wants `wanted`, in `free` room. Where it is enough, what is left is divided up to `most`;
 * where it is not, what wants little has that, and the others have equal parts of the rest.
 */
export function shares(wanted, free, most) {
  const left = free - wanted.reduce((sum, width) => sum + width, 0);
  if (left >= 0) {
    const more = Math.floor(left / wanted.length);
    return wanted.map((width) => Math.max(width, Math.min(most, width + more)));
  }
  let [rest, count] = [free, wanted.length];
  const widths = new Map();
  for (const [place, width] of [...wanted.entries()].toSorted(([, a], [, b]) => a - b)) {
    widths.set(place, Math.max(52, Math.min(width, Math.floor(rest / count))));
    rest -= widths.get(place);
    count--;
  }
  return wanted.map((_, place) => widths.get(place));
}

/** The keys that a line passes from one box to another, both ends included. */
export function pathOf(layers, from, to) {
  const start = layers.findIndex((layer) => layer.some(({ key }) => key === from));
  const end = layers.findIndex((layer) => layer.some(({ key }) => key === to));
  const keys = [from];
  for (let layer = start + 1; layer < end; layer++) keys.push(`${from} past ${layer}`);
  return [...keys, to];
}
