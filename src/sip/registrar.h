// A registrar's bindings (RFC 3261 section 10.3) with Path (RFC 3327) and outbound flows (RFC 5626): takes
// REGISTER requests, makes their responses, and says where an address of record is reached.
//
// Engine without sockets and clock; who may register what is decided before (digest_server.h, or a client
// certificate). Bindings are values: several contacts of an address, ordered by q, each with its path and
// flow. Bounds: addresses, bindings of one address; what is beyond is refused with 503. A request is taken as
// a whole or not at all.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "sip/message.h"
#include "sip/transport.h"

namespace parley::sip {

struct Binding {
  NameAddr contact;  ///< As it was registered, without q and expires.
  std::string callId;
  std::uint32_t cseq = 0;
  base::Instant expiresAt{};
  int q = 1000;                   ///< Thousandths.
  std::vector<std::string> path;  ///< Route values towards it, outermost first.
  std::string instance;           ///< With its < >; empty: none.
  std::uint32_t regId = 0;        ///< 0: the binding is no flow of RFC 5626.
  Source source;                  ///< Where the REGISTER came from: the flow to reach it by.
};

struct RegistrarOptions {
  std::uint32_t minExpires = 60, defaultExpires = 3'600, maxExpires = 7'200;  ///< Seconds.
  std::size_t maxAddresses = 100'000;
  std::size_t maxBindings = 10;  ///< Of one address.
  std::uint32_t flowTimer = 0;   ///< Seconds between keep-alives that clients are asked for; 0: not asked.
  std::vector<std::string> serviceRoute{};
};

class Registrar {
 public:
  /// `random` must outlive the object.
  Registrar(RegistrarOptions options, base::Random& random) : options_(std::move(options)), random_(random) {}

  /// The response to a REGISTER, To tag included.
  Message onRegister(const Message& request, const Source& source, base::Instant now);
  /// Living bindings, best q first; among equals the newest. Of several flows of one instance all: they are
  /// tried one after the other.
  std::vector<Binding> find(const Uri& address, base::Instant now) const;
  /// The flow is gone: bindings that can only be reached by it (RFC 5626) go. Their number.
  std::size_t onFlowGone(FlowId flow);
  void sweep(base::Instant now);  ///< Removes what has expired.
  base::Instant nextExpiry() const {
    return expiries_.empty() ? base::Instant::max() : expiries_.begin()->first;
  }
  std::size_t addresses() const { return addresses_.size(); }
  std::size_t bindings() const { return expiries_.size(); }

 private:
  using Bindings = std::vector<Binding>;
  struct Change {
    Binding binding;
    bool remove = false;
  };

  std::optional<Message> refuse(const Message& request) const;
  /// Status and headers of a refusal, or what is to be done.
  std::optional<Message> read(const Message& request, const Source& source, base::Instant now,
                              std::vector<Change>& changes) const;
  static bool endsWithFlow(const Binding& one) { return one.regId != 0 && one.path.empty(); }
  static bool same(const Binding& a, const Binding& b);
  int apply(Bindings& bindings, const std::vector<Change>& changes) const;
  void unindex(const std::string& key, const Bindings& bindings);
  void store(const std::string& key, Bindings bindings, base::Instant now);
  Message accept(const Message& request, const Bindings& bindings, bool outbound, base::Instant now) const;
  Message answer(const Message& request, int status) const;

  RegistrarOptions options_;
  base::Random& random_;
  std::map<std::string, Bindings> addresses_;
  std::multiset<std::pair<base::Instant, std::string>> expiries_;
  std::multimap<FlowId, std::string> flows_;  ///< Of the bindings that end with their flow.
};

/// "user@host" with escapes resolved and the host in lower case: what an address of record is kept by.
std::string addressKey(const Uri& uri);

}  // namespace parley::sip
