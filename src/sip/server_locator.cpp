#include "sip/server_locator.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "sip/ip_text.h"

namespace parley::sip {
namespace {

constexpr std::size_t kMaxName = 253;  // RFC 1035, in text.

struct ServiceName {
  TransportKind kind;
  std::string_view naptr;      ///< RFC 3263 section 4.1, RFC 7118 section 10.2.
  std::string_view srvPrefix;  ///< What stands before the domain.
};
constexpr std::array<ServiceName, 5> kServices{{
    {TransportKind::udp, "SIP+D2U", "_sip._udp."},
    {TransportKind::tcp, "SIP+D2T", "_sip._tcp."},
    {TransportKind::tls, "SIPS+D2T", "_sips._tcp."},
    {TransportKind::ws, "SIP+D2W", "_sip._ws."},
    {TransportKind::wss, "SIPS+D2W", "_sips._ws."},
}};

const ServiceName& serviceOf(TransportKind kind) { return kServices[static_cast<std::size_t>(kind)]; }

/// DNS names compare without case and may end in the root's dot.
std::string plainName(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return base::toLower(name);
}

bool usableName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName &&
         name.find_first_of(std::string_view(" \t\r\n/\0", 6)) == std::string_view::npos;
}

}  // namespace

std::uint16_t defaultPort(TransportKind kind) {
  switch (kind) {
    case TransportKind::udp:
    case TransportKind::tcp:
      return 5060;
    case TransportKind::tls:
      return 5061;
    case TransportKind::ws:
      return 80;
    case TransportKind::wss:
      return 443;
  }
  return 5060;
}

std::optional<TransportKind> transportOf(std::string_view word, bool secure) {
  if (base::equalsIgnoreCase(word, "udp") && !secure) return TransportKind::udp;
  if (base::equalsIgnoreCase(word, "tcp")) return secure ? TransportKind::tls : TransportKind::tcp;
  if (base::equalsIgnoreCase(word, "tls")) return TransportKind::tls;
  if (base::equalsIgnoreCase(word, "ws")) return secure ? TransportKind::wss : TransportKind::ws;
  if (base::equalsIgnoreCase(word, "wss")) return TransportKind::wss;
  return std::nullopt;
}

// --- section 4: requests -----------------------------------------------------------------------------

ServerLocator ServerLocator::forRequest(const Uri& next, LocateOptions options, base::Random& random) {
  ServerLocator locator(std::move(options), random);
  locator.start(next);
  return locator;
}

void ServerLocator::start(const Uri& uri) {
  if (!uri.isSip()) return fail("sip.locate_bad_uri", "Only sip: and sips: lead to a server.");
  secure_ = uri.scheme == UriScheme::sips;
  domain_ = uri.host;
  const auto maddr = uri.params.get("maddr");
  hostName_ = plainName(maddr && !maddr->empty() ? *maddr : std::string_view(uri.host));
  if (!usableName(hostName_)) return fail("sip.locate_bad_uri", "The URI has no usable host.");
  if (options_.transport) {
    kind_ = options_.transport;
    if (secure_ && !isSecure(*kind_)) return fail("sip.locate_no_transport", "sips: wants TLS.");
  } else if (const auto word = uri.params.get("transport"); word && !word->empty()) {
    kind_ = transportOf(*word, secure_);
    if (!kind_) return fail("sip.locate_no_transport", "The URI's transport is not known.");
  }
  if (kind_ && !supports(*kind_)) {
    return fail("sip.locate_no_transport", std::string(toString(*kind_)) + " is not switched on.");
  }
  const auto ip = parseIp(hostName_);
  if (!kind_ && (ip || uri.port)) {
    kind_ = defaultKind();
    if (!supports(*kind_)) return fail("sip.locate_no_transport", "No transport fits the URI.");
  }
  if (ip) {
    addTarget(*kind_, *ip, uri.port.value_or(defaultPort(*kind_)));
    return finish();
  }
  if (uri.port) {
    hosts_.push_back({hostName_, *uri.port, *kind_});
    return nextHost();
  }
  if (kind_) {
    addService(std::string(serviceOf(*kind_).srvPrefix) + hostName_, *kind_, 0);
    return nextService();
  }
  if (options_.naptr) {
    question_ = DnsQuestion{DnsQuestion::Kind::naptr, hostName_};
  } else {
    guessServices();
  }
}

bool ServerLocator::supports(TransportKind kind) const {
  return std::find(options_.supported.begin(), options_.supported.end(), kind) != options_.supported.end();
}

