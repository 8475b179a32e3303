"""A scenario with some of its fields changed, ready for the engine."""

from __future__ import annotations

from typing import Any

from anatrial.documents.base import Base
from anatrial.documents.paths import said_setting
from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.cells import Settings
from anatrial.errors import InputError
from anatrial.plan.special_settings import apply


def variant(base: Base, settings: Settings) -> ResolvedTrial[Any]:
    """The scenario of ``base`` with every setting applied and every name looked up.

    Raises ``InputError`` where a setting does not fit, or where the changed scenario does not stand.
    """
    if not settings:
        return base.resolved()
    changed = apply(base, settings)
    try:
        return changed.resolved()
    except InputError as error:  # the file itself stands: what is wrong came with the settings
        said = said_setting(settings)
        raise InputError(*(fault._replace(where=f"{fault.where}, with {said}") for fault in error.faults)) from None
