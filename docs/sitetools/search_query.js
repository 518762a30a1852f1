// The beginning of the theme's search worker, which python -m sitetools.search puts there: a query is
// rewritten before the worker sees it. The worker looks for each word at the beginning of words, so
// "check" finds "checkpoint" and "a" finds "adam". Here a whole word counts more than the beginning of one,
// and the words that the index leaves out, such as "a" and "how", are left out of the query too. A word
// that no word of the index begins with is replaced by the nearest one, so "optimzer" finds "optimizer".
{
  const WHOLE = 8; // times what the beginning of a word counts
  let separator = /\s+/;
  let known = new Map(); // the index's words, with how many places have them
  let sorted = [];

  const wordsOf = ({ title = "", text = "", keywords = "", name = "" }) =>
    `${title} ${text.replace(/<[^>]+>/g, " ")} ${keywords} ${name}`
      .split(separator)
      .map((word) => word.toLowerCase().replace(/^\W+|\W+$/g, ""))
      .filter((word) => /^[a-z][a-z\d]{2,}$/.test(word));

  const learn = ({ config, docs }) => {
    separator = new RegExp(config.separator);
    known = new Map();
    for (const doc of docs) {
      for (const word of new Set(wordsOf(doc))) known.set(word, (known.get(word) ?? 0) + 1);
    }
    sorted = [...known.keys()].sort();
  };

  const begins = (start) => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle] < start) low = middle + 1;
      else high = middle;
    }
    return sorted[low]?.startsWith(start) ?? false;
  };

  // How many letters to insert, leave out, replace, or exchange with the next one.
  const distance = (a, b) => {
    let [before, last] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
    for (let i = 1; i <= a.length; i++) {
      const row = [i];
      for (let j = 1; j <= b.length; j++) {
        row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] !== b[j - 1]));
        if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
          row[j] = Math.min(row[j], before[j - 2] + 1);
        }
      }
      [before, last] = [last, row];
    }
    return last[b.length];
  };

  const spelled = (given) => {
    const word = given.toLowerCase();
    if (!/^[a-z]{4,}$/.test(word) || begins(word)) return given;
    let [best, least] = [given, word.length < 6 ? 1 : 2];
    let places = 0;
    for (const [other, count] of known) {
      if (Math.abs(other.length - word.length) > least) continue;
      const apart = distance(word, other);
      if (apart < least || (apart === least && count > places)) [best, least, places] = [other, apart, count];
    }
    return best;
  };

  addEventListener("message", ({ data: message }) => {
    if (message.type === 0) learn(message.data);
    if (message.type === 2) self.asked = message.data; // for search_excerpt.js
    if (message.type !== 2 || /["*+:~^]|(^|\s)-/.test(message.data)) return; // a query in lunr's own syntax
    const words = message.data.split(separator).filter(Boolean).map(spelled);
    const telling = words.filter((word) => self.lunr.stopWordFilter(word.toLowerCase()));
    const kept = telling.length ? telling : words;
    message.data = kept.map((word) => `${word}^${WHOLE} ${word}`).join(" ");
  });
}
