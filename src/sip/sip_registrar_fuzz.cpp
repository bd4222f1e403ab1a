// Hostile phones: the input's parts, separated by lines of "%%", are REGISTER requests; "wait" lets a minute
// pass, "gone" ends their flow. Tables stay bounded and empty themselves.
#include <cstdlib>
#include <string>

#include "sip/registrar.h"

using namespace parley;
using namespace parley::sip;
using namespace std::chrono_literals;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 64 * 1024) return 0;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  base::FakeRandom random;
  base::Instant now{1000s};
  Registrar registrar({.maxAddresses = 4, .maxBindings = 3}, random);
  while (!input.empty()) {
    const auto end = input.find("\n%%\n");
    const std::string_view part = input.substr(0, end);
    input = end == std::string_view::npos ? std::string_view{} : input.substr(end + 4);
    if (part == "wait") now += 60s;
    if (part == "gone") registrar.onFlowGone(FlowId(7));
    const auto message = Message::parse(part);
    if (!message || !message->isRequest()) continue;
    const Message answer =
        registrar.onRegister(*message, {TransportKind::tcp, {}, {}, FlowId(7), false, {}}, now);
    if (answer.status() < 200 || (answer.status() == 423 && !answer.has(HeaderId::minExpires))) std::abort();
    if (registrar.addresses() > 4 || registrar.bindings() > 12) std::abort();
    for (const Binding& one : registrar.find(message->to().uri, now)) {
      if (one.expiresAt <= now || one.expiresAt > now + 7200s) std::abort();
    }
  }
  registrar.sweep(now + 7200s);
  if (registrar.addresses() != 0 || registrar.bindings() != 0) std::abort();
  return 0;
}
