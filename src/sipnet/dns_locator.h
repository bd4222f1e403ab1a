// RFC 3263 with real DNS: runs ServerLocator's questions on net::Resolver. Each search ends within a deadline
// and only so many run at once. One loop thread.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "net/dns.h"
#include "net/event_loop.h"
#include "sip/server_locator.h"

namespace parley::sipnet {

class DnsLocator {
 public:
  struct Settings {
    base::Millis deadline{5'000};  ///< What was found until then is the answer.
    std::size_t maxRunning = 512;
  };
  /// Best first. Errors: those of ServerLocator, sip.locate_timeout, sip.locate_busy.
  using Done = std::function<void(base::Result<std::vector<sip::Target>>)>;

  /// `resolver` must outlive the object.
  DnsLocator(net::EventLoop& loop, net::Resolver& resolver, Settings settings);
  ~DnsLocator();  ///< Running searches are dropped; nobody is told.

  /// Where a request to `next` (topmost Route or Request-URI) goes. `done` never runs inside the call.
  void locate(const sip::Uri& next, const sip::LocateOptions& options, Done done);
  std::size_t running() const;

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace parley::sipnet
