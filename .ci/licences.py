#!/usr/bin/env python3
"""Checks, without cargo-deny, that every dependency has a licence that deny.toml allows."""

import json
import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent


def allows(expression, allowed):
    """Evaluates an SPDX expression: names, OR, AND, WITH and parentheses; `/` is the old way to write OR."""
    words = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR "))
    python = []
    while words:
        word = words.pop(0)
        if word in "()":
            python.append(word)
        elif word in ("AND", "OR"):
            python.append(word.lower())
        else:
            if words[:1] == ["WITH"]:
                word = f"{word} WITH {words[1]}"
                del words[:2]
            python.append(str(word in allowed))
    return eval(" ".join(python))  # only True, False, and, or and parentheses are left


def main():
    """Prints each offender; exits 1 when there is one."""
    allowed = set(tomllib.loads((ROOT / "deny.toml").read_text(encoding="utf-8"))["licenses"]["allow"])
    command = ["cargo", "metadata", "--format-version", "1", "--locked"]
    packages = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)["packages"]
    offenders = [p for p in packages if not (p["license"] and allows(p["license"], allowed))]
    for package in offenders:
        print(f"{package['name']} {package['version']}: licence {package['license'] or package['license_file']}")
    print(f"{len(packages)} packages, {len(offenders)} with a licence that deny.toml does not allow")
    sys.exit(1 if offenders else 0)


main()
