"""The ready models of the task, and the texts of their files."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seedling.scaffold.ready_models import Ready

NEEDED = ("phonenumberslite>=9", "python-stdnum>=2.1", "spacy>=3.8.18,<4")

TRAIN = '''"""Finds spans by spaCy's named entity recognition, beside rules with checksums."""

from pathlib import Path

import pandas as pd

from seedling.fitting import SpanFinder, train_here

CONFIG = Path(__file__).with_name("config.cfg")  # spaCy's: a blank pipeline, nothing downloaded


def train_model(
    X_train: pd.DataFrame,
    y_train: pd.Series,
    X_test: pd.DataFrame | None = None,
    y_test: pd.Series | None = None,
    *,
    epochs: int = 5,
    dropout: float = 0.1,
    rules: bool = True,
    smoke: bool = False,
) -> tuple[SpanFinder, dict[str, float], dict[str, float]]:
    """Fit the model, and measure it on the rows that it learned from and on the test rows.

    Args:
        X_train, y_train: n texts, and the spans of each: (start, end, label) in its characters.
        X_test, y_test: rows set aside for a look at the result; not the holdout of the gate.
            None in the second fit, which has all rows.
        epochs: the most times that all texts are learned from. The first fit returns how many
            were best on the test rows, and the second one learns as many times.
        dropout: the share of the network that each step leaves out.
        rules: find accounts, cards, phone numbers and e-mail addresses by rules too.
        smoke: one epoch only, to see that everything runs; such a model is no result.

    Returns:
        The fitted model, its metrics on the training rows, its metrics on the test rows.
    """
    model = SpanFinder(
        CONFIG,
        rules=rules,
        epochs=1 if smoke else epochs,
        settings={"training.dropout": dropout},
    )
    model.fit(X_train, y_train, X_test, y_test)
    train_metrics = model.measure(X_train, y_train)
    if X_test is None:
        return model, train_metrics, {}
    return model, train_metrics, model.measure(X_test, y_test) | {"epochs": model.epochs}


if __name__ == "__main__":
    train_here(__file__)
'''

PREDICT = '''"""Answers rows by the trained model."""

from typing import Any

import pandas as pd


def predict(model: Any, instances: pd.DataFrame) -> dict[str, Any]:
    """Answer n instances.

    Args:
        model: what train_model returned.
        instances: a row each, with one column, the text.

    Returns:
        predictions (n lists of spans: start, end, label, text) and redacted (n texts with [label]
        in the place of each span).
    """
    texts = instances.iloc[:, 0]
    found = model.predict(texts)
    return {"predictions": found, "redacted": model.redact(texts, found)}


if __name__ == "__main__":
    from seedling import predict_here

    predict_here(__file__)
'''

CONFIG = """# spaCy's training configuration: https://spacy.io/usage/training#config
# A blank pipeline of no language in particular; train.py sets epochs, dropout and the paths.

[paths]
train = null
dev = null

[system]
seed = 20
gpu_allocator = null

[nlp]
lang = "xx"
pipeline = ["ner"]
batch_size = 64
# Words end at blanks, line ends and marks; 03.04.1985 and a.b@example.org are one.
tokenizer = {"@tokenizers": "seedling.form_words.v1"}

[components]

[components.ner]
factory = "ner"

[components.ner.model]
@architectures = "spacy.TransitionBasedParser.v2"
state_type = "ner"
extra_state_tokens = false
hidden_width = 48
maxout_pieces = 2
use_upper = false

[components.ner.model.tok2vec]
@architectures = "spacy.Tok2Vec.v2"

# A word counts by itself, by its first and its last letters, and by its shape: Xxxx, dd.dd.dddd.
[components.ner.model.tok2vec.embed]
@architectures = "spacy.MultiHashEmbed.v2"
width = 48
attrs = ["NORM", "PREFIX", "SUFFIX", "SHAPE"]
rows = [2000, 500, 1000, 1000]
include_static_vectors = false

# It is seen with as many words on either side as the network is deep.
[components.ner.model.tok2vec.encode]
@architectures = "spacy.MaxoutWindowEncoder.v2"
width = 48
depth = 4
window_size = 1
maxout_pieces = 3

[corpora]

[corpora.train]
@readers = "spacy.Corpus.v1"
path = ${paths.train}

# Beside each text, copies with other digits, and made-up words in the place of a share of those
# within spans (values) and of those around them (words): the model learns where a name stands and
# what it looks like, and no list of names. A share of the copies has all values in small letters.
[corpora.train.augmenter]
@augmenters = "seedling.other_values.v1"
copies = 1
values = 0.7
words = 0.2
small = 0.15

[corpora.dev]
@readers = "spacy.Corpus.v1"
path = ${paths.dev}

[training]
seed = ${system.seed}
gpu_allocator = ${system.gpu_allocator}
dropout = 0.1
patience = 0
max_epochs = 5
max_steps = 0
eval_frequency = 100
accumulate_gradient = 1
train_corpus = "corpora.train"
dev_corpus = "corpora.dev"

[training.batcher]
@batchers = "spacy.batch_by_sequence.v1"
size = 16

[training.optimizer]
@optimizers = "Adam.v1"
L2 = 0.01
L2_is_weight_decay = true
grad_clip = 1.0
use_averages = false

# Up to the initial rate, and down to nothing at the last step, which is counted when training
# begins.
[training.optimizer.learn_rate]
@schedules = "warmup_linear.v1"
initial_rate = 0.006
warmup_steps = 20
total_steps = 500

# What is missed costs more than what is found too much.
[training.score_weights]
ents_f = 0.5
ents_r = 0.5
ents_p = 0.0
ents_per_type = null

[initialize]
"""


def ready_models() -> "Mapping[str, Ready]":
    """Return the ready models by name."""
    from seedling.scaffold.ready_models import Ready

    spacy_ner = Ready(
        title="spaCy's named entity recognition, beside rules with checksums.",
        imports="",
        estimator="SpanFinder",
        hyperparameters=(
            ("epochs", "int", "5"),
            ("dropout", "float", "0.1"),
            ("rules", "bool", "True"),
        ),
        search=(("dropout", "{min: 0.05, max: 0.5}"),),
        requirements=NEEDED,
        served=("pandas>=2.2,<3", *NEEDED),
        compiled=False,
        alone=True,
        source=TRAIN,
        files=(("config.cfg", CONFIG),),
    )
    return {"spacy_ner": spacy_ner}
