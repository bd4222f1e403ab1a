// Who may control the broker: HTTP Basic with one secret, and a limit on guessing. Main loop only.
#pragma once
#include <map>
#include <optional>

#include "base/secret.h"
#include "base/time.h"
#include "net/endpoint.h"
#include "net/http.h"

namespace parley::broker {

class ControlAuth {
 public:
  explicit ControlAuth(base::Secret secret) : secret_(std::move(secret)) {}

  /// An answer (401, 429) when the request must go no further.
  std::optional<net::HttpResponse> check(const net::HttpRequest& request, base::Instant now);

  static constexpr const char* kUser = "parley";
  static constexpr unsigned kMaxFailures =
      10;  ///< In one window, from one address (IPv6: /64); then even the right one waits.
  static constexpr base::Millis kWindow{60'000};
  static constexpr std::size_t kMaxAddresses = 1024;
  std::size_t addresses() const { return failures_.size(); }

 private:
  struct Failures {
    unsigned count = 0;
    base::Instant since;
  };
  bool allowed(std::string_view authorization) const;
  void countFailure(const net::Endpoint& address, base::Instant now);

  base::Secret secret_;
  std::map<net::Endpoint, Failures> failures_;
};

}  // namespace parley::broker
