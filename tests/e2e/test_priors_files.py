"""Every shipped indication file: it parses, its arithmetic is accounted for, and the known findings are there."""

from __future__ import annotations

from functools import cache

import pytest

from anatrial.documents.indication import Indication
from anatrial.domain.findings import Finding
from anatrial.files.indications import Shelf, indication_names, read_indication, shipped
from anatrial.plan.derive import derive
from anatrial.plan.evidence import check
from anatrial.plan.evidence_summary import summary
from anatrial.report.evidence_text import WIDTH, check_text, show_text
from anatrial.report.forest import forest_picture

SHIPPED = Shelf(shipped("priors"), shipped=True)
NAMES = tuple(indication_names(SHIPPED))


@cache
def indication(name: str) -> Indication:
    return read_indication(name, SHIPPED)


@cache
def findings(name: str) -> tuple[Finding, ...]:
    return check(indication(name))


def one(name: str, record: str, kind: str) -> Finding:
    (finding,) = [f for f in findings(name) if f.record == record and f.check == kind]
    return finding


def test_the_eleven_indications_are_shipped() -> None:
    """Eleven files come with the program: ten diseases, and the basket that borrows between five of them."""
    diseases = {"aosd", "as", "caps", "fmf", "gout", "hs", "pericarditis", "ra", "schnitzler", "sjia"}
    assert set(NAMES) == {*diseases, "il1-basket"}


@pytest.mark.parametrize("name", NAMES)
def test_every_file_parses_and_has_no_fault(name: str) -> None:
    """No shipped number contradicts another without the record saying so."""
    assert [f for f in findings(name) if f.status == "fault"] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_file_can_be_shown_within_the_width(name: str) -> None:
    """Tables and findings of every file fit the promised width."""
    text = show_text(summary(indication(name)), "wilson") + "\n" + check_text(findings(name))
    assert max(map(len, text.splitlines())) <= WIDTH


@pytest.mark.parametrize("name", NAMES)
def test_every_file_can_be_drawn(name: str) -> None:
    """Every file has a forest plot."""
    assert forest_picture(summary(indication(name)), None, "clopper-pearson", "svg").startswith(b"<?xml")


def test_five_source_documents_are_core() -> None:
    """The five source documents are marked as core studies."""
    core = {s.id for name in NAMES for s in indication(name).studies if s.core}
    assert {"haibel-2005", "quartier-2011", "valencia-2011", "hedrich-2012", "rau-2003"} <= core


def test_anajis_p_value_is_the_uncorrected_chi_square() -> None:
    """ANAJIS printed 0.003: the uncorrected chi-square of 8/12 v 1/12, where Fisher gives 0.0094."""
    finding = one("sjia", "anajis-m1-p", "p_value")
    assert finding.status == "note"
    assert "printed 0.003 = chi-square uncorrected 0.0032" in finding.arithmetic
    assert "Fisher two-sided 0.0094" in finding.arithmetic


@pytest.mark.parametrize("record", ["valencia-arthritis3", "valencia-arthritis12"])
def test_valencia_22_percent_of_22_stays_without_a_count(record: str) -> None:
    """22 % of 22 fits no count, so none is recorded, and the record says so."""
    (fact,) = [f for s in indication("sjia").studies for f in s.facts if f.id == record]
    assert (fact.n, fact.count) == (22, None)
    finding = one("sjia", record, "percent")
    assert finding.status == "note"
    assert "4/22 = 18.2 %, 5/22 = 22.7 %" in finding.arithmetic


def test_valencia_70_percent_is_not_16_of_22() -> None:
    """The count 16 of 22 is 72.7 %, not the printed 70 %."""
    finding = one("sjia", "valencia-cr", "percent")
    assert finding.status == "note"
    assert finding.arithmetic == "printed 70 %, but 16/22 = 72.7 %; 70 % fits none of 22"


def test_hedrich_mean_is_impossible() -> None:
    """Four follow-ups from 2 to 50 months cannot have a mean of 13.5: 14.0 is the lowest."""
    finding = one("sjia", "hedrich-followup", "mean")
    assert finding.status == "note"
    assert finding.arithmetic.startswith("printed mean 13.5, but 4 values from 2 to 50 have a mean of 14 to 38")


def test_haibel_asas_levels_are_nested() -> None:
    """ASAS70 within ASAS40 within ASAS20: 2, 4 and 5 of 20."""
    finding = one("as", "haibel-asas70", "nested")
    assert finding.status == "ok"
    assert "asas40 4 (haibel-asas40)" in finding.arithmetic
    assert "asas20 5 (haibel-asas20)" in finding.arithmetic


def test_the_rheumatoid_arthritis_case_report_has_no_weight() -> None:
    """One healed patient says nothing of a rate: Rau 2003 enters its prior at weight zero."""
    contributions = derive(indication("ra"), "erosion-healing").value().contributions
    assert [(c.study, c.weight) for c in contributions] == [("rau-2003", 0.0)]


def test_genovese_and_tzanetakou_findings_are_there() -> None:
    """A one-sided p-value printed as if two-sided, and p-values below 0.05 only without correction."""
    assert "z one-sided, treatment better 0.9150" in one("ra", "genovese-p", "p_value").arithmetic
    for record in ("tzan-hiscr-p", "tzan-das-p"):
        assert "Fisher two-sided 0.0698, above 0.05" in one("hs", record, "p_value").arithmetic
