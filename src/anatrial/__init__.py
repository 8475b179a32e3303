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
    from anatrial.domain.checked import Checked as Checked
    from anatrial.domain.compared_designs import ComparedDesigns as ComparedDesigns
    from anatrial.domain.examples import ExampleTrials as ExampleTrials
    from anatrial.domain.mixture import BetaMixture as BetaMixture
    from anatrial.domain.price import Price as Price
    from anatrial.domain.results import Evaluation as Evaluation
    from anatrial.domain.results import SizeSearch as SizeSearch
    from anatrial.domain.simulation import Simulation as Simulation
    from anatrial.domain.test_menu import ComparedTests as ComparedTests
    from anatrial.domain.trial import TrialEvaluation as TrialEvaluation
    from anatrial.engine.workers import Workers as Workers
    from anatrial.errors import ComputationError as ComputationError
    from anatrial.errors import InputError as InputError
    from anatrial.files import read_indication as read_indication
    from anatrial.files import read_scenario as read_scenario
    from anatrial.files.checks import gather as gather
    from anatrial.files.engine import engine_version as engine_version
    from anatrial.files.sweeps import read_sweep as read_sweep
    from anatrial.plan.asking import Asker as Asker
    from anatrial.plan.asking import MemoryStore as MemoryStore
    from anatrial.plan.calibrate import calibrate as calibrate
    from anatrial.plan.check import check as check
    from anatrial.plan.compare_designs import Evaluated as Evaluated
    from anatrial.plan.compare_designs import compare_designs as compare_designs
    from anatrial.plan.compare_tests import compare_tests as compare_tests
    from anatrial.plan.derive import derive as derive
    from anatrial.plan.evaluate import evaluate as evaluate
    from anatrial.plan.examples import examples as examples
    from anatrial.plan.price import price as price
    from anatrial.plan.simulate import simulate as simulate
    from anatrial.plan.size import size as size
    from anatrial.plan.sweep import sweep as sweep
    from anatrial.plan.tipping import tipping as tipping
    from anatrial.plan.two_stage import TwoStageSearch as TwoStageSearch
    from anatrial.plan.two_stage import two_stage as two_stage
    from anatrial.store import open_store as open_store


_HOMES = {
    "Asker": ("anatrial.plan.asking", "Asker"),
    "BetaMixture": ("anatrial.domain.mixture", "BetaMixture"),
    "Calibration": ("anatrial.domain.calibration", "Calibration"),
    "Checked": ("anatrial.domain.checked", "Checked"),
    "ComparedDesigns": ("anatrial.domain.compared_designs", "ComparedDesigns"),
    "ComparedTests": ("anatrial.domain.test_menu", "ComparedTests"),
    "ComputationError": ("anatrial.errors", "ComputationError"),
    "Evaluated": ("anatrial.plan.compare_designs", "Evaluated"),
    "Evaluation": ("anatrial.domain.results", "Evaluation"),
    "ExampleTrials": ("anatrial.domain.examples", "ExampleTrials"),
    "InputError": ("anatrial.errors", "InputError"),
    "MemoryStore": ("anatrial.plan.asking", "MemoryStore"),
    "Price": ("anatrial.domain.price", "Price"),
    "Simulation": ("anatrial.domain.simulation", "Simulation"),
    "SizeSearch": ("anatrial.domain.results", "SizeSearch"),
    "TrialEvaluation": ("anatrial.domain.trial", "TrialEvaluation"),
    "TwoStageSearch": ("anatrial.plan.two_stage", "TwoStageSearch"),
    "Workers": ("anatrial.engine.workers", "Workers"),
    "calibrate": ("anatrial.plan.calibrate", "calibrate"),
    "check": ("anatrial.plan.check", "check"),
    "compare_designs": ("anatrial.plan.compare_designs", "compare_designs"),
    "compare_tests": ("anatrial.plan.compare_tests", "compare_tests"),
    "derive": ("anatrial.plan.derive", "derive"),
    "engine_version": ("anatrial.files.engine", "engine_version"),
    "evaluate": ("anatrial.plan.evaluate", "evaluate"),
    "examples": ("anatrial.plan.examples", "examples"),
    "gather": ("anatrial.files.checks", "gather"),
    "open_store": ("anatrial.store", "open_store"),
    "price": ("anatrial.plan.price", "price"),
    "read_indication": ("anatrial.files", "read_indication"),
    "read_scenario": ("anatrial.files", "read_scenario"),
    "read_sweep": ("anatrial.files.sweeps", "read_sweep"),
    "simulate": ("anatrial.plan.simulate", "simulate"),
    "size": ("anatrial.plan.size", "size"),
    "sweep": ("anatrial.plan.sweep", "sweep"),
    "tipping": ("anatrial.plan.tipping", "tipping"),
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
