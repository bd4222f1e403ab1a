#include "rtc/ice_lite.h"

#include <algorithm>
#include <utility>

#include "rtc/hmac_sha1.h"

namespace parley::rtc {
namespace {

using proto::StunClass;
using proto::StunMessage;
using proto::StunWriter;

/// An error response: signed when `password` is not empty (the request's own credentials were right).
std::size_t writeError(const StunMessage& request, std::uint16_t code, std::string_view reason,
                       std::string_view password, base::MutableBytes out) {
  StunWriter writer(out, StunClass::error, request.method, request.transactionId);
  writer.errorCode(code, reason);
  if (code == 420) {
    const std::size_t count = std::min(request.unknownRequiredCount, StunMessage::kMaxUnknown);
    writer.unknownAttributes(std::span(request.unknownRequired).first(count));
  }
  if (!password.empty()) writer.integrity(base::asBytes(password), hmacSha1);
  writer.fingerprint();
  return writer.ok() ? writer.size() : 0;
}

std::size_t writeSuccess(const StunMessage& request, const proto::TransportAddress& mapped,
                         std::string_view password, base::MutableBytes out) {
  StunWriter writer(out, StunClass::success, request.method, request.transactionId);
  writer.xorMappedAddress(mapped);
  writer.integrity(base::asBytes(password), hmacSha1);
  writer.fingerprint();
  return writer.ok() ? writer.size() : 0;
}

/// The request itself, whoever it is for.
std::expected<StunMessage, DropReason> parseRequest(base::Bytes bytes) {
  const auto message = StunMessage::parse(bytes);
  if (!message) {
    return std::unexpected(message.error() == proto::StunError::badFingerprint ? DropReason::stunBadIntegrity
                                                                               : DropReason::stunMalformed);
  }
  if (message->kind != StunClass::request || message->method != proto::kStunBinding)
    return std::unexpected(DropReason::stunNotRequest);
  return *message;
}

}  // namespace

IceLiteAgent::IceLiteAgent(IceParameters local) : local_(std::move(local)) {}

void IceLiteAgent::restart(IceParameters local) {
  if (local == local_) return;
  previous_ = std::exchange(local_, std::move(local));
  remoteUfrag_.clear();
}

void IceLiteAgent::setRemoteUfrag(std::string ufrag) { remoteUfrag_ = std::move(ufrag); }

IceLiteAgent::CheckResult IceLiteAgent::onCheck(base::Bytes bytes, const Pair& pair, base::Instant now,
                                                base::MutableBytes response) {
  CheckResult result;
  const auto message = parseRequest(bytes);
  if (!message) {
    result.dropped = message.error();
    return result;
  }
  const Credentials credentials = message->username ? credentialsOf(*message->username) : Credentials::none;
  result.dropped = refuse(*message, credentials, response, result.responseSize);
  if (result.dropped) return result;

  // Agents make a new number for each check of a pair; a repetition comes from where the first one did.
  if (isCopy(message->transactionId, pair)) {
    result.dropped = DropReason::stunReplay;
    return result;
  }
  const bool current = credentials == Credentials::current;
  result.responseSize = writeSuccess(*message, pair.remote, current ? local_.pwd : previous_->pwd, response);
  if (current) previous_.reset();
  accept(*message, pair, now, result);
  return result;
}

bool IceLiteAgent::isCopy(const proto::StunTransactionId& id, const Pair& pair) {
  std::uint64_t transaction = 0, mixed = 0xcbf29ce484222325u;
  for (std::size_t i = 0; i < 8; ++i) transaction = transaction << 8 | id[i];
  const auto mix = [&](std::uint8_t byte) { mixed = (mixed ^ byte) * 0x100000001b3u; };  // FNV-1a
  for (const auto* address : {&pair.remote, &pair.local}) {
    for (const std::uint8_t byte : address->ip) mix(byte);
    mix(static_cast<std::uint8_t>(address->port >> 8));
    mix(static_cast<std::uint8_t>(address->port));
  }
  for (const Seen& each : seen_)
    if (each.transaction == transaction) return each.pair != mixed;
  if (seen_.size() < kMaxRemembered) {
    seen_.push_back({transaction, mixed});
  } else {
    seen_[nextSeen_++ % kMaxRemembered] = {transaction, mixed};
  }
  return false;
}

IceLiteAgent::Credentials IceLiteAgent::credentialsOf(std::string_view username) const {
  const std::size_t colon = username.find(':');
  if (colon == std::string_view::npos) return Credentials::none;
  const std::string_view ours = username.substr(0, colon), theirs = username.substr(colon + 1);
  if (ours == local_.ufrag && (remoteUfrag_.empty() || theirs == remoteUfrag_)) return Credentials::current;
  if (previous_ && ours == previous_->ufrag) return Credentials::previous;
  return Credentials::none;
}

std::optional<DropReason> IceLiteAgent::refuse(const StunMessage& message, Credentials credentials,
                                               base::MutableBytes response, std::size_t& responseSize) const {
  // RFC 8489 section 9.1.3, in its order.
  if (!message.username || !message.hasIntegrity()) {
    responseSize = writeError(message, 400, "Bad Request", "", response);
    return message.username ? DropReason::stunBadIntegrity : DropReason::stunUnknownUser;
  }
  if (credentials == Credentials::none) {
    responseSize = writeError(message, 401, "Unauthenticated", "", response);
    return DropReason::stunUnknownUser;
  }
  const std::string& password = credentials == Credentials::current ? local_.pwd : previous_->pwd;
  if (!message.verifyIntegrity(base::asBytes(password), hmacSha1)) {
    responseSize = writeError(message, 401, "Unauthenticated", "", response);
    return DropReason::stunBadIntegrity;
  }
  if (message.unknownRequiredCount > 0) {
    responseSize = writeError(message, 420, "Unknown Attribute", password, response);
    return DropReason::stunUnknownAttribute;
  }
  // A lite agent is always the controlled one (RFC 8445 section 7.3.1.1).
  if (message.iceControlled) {
    responseSize = writeError(message, 487, "Role Conflict", password, response);
    return DropReason::stunRoleConflict;
  }
  return std::nullopt;
}

void IceLiteAgent::accept(const StunMessage& message, const Pair& pair, base::Instant now,
                          CheckResult& result) {
  lastCheck_ = now;
  if (std::size_t index = indexOf(pair); index < pairs_.size()) {
    checkedAt_[index] = now;
  } else {
    if (pairs_.size() >= kMaxPairs) removePair(leastRecent(), result);
    pairs_.push_back(pair);
    checkedAt_.push_back(now);
    result.pairAdded = true;
  }

  // The peer nominates; until it has, and when the pair that it nominated went silent, any valid pair serves.
  const std::size_t chosen = selected_ ? indexOf(*selected_) : pairs_.size();
  const bool silent = chosen == pairs_.size() || now - checkedAt_[chosen] >= kDisconnectedAfter;
  if ((message.useCandidate || silent) && selected_ != pair) {
    selected_ = pair;
    result.selectedChanged = true;
  }

  const std::size_t oldest = leastRecent();
  if (!result.pairRemoved && oldest < pairs_.size() && now - checkedAt_[oldest] >= kConsentLifetime)
    removePair(oldest, result);
}

std::size_t IceLiteAgent::indexOf(const Pair& pair) const {
  return static_cast<std::size_t>(std::find(pairs_.begin(), pairs_.end(), pair) - pairs_.begin());
}

std::size_t IceLiteAgent::leastRecent() const {
  std::size_t found = pairs_.size();
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    if (selected_ == pairs_[i]) continue;
    if (found == pairs_.size() || checkedAt_[i] < checkedAt_[found]) found = i;
  }
  return found;
}

