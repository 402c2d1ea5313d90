#!/usr/bin/env python3
"""Runs one of moto's own test suites against our service, and compares the failures with the list of expected ones.

usage: moto_suite.py SUITE MOTO_SOURCE ENDPOINT

An expected failure is listed in moto-SUITE-expected.txt beside this file, one `test id<TAB>reason` per line. The run fails
when a test fails that is not listed, when a listed one passes (the list is stale; a reason that begins with `by chance` allows it), or
when fewer tests pass than LEAST asks.
The last line printed is `N passed, N failed, N skipped`; expected failures are counted as skipped.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
# Fewest tests of each suite's main file that must pass: where a service is not reached, all of them fail.
LEAST = {"sqs": 130, "kinesis": 25, "dynamodb": 100, "dynamodbstreams": 13, "cloudwatch": 20}
# These test other services of moto, moto's web server, or its own functions in process, not the service at the endpoint.
OTHERS = (
    "test_server.py",
    "_cloudformation.py",
    "_integration.py",
    "_dynamodb_executor.py",
    "_dynamodb_expression_tokenizer.py",
    "_dynamodb_expressions.py",
    "_dynamodb_utils.py",
    "_dynamodb_validation.py",
    "_cloudwatch_expression_parser.py",
)


def run(suite, source, endpoint):
    """Runs the suite; returns the outcome of each test by its id, without the folder."""
    folder = f"tests/test_{suite}"
    found = (path for part in (".", "exceptions") for path in (source / folder / part).glob("test_*.py"))
    files = sorted(path.relative_to(source) for path in found if not path.name.endswith(OTHERS))
    with tempfile.TemporaryDirectory() as scratch:
        outcomes = pathlib.Path(scratch, "outcomes")
        environment = dict(
            os.environ,
            KEDACTL_OUTCOMES=str(outcomes),
            PYTHONPATH=str(HERE),
            TEST_SERVER_MODE="true",
            TEST_SERVER_MODE_ENDPOINT=endpoint,
        )
        command = [sys.executable, "-m", "pytest", "-p", "outcomes", "-p", "no:cacheprovider", "-q", "--color=no"]
        command += ["--tb=line", "--timeout=60", *map(str, files)]
        print(f"moto's own {suite} tests ({len(files)} files)", flush=True)
        log = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
        if not outcomes.exists():
            sys.exit(f"{log.stdout}\n{log.stderr}\nno test ran\n0 passed, 1 failed, 0 skipped")
        lines = outcomes.read_text(encoding="utf-8").splitlines()
    return {short(test, suite): outcome for test, outcome in (line.split("\t") for line in lines)}


def short(test, suite):
    """`tests/test_sqs/test_sqs.py::test_a` becomes `test_sqs.py::test_a`."""
    return test.removeprefix("tests/").removeprefix(f"test_{suite}/")


def expected(suite):
    """The listed failures and their reasons."""
    path = HERE / f"moto-{suite}-expected.txt"
    if not path.exists():
        return {}
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip() and not line.startswith("#")]
    listed = {}
    for line in lines:
        test, _, reason = line.partition("\t")
        if not reason.strip():
            sys.exit(f"{path.name}: no reason is given for {test}\n0 passed, 1 failed, 0 skipped")
        listed[short(test, suite)] = reason
    return listed


def stale(listed):
    """Those that may not pass: all but the ones whose outcome depends on names that moto draws."""
    return {test for test, reason in listed.items() if not reason.startswith("by chance")}


def main():
    """Compares, prints, and exits 1 when something is not as listed."""
    suite, source, endpoint = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    outcomes, listed = run(suite, source, endpoint), expected(suite)
    having = lambda wanted: {test for test, outcome in outcomes.items() if outcome == wanted}
    passed, failures, skipped = having("passed"), having("failed"), having("skipped")
    faults = [f"fails, and is not listed: {test}" for test in sorted(failures - listed.keys())]
    faults += [f"is listed as failing, but passes: {test}" for test in sorted(passed & stale(listed))]
    faults += [f"is listed as failing, but there is no such test: {test}" for test in sorted(listed.keys() - outcomes.keys())]
    queue = [test for test in passed if test.startswith(f"test_{suite}.py")]
    if len(queue) < LEAST.get(suite, 0):
        faults.append(f"only {len(queue)} tests of test_{suite}.py pass, at least {LEAST[suite]} must")
    for fault in faults:
        print(f"moto {suite}: {fault}")
    print(f"moto {suite}: {len(passed)} of {len(passed) + len(failures)} pass, {len(failures & listed.keys())} fail as listed")
    print(f"{len(passed - listed.keys())} passed, {len(faults)} failed, {len(skipped) + len(failures & listed.keys())} skipped")
    sys.exit(1 if faults else 0)


main()
