"""Trains the coder for a codebook: labels in, a linear model out."""

from __future__ import annotations

import numpy as np

from pipeline.codebook import Codebook
from pipeline.cues import CueFinder
from pipeline.labels import Labels
from pipeline.learnt import see
from pipeline.model import LinearModel, fit
from pipeline.normalise import normalise
from pipeline.records import STATEMENTS
from pipeline.segment import Segmenter


def train(labels: Labels, codebook: Codebook) -> LinearModel:
    """Train a model for a codebook's categories and the statement types.

    Parameters
    ----------
    labels : Labels
        At least a few hundred units.
    codebook : Codebook
        Its categories are the labels; its terms and topics are features.
    """
    segmenter, finder = Segmenter(), CueFinder(codebook)
    cuts = [see(normalise(text), segmenter, finder).cut for text in labels.texts]
    truth = np.asarray([[category in row for category in codebook.ids] for row in labels.categories], dtype=bool)
    statements = np.asarray([STATEMENTS.index(name) for name in labels.statements])
    about = {"codebook": codebook.fingerprint, "units": len(labels)}
    return fit(cuts, truth, statements, (tuple(codebook.ids), STATEMENTS), labels.groups, about)
