#!/usr/bin/env bash
# Checks over the tree as text: what the compiler does not see. Prints "N passed, N failed".
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0
check() { # NAME OUTPUT: passes when the output is empty
  if [ -z "$2" ]; then passed=$((passed + 1)); else
    failed=$((failed + 1))
    printf 'FAILED %s\n%s\n' "$1" "$2" | head -40
  fi
}
tracked() { git ls-files --cached --others --exclude-standard "$@" | while read -r f; do [ -f "$f" ] && echo "$f"; done; }

check "Asio and Beast stay inside net/" \
  "$(grep -nE '#include <boost/' $(tracked 'src/*') /dev/null | grep -v '^src/net/')"
check "no Boost type in a public header of net/" \
  "$(grep -lE 'boost/|asio::|beast::' $(tracked 'src/net/*.h') /dev/null | grep -v 'src/net/internal_')"
check "engines ask no clock and open no socket" \
  "$(grep -nE 'steady_clock::now|system_clock::now|steadyNow\(|wallNow\(|::socket\(|gettimeofday' $(tracked 'src/proto/*' 'src/rtc/*' 'src/sip/*') /dev/null | grep -vE '_(test|fuzz)\.cpp:')"
check "includes name their module" \
  "$(grep -nE '#include "' $(tracked 'src/*.h' 'src/*.cpp') /dev/null | grep -vE '#include "[a-z]+/[a-z0-9_]+\.h"')"
check "no sleeping in unit tests" "$(grep -nE 'sleep_for|usleep|[^a-z]sleep\(' $(tracked 'src/*_test.cpp') /dev/null)"
check "no fixed waits in browser tests" "$(grep -nE 'waitForTimeout' $(tracked 'tests/*.mjs' 'web/**/*.ts') /dev/null)"
check "no new, delete or malloc in our code" \
  "$(grep -nE '(^|[^_a-zA-Z.])(new [A-Za-z_:<]+[({]|delete [a-z_]+;|malloc\()' $(tracked 'src/*.cpp' 'src/*.h') /dev/null | grep -vE '^[^:]*:[0-9]+: *(//|\*)|unique_ptr<[A-Za-z]+> [a-z]+\(new ')"
# ITU-T Q.850 has causes of that name: {79, "service not implemented"}.
check "no unfinished marks" "$(grep -nE '\b(TODO|FIXME|XXX)\b|not implemented' $(tracked 'src/*' 'web/*/src/*' 'docs/*' 'README.md') /dev/null | grep -vE '\{[0-9]+, "[a-z ]+"\}')"
check "each fuzz target has a corpus" \
  "$(for f in $(tracked 'src/*_fuzz.cpp'); do n=$(basename "$f" .cpp); [ -n "$(ls "fuzz/corpus/$n" 2> /dev/null)" ] || echo "$n"; done)"
check "each corpus has its fuzz target" \
  "$(for d in fuzz/corpus/*/; do n=$(basename "$d"); [ -n "$(tracked "src/*/$n.cpp")" ] || echo "$d"; done)"
check "each parser of proto/ and sip/ has a fuzz target" \
  "$(for p in proto/stun proto/rtp proto/rtcp proto/sdp sip/sip_message sip/sip_headers sip/sip_framer; do [ -f "src/${p}_fuzz.cpp" ] || echo "src/${p}_fuzz.cpp"; done)"
check "the form of C++ is clang-format's" \
  "$(tracked 'src/*.cpp' 'src/*.h' 'bench/*.cpp' 'bench/*.h' 'fuzz/*.cpp' | xargs -n 40 -P 2 clang-format-14 --dry-run -Werror 2>&1 | grep -E ': error:|xargs')"
check "lock files hold no registry address" "$(grep -lE '"resolved": "http' $(tracked '*package-lock.json') /dev/null)"
check "every dependency is explained" \
  "$(awk '!/^#/ && NF == 2 { print $1 }' debian-packages.txt | while read -r p; do grep -qF "\`$p\`" docs/dependencies.md || echo "$p is missing in docs/dependencies.md"; done)"
check "paths pages name things that exist" "$(python3 tools/check_paths.py 2>&1)"
check "local links of the documentation lead somewhere" \
  "$(grep -noE '\]\([^)#: ]+' $(tracked '*.md') /dev/null | grep -v node_modules | while IFS=: read -r f n l; do t=$(dirname "$f")/${l#*(}; [ -e "$t" ] || echo "$f:$n $t"; done)"
# What its own source includes before anything else is compiled alone by the preset debug (the others compile batches).
check "each source includes its own header first" \
  "$(tracked 'src/*.h' | while read -r h; do s=${h%.h}.cpp; [ ! -f "$s" ] || grep -m1 '^#include' "$s" | grep -qF "\"${h#src/}\"" || echo "$s"; done)"
if command -v g++ > /dev/null; then
  check "each header without a source compiles alone" "$(cd src && tracked '*.h' | grep -vE 'internal_|test' |
    while read -r h; do [ -f "${h%.h}.cpp" ] || echo "$h"; done | xargs -P "$(nproc)" -I{} sh -c \
      'echo "#include \"{}\"" | g++ -std=c++23 -fsyntax-only -Wall -Wextra -DSPDLOG_FMT_EXTERNAL -I. -x c++ - 2>&1 | head -5')"
fi
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
