// Hostile pages in one session: each line is a message of the consumer ("c…"), of one of two agents ("a…",
// "b…") or of a supervisor ("s…"); "C", "A", "B", "S" break that connection and bring it back; "P" with bytes
// is a picture. Whatever comes: who was not let in sees nothing, nobody acts without control, and every table
// keeps its bound.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "assist/test_session_rig.h"
#include "base/text.h"
#include "link/json.h"

using namespace parley;
using namespace parley::assist;

namespace {

void check(rig::Rig& rig) {
  for (const auto& [party, shown] : rig.out.shown) {
    if (party == "c" || shown.size() > 10'000) std::abort();
  }
  if (rig.session.record().dump(-1, ' ', false, link::Json::error_handler_t::replace).size() > 256u * 1024)
    std::abort();
}

void say(rig::Rig& rig, const std::string& party, std::string_view text) {
  const auto json = link::parseJson(text);
  if (!json || !json->is_object()) return;
  const auto type = link::stringAt(*json, "type");
  const auto message = type ? parseMessage(*type, *json) : base::fail("none", "");
  if (!message) return;
  const bool acts = message->kind == Kind::click || message->kind == Kind::formSet;
  const std::size_t before = rig.out.messages["c"].size();
  const bool mayAct = rig.session.stateFor(party, Role::agent)["control"] == party;
  rig.session.onMessage(party, *message, rig.now += 50);
  if (acts && !mayAct && rig.out.messages["c"].size() != before) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  rig::Rig rig;
  rig.join("a", Role::agent);
  rig.join("b", Role::agent);
  rig.join("s", Role::supervisor);
  const std::string_view text(reinterpret_cast<const char*>(data), std::min<std::size_t>(size, 64 * 1024));
  for (const std::string_view line : base::split(text, '\n')) {
    if (line.empty() || rig.session.over()) continue;
    const std::string party(1, static_cast<char>(line[0] | 0x20));
    if (line[0] == 'P') {
      rig.session.onPicture("c", base::asBytes(line.substr(1)), rig.now += 50);
    } else if (line[0] == 'C' || line[0] == 'A' || line[0] == 'B' || line[0] == 'S') {
      rig.session.down(party, rig.now);
      rig.session.up(party, rig.now += 500);
    } else {
      say(rig, party, line.substr(1));
    }
    rig.tick(10);
  }
  check(rig);
  return 0;
}
