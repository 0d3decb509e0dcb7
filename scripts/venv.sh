#!/bin/sh
# Makes the virtual environment if it is missing and installs the checkout into it.
# Usage: PYTHON=python3.12 sh scripts/venv.sh FOLDER EXTRAS      (without PYTHON, it looks for a suitable one)
set -eu

venv=$1
extras=$2

say() { printf '%s\n' "$*" >&2; }
is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
has_pip() { "$venv/bin/python" -m pip --version >/dev/null 2>&1; }

find_python() {
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14}; do
        if is_new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    if [ -n "${PYTHON:-}" ]; then
        say "PYTHON=$PYTHON is not a Python of version 3.11 or newer: name another one."
    else
        say "No Python of version 3.11 or newer was found: install one, or name it: make PYTHON=/path/to/python3 ..."
    fi
    return 1
}

# Debian and Ubuntu leave ensurepip out of python3. A pip outside the environment can fill in for it.
make_venv() {
    "$python" -m venv "$venv" >/dev/null 2>&1 && has_pip && return
    rm -rf "$venv"
    if "$python" -m venv --without-pip "$venv" >/dev/null 2>&1 &&
        "$python" -m pip --python "$venv/bin/python" install --quiet pip >/dev/null 2>&1 && has_pip; then
        return
    fi
    rm -rf "$venv"
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if command -v apt-get >/dev/null 2>&1; then
        if [ "$(id -u)" = 0 ]; then
            say "Installing $package ..."
            DEBIAN_FRONTEND=noninteractive
            export DEBIAN_FRONTEND
            { apt-get update && apt-get install -y --no-install-recommends "$package"; } >/dev/null 2>&1 || true
            "$python" -m venv "$venv" >/dev/null 2>&1 && has_pip && return
            rm -rf "$venv"
        fi
        say "$python cannot make virtual environments: run \`sudo apt install $package\` and then make again."
    else
        say "$python cannot make virtual environments: install its venv module and then run make again."
    fi
    return 1
}

if [ -e "$venv" ] && ! { is_new_enough "$venv/bin/python" && has_pip; }; then
    say "$venv no longer works (its Python was moved or is too old) and is made again."
    rm -rf "$venv"
fi
if [ ! -e "$venv" ]; then
    python=$(find_python)
    say "Making $venv with $("$python" --version) ..."
    make_venv
fi
say "Installing llm_notebook and what it needs into $venv (a minute or two the first time) ..."
if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --editable ".[$extras]"; then
    say "The installation did not succeed; what pip said stands above. Once that is mended, run make again."
    exit 1
fi
