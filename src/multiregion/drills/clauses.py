"""Which part of a report is evidence for which clause. A report never says that anything complies: that is for people to judge."""

from typing import NamedTuple


class Clause(NamedTuple):
    """`part`: the section of the report, by its anchor. The rest: clauses of each standard, or nothing."""

    evidence: str
    part: str
    dora: str
    soc2: str
    iso: str
    nist: str
    pci: str


STANDARDS = (
    "DORA (EU) 2022/2554 and RTS (EU) 2024/1774",
    "SOC 2",
    "ISO 22301",
    "NIST SP 800-34, 800-84, 800-53 CP‑4",
    "PCI DSS 4.0.1",
)
IDENTITY = Clause("Identity, dates, scope, systems, participants, approver", "scope", "RTS Art. 25", "A1.3", "8.5", "800-84", "12.10.2")
RECOVERY = Clause(
    "Recovery objectives against what was measured", "objectives", "Art. 11, Art. 12(6)", "A1.2, A1.3", "8.5", "800-34; CP‑4(3)", ""
)
CLAUSES = (
    IDENTITY,
    Clause("Scenario: switchover to redundant capacity", "scope", "Art. 11(6); RTS Art. 25(2)(a), (c)", "A1.3", "8.5", "CP‑4 a", "12.10.1"),
    RECOVERY,
    Clause("Integrity and completeness of data afterwards", "promises", "Art. 12", "A1.3", "", "CP‑4(4)", ""),
    Clause("Return to normal operation", "recovery", "RTS Art. 25(2)(c)", "", "8.5", "CP‑4(4)", ""),
    Clause("Chronology, decisions, who decided", "chronology", "", "CC7.4, CC7.5", "8.5", "800-84", "12.10"),
    Clause("Deviations and deficiencies", "deviations", "RTS Art. 25(5)", "CC7.5", "10.1", "800-84", "12.10.6"),
)
