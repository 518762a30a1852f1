/**
 * Points of two classes in the plane, from −3 to 3 each way. A point is [x1, x2, label]; the labels
 * 0 and 1 take turns, so that any even number of points has as many of each.
 */

import { createRandom } from "./random.js";

/** The plane that is drawn: both coordinates go from −REACH to REACH. */
export const REACH = 3;

const shapes = {
  /** A clump in the middle and a ring around it: no straight line separates them. */
  circles({ uniform }, label) {
    const radius = label ? 1.1 * Math.sqrt(uniform()) : 1.9 + 0.6 * uniform();
    return polar(radius, 2 * Math.PI * uniform());
  },

  /** Opposite corners have the same label. */
  xor({ uniform }, label) {
    const [x, y] = [0.25 + 2.1 * uniform(), 0.25 + 2.1 * uniform()];
    const side = uniform() < 0.5 ? 1 : -1;
    return [side * x, label ? -side * y : side * y];
  },

  /** Two arms that wind around each other, once and a bit. */
  spiral({ uniform }, label) {
    const along = uniform();
    return polar(0.25 + 2.3 * along, 7 * along + (label ? Math.PI : 0));
  },

  /** Two clouds: a straight line is all it takes. */
  gaussians({ normal }, label) {
    const center = label ? 1.1 : -1.1;
    return [center + 0.5 * normal(), center + 0.5 * normal()];
  },

  /** Two half moons, each with a tip in the other. */
  moons({ uniform }, label) {
    const [x, y] = polar(1.5, Math.PI * uniform());
    return label ? [x - 0.75, y - 0.4] : [0.75 - x, 0.4 - y];
  },
};

export const shapeNames = Object.keys(shapes);

/** @returns {number[][]} `count` points, each moved by normal noise with this standard deviation */
export function drawPoints(shape, { count, noise, seed }) {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, i) => {
    const label = i % 2;
    const [x, y] = shapes[shape](random, label);
    return [x + noise * random.normal(), y + noise * random.normal(), label];
  });
}

function polar(radius, angle) {
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}
