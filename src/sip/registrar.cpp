#include "sip/registrar.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"

namespace parley::sip {
namespace {

constexpr std::size_t kTagLength = 12;
constexpr std::array<std::string_view, 3> kExtensions{"path", "outbound", "gruu"};

std::optional<std::uint32_t> secondsOf(std::string_view text) {
  // RFC 3261 section 10.2.1.1: what makes no sense counts as 3600.
  const auto seconds = base::parseNumber<std::uint64_t>(text);
  if (!seconds) return std::nullopt;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(*seconds, UINT32_MAX));
}

int thousandths(std::string_view q) {
  // "1", "0.7", "0.123": no sign, no exponent.
  if (q.empty() || (q[0] != '0' && q[0] != '1') || (q.size() > 1 && q[1] != '.')) return 1000;
  int value = q[0] == '1' ? 1000 : 0, weight = 100;
  for (std::size_t i = 2; i < q.size() && i < 5; ++i, weight /= 10) {
    if (q[i] < '0' || q[i] > '9') return 1000;
    value += (q[i] - '0') * weight;
  }
  return std::min(value, 1000);
}

}  // namespace

std::string addressKey(const Uri& uri) { return uri.plainUser() + "@" + base::toLower(uri.host); }

Message Registrar::answer(const Message& request, int status) const {
  return Message::responseTo(request, status, random_.alphanumeric(kTagLength));
}

Message Registrar::onRegister(const Message& request, const Source& source, base::Instant now) {
  sweep(now);
  if (auto refusal = refuse(request)) return std::move(*refusal);
  const std::string key = addressKey(request.to().uri);
  const auto at = addresses_.find(key);
  Bindings bindings = at == addresses_.end() ? Bindings{} : at->second;

  const auto contacts = request.list(HeaderId::contact);
  if (std::find(contacts.begin(), contacts.end(), "*") != contacts.end()) {
    // Section 10.3 step 6: alone, and only to remove.
    if (contacts.size() != 1 || request.header(HeaderId::expires) != "0") return answer(request, 400);
    for (const Binding& old : bindings) {
      if (old.callId == request.callId() && old.cseq >= request.cseq().number) return answer(request, 500);
    }
    store(key, {}, now);
    return accept(request, {}, false, now);
  }
  std::vector<Change> changes;
  if (auto refusal = read(request, source, now, changes)) return std::move(*refusal);
  if (const int status = apply(bindings, changes); status != 0) {
    Message response = answer(request, status);
    if (status == 503) response.set(HeaderId::retryAfter, std::to_string(options_.minExpires));
    return response;
  }
  if (at == addresses_.end() && !bindings.empty() && addresses_.size() >= options_.maxAddresses) {
    Message response = answer(request, 503);
    response.set(HeaderId::retryAfter, std::to_string(options_.minExpires));
    return response;
  }
  const bool outbound =
      std::any_of(changes.begin(), changes.end(), [](const Change& one) { return one.binding.regId != 0; });
  if (!changes.empty()) store(key, bindings, now);
  return accept(request, bindings, outbound, now);
}

std::optional<Message> Registrar::refuse(const Message& request) const {
  std::string unknown;
  for (const auto token : request.list(HeaderId::require)) {
    const bool known = std::any_of(kExtensions.begin(), kExtensions.end(),
                                   [&](std::string_view one) { return base::equalsIgnoreCase(one, token); });
    if (!known) unknown += (unknown.empty() ? "" : ", ") + std::string(token);
  }
  if (!unknown.empty()) {
    Message response = answer(request, 420);
    response.set(HeaderId::unsupported, unknown);
    return response;
  }
  if (!request.to().uri.isSip() || request.to().uri.host.empty()) return answer(request, 404);
  return std::nullopt;
}

std::optional<Message> Registrar::read(const Message& request, const Source& source, base::Instant now,
                                       std::vector<Change>& changes) const {
  const auto contacts = request.addresses(HeaderId::contact);
  if (!contacts) return answer(request, 400);
  const auto expires = request.header(HeaderId::expires);
  const std::uint32_t usual =
      expires ? secondsOf(*expires).value_or(options_.defaultExpires) : options_.defaultExpires;
  std::vector<std::string> path;
  for (const auto hop : request.list(HeaderId::path)) path.emplace_back(hop);
  // RFC 5626 section 6: a flow is only one if it is ours, or the first proxy's that marks its Path with ob.
  const auto first = path.empty() ? base::Result<NameAddr>(NameAddr{}) : NameAddr::parse(path.back());
  const bool ownFlow = request.vias().size() == 1 || (first && first->uri.params.has("ob"));
  for (const NameAddr& contact : *contacts) {
    Change change;
    Binding& binding = change.binding;
    binding = {contact, request.callId(), request.cseq().number, now, 1000, path, {}, 0, source};
    const auto own = contact.params.get("expires");
    std::uint32_t seconds = own ? secondsOf(*own).value_or(options_.defaultExpires) : usual;
    change.remove = seconds == 0;
    // Section 10.3 step 7: shorter than an hour and than our minimum.
    if (!change.remove && seconds < options_.minExpires && seconds < 3600) {
      Message response = answer(request, 423);
      response.set(HeaderId::minExpires, std::to_string(options_.minExpires));
      return response;
    }
    seconds = std::min(seconds, options_.maxExpires);
    binding.expiresAt = now + std::chrono::seconds(seconds);
    binding.q = thousandths(contact.params.get("q").value_or("1"));
    binding.instance = std::string(contact.params.get("+sip.instance").value_or(""));
    const auto regId = base::parseNumber<std::uint32_t>(contact.params.get("reg-id").value_or(""));
    if (!binding.instance.empty() && regId && request.lists(HeaderId::supported, "outbound")) {
      if (!ownFlow) return answer(request, 439);
      binding.regId = *regId;
    }
    binding.contact.params.remove("expires");
    binding.contact.params.remove("q");
    changes.push_back(std::move(change));
  }
  return std::nullopt;
}

