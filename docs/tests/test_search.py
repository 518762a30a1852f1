"""What a user types into the search finds what the user means, by the theme's own search."""

import json

import pytest
from tabs import PATIENCE

# The query, where the reader should get, and among how many of the pages that are found.
QUERIES = [
    ("cross entropy", "reference/losses/#purenn.softmax_cross_entropy", 1),
    ("cross entropy loss", "reference/losses/#purenn.softmax_cross_entropy", 1),
    ("loss function for classification", "reference/losses/", 1),
    ("crossentropy", "reference/losses/#purenn.softmax_cross_entropy", 1),
    ("CrossEntropyLoss", "reference/losses/#purenn.softmax_cross_entropy", 1),
    ("BCE", "reference/losses/#purenn.sigmoid_binary_cross_entropy", 1),
    ("mse", "reference/losses/#purenn.mse", 1),
    ("softmax", "reference/activations/#purenn.softmax", 1),
    ("relu", "reference/activations/#purenn.relu", 1),
    ("adam", "reference/optimizers/#purenn.adam", 1),
    ("sgd", "reference/optimizers/#purenn.sgd", 1),
    ("gradient clipping", "reference/optimizers/#purenn.clip_by_global_norm", 1),
    ("grad clipping", "reference/optimizers/#purenn.clip_by_global_norm", 1),
    ("weight decay", "reference/optimizers/#purenn.adamw", 3),
    ("weight decay", "reference/losses/#purenn.l2_penalty", 3),
    ("regularization", "course/regularization/", 2),
    ("regularisation", "course/regularization/", 2),
    ("L2", "reference/losses/#purenn.l2_penalty", 1),
    ("step size", "course/optimizers/", 3),
    ("learning rate", "course/optimizers/", 3),
    ("learning rate schedule", "reference/optimizers/#purenn.cosine_decay", 1),
    ("learning rate schedule", "course/optimizers/#schedules", 3),
    ("warmup", "reference/optimizers/#purenn.linear_warmup", 1),
    ("backprop", "course/backpropagation/", 3),
    ("kaiming", "reference/initializers/#purenn.initializers.he_normal", 1),
    ("xavier", "reference/initializers/#purenn.initializers.glorot_normal", 1),
    ("batch norm", "reference/norms/#purenn.batch_norm", 1),
    ("batch norm", "course/batch-norm/", 3),
    ("BatchNorm", "reference/norms/#purenn.batch_norm", 1),
    ("batch norm eval", "howto/batch-norm-state/", 2),
    ("batch norm eval", "reference/norms/#purenn.batch_norm", 2),
    ("layer norm", "reference/norms/#purenn.layer_norm", 1),
    ("groupnorm", "reference/norms/#purenn.group_norm", 1),
    ("attention", "reference/sequences/#purenn.attention", 2),
    ("attention", "course/attention/", 2),
    ("lstm", "reference/sequences/#purenn.lstm", 1),
    ("Linear", "reference/layers/#purenn.dense", 1),
    ("dense", "reference/layers/#purenn.dense", 1),
    ("check_gradients", "reference/backpropagation/#purenn.check_gradients", 1),
    ("check my backward pass", "reference/backpropagation/#purenn.check_gradients", 1),
    ("sigmoid cross entropy", "reference/losses/#purenn.sigmoid_binary_cross_entropy", 1),
    (
        "optax.sigmoid_binary_cross_entropy",
        "reference/losses/#purenn.sigmoid_binary_cross_entropy",
        1,
    ),
    ("train a cnn", "howto/cnn/", 1),
    ("how to train a cnn", "howto/cnn/", 1),
    ("grad accumulation", "howto/large-batches/#accumulate-gradients", 1),
    ("gradient accumulation", "howto/large-batches/#accumulate-gradients", 1),
    ("tfds", "howto/data/", 1),
    ("pn.check_gradients", "reference/backpropagation/#purenn.check_gradients", 1),
    ("value_and_grad", "reference/backpropagation/#purenn.value_and_grad", 1),
    ("train_step", "reference/training/#purenn.train_step", 1),
    ("Layer", "reference/composing/#purenn.Layer", 3),
    ("label_smoothing", "reference/losses/#purenn.softmax_cross_entropy", 1),
    ("one hot labels", "reference/losses/#purenn.categorical_cross_entropy", 2),
    ("rope", "reference/sequences/#purenn.attention", 1),
    ("Conv2d", "reference/layers/#purenn.conv2d", 1),
    ("vjp", "glossary/#vjp", 3),
    ("early stopping", "howto/training-loop/#stop-early-with-the-best-parameters", 2),
    ("early stopping", "practice/validation/#early-stopping", 2),
    ("checkpoint", "howto/checkpoints/", 1),
    ("save model checkpoint", "howto/checkpoints/", 1),
    ("save weights", "reference/data/#purenn.save", 2),
    ("save params", "reference/data/#purenn.save", 1),
    ("num params", "reference/backpropagation/#purenn.summary", 1),
    ("parameter count", "reference/backpropagation/#purenn.summary", 1),
    ("gpu", "howto/devices/", 1),
    ("multi gpu", "howto/devices/", 1),
    ("pmap", "howto/devices/", 1),
    ("vmap", "howto/ensembles/", 2),
    ("bf16", "howto/mixed-precision/", 2),
    ("bf16", "reference/composing/#purenn.mixed_precision", 2),
    ("dataloader", "howto/data/", 1),
    ("DataLoader", "howto/data/", 2),
    ("dataloader", "reference/training/#purenn.train", 2),
    ("streaming", "howto/data/", 1),
    ("mnist", "course/mnist/", 2),
    ("train cnn mnist", "howto/cnn/", 1),
    ("small cnn adam schedule", "howto/cnn/", 1),
    ("stax", "howto/from-stax/", 1),
    ("flax", "howto/from-flax/", 1),
    ("equinox", "howto/from-flax/", 1),
    ("haiku", "howto/from-flax/", 1),
    ("predict", "reference/training/#purenn.predict", 1),
    ("inference", "reference/training/#purenn.predict", 1),
    ("inference", "reference/training/#purenn.evaluate", 1),
    ("train", "reference/training/#purenn.train", 1),
    ("TrainState", "reference/training/#purenn.TrainState", 1),
    ("tensorboard", "howto/training-loop/#a-live-plot", 1),
    ("custom layer", "howto/own-layer/", 1),
    ("own layer", "howto/own-layer/", 2),
    ("freeze", "howto/fine-tuning/", 1),
    ("freeze layer", "howto/fine-tuning/", 1),
    ("load_mnist", "reference/data/#purenn.load_mnist", 1),
    ("load", "reference/data/#purenn.load", 1),
    ("History", "reference/training/#purenn.training.history.History", 1),
    ("Notation", "reference/composing/#purenn.core.notation.Notation", 2),
    ("Report", "reference/backpropagation/#purenn.inspect.report.Report", 1),
    ("Explanation", "reference/backpropagation/#purenn.inspect.explanation.Explanation", 1),
    ("metrics", "howto/training-loop/#a-metric-of-your-own", 2),
    ("metrics", "reference/training/#purenn.accuracy", 1),
    ("confusion matrix", "howto/training-loop/#a-metric-of-your-own", 1),
    ("weight decay mask", "reference/optimizers/#purenn.adamw", 1),
    ("kernel_init", "reference/initializers/", 1),
    ("weight initialization", "reference/initializers/", 2),
    ("port weights from pytorch", "howto/from-flax/#from-pytorch", 1),
    ("pytorch", "howto/from-flax/#from-pytorch", 1),
    ("state_dict", "howto/from-flax/#from-pytorch", 1),
    ("convert flax weights", "howto/from-flax/", 1),
    ("port a flax model", "howto/from-flax/", 1),
    ("pretrained weights", "howto/from-flax/#move-trained-parameters", 3),
    ("save model", "howto/checkpoints/", 1),
    ("load model", "howto/checkpoints/", 1),
    ("load model", "reference/data/#purenn.load", 2),
    ("load checkpoint", "howto/checkpoints/", 1),
    ("load a checkpoint and predict", "howto/checkpoints/", 3),
    ("resume training", "howto/checkpoints/", 1),
    ("BatchNorm running stats", "howto/batch-norm-state/", 2),
    ("eval mode", "howto/batch-norm-state/", 1),
    ("freeze layers", "howto/fine-tuning/", 1),
    ("fine tuning", "howto/fine-tuning/", 1),
    ("mixed precision", "howto/mixed-precision/", 2),
    ("data parallel", "howto/devices/", 1),
    ("train on 2 devices", "howto/devices/", 1),
    ("dropout rng", "howto/dropout-keys/", 1),
    ("seed", "howto/dropout-keys/", 1),
    ("param count", "reference/backpropagation/#purenn.summary", 1),
    ("vmap ensemble", "howto/ensembles/", 1),
    ("gelu", "reference/activations/#purenn.gelu", 1),
    ("positional encoding", "reference/sequences/#purenn.position_embedding", 1),
    ("GRU", "reference/sequences/#purenn.gru", 1),
    ("clip grad norm", "reference/optimizers/#purenn.clip_by_global_norm", 1),
    ("lr scheduler", "reference/optimizers/#purenn.cosine_decay", 1),
    ("warmup cosine", "reference/optimizers/#purenn.linear_warmup", 1),
    ("sgd momentum", "reference/optimizers/#purenn.momentum", 1),
    ("nn.Linear", "reference/layers/#purenn.dense", 1),
    ("nn.Module", "howto/own-layer/", 2),
    ("out of memory", "howto/large-batches/", 1),
    ("loss nan", "howto/nan/", 1),
    ("data augmentation", "howto/augmentation/", 1),
    ("custom training loop", "howto/training-loop/", 1),
    ("progress bar", "reference/training/#purenn.fit", 1),
    ("multi label", "reference/losses/#purenn.sigmoid_binary_cross_entropy", 1),
    ("class weights", "reference/losses/", 3),
    ("causal mask", "reference/sequences/#purenn.attention", 1),
    ("generate text", "howto/language/", 1),
    ("skip connection", "reference/composing/#purenn.residual", 1),
    ("numerical gradient", "reference/backpropagation/#purenn.check_gradients", 1),
    ("own data", "howto/data/", 3),
    ("my data", "howto/data/", 1),
    ("numpy arrays fit", "reference/training/#purenn.fit", 2),
    ("numpy arrays fit", "howto/data/#in-memory", 2),
    ("accuracy of gradient float32", "errors/", 3),
    ("how exact", "errors/", 3),
    ("rounding error", "errors/", 3),
    ("numerical precision", "errors/", 3),
    ("shard_map", "howto/devices-in-depth/", 1),
    ("tensor parallel", "howto/devices-in-depth/", 1),
    ("train on my own data with adam and a schedule", "howto/cnn/", 3),
    ("write my own layer", "howto/own-layer/", 1),
    ("hand-written backward", "howto/own-layer/", 3),
    ("transfer learning", "howto/fine-tuning/", 1),
    ("flash attention", "reference/sequences/#purenn.attention", 1),
    ("cross attention", "reference/sequences/#purenn.attention", 2),
    ("weight decay schedule", "reference/optimizers/#purenn.adamw", 1),
    ("no decay on bias", "howto/own-layer/#which-of-its-parameters-decay", 1),
    ("class weights", "course/more-losses/#weights", 2),
    ("download mnist", "reference/data/#purenn.load_mnist", 1),
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
    queries = [*(query for query, *_ in QUERIES), *BEST]
    return tab.evaluate(ASK, [index, address, queries])


@pytest.mark.parametrize(
    ("query", "wanted", "among"),
    QUERIES,
    ids=[f"{q}-{place.rstrip('/').split('/')[-1]}" for q, place, _ in QUERIES],
)
def test_a_query_finds_what_it_means(query, wanted, among, found):
    first = [page[:SHOWN] for page in found[query][:among]]
    assert any(place == wanted for page in first for place in page), first


# Where Enter leads: to the result with the highest score, which comes first on the first page.
BEST = {
    "adam": "reference/optimizers/#purenn.adam",
    "check_gradients": "reference/backpropagation/#purenn.check_gradients",
    "dense": "reference/layers/#purenn.dense",
    "value_and_grad": "reference/backpropagation/#purenn.value_and_grad",
    "Layer": "reference/composing/#purenn.Layer",
    "checkpoint": "howto/checkpoints/",
    "stop gradient": "howto/fine-tuning/",
    "gradient clipping": "reference/optimizers/#purenn.clip_by_global_norm",
    "gradient accumulation": "howto/large-batches/#accumulate-gradients",
    "custom_vjp": "reference/backpropagation/#purenn.by_hand",
    "checkpiont": "howto/checkpoints/",
    "optimzer": "reference/optimizers/",
    "drouput": "reference/norms/#purenn.dropout",
    "softmx cross entropi": "reference/losses/#purenn.softmax_cross_entropy",
    "cross entropy": "reference/losses/#purenn.softmax_cross_entropy",
    "cross entropy loss": "reference/losses/#purenn.softmax_cross_entropy",
    "loss function for classification": "reference/losses/",
    "save model checkpoint": "howto/checkpoints/",
    "train cnn mnist": "howto/cnn/",
    "train a cnn": "howto/cnn/",
    "how to train a cnn": "howto/cnn/",
    "check my backward pass": "reference/backpropagation/#purenn.check_gradients",
    "sigmoid cross entropy": "reference/losses/#purenn.sigmoid_binary_cross_entropy",
    "optax.sigmoid_binary_cross_entropy": "reference/losses/#purenn.sigmoid_binary_cross_entropy",
    "batch norm": "reference/norms/#purenn.batch_norm",
    "layer norm": "reference/norms/#purenn.layer_norm",
    "load": "reference/data/#purenn.load",
    "num params": "reference/backpropagation/#purenn.summary",
    "save params": "reference/data/#purenn.save",
    "train": "reference/training/#purenn.train",
    "TrainState": "reference/training/#purenn.TrainState",
    # An exact title of several words leads.
    "chain rule": "glossary/#chain-rule",
    "Backward pass": "glossary/#backward-pass",
    "vanishing gradient": "glossary/#vanishing-gradient",
}


@pytest.mark.parametrize(("query", "wanted"), BEST.items(), ids=BEST)
def test_enter_leads_to_what_the_query_means(query, wanted, found):
    (first, *_), *_ = found[query]
    assert first == wanted


def test_a_prefix_does_not_come_second(found):
    pages = [page[:SHOWN] for page in found["check_gradients"][:2]]
    assert not any("checkpoint" in place for page in pages for place in page), pages


IN_FULL = """() => [...document.querySelectorAll(".md-search-result__item")].map((item) => {
  const { top, bottom } = item.getBoundingClientRect();
  const seen = document.querySelector(".md-search__scrollwrap").getBoundingClientRect();
  return {
    whole: top >= seen.top && bottom <= Math.min(seen.bottom, innerHeight),
    marks: item.querySelectorAll("mark").length,
    listings: item.querySelectorAll("pre").length,
    lines: Math.max(...[...item.querySelectorAll(":scope > a p")].map((p) =>
      p.clientHeight / parseFloat(getComputedStyle(p).lineHeight))),
    beside: Math.max(...[...item.querySelectorAll("p")].map((p) => p.scrollWidth - p.clientWidth)),
  };
})"""


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
@pytest.mark.parametrize("query", ["gradient", "backprop", "ModelLike", "loss"])
def test_five_results_are_seen_at_once_and_each_says_what_was_found(
    query, width, height, browser, server
):
    fresh = browser.new_context().new_page()
    fresh.set_viewport_size({"width": width, "height": height})
    fresh.goto(f"{server}glossary/", wait_until="load")
    if width < 960:
        fresh.click("label.md-header__button[for=__search]")
    fresh.click(".md-search__input")
    fresh.keyboard.type(query)
    fresh.locator(".md-search-result__item mark").first.wait_for(timeout=PATIENCE)
    fresh.wait_for_timeout(1000)  # the list unrolls
    results = fresh.evaluate(IN_FULL)
    fresh.context.close()
    assert sum(result["whole"] for result in results) >= min(5, len(results))
    for result in results:
        assert result["marks"] and not result["listings"]
        assert result["lines"] < 2.1 and result["beside"] <= 0
