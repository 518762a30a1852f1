// The second part of the worker's beginning: what it answers is made short before the page shows it. A
// result is its title and one paragraph, which begins shortly before the first word that was searched for.
// Listings are left out, unless only they have the word: then its line is shown. Where only the hidden words
// of a result were found, the one that was is shown, so that each result says why it is there.
{
  const BEFORE = 60; // letters, at most, before the word
  const LENGTH = 320; // and in all; the style sheet shows two lines of them
  const PARTS = { course: "Course", howto: "How to", practice: "Practice", reference: "Reference", teaching: "Teaching" };
  const LABELS = /<p>(Examples?|Parameters|Attributes|Returns|Raises):<\/p>/g;
  let asked = []; // the words of the query
  const answer = self.postMessage.bind(self);

  const plain = (html) => html.replace(/<(?!\/?mark>)[^>]*>/g, " ").replace(/\s+/g, " ").replace(/ ([.,;:)])/g, "$1").trim();

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
      const hidden = keywords.split(" ").find((word) => asked.some((start) => word.toLowerCase().startsWith(start)));
      const found = line || (hidden ? `<mark>${hidden}</mark>` : "");
      return [found, prose].filter(Boolean).join(" · ");
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

  addEventListener("message", ({ data: { type, data } }) => {
    if (type === 2) asked = data.toLowerCase().split(/\s+/).map((word) => word.replace(/[\^~].*|^\W+/g, "")).filter(Boolean);
  });

  self.postMessage = (message) => {
    const { type, data } = message;
    if (type !== 3) return answer(message);
    answer({ type, data: { ...data, items: data.items.map((page) => page.map(shorter)) } });
  };
}
