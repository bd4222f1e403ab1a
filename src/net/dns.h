// DNS through c-ares on the loop: A, AAAA, SRV, NAPTR. Answers are cached for their TTL (bounded).
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/endpoint.h"
#include "net/event_loop.h"

namespace parley::net {

struct SrvRecord {
  std::uint16_t priority = 0, weight = 0, port = 0;
  std::string target;
};
struct NaptrRecord {
  std::uint16_t order = 0, preference = 0;
  std::string flags, service, regexp, replacement;
};

struct ResolverOptions {
  std::vector<std::string> servers;  ///< "192.0.2.53" or "192.0.2.53:5353"; empty: the system's.
  base::Millis timeout{2'000};       ///< Per try.
  int tries = 2;
  std::size_t maxPending = 1000;
};

/// Loop thread only. Errors: dns.not_found, dns.timeout, dns.refused, dns.busy, dns.bad_name, dns.failed.
class Resolver {
 public:
  Resolver(EventLoop& loop, ResolverOptions options);
  ~Resolver();  ///< Pending callbacks are dropped.
  /// Addresses (A and AAAA, port 0), numeric names answered at once (but never inside the call).
  void addresses(std::string name, std::function<void(base::Result<std::vector<Endpoint>>)> done);
  void srv(std::string name, std::function<void(base::Result<std::vector<SrvRecord>>)> done);
  void naptr(std::string name, std::function<void(base::Result<std::vector<NaptrRecord>>)> done);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace parley::net
