"""Every page in Chromium, where no host but the site's own can be reached."""

import pytest
from served import MADE
from tabs import PATIENCE
from visits import DARK, DESKTOP, LIGHT, Traffic, settle, visit


def test_the_page_loads_without_a_complaint(opened):
    """No error or warning on the console, no request that fails or leaves the site."""
    assert not opened.console_and_requests, "\n".join(opened.console_and_requests)


def test_formulas_are_rendered(opened):
    assert not opened.math, "\n".join(opened.math)


@pytest.mark.parametrize("width", ["390", "1280"])
def test_nothing_is_wider_than_the_window(opened, width):
    assert not opened.overflow[width], "\n".join(opened.overflow[width])


def test_words_in_figures_can_be_read_on_a_phone(opened):
    """At least 10 px high at a width of 390."""
    assert not opened.letters, "\n".join(opened.letters)


def test_there_is_one_first_heading(opened):
    assert len(opened.headings) == 1, opened.headings


@pytest.mark.parametrize("scheme", [LIGHT, DARK])
def test_texts_stand_out_from_their_background(opened, scheme):
    """WCAG AA: 4.5 to 1, large text 3 to 1, colors of code included."""
    assert not opened.contrast[scheme], "\n".join(opened.contrast[scheme])


def test_controls_and_pictures_have_names(opened):
    assert not opened.names, "\n".join(opened.names)


def test_the_page_is_small(page, site):
    """At most 300 kB of HTML, figures included."""
    size = (site / page).stat().st_size
    assert size <= 300_000, f"{size / 1000:.0f} kB"


@pytest.fixture
def fresh(browser):
    """A tab with nothing in its cache or storage."""
    context = browser.new_context(viewport=DESKTOP)
    yield context.new_page()
    context.close()


def test_the_first_page_is_light(fresh, server, record_property):
    """Less than 500 kB for a first visit, counted without compression."""
    requests = []
    fresh.on("requestfinished", lambda request: requests.append(request))
    traffic = Traffic(server).watch(fresh)
    fresh.goto(server, wait_until="load")
    fresh.wait_for_selector(".widget.widget-ready", timeout=PATIENCE)
    fresh.wait_for_load_state("networkidle")
    traffic.leave(fresh)
    sizes = {request.url: len(request.response().body()) for request in requests}
    total = sum(sizes.values())
    record_property("figure", f"{total / 1000:.0f} kB in {len(sizes)} files")
    assert any(url.endswith(".css") for url in sizes)
    largest = sorted(sizes.items(), key=lambda item: -item[1])
    assert total < 500_000, largest[:8]


def test_search_finds_and_asks_nobody(fresh, server):
    traffic = Traffic(server).watch(fresh)
    fresh.goto(server, wait_until="load")
    fresh.keyboard.press("/")
    field = fresh.get_by_role("textbox", name="Search")
    field.wait_for(state="visible")
    fresh.keyboard.type("sigmoid", delay=20)
    result = fresh.locator(".md-search-result__item a").first
    result.wait_for(timeout=PATIENCE)
    assert "sigmoid" in fresh.locator(".md-search-result__list").inner_text().lower()
    result.click()
    fresh.wait_for_url(lambda url: url != server)
    traffic.leave(fresh)
    assert not traffic.faults


def test_enter_while_the_index_loads_is_not_lost(fresh, server):
    held = []
    # A function of ours, since playwright marks the one that it is given.
    fresh.route("**/search_index.json", lambda route: held.append(route))
    fresh.goto(server, wait_until="load")
    with fresh.expect_request("**/search_index.json"):  # as soon as somebody goes to the search
        fresh.keyboard.press("/")
    fresh.keyboard.type("softmax")
    fresh.keyboard.press("Enter")
    held[0].continue_()
    fresh.wait_for_url("**#purenn.softmax*", wait_until="commit")


