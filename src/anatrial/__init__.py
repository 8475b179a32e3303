"""Exact power, sample size and assurance for new anakinra trials, planned from published response rates.

>>> import anatrial
>>> result = anatrial.evaluate(anatrial.read_scenario("anajis"))
>>> result.verdicts[0].outcome
'PASS'

Names are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from anatrial.domain.calibration import Calibration as Calibration
    from anatrial.domain.examples import ExampleTrials as ExampleTrials
    from anatrial.domain.mixture import BetaMixture as BetaMixture
    from anatrial.domain.results import Evaluation as Evaluation
    from anatrial.domain.results import SizeSearch as SizeSearch
    from anatrial.domain.simulation import Simulation as Simulation
    from anatrial.domain.test_menu import ComparedTests as ComparedTests
    from anatrial.domain.trial import TrialEvaluation as TrialEvaluation
    from anatrial.errors import ComputationError as ComputationError
    from anatrial.errors import InputError as InputError
    from anatrial.files import read_indication as read_indication
    from anatrial.files import read_scenario as read_scenario
    from anatrial.plan.calibrate import calibrate as calibrate
    from anatrial.plan.compare_tests import compare_tests as compare_tests
    from anatrial.plan.derive import derive as derive
    from anatrial.plan.evaluate import evaluate as evaluate
    from anatrial.plan.examples import examples as examples
    from anatrial.plan.simulate import simulate as simulate
    from anatrial.plan.size import size as size
    from anatrial.plan.two_stage import TwoStageSearch as TwoStageSearch
    from anatrial.plan.two_stage import two_stage as two_stage

_HOMES = {
    "BetaMixture": ("anatrial.domain.mixture", "BetaMixture"),
    "Calibration": ("anatrial.domain.calibration", "Calibration"),
    "ComparedTests": ("anatrial.domain.test_menu", "ComparedTests"),
    "ComputationError": ("anatrial.errors", "ComputationError"),
    "Evaluation": ("anatrial.domain.results", "Evaluation"),
    "ExampleTrials": ("anatrial.domain.examples", "ExampleTrials"),
    "InputError": ("anatrial.errors", "InputError"),
    "Simulation": ("anatrial.domain.simulation", "Simulation"),
    "SizeSearch": ("anatrial.domain.results", "SizeSearch"),
    "TrialEvaluation": ("anatrial.domain.trial", "TrialEvaluation"),
    "TwoStageSearch": ("anatrial.plan.two_stage", "TwoStageSearch"),
    "calibrate": ("anatrial.plan.calibrate", "calibrate"),
    "compare_tests": ("anatrial.plan.compare_tests", "compare_tests"),
    "derive": ("anatrial.plan.derive", "derive"),
    "evaluate": ("anatrial.plan.evaluate", "evaluate"),
    "examples": ("anatrial.plan.examples", "examples"),
    "read_indication": ("anatrial.files", "read_indication"),
    "read_scenario": ("anatrial.files", "read_scenario"),
    "simulate": ("anatrial.plan.simulate", "simulate"),
    "size": ("anatrial.plan.size", "size"),
    "two_stage": ("anatrial.plan.two_stage", "two_stage"),
}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 - the names of the table


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'anatrial' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
