#!/usr/bin/env bash
# Shows, for every module, that it can include what the layers allow it and that nothing else compiles:
# pairs.sh COMPILER PATHS, where PATHS has a line per module: its name, then its include folders, separated by ";".
set -euo pipefail
compiler=$1 paths=$2 src=$(dirname "$(readlink -f "$0")")/../../src
# The layers (docs/architecture.md), written down a second time on purpose: a dependency that is added to
# src/CMakeLists.txt has to be meant.
declare -A sees=(
  [base]="" [net]="base" [proto]="base" [rtc]="proto base" [sip]="proto base" [sipnet]="sip proto net base"
  [store]="net base" [trust]="net base" [identity]="store net base" [broker]="rtc proto trust net base"
  [link]="identity store net base" [assist]="link identity trust store net base" [events]="link identity store net base"
  [gateway]="link sipnet sip proto identity trust store net base" [programs]="net base")
wrong=0 asked=0
while IFS=';' read -r module folders; do
  [ -n "${sees[$module]+set}" ] || { echo "module $module is in no layer: name it in $0"; wrong=1; continue; }
  flags=()
  IFS=';' read -ra list <<< "$folders"
  for folder in "${list[@]}"; do flags+=("-I$folder"); done
  for other in "${!sees[@]}"; do
    [ "$other" = "$module" ] && continue
    header=$(cd "$src" && ls "$other"/*.h | head -1)
    asked=$((asked + 1))
    [[ " ${sees[$module]} " == *" $other "* ]] && seen=hidden want='!' || { seen=seen want=; }
    printf '#if %s__has_include("%s")\n#error %s\n#endif\n' "$want" "$header" "$seen" | "$compiler" -std=c++23 -fsyntax-only "${flags[@]}" -x c++ - ||
      { echo "of $other, $module has '$seen': the layers say otherwise"; wrong=1; }
  done
done < "$paths"
echo "$asked pairs of modules looked at"
[ "$wrong" = 0 ] && [ "$asked" -gt 150 ]