def test_enter_before_the_theme_knows_of_the_focus_is_not_lost(fresh, server):
    """A timer tells it, which is late on a busy machine: here, after all that a person does."""
    fresh.goto(server, wait_until="load")
    fresh.evaluate("""() => {
        const field = document.querySelector(".md-search__input");
        const press = (kind, key) =>
            field.dispatchEvent(new KeyboardEvent(kind, { key, bubbles: true }));
        field.focus();
        field.value = "softmax";
        press("keyup", "x");
        press("keydown", "Enter");
        field.form.requestSubmit(); // as the browser does then
    }""")
    fresh.wait_for_url("**#purenn.softmax*", wait_until="commit")


def test_the_switch_changes_the_colors_and_is_remembered(fresh, server):
    fresh.emulate_media(color_scheme="light")
    fresh.goto(server, wait_until="load")
    scheme = "document.body.getAttribute('data-md-color-scheme')"
    assert fresh.evaluate(scheme) == LIGHT
    background = "getComputedStyle(document.body).backgroundColor"
    light = fresh.evaluate(background)
    fresh.locator("form[data-md-component=palette] label:visible").click()
    assert fresh.evaluate(scheme) == DARK
    fresh.wait_for_function(f"{background} !== {light!r}")
    fresh.reload(wait_until="load")
    assert fresh.evaluate(scheme) == DARK


def test_the_reader_s_system_chooses_the_colors(fresh, server):
    fresh.emulate_media(color_scheme="dark")
    fresh.goto(server, wait_until="load")
    assert fresh.evaluate("document.body.getAttribute('data-md-color-scheme')") == DARK


def test_the_keyboard_reaches_the_page_and_shows_where_it_is(fresh, server):
    fresh.goto(server, wait_until="load")
    settle(fresh)
    fresh.keyboard.press("Tab")
    first = fresh.evaluate(
        "() => ({href: document.activeElement.getAttribute('href'),"
        " top: document.activeElement.getBoundingClientRect().top})"
    )
    assert first["href"].startswith("#"), "the first stop skips the navigation"
    assert first["top"] >= 0, "and is seen when it is reached"
    unseen = [stop for stop in stops(fresh, 15) if not stop[1]]
    assert not unseen


def stops(tab, count):
    """Where Tab goes, and whether the picture of the element tells that it has the focus."""
    found = []
    for _ in range(count):
        box = tab.evaluate(
            """() => {
                const e = document.activeElement, b = e.getBoundingClientRect();
                return {name: e.outerHTML.slice(0, 80), x: b.x, y: b.y,
                        width: b.width, height: b.height};
            }"""
        )
        clip = {
            "x": max(box["x"] - 4, 0),
            "y": max(box["y"] - 4, 0),
            "width": box["width"] + 8,
            "height": box["height"] + 8,
        }
        focused = tab.screenshot(clip=clip)
        tab.evaluate("() => { window.stop_ = document.activeElement; window.stop_.blur(); }")
        unfocused = tab.screenshot(clip=clip)
        # The pictures leave out the caret, which is how a text field shows it.
        field = box["name"].startswith(('<input type="text"', "<textarea"))
        found.append((box["name"], field or focused != unfocused))
        tab.evaluate("() => window.stop_.focus({focusVisible: true})")
        tab.keyboard.press("Tab")
    return found


GOOD = """<!doctype html><html lang=en><title>t</title>
<style>body { margin: 0; color: #000; background: #fff }
.h::placeholder { color: #bbb }</style><h1>One</h1>
<p>Fine <code>$x$ and \\(y\\)</code>, 2 $ (and $)</p>
<span class=arithmatex><span class=katex>x</span></span>
<input type=hidden data-md-color-scheme=default
 onclick="document.body.setAttribute('data-md-color-scheme', 'default')">
<input type=hidden data-md-color-scheme=slate
 onclick="document.body.setAttribute('data-md-color-scheme', 'slate')">"""

