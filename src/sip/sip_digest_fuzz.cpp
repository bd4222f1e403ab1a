// Hostile servers and clients: each line of the input is a challenge to one request that is sent again and
// again, then credentials that a stranger shows to our server. The client must come to an end, give away no
// password, and the server must let nobody in.
#include <cstdlib>
#include <string>

#include "base/text.h"
#include "sip/digest_client.h"
#include "sip/digest_server.h"

using namespace parley;
using namespace parley::sip;

namespace {

constexpr std::string_view kPassword = "zanzibar";

void asClient(std::string_view input) {
  base::FakeRandom random;
  DigestClient client({{"", "bob", base::Secret(std::string(kPassword))}}, random);
  Message request = Message::request(Method::registration, Uri::sip({}, "example.com"));
  int inARow = 0;
  for (const auto line : base::split(input, '\n')) {
    Message challenge = Message::response(line.starts_with('p') ? 407 : 401);
    for (const auto one : base::split(line.substr(line.empty() ? 0 : 1), '\t')) {
      challenge.add(line.starts_with('p') ? HeaderId::proxyAuthenticate : HeaderId::wwwAuthenticate,
                    std::string(one));
    }
    inARow = client.answer(challenge, request) ? inARow + 1 : 0;
    // Each realm takes at most kMaxStale answers of one request.
    if (inARow > DigestClient::kMaxStale * static_cast<int>(DigestClient::kMaxRealms) * 2) std::abort();
    if (request.write().find(kPassword) != std::string::npos &&
        line.find(kPassword) == std::string_view::npos && input.find(kPassword) == std::string_view::npos) {
      std::abort();
    }
    if (inARow == 0) request = Message::request(Method::registration, Uri::sip({}, "example.com"));
  }
  if (client.authorize({"REGISTER", "sip:example.com", {}}).size() > DigestClient::kMaxRealms) std::abort();
  Message answer = Message::response(200);
  answer.add(HeaderId::authenticationInfo, std::string(input.substr(0, 2000)));
  (void)client.onSuccess(answer, {"REGISTER", "sip:example.com", {}}, request.headers());
}

void asServer(std::string_view input) {
  base::FakeRandom random;
  const base::WallTime now{std::chrono::seconds{1'800'000'000}};
  DigestServer server({.realm = "example.com", .authInt = true, .userHash = true},
                      base::Secret(std::string(32, 'k')), random);
  const auto stored = StoredDigest::make("bob", "example.com", base::Secret(std::string(kPassword)),
                                         {DigestHash::md5, DigestHash::sha256});
  const auto challenge = AuthValue::parse(server.challenge(false, false, now).front().value);
  const std::string nonce(challenge ? challenge->params.get("nonce").value_or("") : "");
  for (const auto line : base::split(input, '\n')) {
    Message request = Message::request(Method::registration, Uri::sip({}, "example.com"));
    std::string value(line);
    // "$N" stands for a good nonce, so that what is behind its check is reached.
    if (const auto at = value.find("$N"); at != std::string::npos) value.replace(at, 2, nonce);
    request.add(HeaderId::authorization, std::move(value));
    const auto outcome = server.check(
        request, false, [&](std::string_view, bool, DigestHash) { return std::optional(stored); }, now);
    if (outcome) std::abort();
  }
  if (server.watched() != 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 32 * 1024) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  asClient(input);
  asServer(input);
  return 0;
}
