// Registration, the client's side (RFC 3261 section 10.2): keeps one address of record bound to our contacts
// at one registrar. With Path (RFC 3327), Service-Route (RFC 3608), outbound flows (RFC 5626) and GRUU
// (RFC 5627).
//
// Engine: poll() hands out the request to send (UserAgent::request), onResult() takes what became of it;
// one at a time. nextTimer() says when to poll again. Challenges are answered here, so the user agent needs
// no Authenticator for them (with one it works as well).
//
// Refreshed at a random point of 50…90 % of what was granted. After a failure it waits as RFC 5626 section
// 4.5 says: base * 2^failures up to a maximum, of that 50…100 %, at least Retry-After; a binding that was
// made goes on until it expires. It never gives up by itself, but each attempt ends: challenges, redirects
// and 423 are bounded. Everything in a response is hostile: bounded, and what does not parse is left out.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "sip/digest_client.h"
#include "sip/user_agent_types.h"

namespace parley::sip {

struct OwnContact {
  Uri uri;
  std::string q;  ///< "0.7"; empty: none.
  Params params;  ///< Others, as they are: methods, +sip.… capabilities (RFC 3840).
};

struct RegistrationOptions {
  Uri registrar;     ///< The Request-URI: a domain, no user.
  NameAddr address;  ///< The address of record.
  std::vector<OwnContact> contacts;
  std::string instance;  ///< "urn:uuid:…" (RFC 5626 section 4.1); empty: none.
  std::uint32_t regId =
      0;              ///< With `instance`: this registration is flow number … (outbound). 0: it is none.
  bool gruu = false;  ///< With `instance`.
  std::vector<std::string> route;     ///< The outbound proxy, as Route values.
  std::vector<Target> targets;        ///< Empty: found by the URI.
  std::uint32_t expires = 3'600;      ///< Seconds that are asked for.
  std::uint32_t maxExpires = 86'400;  ///< A 423 that wants more is a failure.
  base::Millis timeout{32'000};
  base::Millis retryBase{30'000};         ///< RFC 5626: 30 s where no other flow is up,
  base::Millis retryBaseOtherUp{90'000};  ///< 90 s where one is.
  base::Millis retryMax{1'800'000};       ///< Also the most that Retry-After can ask for.
  int maxRedirects = 5;
};

enum class RegistrationPhase : std::uint8_t {
  idle,
  registering,  ///< First request or a refresh is under way.
  registered,
  waiting,  ///< The last try failed; another follows.
  unregistering,
  stopped,
};
std::string_view toString(RegistrationPhase phase);

/// What is known of the registration: for pages, metrics and log.
struct RegistrationState {
  RegistrationPhase phase = RegistrationPhase::idle;
  std::string callId;
  std::uint32_t cseq = 0;
  base::Instant expiresAt{};  ///< Bound until then; in the past: not bound.
  base::Instant wakeAt{};     ///< The next try or refresh.
  int failures = 0;           ///< In a row.
  int status = 0;             ///< Of the last final response.
  std::string reason;  ///< sip.register_… or sip.auth_… of the last failure; empty when all is well.
  std::string text;    ///< For people.
  std::uint32_t granted = 0;              ///< Seconds.
  std::vector<std::string> serviceRoute;  ///< Route values for requests of this address, in order.
  bool outbound = false;                  ///< The registrar does RFC 5626 for this flow.
  std::uint32_t flowTimer = 0;  ///< Seconds between keep-alives that the edge proxy wants; 0: not said.
  std::string publicGruu, temporaryGruu;
};

/// Loop thread only; `random` and `digest` must outlive it. Several flows of one account share the digest.
/// Errors in state().reason: sip.register_refused (403, 404 …), sip.register_timeout, sip.register_transport,
/// sip.register_server (5xx), sip.register_not_bound, sip.register_interval, sip.register_redirects,
/// sip.register_flow_failed, sip.auth_….
class Registration {
 public:
  static constexpr int kMaxRounds = 8;  ///< Requests of one attempt: challenges, redirects, 423.

  Registration(RegistrationOptions options, DigestClient& digest, base::Random& random);

  void start(base::Instant now);
  /// Now instead of later: settings or network changed.
  void refresh(base::Instant now);
  /// Removes our bindings (not those of others); phase stopped is the end. Without a binding at once.
  void stop(base::Instant now);
  /// Other contacts from now on; the old bindings are removed with the same request.
  void setContacts(std::vector<OwnContact> contacts, base::Instant now);
  /// The connection that the registration was made over is gone (RFC 5626 section 4.5): it is made anew,
  /// after the waiting time if that happened before.
  void onFlowFailed(base::Instant now);
  void setOtherFlowUp(bool up) { otherFlowUp_ = up; }

  /// The request to send now. Once it is given, onResult() must follow; poll() gives up waiting for that at
  /// twice options.timeout.
  std::optional<OutgoingRequest> poll(base::Instant now);
  void onResult(const RequestResult& result, base::Instant now);
  /// Instant::max(): nothing to do.
  base::Instant nextTimer() const;

  bool registered(base::Instant now) const { return now < state_.expiresAt; }
  const RegistrationState& state() const { return state_; }
  const RegistrationOptions& options() const { return options_; }

 private:
  struct Attempt {
    int rounds = 0, redirects = 0;
    bool removing = false;
    std::vector<Header> credentials;
  };

  void begin(base::Instant now, bool removing);
  void again(base::Instant now);
  OutgoingRequest build();
  std::string contactValue(const OwnContact& contact, bool leaving) const;
  void onSuccess(const Message& response, base::Instant now);
  void onChallenge(const Message& response, base::Instant now);
  void onInterval(const Message& response, base::Instant now);
  void onRedirect(const Message& response, base::Instant now);
  void onRefusal(const RequestResult& result, base::Instant now);
  /// Seconds that our contacts are bound for; 0: one of them is not.
  std::uint32_t grantedBy(const Message& response);
  bool isOurs(const NameAddr& bound, const OwnContact& contact) const;
  void takeRoutes(const Message& response);
  void failed(std::string reason, std::string text, base::Instant now, base::Millis atLeast = {},
              bool lasting = false);
  base::Millis backoff();
  double chance();  ///< 0 … 1
  void unbind();

  RegistrationOptions options_;
  DigestClient& digest_;
  base::Random& random_;
  RegistrationState state_;
  Uri target_;  ///< The registrar, or where it redirected to.
  std::vector<OwnContact> leaving_;
  std::optional<Attempt> attempt_;
  bool ready_ = false;                      ///< poll() has something to give.
  std::optional<base::Instant> givenUpAt_;  ///< A request is out.
  bool stopWanted_ = false, startWanted_ = false;
  bool outboundRefused_ = false;
  bool otherFlowUp_ = false;
  std::uint32_t expires_ = 0;  ///< What is asked for: options_.expires, or more after a 423.
};

}  // namespace parley::sip
