// Hostile DNS: the first line is a URI (or "via " and a Via value), the others are records that answer the
// questions as they come; "." ends an answer, "!" is none. Questions and targets must stay bounded.
#include <cstdlib>
#include <string>

#include "base/text.h"
#include "sip/ip_text.h"
#include "sip/server_locator.h"

using namespace parley;
using namespace parley::sip;

namespace {

struct Answers {
  std::vector<NaptrAnswer> naptr;
  std::vector<SrvAnswer> srv;
  std::vector<proto::TransportAddress> addresses;
};

std::uint16_t number(const std::vector<std::string_view>& words, std::size_t at) {
  return at < words.size() ? base::parseNumber<std::uint16_t>(words[at]).value_or(0) : std::uint16_t{0};
}
std::string text(const std::vector<std::string_view>& words, std::size_t at) {
  return at < words.size() ? std::string(words[at]) : std::string();
}

void read(std::string_view line, Answers& answers) {
  const auto words = base::split(line, ' ');
  if (words[0] == "N") {
    answers.naptr.push_back(
        {number(words, 1), number(words, 2), text(words, 3), text(words, 4), text(words, 5)});
  } else if (words[0] == "S") {
    answers.srv.push_back({number(words, 1), number(words, 2), number(words, 3), text(words, 4)});
  } else if (words[0] == "A" && words.size() > 1) {
    if (const auto ip = parseIp(words[1])) answers.addresses.push_back({*ip, 0});
  }
}

void answer(ServerLocator& locator, Answers& answers) {
  switch (locator.question()->kind) {
    case DnsQuestion::Kind::naptr:
      locator.answerNaptr(std::move(answers.naptr));
      break;
    case DnsQuestion::Kind::srv:
      locator.answerSrv(std::move(answers.srv));
      break;
    case DnsQuestion::Kind::addresses:
      locator.answerAddresses(answers.addresses);
      break;
  }
  answers = {};
}

void run(ServerLocator locator, const std::vector<std::string_view>& lines) {
  Answers answers;
  std::size_t line = 1, asked = 0;
  while (locator.question() != nullptr) {
    if (locator.question()->name.empty() ||
        ++asked > 1 + ServerLocator::kMaxServices + ServerLocator::kMaxHosts)
      std::abort();
    bool none = false;
    for (; line < lines.size() && lines[line] != "." && lines[line] != "!"; ++line)
      read(lines[line], answers);
    if (line < lines.size()) none = lines[line++] == "!";
    if (none) {
      locator.noAnswer(DnsFailure::failed);
    } else {
      answer(locator, answers);
    }
  }
  if (locator.targets().size() > ServerLocator::kMaxTargets) std::abort();
  if (locator.targets().empty() && locator.error().reason.empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 32 * 1024) return 0;
  const auto lines = base::split({reinterpret_cast<const char*>(data), size}, '\n');
  base::FakeRandom random;
  LocateOptions options;
  options.large = size % 2 == 0;
  if (size % 3 == 0) options.supported = {TransportKind::tls, TransportKind::ws, TransportKind::wss};
  if (const auto uri = Uri::parse(lines[0])) {
    run(ServerLocator::forRequest(*uri, options, random), lines);
  }
  return 0;
}
