/** The characters that may come next, as bars; each is a button that writes it. */

import { button, element } from "../widgets/kit.js";
import { glyph, named, percent } from "./characters.js";

const MOST = 9;

/** @param {(token: number) => void} write  told which character was pressed */
export function nextView(host, write) {
  const title = element("p", { class: "lm-title" });
  const bars = element("div", { class: "lm-bars" });
  host.append(title, bars);

  return {
    /** `drawn` are the probabilities with the temperature, `own` those without it. */
    show(session, drawn, own) {
      title.textContent = `After ${named(session.characterOf(session.tokens[session.position]))} comes`;
      const ranked = [...drawn.keys()].sort((a, b) => drawn[b] - drawn[a] || own[b] - own[a]);
      bars.replaceChildren(
        ...ranked.slice(0, MOST).map((token) => {
          const character = session.characterOf(token);
          const made = button("", () => write(token));
          made.classList.toggle("lm-true", token === session.following());
          made.setAttribute("aria-label", `Write ${named(character)}, ${percent(drawn[token])}`);
          const track = element("span", { class: "lm-track" });
          for (const [name, share] of [
            ["lm-bar", drawn[token]],
            ["lm-own", own[token]],
          ]) {
            track.append(element("span", { class: name, style: `width: ${100 * share}%` }));
          }
          const number = element("span", { class: "lm-number" }, percent(drawn[token]));
          made.append(element("span", { class: "lm-glyph" }, glyph(character)), track, number);
          return made;
        }),
      );
    },
  };
}
