// What the user agent asks of others: who may talk to it, credentials, addresses.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/strong_id.h"
#include "sip/dialog.h"
#include "sip/message.h"
#include "sip/user_agent_types.h"

namespace parley::sip {

/// May this source ask us anything outside of a dialog? Called inside receive(), for each copy of a request
/// that was not admitted before.
class Admission {
 public:
  virtual ~Admission() = default;
  virtual Verdict admit(const Message& request, const Source& source) = 0;
};

/// Who asked for credentials, or is going to get them.
struct Asker {
  Target target;  ///< Where the request went, or goes to.
  /// Of a request in a dialog; it lives as long as the call of the Authenticator. Null: outside of all.
  const Neighbour* neighbour = nullptr;
};

/// Credentials. CSeq and Via are set by the caller.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  /// Answers a challenge (401, 407) of `from` with the same request and credentials added; nothing: it gives
  /// up. It may take the connection (`flow`) out of the target: then they go to the address itself.
  virtual std::optional<Message> answer(const Message& challenge, const Message& request, Asker& from) = 0;
  /// Before `to` asks: what is known of earlier challenges goes into a new request.
  virtual void authorize(Message& /*request*/, const Asker& /*to*/) {}
  /// A 2xx to a request that may have had credentials.
  virtual void onSuccess(const Message& /*response*/, const Message& /*request*/, const Asker& /*from*/) {}
};

/// Where a 3xx leads a call of ours.
struct Onward {
  Uri uri;                        ///< What is called: the Contact, or something in its place.
  std::vector<Target> targets{};  ///< In this order. Empty: where `uri` leads.
  int status = 0;                 ///< Not 0: it is not followed; the call ends so if no other Contact is.
  std::string reason{}, text{};   ///< Of that ending.
};

/// Says where calls of ours may be sent by who is called (3xx). Called inside receive(), for each Contact.
class RedirectPolicy {
 public:
  virtual ~RedirectPolicy() = default;
  virtual Onward onRedirect(SessionId session, const Uri& contact) = 0;
};

/// Names one locate(). 0: none.
using LocateId = base::StrongId<struct LocateTag, std::uint64_t>;

/// RFC 3263: where a URI's host is. Answers by UserAgent::onLocated(), later; nobody waits longer than
/// targetTimeout.
class Locator {
 public:
  virtual ~Locator() = default;
  virtual void locate(LocateId id, const Uri& uri) = 0;
};

}  // namespace parley::sip