/// RFC 5626 section 6: flows are the same by instance and reg-id, all others by their URI.
bool Registrar::same(const Binding& a, const Binding& b) {
  if (a.regId != 0 && b.regId != 0) return a.instance == b.instance && a.regId == b.regId;
  return a.regId == b.regId && a.contact.uri.equivalent(b.contact.uri);
}

/// 0, or the status that refuses the whole.
int Registrar::apply(Bindings& bindings, const std::vector<Change>& changes) const {
  for (const Change& change : changes) {
    const auto at = std::find_if(bindings.begin(), bindings.end(),
                                 [&](const Binding& one) { return same(one, change.binding); });
    if (at != bindings.end()) {
      // Step 7: an older request of the same client that came late.
      if (at->callId == change.binding.callId && at->cseq > change.binding.cseq) return 500;
      bindings.erase(at);
    }
    if (change.remove) continue;
    if (bindings.size() >= options_.maxBindings) return 503;
    bindings.insert(bindings.begin(), change.binding);
  }
  return 0;
}

void Registrar::unindex(const std::string& key, const Bindings& bindings) {
  for (const Binding& one : bindings) {
    expiries_.erase(expiries_.find({one.expiresAt, key}));
    if (!endsWithFlow(one)) continue;
    const auto [first, last] = flows_.equal_range(one.source.flow);
    const auto at = std::find_if(first, last, [&](const auto& entry) { return entry.second == key; });
    if (at != last) flows_.erase(at);
  }
}

void Registrar::store(const std::string& key, Bindings bindings, base::Instant now) {
  if (const auto old = addresses_.find(key); old != addresses_.end()) {
    unindex(key, old->second);
    addresses_.erase(old);
  }
  std::erase_if(bindings, [now](const Binding& one) { return one.expiresAt <= now; });
  if (bindings.empty()) return;
  for (const Binding& one : bindings) {
    expiries_.insert({one.expiresAt, key});
    if (endsWithFlow(one)) flows_.insert({one.source.flow, key});
  }
  addresses_[key] = std::move(bindings);
}

Message Registrar::accept(const Message& request, const Bindings& bindings, bool outbound,
                          base::Instant now) const {
  Message response = answer(request, 200);
  for (const Binding& one : bindings) {
    NameAddr contact = one.contact;
    const auto left = std::chrono::ceil<std::chrono::seconds>(one.expiresAt - now);
    if (left.count() <= 0) continue;
    contact.params.set("expires", std::to_string(left.count()));
    if (one.q != 1000) contact.params.set("q", "0." + std::to_string(1000 + one.q).substr(1));
    response.add(HeaderId::contact, contact.toString());
  }
  for (const auto hop : request.list(HeaderId::path)) response.add(HeaderId::path, std::string(hop));
  for (const auto& route : options_.serviceRoute) response.add(HeaderId::serviceRoute, route);
  if (outbound) {
    response.set(HeaderId::require, "outbound");
    if (options_.flowTimer != 0) response.set(HeaderId::flowTimer, std::to_string(options_.flowTimer));
  }
  return response;
}

std::vector<Binding> Registrar::find(const Uri& address, base::Instant now) const {
  const auto at = addresses_.find(addressKey(address));
  if (at == addresses_.end()) return {};
  Bindings living;
  for (const Binding& one : at->second) {
    if (now < one.expiresAt) living.push_back(one);
  }
  std::stable_sort(living.begin(), living.end(),
                   [](const Binding& a, const Binding& b) { return a.q > b.q; });
  return living;
}

std::size_t Registrar::onFlowGone(FlowId flow) {
  std::size_t gone = 0;
  for (auto at = flows_.find(flow); at != flows_.end(); at = flows_.find(flow)) {
    const std::string key = at->second;
    Bindings left = addresses_.at(key);
    gone += std::erase_if(
        left, [flow](const Binding& one) { return endsWithFlow(one) && one.source.flow == flow; });
    store(key, std::move(left), base::Instant::min());
  }
  return gone;
}

void Registrar::sweep(base::Instant now) {
  while (!expiries_.empty() && expiries_.begin()->first <= now) {
    const std::string key = expiries_.begin()->second;
    Bindings left = addresses_.at(key);
    store(key, std::move(left), now);
  }
}

}  // namespace parley::sip
