"""What many bots in one process, or forked from one, need not each work out anew.

Nothing of what they do differs: the same statements are compiled once, and the
same RSA key is checked once for being one.
"""

import sys
from functools import cache
from json import dumps
from typing import Any

from jwt.algorithms import RSAAlgorithm
from sqlalchemy import Engine, create_engine

from bot.store import sqlite


def share() -> None:
    """Have every bot of this process share what is the same for all of them."""
    _share_statements()
    _share_keys()
    # httpcore asks anew at each call, which searches the whole path for it.
    sys.modules["sniffio"] = None  # type: ignore[assignment]


def _share_statements() -> None:
    shared: dict[str, tuple[Any, Any]] = {}

    def make(url: Any, **options: Any) -> Engine:
        engine = create_engine(url, **options)
        kept = shared.setdefault(
            engine.dialect.name, (engine.dialect, engine._compiled_cache)
        )
        engine.dialect, engine._compiled_cache = kept
        return engine

    vars(sqlite)["create_engine"] = make


def _share_keys() -> None:
    read = cache(RSAAlgorithm.from_jwk)
    RSAAlgorithm.from_jwk = staticmethod(  # type: ignore[method-assign]
        lambda jwk: read(jwk if isinstance(jwk, str) else dumps(jwk))
    )
