// The second part of the worker's beginning: what it answers is made short before the page shows it. A
// result is its title and one paragraph, which begins shortly before the first word that was searched for.
// Listings are left out, unless only they have the word: then its line is shown. Where only the hidden words
// of a result were found, the one that was is shown, so that each result says why it is there.
// A title of several words that is the whole query, such as "chain rule", leads, unless the best result has
// these words among its hidden ones.
{
  const BEFORE = 60; // letters, at most, before the word
  const LENGTH = 320; // and in all; the style sheet shows two lines of them
  const PARTS = { course: "Course", howto: "How to", practice: "Practice", reference: "Reference", teaching: "Teaching" };
  const LABELS = /<p>(Examples?|Parameters|Attributes|Returns|Raises):<\/p>/g;
  const answer = self.postMessage.bind(self);

  // Paragraphs and formulas on lines of their own become one line of text, with a dot between what ends without one.
  const plain = (html) =>
    html
      .replace(/\n/g, " ")
      .replace(/<\/?(p|ul|ol|li|pre|h\d)>/g, "\n")
      .replace(/<(?!\/?mark>)[^>]*>/g, "")
      .trim()
      .replace(/([.:;!?…]?)\s*\n\s*/g, (_, end) => end ? `${end} ` : " · ")
      .replace(/\s+/g, " ");

  const lineOf = (listing) => listing.split("\n").find((line) => line.includes("<mark>")) ?? "";

  const beginsAt = (text) => {
    const at = text.indexOf("<mark>");
    if (at <= BEFORE) return 0;
    const sentence = text.slice(0, at).lastIndexOf(". ") + 2;
    return at - sentence <= BEFORE ? sentence : text.indexOf(" ", at - BEFORE) + 1;
  };

  const excerpt = ({ title, text, keywords = "" }) => {
    const prose = plain(text.replace(/<pre[^]*?<\/pre>/g, " ").replace(LABELS, " "));
    if (!/<mark>/.test(title + prose)) {
      const line = plain(lineOf(text));
      const [hidden] = keywords.match(/\S*<mark>.*?<\/mark>\S*/) ?? [];
      return [line || hidden, prose].filter(Boolean).join(" · ");
    }
    const from = beginsAt(prose);
    return (from ? "… " : "") + prose.slice(from);
  };

  const shorter = (result) => {
    const text = excerpt(result);
    const cut = text.length > LENGTH ? text.slice(0, text.lastIndexOf(" ", LENGTH)) : text;
    const part = !result.location.includes("#") && PARTS[result.location.split("/")[0]];
    const title = part ? `${result.title} <small>${part}</small>` : result.title;
    return { ...result, title, text: cut && `<p>${cut}</p>` };
  };

  const words = (text) => ` ${text.replace(/<[^>]*>/g, "").toLowerCase().split(/[\s_-]+/).join(" ")} `;

  const exactFirst = (pages) => {
    const query = words(self.asked.trim());
    const isIt = ({ title }) => words(title) === query;
    const led = pages.find((page) => page.some(isIt));
    if (!led || !/\w \w/.test(query) || words(pages[0][0].keywords ?? "").includes(query)) return pages;
    led.sort((a, b) => isIt(b) - isIt(a));
    return [led, ...pages.filter((page) => page !== led)];
  };

  self.postMessage = (message) => {
    const { type, data } = message;
    if (type !== 3) return answer(message);
    answer({ type, data: { ...data, items: exactFirst(data.items).map((page) => page.map(shorter)) } });
  };
}