# All on one page; each is found by a word of its own.
PLANTED = [
    ("<script>console.error('oh')</script>", "console_and_requests", "error: oh"),
    ("<script>console.warn('hm')</script>", "console_and_requests", "warning: hm"),
    ("<script>undefined_name()</script>", "console_and_requests", "undefined_name"),
    ("<script>Promise.reject(Error('x1'))</script>", "console_and_requests", "x1"),
    ("<img src=no.png alt=x>", "console_and_requests", "404: "),
    ("<link rel=stylesheet href=/a.css>", "console_and_requests", "/a.css"),
    ("<img src=https://a.example/b.png alt=x>", "console_and_requests", "site: https://a.ex"),
    ("<img src=http://127.0.0.2/b.png alt=x>", "console_and_requests", "site: http://127.0.0.2"),
    ("<p>Then $x$ is</p>", "math", "Then $x$ is"),
    ("<p>Then $a <em>b</em> c is</p>", "math", "Then $a"),
    ("<p>Then \\(x\\) is</p>", "math", "Then \\(x\\) is"),
    ("<svg aria-hidden=true><text>\\frac12</text></svg>", "math", "\\frac12"),
    ("<p title='the $x$ axis'></p>", "math", 'title="the $x$ axis"'),
    ("<span class=katex-error title='ParseError'>x</span>", "math", "KaTeX: ParseError"),
    ("<span class=arithmatex>x</span>", "math", "not rendered: x"),
    ("<button id=b1><svg aria-hidden=true></svg></button>", "names", "button#b1"),
    ("<input type=text id=i1>", "names", "input#i1"),
    ("<label for=i2></label><input id=i2>", "names", "input#i2"),
    ("<a id=a1 href='?'><img src='data:,' alt='' width=9 height=9></a>", "names", "a#a1"),
    ("<img src='data:,' id=m1 width=9 height=9>", "names", "img#m1"),
    ("<canvas id=c1></canvas>", "names", "canvas#c1"),
    ("<svg width=9 height=9 id=s1></svg>", "names", "svg#s1"),
    ("<div style='width: 500px; height: 1px' id=d1></div>", "overflow 390", "div#d1 reaches 500"),
    ("<pre style='width: 1300px' id=p1>x</pre>", "overflow 1280", "pre#p1 reaches 1300"),
    (
        "<div class=arithmatex style='overflow: auto; width: 50px'>"
        "<div class=katex style='width: 90px'>y</div></div>",
        "overflow 1280",
        "formula 40 px too wide: y",
    ),
    (
        "<figure><svg role=img aria-label=g1 width=90 viewBox='0 0 180 9'>"
        "<text y=9 font-size=19>tiny<tspan font-size=14>2</tspan></text></svg></figure>",
        "letters",
        "letters of 7.0 px: “tiny2” in “g1”",
    ),
    ("<p style='color: #888'>pale</p>", "contrast default", "#888888 on #ffffff: “pale”"),
    ("<p style='background: #000'><b>dark</b></p>", "contrast default", "“dark”"),
    ("<p style='opacity: .4'>thin</p>", "contrast slate", "“thin”"),
    ("<p style='color: rgb(0 0 0 / 45%)'>faint</p>", "contrast slate", "“faint”"),
    ("<h3 style='color: #aaa; font-size: 24px'>big</h3>", "contrast slate", "“big”"),
    ("<details>d<p style='color: #aaa'>in</p></details>", "contrast default", "“in”"),
    ("<input aria-label=x placeholder=hint class=h>", "contrast default", "“hint”"),
]


def faults_of(tab, server, html):
    """What a visit finds on the page, by kind."""
    MADE["planted.html"] = html
    found = visit(tab, server, "planted.html", formulas=1000)
    kinds = {"console_and_requests": found.console_and_requests, "math": found.math}
    kinds |= {"names": found.names, "letters": found.letters}
    kinds |= {f"overflow {width}": faults for width, faults in found.overflow.items()}
    return kinds | {f"contrast {scheme}": faults for scheme, faults in found.contrast.items()}


def test_a_good_page_has_no_faults(fresh, server):
    assert not any(faults_of(fresh, server, GOOD).values())


def test_planted_faults_are_found(fresh, server):
    found = faults_of(fresh, server, GOOD + "".join(html for html, *_ in PLANTED))
    missed = [html for html, kind, text in PLANTED if text not in "\n".join(found[kind])]
    assert not missed, found
