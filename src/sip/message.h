// A SIP message (RFC 3261 section 7) as a value: parsed at the door or refused, read, changed, written.
//
// parse() checks the whole frame: start line, line folding, compact names, and the headers that everything
// rests on (top Via, From, To, Call-ID, CSeq, Max-Forwards, Content-Length), which are kept typed. A header
// that may stand once and stands twice: critical ones (From, To, Call-ID, CSeq, Max-Forwards,
// Content-Length) are refused unless all are the same, of others the first counts; never an assert. Unknown
// headers are kept byte for byte and written where they stood.
//
// Bounds: kMaxMessageBytes, kMaxHeaders, kMaxHeaderBytes; what is beyond is refused, never cut.
//
// Nothing that is set can end a line or a message when it is written: CR and LF become spaces, a name that is
// no token is not taken, what may not stand in a URI is escaped.
#pragma once
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "sip/headers.h"
#include "sip/uri.h"

namespace parley::sip {

constexpr std::size_t kMaxMessageBytes = 128 * 1024;
constexpr std::size_t kMaxHeaders = 256;
constexpr std::size_t kMaxHeaderBytes = 64 * 1024;  ///< All headers together.

/// Headers the stack knows by number. Names and compact forms: RFC 3261 section 20 and the IANA registry.
enum class HeaderId : std::uint8_t {
  other,
  via,
  from,
  to,
  callId,
  cseq,
  maxForwards,
  contact,
  route,
  recordRoute,
  path,
  serviceRoute,
  contentType,
  contentLength,
  contentDisposition,
  contentEncoding,
  expires,
  minExpires,
  allow,
  allowEvents,
  supported,
  require,
  proxyRequire,
  unsupported,
  accept,
  userAgent,
  server,
  warning,
  reason,
  retryAfter,
  date,
  subject,
  authorization,
  wwwAuthenticate,
  proxyAuthorization,
  proxyAuthenticate,
  authenticationInfo,
  event,
  subscriptionState,
  referTo,
  referredBy,
  referSub,
  replaces,
  rseq,
  rack,
  sessionExpires,
  minSe,
  privacy,
  pAssertedIdentity,
  pPreferredIdentity,
  remotePartyId,
  diversion,
  historyInfo,
  userToUser,
  sessionId,
  identity,
  callInfo,
  alertInfo,
  sipEtag,
  sipIfMatch,
  flowTimer,
  answerMode,
};
std::string_view nameOf(HeaderId id);        ///< As written in full; empty for other.
HeaderId headerIdOf(std::string_view name);  ///< Full or compact, without case.
bool isListHeader(HeaderId id);              ///< Elements may be joined by commas.

struct Header {
  HeaderId id = HeaderId::other;
  std::string name;   ///< As it was written; empty: nameOf(id).
  std::string value;  ///< Trimmed and unfolded.
};

/// Why bytes are no message that can be served. `status` is what a request is answered with (400, 413, 416,
/// 420, 483, 505, 513 …); `head` has what is needed to answer it (Via, From, To, Call-ID, CSeq), if it was
/// found.
struct ParseFailure;

class Message {
 public:
  Message() = default;
  static Message request(Method method, Uri requestUri);
  static Message request(std::string methodName, Uri requestUri);
  /// An empty phrase: the standard one.
  static Message response(int status, std::string phrase = {});
  /// The answer to `request` as RFC 3261 section 8.2.6.2 wants: Via, From, To, Call-ID, CSeq copied (and
  /// Record-Route for 101…299); `toTag` is added to To unless that has one.
  static Message responseTo(const Message& request, int status, std::string_view toTag,
                            std::string phrase = {});

  /// One datagram, or one framed message of a stream. Content-Length: on a datagram, shorter than what is
  /// there cuts the body, longer is refused; absent means the rest.
  static std::expected<Message, ParseFailure> parse(std::string_view bytes);

  bool isRequest() const { return status_ == 0; }
  bool isResponse() const { return status_ != 0; }
  Method method() const;                ///< Of a response: that of its CSeq.
  std::string_view methodName() const;  ///< Same.
  const Uri& requestUri() const { return requestUri_; }
  void setRequestUri(Uri uri) { requestUri_ = std::move(uri); }
  int status() const { return status_; }  ///< 0: a request.
  std::string_view phrase() const { return phrase_; }

