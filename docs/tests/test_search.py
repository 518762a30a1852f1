"""What a user types into the search finds what the user means, by the theme's own search."""

import json

import pytest

# The query, where the reader should get, and among how many of the pages that are found.
QUERIES = [
    ("cross entropy", "reference/losses/#purenn.softmax_cross_entropy", 1),
    ("crossentropy", "reference/losses/#purenn.softmax_cross_entropy", 1),
    ("BCE", "reference/losses/#purenn.sigmoid_binary_cross_entropy", 1),
    ("mse", "reference/losses/#purenn.mse", 1),
    ("softmax", "reference/activations/#purenn.softmax", 2),
    ("relu", "reference/activations/#purenn.relu", 3),
    ("adam", "reference/optimizers/#purenn.adam", 1),
    ("sgd", "reference/optimizers/#purenn.sgd", 1),
    ("gradient clipping", "reference/optimizers/#purenn.clip_by_global_norm", 2),
    ("weight decay", "course/optimizers/#weight-decay-beside-it", 1),
    ("regularization", "course/regularization/", 1),
    ("L2", "reference/losses/#purenn.l2_penalty", 2),
    ("step size", "course/optimizers/", 3),
    ("learning rate", "course/optimizers/", 3),
    ("backprop", "course/backpropagation/", 3),
    ("kaiming", "reference/initializers/#purenn.initializers.he_normal", 1),
    ("xavier", "reference/initializers/#purenn.initializers.glorot_normal", 3),
    ("batch norm", "course/batch-norm/", 3),
    ("attention", "course/attention/", 2),
    ("vjp", "glossary/#vjp", 3),
    ("early stopping", "practice/validation/#early-stopping", 2),
    ("checkpoint", "howto/checkpoints/", 2),
    ("gpu", "howto/devices/", 2),
    ("mnist", "course/mnist/", 2),
    ("TrainState", "reference/training/#purenn.TrainState", 1),
    ("load_mnist", "reference/data/#purenn.load_mnist", 1),
    ("load", "reference/data/#purenn.load", 1),
    ("CrossEntropyLoss", "reference/losses/#purenn.softmax_cross_entropy", 1),
    ("learning rate schedule", "course/optimizers/#schedules", 3),
]
# Of what a page has, only the first results are shown; more are folded.
SHOWN = 4
ASK = """async ([index, worker, queries]) => {
  const search = new Worker(worker);
  let answered;
  search.onmessage = ({ data }) => answered?.(data);
  const ask = (message) => new Promise((resolve) => {
    answered = resolve;
    search.postMessage(message);
  });
  await ask({ type: 0, data: { ...index, options: { suggest: false } } });
  const found = {};
  for (const query of queries) {
    const { data } = await ask({ type: 2, data: query });
    found[query] = data.items.map((page) => page.map(({ location }) => location));
  }
  search.terminate();
  return found;
}"""


@pytest.fixture(scope="module")
def found(site, server, tab):
    """For each query the pages in order, each a list of its sections in order."""
    index = json.loads((site / "search" / "search_index.json").read_text())
    (worker,) = (site / "assets/javascripts/workers").glob("search.*.js")
    tab.goto(f"{server}index.html")
    address = f"{server}{worker.relative_to(site).as_posix()}"
    return tab.evaluate(ASK, [index, address, [query for query, *_ in QUERIES]])


@pytest.mark.parametrize(("query", "wanted", "among"), QUERIES, ids=[q for q, *_ in QUERIES])
def test_a_query_finds_what_it_means(query, wanted, among, found):
    first = [page[:SHOWN] for page in found[query][:among]]
    assert any(place == wanted for page in first for place in page), first


def test_adam_comes_before_the_names_that_begin_with_it(found):
    (first, *_), *_ = found["adam"]
    assert first == "reference/optimizers/#purenn.adam"
