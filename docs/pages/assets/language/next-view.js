/** The characters that may come next, as bars; each is a button that writes it. */

import { button, element } from "../widgets/kit.js";
import { glyph, named, percent } from "./characters.js";

const MOST = 10;

/**
 * @param {(token: number) => void} write  told which character was pressed
 * @param {(by: number) => void} move  chooses the character before (−1) or after (1): a finger is wider
 *   than a character of the text
 */
export function nextView(host, write, move) {
  const title = element("p", { class: "lm-title" });
  const bars = element("div", { class: "lm-bars" });
  const moves = [
    ["‹", "Choose the character before", -1],
    ["›", "Choose the character after", 1],
  ].map(([sign, name, by]) => {
    const made = button(sign, () => move(by));
    made.setAttribute("aria-label", name);
    return made;
  });
  host.append(element("div", { class: "lm-next-head" }, title, ...moves), bars);

  return {
    /** `drawn` are the probabilities with the temperature, `own` those without it. */
    show(session, drawn, own) {
      title.textContent = `After ${named(session.characterOf(session.tokens[session.position]))} comes`;
      moves[0].disabled = session.position === 0;
      moves[1].disabled = session.position === session.tokens.length - 1;
      const ranked = [...drawn.keys()].sort((a, b) => drawn[b] - drawn[a] || own[b] - own[a]);
      const first = ranked.slice(0, MOST);
      const whole = Math.max(...first.flatMap((token) => [drawn[token], own[token]])); // fills the track
      bars.replaceChildren(
        ...first.map((token) => {
          const character = session.characterOf(token);
          const made = button("", () => write(token));
          made.classList.toggle("lm-true", token === session.following());
          made.setAttribute("aria-label", `Write ${named(character)}, ${percent(drawn[token])}`);
          const track = element("span", { class: "lm-track" });
          for (const [name, share] of [
            ["lm-bar", drawn[token]],
            ["lm-own", own[token]],
          ]) {
            track.append(element("span", { class: name, style: `width: ${(100 * share) / whole}%` }));
          }
          const number = element("span", { class: "lm-number" }, percent(drawn[token]));
          made.append(element("span", { class: "lm-glyph" }, glyph(character)), track, number);
          return made;
        }),
      );
    },
  };
}
