// Where a request goes to (RFC 3263, RFC 2782, RFC 7118 section 10.1), as an engine: it says
// which DNS question comes next and takes the answer; whoever owns it asks (and caches for the TTL).
//
//   auto search = ServerLocator::forRequest(uri, options, random);
//   while (const DnsQuestion* q = search.question()) … search.answerSrv(…) / answerAddresses(…) / noAnswer(…)
//   TargetWalk walk(search.targets(), dead, now); while (const Target* t = walk.next()) …
//
// targets() grows while questions are open, best first, and never changes what stands in it: the first one
// may be tried before the last question is answered. Bounds: kMaxTargets, kMaxHosts, kMaxServices. Errors:
// sip.locate_bad_uri, sip.locate_no_transport, sip.locate_no_service, sip.locate_not_found,
// sip.locate_dns_failed.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "sip/transport.h"
#include "sip/uri.h"

namespace parley::sip {

struct DnsQuestion {
  enum class Kind : std::uint8_t { naptr, srv, addresses };
  Kind kind = Kind::addresses;
  std::string name;
  friend bool operator==(const DnsQuestion&, const DnsQuestion&) = default;
};
struct NaptrAnswer {
  std::uint16_t order = 0, preference = 0;
  std::string flags, service, replacement;
};
struct SrvAnswer {
  std::uint16_t priority = 0, weight = 0, port = 0;
  std::string target;
};
/// Why there is no answer: the name does not exist or has no such record; or nobody could tell.
enum class DnsFailure : std::uint8_t { notFound, failed };

struct LocateOptions {
  /// What we can send by, best first: the order in which SRV is asked where nothing else decides.
  std::vector<TransportKind> supported{TransportKind::udp, TransportKind::tcp, TransportKind::tls};
  std::optional<TransportKind> transport;  ///< Decided by a setting: in place of what the URI says.
  bool naptr = true;
  bool ipv4 = true, ipv6 = true;
  /// The request is too large for UDP (RFC 3261 section 18.1.1): each UDP target is preceded by the same one
  /// with TCP.
  bool large = false;
};

class ServerLocator {
 public:
  static constexpr std::size_t kMaxTargets = 32;
  static constexpr std::size_t kMaxHosts = 16;    ///< SRV targets that are looked up.
  static constexpr std::size_t kMaxServices = 8;  ///< SRV names that are asked for.
  static constexpr std::size_t kMaxRecords = 64;  ///< Of one answer; what is beyond is not looked at.

  /// Section 4. `next` is the topmost Route, or the Request-URI without one. `random` must outlive the
  /// object.
  static ServerLocator forRequest(const Uri& next, LocateOptions options, base::Random& random);

  /// Null: there is nothing more to ask.
  const DnsQuestion* question() const { return question_ ? &*question_ : nullptr; }
  /// Each answers question(); an answer of another kind counts as notFound.
  void answerNaptr(std::vector<NaptrAnswer> records);
  void answerSrv(std::vector<SrvAnswer> records);
  void answerAddresses(const std::vector<proto::TransportAddress>& addresses);
  void noAnswer(DnsFailure why);

  const std::vector<Target>& targets() const { return targets_; }
  /// Meaningful when there is no question and no target.
  const base::Error& error() const { return error_; }

 private:
  struct Service {
    std::string name;
    TransportKind kind;
    std::uint16_t order;  ///< Of its NAPTR record; services of the best order that leads anywhere are used.
  };
  struct Host {
    std::string name;
    std::uint16_t port;
    TransportKind kind;
  };
  using Ips = std::vector<std::array<std::uint8_t, 16>>;

  ServerLocator(LocateOptions options, base::Random& random)
      : options_(std::move(options)), random_(&random) {}
  void start(const Uri& uri);
  bool supports(TransportKind kind) const;
  TransportKind defaultKind() const;
  void guessServices();
  void addService(std::string name, TransportKind kind, std::uint16_t order);
  void nextService();
  void nextHost();
  void addHost(const Host& host, const Ips& ips);
  void addTarget(TransportKind kind, const std::array<std::uint8_t, 16>& ip, std::uint16_t port);
  void finish();
  void fail(std::string reason, std::string text);

  LocateOptions options_;
  base::Random* random_;
  std::string domain_;  ///< What a certificate must name: the URI's host, not where SRV leads to (RFC 5922).
  std::string hostName_;  ///< What is looked up: the URI's host or its maddr.
  bool secure_ = false;
  std::optional<TransportKind> kind_;  ///< Decided before DNS is asked.
  std::optional<DnsQuestion> question_;
  std::vector<Service> services_;
  std::size_t service_ = 0;
  bool guessed_ = false;  ///< The services are ours, not NAPTR's: the first that exists is enough.
  std::vector<Host> hosts_;
  std::size_t host_ = 0;
  std::map<std::string, Ips> known_;  ///< Names answered in this search.
  bool refused_ = false;              ///< SRV said "." (RFC 2782): there is no such service.
  bool dnsFailed_ = false;
  std::vector<Target> targets_;
  base::Error error_;
};

/// RFC 2782: by priority, within one by weighted chance.
std::vector<SrvAnswer> orderSrv(std::vector<SrvAnswer> records, base::Random& random);

/// Targets that did not answer, for a time (RFC 3263 section 4.3; 503 with Retry-After). Bounded: the one
/// that would be free soonest makes room.
class DeadTargets {
 public:
  explicit DeadTargets(std::size_t most = 1024) : most_(most) {}
  void mark(const Target& target, base::Instant until);
  void clear(const Target& target);  ///< It answered.
  bool isDead(const Target& target, base::Instant now) const;
  std::size_t size() const { return until_.size(); }

 private:
  using Key = std::pair<TransportKind, proto::TransportAddress>;
  static Key keyOf(const Target& target) { return {target.kind, target.address}; }
  std::size_t most_;
  std::map<Key, base::Instant> until_;
  std::set<std::pair<base::Instant, Key>> byTime_;
};

/// One request's way through its targets: those believed alive in their order, then the dead ones, each once.
class TargetWalk {
 public:
  TargetWalk(const std::vector<Target>& targets, const DeadTargets& dead, base::Instant now);
  /// Null: all were tried.
  const Target* next() { return at_ < order_.size() ? &order_[at_++] : nullptr; }
  std::size_t left() const { return order_.size() - at_; }

 private:
  std::vector<Target> order_;
  std::size_t at_ = 0;
};

/// 5060; 5061 for TLS; 80 and 443 for WebSockets.
std::uint16_t defaultPort(TransportKind kind);
/// Of a URI's or a Via's word, without case; ws becomes wss where `secure`, as tcp becomes tls.
std::optional<TransportKind> transportOf(std::string_view word, bool secure);

}  // namespace parley::sip