/// What section 4.1 wants where nothing is said: UDP for sip:, TLS for sips:. Where that is switched off, the
/// first that is on.
TransportKind ServerLocator::defaultKind() const {
  const TransportKind usual = secure_ ? TransportKind::tls : TransportKind::udp;
  if (supports(usual)) return usual;
  for (const TransportKind kind : options_.supported) {
    if (!secure_ || isSecure(kind)) return kind;
  }
  return usual;
}

void ServerLocator::answerNaptr(std::vector<NaptrAnswer> records) {
  if (!question_ || question_->kind != DnsQuestion::Kind::naptr) return noAnswer(DnsFailure::notFound);
  question_.reset();
  if (records.size() > kMaxRecords) records.resize(kMaxRecords);
  std::stable_sort(records.begin(), records.end(), [](const NaptrAnswer& a, const NaptrAnswer& b) {
    return std::pair(a.order, a.preference) < std::pair(b.order, b.preference);
  });
  for (const NaptrAnswer& record : records) {
    if (!base::equalsIgnoreCase(record.flags, "s")) continue;
    for (const ServiceName& service : kServices) {
      if (!base::equalsIgnoreCase(record.service, service.naptr) || !supports(service.kind)) continue;
      if (secure_ && !isSecure(service.kind)) continue;
      addService(plainName(record.replacement), service.kind, record.order);
    }
  }
  if (services_.empty()) return guessServices();
  nextService();
}

/// No NAPTR: SRV for each transport we have, in our order (section 4.1). WebSockets are for browsers towards
/// us, so they are only guessed where we have nothing else.
void ServerLocator::guessServices() {
  guessed_ = true;
  for (const bool websockets : {false, true}) {
    if (websockets && !services_.empty()) break;
    for (const TransportKind kind : options_.supported) {
      const bool isWebsocket = kind == TransportKind::ws || kind == TransportKind::wss;
      if (isWebsocket != websockets || (secure_ && !isSecure(kind))) continue;
      addService(std::string(serviceOf(kind).srvPrefix) + hostName_, kind, 0);
    }
  }
  if (services_.empty()) return fail("sip.locate_no_transport", "No transport fits the URI.");
  nextService();
}

void ServerLocator::addService(std::string name, TransportKind kind, std::uint16_t order) {
  if (!usableName(name) || services_.size() >= kMaxServices) return;
  services_.push_back({std::move(name), kind, order});
}

void ServerLocator::nextService() {
  const bool more = service_ < services_.size();
  const bool wanted =
      hosts_.empty() || (!guessed_ && more && services_[service_].order == services_[service_ - 1].order);
  if (more && wanted) {
    question_ = DnsQuestion{DnsQuestion::Kind::srv, services_[service_].name};
    return;
  }
  if (hosts_.empty()) {
    if (refused_) return fail("sip.locate_no_service", "DNS says that there is no SIP service.");
    // Section 4.2: no SRV at all, so the name itself with the usual port.
    const TransportKind kind = kind_.value_or(defaultKind());
    if (!supports(kind)) return fail("sip.locate_no_transport", "No transport fits the URI.");
    hosts_.push_back({hostName_, defaultPort(kind), kind});
  }
  nextHost();
}

void ServerLocator::answerSrv(std::vector<SrvAnswer> records) {
  if (!question_ || question_->kind != DnsQuestion::Kind::srv) return noAnswer(DnsFailure::notFound);
  question_.reset();
  const TransportKind kind = services_[service_++].kind;
  if (records.size() == 1 && (records[0].target == "." || records[0].target.empty())) {
    refused_ = true;
    return nextService();
  }
  if (records.size() > kMaxRecords) records.resize(kMaxRecords);
  for (SrvAnswer& record : orderSrv(std::move(records), *random_)) {
    std::string name = plainName(record.target);
    if (!usableName(name) || record.port == 0 || hosts_.size() >= kMaxHosts) continue;
    hosts_.push_back({std::move(name), record.port, kind});
  }
  nextService();
}

