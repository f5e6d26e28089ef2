#!/usr/bin/env bash
# Write requirements.lock: the newest versions that pyproject.toml allows, as an installation into an empty environment
# finds them. Used by `make lock`.
#
# The file is used as constraints: a package that only some Python versions need is locked without being installed on
# the others. It is made with the oldest Python we support, because older ones need more packages, never fewer.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3.11}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' ||
    { echo "lock: Python 3.11 is needed, and $python is another one; name it: make lock PYTHON=..." >&2; exit 1; }
"$python" -m venv "$scratch/venv"
pip=("$scratch/venv/bin/python" -m pip --disable-pip-version-check)
"${pip[@]}" install --quiet --upgrade pip
# hatchling and editables build the project itself.
"${pip[@]}" install --quiet --editable '.[kafka,postgresql]' --group dev hatchling editables
"${pip[@]}" install --quiet --no-deps --group clickhouse  # as `make clickhouse` does
{
    echo "# Exact versions for development and CI, for Python 3.11 to 3.13. Written by 'make lock'; do not edit."
    "${pip[@]}" freeze --all --exclude-editable --exclude setuptools
} >"$scratch/lock"
mv "$scratch/lock" requirements.lock
echo "lock: wrote requirements.lock with $(grep -c == requirements.lock) packages"
