#!/usr/bin/env bash
# Checks the Python client on the oldest and the newest Python at hand (3.10 or newer), side by side:
# tests against the server of this checkout, which must be built; on the newest also style, types,
# generated code, and wheel and sdist in empty environments.
#
#   scripts/check.sh [FOLDER]      FOLDER gets a JUnit file of each run
#   scripts/check.sh --install     makes the environments, and checks nothing yet
#
# Environments are kept in the cache folder, by version and requirements. Without a Python or a package
# index it says so and checks nothing.
set -uo pipefail
cd "$(dirname "$0")/.."
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
reports=${1:-$logs}
[ "$reports" = --install ] || mkdir -p "$reports"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/maskstream
export PIP_DISABLE_PIP_VERSION_CHECK=1

# "3.10 /path/to/python", oldest first, one line a version.
pythons() {
  for python in $(compgen -c python3 | grep -xE 'python3(\.[0-9]+)?' | sort -u) "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python3; do
    "$python" -c 'import sys, ensurepip; sys.version_info >= (3, 10) and print("%d.%d" % sys.version_info[:2], sys.executable)' 2>/dev/null
  done | sort -uV -k1,1
}

# Prints the interpreter of an environment with the package and its test requirements.
environment() {
  local folder
  folder=$cache/python-$1-$(sha256sum pyproject.toml | cut -c1-12)
  if [ ! -e "$folder/ready" ]; then
    rm -rf "$folder" "$cache/python-$1"-*
    "$2" -m venv "$folder" && "$folder/bin/pip" install --quiet '.[test]' 'build>=1.2' \
      'grpcio-tools==1.72.2' >&2 && "$folder/bin/pip" uninstall --quiet --yes maskstream >&2 &&
      touch "$folder/ready" || return 1
  fi
  echo "$folder/bin/python"
}

# Wheel and sdist, each in an environment that has nothing else.
packages() {
  local work status=0 file
  work=$(mktemp -d)
  "$1" -m build --outdir "$work" . >"$work/log" 2>&1 || { cat "$work/log"; return 1; }
  for file in "$work"/*.whl "$work"/*.tar.gz; do
    "$1" -m venv --clear "$work/empty" &&
      "$work/empty/bin/pip" install --quiet "$file" &&
      (cd "$work" && empty/bin/python -W error -c \
        'import maskstream, maskstream.aio; maskstream.connect("127.0.0.1:1").close()') &&
      echo "$(basename "$file"): $(stat -c %s "$file") bytes, installs and imports" || status=1
  done
  rm -rf "$work"
  return "$status"
}

# What is the same on every Python.
common() {
  local status=0
  "$1" -m ruff check . && "$1" -m ruff format --check . || status=1
  "$1" -m ruff check --config pyproject.toml --extend-ignore T20 ../../examples || status=1
  "$1" -m ruff format --check --config pyproject.toml ../../examples || status=1
  "$1" -m mypy || status=1
  "$1" scripts/generate.py --check || status=1
  packages "$1" || status=1
  return "$status"
}

found=$(pythons)
if [ -z "$found" ]; then
  echo 'python: its tests are skipped, there is no Python of 3.10 or newer with venv'
  exit 0
fi
status=0
newest=
declare -A suites
while read -r version python; do
  if ! interpreter=$(environment "$version" "$python"); then
    echo "python $version: its tests are skipped, the requirements could not be installed"
    continue
  fi
  [ "$reports" = --install ] && continue
  newest=$interpreter
  # Both mostly wait for a server; each has its own.
  "$interpreter" -m pytest -p no:cacheprovider --junitxml="$reports/python-$version.xml" >"$logs/$version" 2>&1 &
  suites[$version]=$!
done < <(sed -n '1p;$p' <<<"$found" | uniq)
[ -z "$newest" ] || common "$newest" || status=1
for version in $(printf '%s\n' "${!suites[@]}" | sort -V); do
  wait "${suites[$version]}" || status=1
  echo "python $version:"
  cat "$logs/$version"
done
exit "$status"
