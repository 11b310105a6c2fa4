"""docs/comparison.md tells what the programs do today, Tapline and its peers."""

import shutil

import pytest

from docs import comparison
from tests.requires import need

PROGRAMS = ["goaccess", "lnav", "ngxtop", "apachetop", "tshark", "httpry", "urlsnarf"]


@pytest.mark.parametrize("name", ["logs", "captures"])
def test_each_program_reads_what_the_page_says(name: str) -> None:
    for program in PROGRAMS:
        need(shutil.which(program), program)
    assert comparison.TABLES[name]() == comparison.written(name)


def test_each_program_follows_a_log_as_the_page_says() -> None:
    for program in PROGRAMS:
        need(shutil.which(program), program)
    # how many lines a peer loses depends on when it looks; whether it loses any does not
    assert lost(comparison.live()) == lost(comparison.written("live"))


def lost(table: comparison.Table) -> comparison.Table:
    return [table[0], *([what, *("all" if cell == "all" else "lost" for cell in cells)] for what, *cells in table[1:])]


@pytest.mark.parametrize("name", comparison.TABLES)
def test_the_page_says_that_tapline_finds_all(name: str) -> None:
    assert {row[1] for row in comparison.written(name)[1:]} == {"all"}
