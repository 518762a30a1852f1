/**
 * On a phone, where the pad is out of sight once the network is looked at: a small picture of the drawing
 * beside the stages, with the network's answer. Pressing it brings the pad back above the stages, and pressing
 * it again takes the pad away.
 */

const SIDE = 72; // of the picture's own bitmap

/**
 * @param {HTMLElement} root  `pg-away` while the pad is out of sight, `pg-open` while it is brought back
 * @param {(id: string) => HTMLElement} find
 * @returns {(answer: number | null) => void} paints what is on the pad
 */
export function createThumbnail(root, find) {
  const button = find("thumb");
  const canvas = button.querySelector("canvas");
  canvas.width = canvas.height = SIDE;

  function open(whether) {
    root.classList.toggle("pg-open", whether);
    button.setAttribute("aria-expanded", whether);
    button.setAttribute("aria-label", whether ? "Hide the drawing pad" : "Show the drawing pad");
  }

  button.addEventListener("click", () => open(!root.classList.contains("pg-open")));
  new IntersectionObserver(
    ([{ isIntersecting, boundingClientRect }]) => {
      const away = !isIntersecting && boundingClientRect.top < window.innerHeight / 2;
      root.classList.toggle("pg-away", away);
      if (!away) open(false); // the pad is in its place
    },
    { rootMargin: "-100px 0px 0px" }, // below the header and the stages
  ).observe(find("asks").parentElement);

  return function paint(answer) {
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, SIDE, SIDE);
    context.drawImage(find("pad"), 0, 0, SIDE, SIDE);
    button.querySelector("span").textContent = answer ?? "";
  };
}
