#!/usr/bin/env bash
# Make .venv with the locked versions of everything, or bring an existing one up to date. Used by `make venv`.
set -euo pipefail
cd "$(dirname "$0")/.."

# Does this interpreter exist, start, and is it new enough?
usable() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# Debian splits what a virtual environment needs off into a package of its own.
complete() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

find_python() {
    local candidate incomplete=
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        if usable "$candidate"; then
            if complete "$candidate"; then
                echo "$candidate"
                return
            fi
            incomplete=${incomplete:-$candidate}
        fi
    done
    if [ -n "$incomplete" ]; then
        echo "venv: $incomplete cannot make virtual environments; install its venv package first, on Debian and Ubuntu:" >&2
        echo "      apt-get install $("$incomplete" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')" >&2
    else
        echo "venv: no Python 3.11 or newer found (looked for: ${PYTHON:-python3.13 python3.12 python3.11 python3});" >&2
        echo "      install one, or name one: make venv PYTHON=/path/to/python3" >&2
    fi
    return 1
}

if ! usable .venv/bin/python; then
    python=$(find_python)
    echo "venv: making .venv with $python ($("$python" --version))"
    rm -rf .venv
    "$python" -m venv .venv
fi
echo "venv: installing the locked versions into .venv"
# The pip that comes with older Pythons does not know dependency groups.
.venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock pip
.venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock \
    --build-constraint requirements.lock --editable ".[kafka,postgresql]" --group dev
touch .venv/.installed
