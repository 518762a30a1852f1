/** Random numbers from a seed: the same seed draws the same points, weights, and batches everywhere. */

/**
 * Makes a stream of numbers. It is Marsaglia's xorshift with 32 bits (2003): three shifts, each
 * mixed back in, go through every state except for 0.
 */
export function createRandom(seed) {
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x6a09e667) >>> 0 || 1;
  let spare = null;

  /** Uniform on 0 … 1, without the ends. */
  function uniform() {
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return (state - 0.5) / 4294967296;
  }

  for (let i = 0; i < 16; i++) uniform(); // neighboring seeds start alike

  return {
    uniform,

    /** Normal with mean 0 and variance 1: two at a time, as the coordinates of a random point. */
    normal() {
      if (spare !== null) {
        const value = spare;
        spare = null;
        return value;
      }
      const radius = Math.sqrt(-2 * Math.log(uniform()));
      const angle = 2 * Math.PI * uniform();
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },

    /** 0 … n − 1 in random order: each place takes one of those that are left. */
    permutation(n) {
      const order = Array.from({ length: n }, (_, i) => i);
      for (let i = n - 1; i > 0; i--) {
        const j = Math.floor(uniform() * (i + 1));
        [order[i], order[j]] = [order[j], order[i]];
      }
      return order;
    },
  };
}
