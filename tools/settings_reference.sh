#!/usr/bin/env bash
# The settings of both programs as one page, from their declarations: tools/settings_reference.sh [BUILD] > docs/settings.md
# With --check as the second argument: fails when docs/settings.md is not that page.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/release}
page() {
  printf '# Settings\n\nMade by `tools/settings_reference.sh` from the declarations in the code; do not edit. Each program reads one TOML file\n'
  printf '(`--config FILE`) and takes `--set name=value`. A name `table.key` is `key` under `[table]`. An unknown key is an error.\n'
  printf 'SIGHUP reads the file again: settings that need no restart change at once, the others are named in the log; a file with errors changes nothing.\n'
  for program in parley-server parley-media; do
    printf '\n'
    "$build/src/$program" --print-settings md | sed -e "s/^# Settings of \(.*\)/## \1/;t" -e 's/^## /### /' -e '/^Generated from/d' | cat -s
  done
}
if [ "${2:-}" = --check ]; then
  diff <(page) docs/settings.md || { echo "docs/settings.md is out of date: tools/settings_reference.sh > docs/settings.md"; exit 1; }
else
  page
fi