void IceLiteAgent::removePair(std::size_t index, CheckResult& result) {
  if (index >= pairs_.size()) return;
  result.pairRemoved = pairs_[index];
  pairs_.erase(pairs_.begin() + static_cast<std::ptrdiff_t>(index));
  checkedAt_.erase(checkedAt_.begin() + static_cast<std::ptrdiff_t>(index));
}

bool IceLiteAgent::isChecked(const proto::TransportAddress& remote) const {
  return std::any_of(pairs_.begin(), pairs_.end(), [&](const Pair& pair) { return pair.remote == remote; });
}

const std::optional<IceLiteAgent::Pair>& IceLiteAgent::selected() const { return selected_; }
const std::vector<IceLiteAgent::Pair>& IceLiteAgent::pairs() const { return pairs_; }
const IceParameters& IceLiteAgent::local() const { return local_; }
std::optional<base::Instant> IceLiteAgent::lastCheck() const { return lastCheck_; }

IceState IceLiteAgent::state(base::Instant now) const {
  if (!lastCheck_) return IceState::waiting;
  const auto silence = now - *lastCheck_;
  if (silence >= kConsentLifetime) return IceState::expired;
  return silence >= kDisconnectedAfter ? IceState::disconnected : IceState::connected;
}

std::expected<std::string_view, DropReason> IceLiteAgent::usernameOf(base::Bytes bytes) {
  const auto message = parseRequest(bytes);
  if (!message) return std::unexpected(message.error());
  if (!message->username) return std::unexpected(DropReason::stunUnknownUser);
  return message->username->substr(0, message->username->find(':'));
}

}  // namespace parley::rtc
