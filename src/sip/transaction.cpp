#include "sip/transaction.h"

#include <algorithm>

#include "sip/address_text.h"
#include "sip/transaction_state.h"

namespace parley::sip {

TransactionLayer::TransactionLayer(TransactionOptions options, Transport& transport, base::Random& random,
                                   TimerHeap& timers, RefusalCounts& refusals)
    : state_(std::make_unique<State>(options, transport, random, timers, refusals)) {}

TransactionLayer::~TransactionLayer() = default;

void TransactionLayer::setLongestInvite(base::Millis longest) { state_->options.longestInvite = longest; }

void TransactionLayer::setUser(TransactionUser* user) { state_->user = user; }

void TransactionLayer::receive(Message message, const Source& source, base::Instant now) {
  if (message.topVia() == nullptr) return state_->refuse(Refusal::badVia);
  if (message.isResponse()) return state_->receiveResponse(std::move(message), source, now);
  // RFC 3261 section 18.2.1 and RFC 3581: the response finds its way by what was seen, not by what is said.
  Via& via = *message.topVia();
  const std::string seen = ipText(source.remote);
  if (via.params.has("rport")) via.params.set("rport", std::to_string(source.remote.port));
  const auto said = literalAddress(via.host, 0);
  if (via.params.has("rport") || !said || said->ip != source.remote.ip) via.params.set("received", seen);
  state_->receiveRequest(std::move(message), source, now);
}

void TransactionLayer::onSendFailed(SendToken token, std::string_view reason, base::Instant now) {
  const TransactionId id{token.value()};
  if (const auto client = state_->clients.find(id); client != state_->clients.end())
    return state_->onSendFailed(*client->second, reason, now);
  if (const auto server = state_->servers.find(id); server != state_->servers.end())
    return state_->onSendFailed(*server->second, reason, now);
  state_->onAckFailed(token, now);
}

Via TransactionLayer::State::ourVia(const Target& target) {
  Via via;
  via.transport = std::string(toString(target.kind));
  HostPort by = splitHostPort(transport.sentBy(target));
  via.host = std::move(by.host);
  via.port = by.port;
  via.params.set("branch", "z9hG4bK" + random.alphanumeric(20));
  if (target.kind == TransportKind::udp) via.params.set("rport");
  return via;
}

void TransactionLayer::send(Message message, const Target& target) {
  if (message.isRequest()) message.pushVia(state_->ourVia(target));
  state_->transport.send(message.write(), target, SendToken{});
}

void TransactionLayer::answerStateless(const Message& request, const Source& source, int status,
                                       std::span<const Header> extra) {
  state_->answerStateless(request, source, status, extra);
}

std::size_t TransactionLayer::serverSize() const { return state_->servers.size(); }
std::size_t TransactionLayer::clientSize() const { return state_->clients.size(); }

std::size_t TransactionLayer::waiting() const {
  const auto servers = std::ranges::count_if(state_->servers, [](const auto& entry) {
    const Server& server = *entry.second;
    return server.phase == ServerPhase::trying || server.phase == ServerPhase::proceeding ||
           server.repeatAt != kNever;
  });
  const auto clients = std::ranges::count_if(state_->clients, [](const auto& entry) {
    return entry.second->phase == ClientPhase::calling || entry.second->phase == ClientPhase::proceeding;
  });
  return static_cast<std::size_t>(servers + clients);
}

const TransactionOptions& TransactionLayer::options() const { return state_->options; }

}  // namespace parley::sip