  // The typed ones. Setting one changes what is written; header(HeaderId) of these gives the written form.
  const std::vector<Via>& vias() const { return vias_; }
  const Via* topVia() const { return vias_.empty() ? nullptr : &vias_.front(); }
  Via* topVia() { return vias_.empty() ? nullptr : &vias_.front(); }
  void pushVia(Via via) { vias_.insert(vias_.begin(), std::move(via)); }
  void popVia() {
    if (!vias_.empty()) vias_.erase(vias_.begin());
  }
  const NameAddr& from() const { return from_; }
  NameAddr& from() { return from_; }
  const NameAddr& to() const { return to_; }
  NameAddr& to() { return to_; }
  const std::string& callId() const { return callId_; }
  void setCallId(std::string id) { callId_ = std::move(id); }
  const CSeq& cseq() const { return cseq_; }
  void setCSeq(std::uint32_t number, Method method);
  void setCSeq(CSeq cseq) { cseq_ = std::move(cseq); }
  std::optional<int> maxForwards() const { return maxForwards_; }
  void setMaxForwards(int hops) { maxForwards_ = hops; }

  // All other headers, in order. Ids of the typed ones above, and Content-Length, are not in here; set() and
  // add() with such an id change the typed one if the value is one, else nothing. What header() and list()
  // give of a typed one is good until they are asked for it again or the message changes.
  const std::vector<Header>& headers() const { return headers_; }
  std::optional<std::string_view> header(HeaderId id) const;            ///< The first line's value.
  std::optional<std::string_view> header(std::string_view name) const;  ///< Same.
  bool has(HeaderId id) const { return header(id).has_value(); }
  /// All elements of all lines, split at commas outside quotes and < >.
  std::vector<std::string_view> list(HeaderId id) const;
  /// list() holds this token, without case (Supported, Require, Allow …).
  bool lists(HeaderId id, std::string_view token) const;
  /// list() parsed; elements that do not parse fail the whole.
  base::Result<std::vector<NameAddr>> addresses(HeaderId id) const;
  void set(HeaderId id, std::string value);  ///< In place of all lines; at the end if there were none.
  void add(HeaderId id, std::string value);  ///< One more line, after the last.
  void add(std::string name, std::string value);
  void addFirst(HeaderId id, std::string value);  ///< One more line, before the first of them.
  void remove(HeaderId id);
  void remove(std::string_view name);

  const std::string& body() const { return body_; }
  /// Sets Content-Type, too; an empty body removes it.
  void setBody(std::string body, std::string contentType);
  void clearBody() { setBody({}, {}); }
  /// Content-Type's type and subtype in lower case; empty if there is none.
  std::string contentType() const;

  /// As on the wire, Content-Length computed.
  std::string write() const;

 private:
  friend class MessageParser;
  /// The typed ones as text, made when somebody asks for it; a copy of the message starts without.
  struct Written {
    std::unique_ptr<std::vector<std::string>> texts;
    Written() = default;
    Written(const Written&) {}
    Written(Written&&) = default;
    Written& operator=(const Written&) { return *this; }
    Written& operator=(Written&&) = default;
    ~Written() = default;
  };
  bool hasTyped(HeaderId id) const;
  std::string typedText(HeaderId id) const;
  void setTyped(HeaderId id, std::string_view value, bool more, bool first);
  void addAt(HeaderId id, std::string value, bool first);

  std::string methodName_;
  Method method_ = Method::other;
  Uri requestUri_;
  int status_ = 0;
  std::string phrase_;
  std::vector<Via> vias_;
  NameAddr from_, to_;
  std::string callId_;
  CSeq cseq_;
  std::optional<int> maxForwards_;
  std::vector<Header> headers_;
  std::string body_;
  mutable Written written_;
};

struct ParseFailure {
  int status = 400;
  std::string reason;  ///< sip.bad_start_line, sip.bad_header, sip.missing_header, sip.too_large …
  std::string text;
  bool isRequest = false;
  bool isAck = false;
  std::optional<Message> head;
};

/// The standard phrase of a status; "Unknown" otherwise.
std::string_view phraseOf(int status);

}  // namespace parley::sip
