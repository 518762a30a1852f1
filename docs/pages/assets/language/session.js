/** What the page is about at the moment: the text, the position, the target, and all numbers of them. */

import { gradients, sgd } from "./gpt.js";
import { row } from "./matrix.js";
import { distribution, draw } from "./sampling.js";

const END = "\n"; // before and after a name

export class Session {
  constructor(network) {
    Object.assign(this, { network, params: network.params, undo: [] });
    this.begin(network.opening);
    this.choose(this.surprise());
  }

  characterOf = (token) => this.network.characters[token];

  /** Begin with a text; characters that the network does not know are returned, and left out. */
  begin(prompt) {
    const { names, characters, length } = this.network;
    const known = [...prompt].filter((c) => characters.includes(c) && !(names && c === END));
    const unknown = [...prompt].filter((c) => !characters.includes(c));
    this.set(names ? END + known.slice(0, length - 2).join("") : known.join("") || END);
    return unknown;
  }

  set(text) {
    this.text = text;
    this.finished = this.network.names && text.length > 1 && text.endsWith(END);
    const read = this.finished ? text.slice(0, -1) : text;
    this.start = Math.max(0, read.length - this.network.length);
    const { characters } = this.network;
    this.tokens = [...read.slice(this.start)].map((character) => characters.indexOf(character));
    this.choose(this.tokens.length - 1);
    this.compute();
  }

  choose(position) {
    this.position = position;
    this.target = null;
  }

  compute() {
    this.forward = this.network.model.forward(this.params, this.tokens);
  }

  /** The token that follows the chosen position in the text, or undefined at its end. */
  following(position = this.position) {
    const character = this.text[this.start + position + 1];
    return character === undefined ? undefined : this.network.characters.indexOf(character);
  }

  /** The probabilities of the next character, after the chosen position. */
  probabilities(temperature = 1) {
    return distribution(row(this.forward.y, this.position), temperature);
  }

  /** What should come next: what was chosen, or what does come, or the likeliest at the text's end. */
  wanted() {
    const p = this.probabilities();
    return this.target ?? this.following() ?? p.indexOf(Math.max(...p));
  }

  /** The position whose next character the network finds least likely. */
  surprise() {
    let found = [this.tokens.length - 1, 1];
    for (let p = 1; p < this.tokens.length; p++) {
      const next = this.following(p);
      if (next === undefined) continue;
      const probability = distribution(row(this.forward.y, p), 1)[next];
      if (probability < found[1]) found = [p, probability];
    }
    return found[0];
  }

  /** Write a token after a position; what came after it is cut off. */
  write(token, position = this.tokens.length - 1) {
    this.set(this.text.slice(0, this.start + position + 1) + this.characterOf(token));
  }

  /** Draw a character and write it at the end. A finished name is followed by a new one. */
  writeNext(temperature, prompt) {
    if (this.finished || (this.network.names && this.tokens.length >= this.network.length)) {
      this.begin(prompt);
      return;
    }
    this.choose(this.tokens.length - 1);
    this.write(draw(this.probabilities(temperature)));
  }

  /** Targets for the loss: at the chosen position, or at every position whose next is known. */
  targets(every) {
    return this.tokens.map((_, p) => {
      if (p === this.position) return this.wanted();
      return every ? (this.following(p) ?? null) : null;
    });
  }

  /** The loss of the chosen position, or the mean of all, and every derivative. */
  gradients(every) {
    return gradients(this.network.model, this.params, this.forward, this.targets(every));
  }

  /** Steps of gradient descent, each with new gradients. */
  step(rate, count, every) {
    const target = this.wanted();
    for (let i = 0; i < count; i++) {
      this.undo.push(this.params);
      this.params = sgd(this.params, this.gradients(every).grads, rate);
      this.compute();
      this.target = target;
    }
    this.undo = this.undo.slice(-50);
  }

  back() {
    this.params = this.undo.pop() ?? this.params;
    this.compute();
  }

  reset() {
    this.undo = [];
    this.params = this.network.params;
    this.compute();
  }
}
