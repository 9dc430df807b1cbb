"""Tests of the pytest plugin, in runs of pytest of their own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from voucherify_emulator import Emulator, EmulatorError, connect

if TYPE_CHECKING:
    from pathlib import Path

SHARED = """
    import os
    import pytest

    @pytest.mark.parametrize("number", range(6))
    def test_own_project(voucherify_project, number, tmp_path_factory):
        project = voucherify_project
        project.call("POST", "/v1/customers", {"source_id": "alice@morgan.com"})
        assert project.call("GET", "/v1/customers")["total"] == 1
        with open("seen.txt", "a") as file:
            file.write(f"{project.url} {project.app_id} {os.environ.get('PYTEST_XDIST_WORKER', 'main')}\\n")
"""


@pytest.fixture(autouse=True)
def plugin(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the runs independent of this one."""
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.syspath_prepend(str(pytester.path))


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", *PLUGIN, *arguments)


def is_installed() -> bool:
    from importlib.metadata import entry_points

    return any(point.value == "voucherify_emulator.pytest_plugin" for point in entry_points(group="pytest11"))


# The plugin is loaded by its entry point where the package is installed.
PLUGIN = () if is_installed() else ("-p", "voucherify_emulator.pytest_plugin")


def seen(pytester: pytest.Pytester) -> list[list[str]]:
    return [line.split() for line in (pytester.path / "seen.txt").read_text().splitlines()]


def assert_stopped(url: str) -> None:
    with pytest.raises(EmulatorError, match="cannot be reached"):
        connect(url)


def test_emulator_is_shared_and_every_test_has_a_project_of_its_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SHARED)
    run(pytester).assert_outcomes(passed=6)
    urls, projects, _ = zip(*seen(pytester), strict=True)
    assert len(set(urls)) == 1
    assert len(set(projects)) == 6
    assert_stopped(urls[0])


def test_workers_of_xdist_share_one_emulator(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SHARED)
    run(pytester, "-n", "2").assert_outcomes(passed=6)
    urls, projects, workers = zip(*seen(pytester), strict=True)
    assert len(set(urls)) == 1
    assert len(set(projects)) == 6
    assert set(workers) == {"gw0", "gw1"}
    assert_stopped(urls[0])


@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_emulator_is_not_started_without_a_test_that_uses_it(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("VOUCHERIFY_EMULATOR_BINARY", "/nonexistent/program")
    pytester.makepyfile("def test_nothing(): pass")
    run(pytester, *arguments).assert_outcomes(passed=1)


@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_options_are_those_of_a_fixture(
    pytester: pytest.Pytester, open_directory: Path, arguments: tuple[str, ...]
) -> None:
    template = open_directory / "template.json"
    template.write_text('{"customers": [{"source_id": "carol@jones.com"}]}')
    pytester.makeconftest(f"""
        import pytest

        @pytest.fixture(scope="session")
        def voucherify_emulator_options():
            return {{"template": {str(template)!r}, "env": {{"VOUCHERIFY_EMULATOR_STRICT": "1"}}}}
    """)
    pytester.makepyfile("""
        import pytest
        from voucherify_emulator import ApiError

        def test_template(voucherify_project):
            customers = voucherify_project.call("GET", "/v1/customers")["customers"]
            assert [customer["source_id"] for customer in customers] == ["carol@jones.com"]

        def test_strict(voucherify_project):
            with pytest.raises(ApiError, match="400"):
                voucherify_project.call("POST", "/v1/customers", {"surplus": 1})
    """)
    run(pytester, *arguments).assert_outcomes(passed=2)


@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_start_that_fails_is_an_error_of_the_tests_with_its_message(
    pytester: pytest.Pytester, arguments: tuple[str, ...]
) -> None:
    pytester.makeconftest("""
        import pytest

        @pytest.fixture(scope="session")
        def voucherify_emulator_options():
            return {"template": "/nonexistent/template.json"}
    """)
    pytester.makepyfile("def test_one(voucherify_project): pass\ndef test_other(voucherify_project): pass")
    result = run(pytester, *arguments)
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["*StartError: */nonexistent/template.json*"])


@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_running_emulator_can_be_used(
    pytester: pytest.Pytester, voucherify_emulator: Emulator, arguments: tuple[str, ...]
) -> None:
    pytester.makepyfile(SHARED)
    run(pytester, "--voucherify-emulator-url", voucherify_emulator.url, *arguments).assert_outcomes(passed=6)
    assert {url for url, *_ in seen(pytester)} == {voucherify_emulator.url}
    pytester.makeini(f"[pytest]\nvoucherify_emulator_url = {voucherify_emulator.url}")
    run(pytester, *arguments).assert_outcomes(passed=6)
    assert {url for url, *_ in seen(pytester)} == {voucherify_emulator.url}
    assert voucherify_emulator.health()["status"] == "ok"


def test_killed_run_leaves_no_emulator(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        SHARED
        + """
    def test_last(voucherify_emulator, pytestconfig):
        os.kill(os.getppid(), 9)
"""
    )
    result = run(pytester, "-n", "1")
    assert result.ret != 0
    url = seen(pytester)[0][0]
    for _ in range(100):
        try:
            connect(url)
        except EmulatorError:
            return
        time.sleep(0.1)
    pytest.fail("the emulator still runs")
