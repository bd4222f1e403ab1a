#!/usr/bin/env bash
# Installs what is in a build folder into a folder of its own and looks at it: check.sh BUILD. The services are right in
# systemd's eyes, the programs start with the settings files, and a settings file that is there is kept.
set -euo pipefail
command -v systemd-analyze > /dev/null || { echo "systemd-analyze is missing"; exit 1; }
build=$(readlink -f "$1")
root=$(mktemp -d /tmp/parley-install-XXXXXX)
trap 'rm -rf "$root"' EXIT
umask 022
DESTDIR=$root cmake --install "$build" > "$root/install.log" || { cat "$root/install.log"; exit 1; }
settings=$root/etc/parley/parley-server.toml
[ "$(stat -c %a "$settings")" = 640 ] || { echo "others may read the settings file"; exit 1; }
echo "# changed by hand" >> "$settings"
DESTDIR=$root cmake --install "$build" > "$root/install.log"
grep -q "changed by hand" "$settings" || { echo "a second installation replaced the settings file"; exit 1; }
for name in parley-server parley-media; do
  unit=$root/etc/systemd/system/$name.service
  # The paths in a unit are those of the machine it is made for: here they are under the folder.
  sed "s#^ExecStart=/#ExecStart=$root/#" "$unit" > "$root/$name.service"
  said=$(systemd-analyze verify --man=no "$root/$name.service" 2>&1 | grep -F "$name.service" || true)
  [ -z "$said" ] || { echo "$said"; exit 1; }
  program=$root/usr/local/bin/$name
  wanted=$(sed -nE 's#^ExecStart=(/[^ ]+) .*#\1#p' "$unit")
  [ "$root$wanted" = "$program" ] || { echo "$unit starts $wanted"; exit 1; }
  "$program" --print-settings toml > "$root/all.toml"
  grep -q '^\[log\]' "$root/all.toml" || { echo "$name does not print its settings, as its settings file says"; exit 1; }
  "$program" --version | grep -qE '^[0-9]+\.[0-9]+\.[0-9]+$' || { echo "$name --version says no version"; exit 1; }
  # A mistake in the settings file would be told with its name. Only the one that is made here is.
  "$program" --config "$root/etc/parley/$name.toml" --set no.such=1 2> "$root/said" && exit 1
  grep -qF 'no.such' "$root/said" && ! grep -qF "$name.toml" "$root/said" || { cat "$root/said"; exit 1; }
done
grep -qF 'web_root = "/usr/local/share/parley/web"' "$settings" || { echo "web_root is not where the pages go"; exit 1; }
echo "services and settings files are right"
