"""The rule of a file as a value, and a file judged by another test of the menu."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from anatrial.documents.special_paths import number, wrong
from anatrial.errors import InputError
from anatrial.plan.compare_tests import level_of, menu, written
from anatrial.rules import AnyRule
from anatrial.spec import Spec, examine_data, nearest, shown


class Judged(Spec):
    """The part of a scenario file that says how the trial is judged."""

    rule: AnyRule


def rule_of(data: dict[str, Any]) -> AnyRule:
    """The rule of a file of a counts trial; ``InputError`` with its faults."""
    found, faults = examine_data({"rule": data["rule"]}, Judged, "")
    if found is None or faults:
        raise InputError(*(fault._replace(where=fault.where.removeprefix(": ")) for fault in faults))
    return found.rule


def with_test(data: dict[str, Any], name: Any) -> dict[str, Any]:
    """The file judged by the test of this name in the menu of ``anatrial tests``, at the rule's own level.

    The level is that of the rule where it is a test, else the strictest upper bound of a target on the type I error.
    """
    tests = menu_of(data)
    if not isinstance(name, str) or name not in tests:
        raise wrong(shown(name), "a test of anatrial tests", nearest(str(name), tests))
    return {**data, "rule": tests[name]}


def menu_of(data: dict[str, Any]) -> dict[str, Any]:
    """The tests that a file can be judged by, as it would write them, by the names of ``anatrial tests``.

    Raises ``InputError`` where the rule answers another question than the tests, or nothing states a level.
    """
    targets = data["targets"] if isinstance(data["targets"], list) else []
    bounds = [t.get("at_most") for t in targets if isinstance(t, dict) and t.get("metric") == "type_i_error"]
    return _tests(json.dumps(data["rule"]), tuple(bound for bound in bounds if number(bound)))


@lru_cache(maxsize=512)
def _tests(rule: str, promised: tuple[float, ...]) -> dict[str, Any]:
    """Rules as files write them, by the names of the menu; the rule of the file is among them."""
    own = rule_of({"rule": json.loads(rule)})
    if not own.one_way or own.edge is None or own.arms == (1,) or own.interim:
        raise wrong(own.kind, "a rule for two arms and one analysis that asks for more on treatment", where="rule.kind")
    level, two_sided = level_of(own, promised, "targets")
    rules, _ = menu(level, two_sided=two_sided, margin=own.null_margin)
    found = {written(each): each.model_dump(mode="json", by_alias=True, exclude_unset=True) for each in rules}
    return {**found, written(own): json.loads(rule)}
