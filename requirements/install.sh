#!/usr/bin/env bash
# requirements/install.sh <environment> <lock file>: installs what is locked, with the uv of .venv, and compiles it on all cores.
# Packages come from where pip is set to take them: uv has no settings of its own here.
set -euo pipefail
cd "$(dirname "$0")/.."

# compiling all would add 386 MB: tests of packages, and these, which hardly anything imports
NOT_COMPILED='/(tests|sympy|networkx|mlflow|databricks|pip)/'

pip_settings() { # prints pip's settings as the variables that uv reads; of several places, the first one decides
    .venv/bin/python -m pip config list | awk -F. '{name = $0; sub(/^[^.]*\./, "", name); sub(/=.*/, "", name)} !seen[name]++' |
        sed -nE "s/^[^.]*\.index-url='(.*)'$/UV_DEFAULT_INDEX=\1/p; s/^[^.]*\.extra-index-url='(.*)'$/UV_INDEX=\1/p
            s/^[^.]*\.find-links='(.*)'$/UV_FIND_LINKS=\1/p; s/^[^.]*\.cert='(.*)'$/SSL_CERT_FILE=\1/p"
}

mapfile -t settings < <(pip_settings)
env "${settings[@]}" .venv/bin/uv pip install --no-config --quiet --python "$1/bin/python" --require-hashes -r "$2"
"$1/bin/python" -m compileall -q -j 0 -x "$NOT_COMPILED" "$1/lib"
