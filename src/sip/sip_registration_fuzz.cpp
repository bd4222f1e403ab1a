// A hostile registrar. The input's parts, separated by lines of "%%", are its responses (the CSeq is made to
// fit) or a word: silence, wait, stop, start, refresh, flow, move. Whatever comes, the engine sends no faster
// than its bounds allow, and stopping ends it.
#include <cstdlib>
#include <optional>
#include <string>

#include "base/text.h"
#include "sip/registration.h"

using namespace parley;
using namespace parley::sip;
using namespace std::chrono_literals;

namespace {

struct Bench {
  Bench() {
    RegistrationOptions options;
    options.registrar = Uri::sip({}, "example.com");
    options.address.uri = Uri::sip("bob", "example.com");
    options.contacts = {{Uri::sip("bob", "192.0.2.4", 5060), {}, {}}};
    options.instance = "urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF";
    options.regId = 1;
    registration.emplace(std::move(options), digest, random);
    registration->start(now);
  }

  void word(std::string_view part) {
    if (part == "stop") registration->stop(now);
    if (part == "start") registration->start(now);
    if (part == "refresh") registration->refresh(now);
    if (part == "flow") registration->onFlowFailed(now);
    if (part == "move") registration->setContacts({{Uri::sip("bob", "192.0.2.5", ++port), {}, {}}}, now);
    if (part == "wait") {
      const auto next = registration->nextTimer();
      if (next != base::Instant::max() && next > now) now = next;
    }
  }
  void respond(std::string_view part) {
    (void)registration->poll(now);
    if (part == "silence") {
      registration->onResult({.status = 408, .reason = "sip.timeout", .response = {}, .target = {}}, now);
    } else if (auto message = Message::parse(part); message && message->isResponse()) {
      message->setCSeq(registration->state().cseq, Method::registration);
      const int status = message->status();
      registration->onResult(
          {.status = status, .reason = "sip.answered", .response = std::move(*message), .target = {}}, now);
    }
  }
  void check() const {
    const auto& state = registration->state();
    if (state.expiresAt > now + 7 * 24h || state.serviceRoute.size() > 16) std::abort();
    const bool resting =
        state.phase == RegistrationPhase::registered || state.phase == RegistrationPhase::waiting;
    if (resting && registration->nextTimer() == base::Instant::max()) std::abort();
  }

  base::FakeRandom random;
  base::Instant now{1000s};
  std::uint16_t port = 1024;
  DigestClient digest{{{"", "bob", base::Secret("zanzibar")}}, random};
  std::optional<Registration> registration;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 64 * 1024) return 0;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  Bench bench;
  while (!input.empty()) {
    const auto end = input.find("\n%%\n");
    const std::string_view part = input.substr(0, end);
    input = end == std::string_view::npos ? std::string_view{} : input.substr(end + 4);
    bench.word(part);
    bench.respond(part);
    bench.check();
  }
  bench.registration->stop(bench.now);
  for (int i = 0; i < 3; ++i) bench.respond("silence");
  if (bench.registration->state().phase != RegistrationPhase::stopped) std::abort();
  return 0;
}
