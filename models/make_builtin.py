"""Make `models/builtin/` from `data/labelled/` and `lexicons/`: the same inputs give the same bytes.

python models/make_builtin.py
"""

from pathlib import Path

from pipeline.codebook import load
from pipeline.labels import read_labels
from pipeline.train import store_sample, train

ROOT = Path(__file__).resolve().parent.parent

if __name__ == "__main__":
    book = load()
    labels = read_labels(sorted((ROOT / "data" / "labelled").glob("*.csv")), book)
    train(labels, book).save(ROOT / "models" / "builtin")
    store_sample(labels, ROOT / "models" / "builtin" / "sample.parquet")
