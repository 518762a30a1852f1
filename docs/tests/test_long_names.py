"""A long path in code breaks after a slash or an underscore, and nothing else changes."""

import markdown
import pytest

PATH = "examples/<wbr>teaching/<wbr>exercises/<wbr>dense_<wbr>of_<wbr>them.py"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("`examples/teaching/exercises/dense_of_them.py`", f"<p><code>{PATH}</code></p>"),
        (
            "`python examples/teaching/exercises/dense_of_them.py --seed 7`",
            f"<p><code>python {PATH} --seed 7</code></p>",
        ),
        ("`runs/teaching`", "<p><code>runs/teaching</code></p>"),
        ("`a_name_of_many_words_and_no_slash`", None),
        ("`a < b and b / c for a long line & more`", None),
        ("    examples/teaching/exercises/dense_of_them.py", None),
    ],
)
def test_only_a_long_path_may_break(text, html):
    inline = "pymdownx.inlinehilite"  # as in mkdocs.yml
    made = markdown.markdown(text, extensions=["sitetools.long_names", inline])
    assert made == (html or markdown.markdown(text, extensions=[inline]))


def test_on_a_phone_no_file_name_of_the_lesson_breaks_inside_a_word(site, server, tab):
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.goto(f"{server}teaching/lesson/")
    broken = tab.evaluate(
        """() => {
          const texts = [...document.querySelectorAll("article :not(pre) > code")]
            .flatMap((code) => [...code.childNodes]).filter((node) => node.data?.length > 1);
          const lines = (node, from, to) => {
            const range = document.createRange();
            range.setStart(node, from), range.setEnd(node, to);
            return new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size;
          };
          return texts.flatMap((node) => [...node.data.matchAll(/\\S+/g)]
            .filter(({ 0: word, index }) => lines(node, index, index + word.length) > 1)
            .map(({ 0: word }) => word));
        }"""
    )
    tab.set_viewport_size({"width": 1280, "height": 800})
    assert tab.locator("article :not(pre) > code wbr").count() and not broken