std::vector<SrvAnswer> orderSrv(std::vector<SrvAnswer> records, base::Random& random) {
  // Those of weight 0 first within their priority, so that chance 0 can pick them.
  std::stable_sort(records.begin(), records.end(), [](const SrvAnswer& a, const SrvAnswer& b) {
    if (a.priority != b.priority) return a.priority < b.priority;
    return a.weight == 0 && b.weight != 0;
  });
  for (std::size_t first = 0; first < records.size(); ++first) {
    std::size_t end = first;
    std::uint32_t sum = 0;
    for (; end < records.size() && records[end].priority == records[first].priority; ++end)
      sum += records[end].weight;
    const auto pick = static_cast<std::uint32_t>((std::uint64_t{random.u32()} * (sum + 1)) >> 32);  // 0 … sum
    std::uint32_t running = 0;
    std::size_t chosen = first;
    for (; chosen + 1 < end; ++chosen) {
      running += records[chosen].weight;
      if (running >= pick) break;
    }
    // Rotated, not swapped: the rest keeps its order, those of weight 0 first.
    std::rotate(records.begin() + static_cast<std::ptrdiff_t>(first),
                records.begin() + static_cast<std::ptrdiff_t>(chosen),
                records.begin() + static_cast<std::ptrdiff_t>(chosen) + 1);
  }
  return records;
}

// --- addresses ---------------------------------------------------------------------------------------

void ServerLocator::nextHost() {
  for (; host_ < hosts_.size() && targets_.size() < kMaxTargets; ++host_) {
    const Host& host = hosts_[host_];
    if (const auto ip = parseIp(host.name)) {
      addHost(host, {*ip});
    } else if (const auto at = known_.find(host.name); at != known_.end()) {
      addHost(host, at->second);
    } else {
      question_ = DnsQuestion{DnsQuestion::Kind::addresses, host.name};
      return;
    }
  }
  finish();
}

void ServerLocator::answerAddresses(const std::vector<proto::TransportAddress>& addresses) {
  if (!question_ || question_->kind != DnsQuestion::Kind::addresses) return noAnswer(DnsFailure::notFound);
  question_.reset();
  Ips& ips = known_[hosts_[host_].name];
  for (const auto& address : addresses) {
    if (ips.size() >= kMaxTargets) break;
    ips.push_back(address.ip);
  }
  nextHost();
}

void ServerLocator::addHost(const Host& host, const Ips& ips) {
  for (const auto& ip : ips) addTarget(host.kind, ip, host.port);
}

void ServerLocator::addTarget(TransportKind kind, const std::array<std::uint8_t, 16>& ip,
                              std::uint16_t port) {
  Target target{kind, {ip, port}, domain_, {}};
  if (target.address.isV4() ? !options_.ipv4 : !options_.ipv6) return;
  const auto add = [this](const Target& wanted) {
    if (targets_.size() >= kMaxTargets) return;
    if (std::find(targets_.begin(), targets_.end(), wanted) == targets_.end()) targets_.push_back(wanted);
  };
  if (options_.large && kind == TransportKind::udp && supports(TransportKind::tcp)) {
    Target reliable = target;
    reliable.kind = TransportKind::tcp;
    add(reliable);
  }
  add(target);
}

void ServerLocator::noAnswer(DnsFailure why) {
  if (!question_) return;
  if (why == DnsFailure::failed) dnsFailed_ = true;
  const DnsQuestion asked = *question_;
  question_.reset();
  switch (asked.kind) {
    case DnsQuestion::Kind::naptr:
      return guessServices();
    case DnsQuestion::Kind::srv:
      ++service_;
      return nextService();
    case DnsQuestion::Kind::addresses:
      known_[asked.name];
      return nextHost();
  }
}

void ServerLocator::finish() {
  if (!targets_.empty()) return;
  if (dnsFailed_) return fail("sip.locate_dns_failed", "DNS did not answer for " + hostName_ + ".");
  fail("sip.locate_not_found", "There is no usable address for " + hostName_ + ".");
}

void ServerLocator::fail(std::string reason, std::string text) {
  question_.reset();
  error_ = {std::move(reason), std::move(text)};
}

// --- failover ----------------------------------------------------------------------------------------

void DeadTargets::mark(const Target& target, base::Instant until) {
  clear(target);
  if (most_ == 0) return;
  if (until_.size() >= most_) {
    until_.erase(byTime_.begin()->second);
    byTime_.erase(byTime_.begin());
  }
  until_[keyOf(target)] = until;
  byTime_.insert({until, keyOf(target)});
}

void DeadTargets::clear(const Target& target) {
  const auto at = until_.find(keyOf(target));
  if (at == until_.end()) return;
  byTime_.erase({at->second, at->first});
  until_.erase(at);
}

bool DeadTargets::isDead(const Target& target, base::Instant now) const {
  const auto at = until_.find(keyOf(target));
  return at != until_.end() && now < at->second;
}

TargetWalk::TargetWalk(const std::vector<Target>& targets, const DeadTargets& dead, base::Instant now) {
  for (const bool wanted : {false, true}) {
    for (const Target& target : targets) {
      if (dead.isDead(target, now) == wanted) order_.push_back(target);
    }
  }
}

}  // namespace parley::sip
