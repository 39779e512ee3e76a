"""Client of Sentinela: lists and reads features, scores payments, makes and reads training sets."""

from sentinela.answers import Feature, FeatureSet, OnlineFeatures, OnlineRow
from sentinela.client import Client
from sentinela.errors import SentinelaError
from sentinela.export import Export
from sentinela.model import Algorithm, write_model
from sentinela.program import Program

__all__ = [
    "Algorithm",
    "Client",
    "Export",
    "Feature",
    "FeatureSet",
    "OnlineFeatures",
    "OnlineRow",
    "Program",
    "SentinelaError",
    "write_model",
]
