// Transfers: REFER both ways with its implicit subscription (RFC 3515, RFC 4488, RFC 3891, RFC 3892).
#include <algorithm>

#include "base/text.h"
#include "sip/invite_session.h"

namespace parley::sip {
namespace {

/// RFC 3261 section 19.1.1: what may stand unescaped in a header part of a URI.
std::string escape(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  static constexpr std::string_view kPlain = "-_.!~*'()";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain || kPlain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.append(1, '%').append(1, kHex[byte >> 4U]).append(1, kHex[byte & 15U]);
    }
  }
  return out;
}

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int value = 0;
    const char* from = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() && std::from_chars(from, from + 2, value, 16).ptr == from + 2) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

/// The value of a header in the part of a URI after '?'.
std::string headerInUri(const std::string& headers, std::string_view name) {
  for (const std::string_view one : base::split(headers, '&')) {
    const std::size_t equals = one.find('=');
    if (equals != std::string_view::npos && base::equalsIgnoreCase(one.substr(0, equals), name))
      return unescape(one.substr(equals + 1));
  }
  return {};
}

/// "SIP/2.0 180 Ringing" → 180; 0 for anything else.
int statusOfFragment(std::string_view body) {
  const std::string_view line = base::trim(body.substr(0, body.find('\n')));
  if (!line.starts_with("SIP/2.0 ") || line.size() < 11) return 0;
  const int status = base::parseNumber<int>(line.substr(8, 3)).value_or(0);
  return status >= 100 && status <= 699 ? status : 0;
}

}  // namespace

void InviteSession::refer(const OutgoingRefer& wanted, base::Instant now) {
  if (phase_ != SessionPhase::confirmed) return;
  if (activity().referring) {
    return tell([id = id_](UserAgentListener& listener) { listener.onReferProgress(id, 491, true); });
  }
  NameAddr target;
  target.uri = wanted.target;
  if (wanted.replacesSession) {
    const InviteSession* other = core_.find(*wanted.replacesSession);
    if (other == nullptr)
      return tell([id = id_](UserAgentListener& listener) { listener.onReferProgress(id, 481, true); });
    const DialogState& dialog = other->state().dialog;
    const Replaces replaces{dialog.callId, dialog.remoteTag, dialog.localTag, false};
    target.uri.headers = "Replaces=" + escape(replaces.toString());
  }
  for (const Header& header : wanted.targetHeaders) {
    if (!target.uri.headers.empty()) target.uri.headers += '&';
    const std::string_view name = header.name.empty() ? nameOf(header.id) : std::string_view(header.name);
    target.uri.headers.append(escape(name)).append(1, '=').append(escape(header.value));
  }
  Message request = makeRequest(Method::refer, state_.dialog);
  request.set(HeaderId::referTo, target.toString());
  request.set(HeaderId::referredBy, wanted.referredBy.empty() ? state_.dialog.local : wanted.referredBy);
  request.set(HeaderId::supported, std::string(kSupported));
  activity().referring = true;
  activity().referUntil = now + core_.options.referTimeout;
  const Target hop = state_.dialog.hop;
  if (sendRequest(std::move(request), hop, Pending::Purpose::refer, now) == TransactionId{})
    return finishRefer(503, now);
  arm();
}

void InviteSession::finishRefer(int status, base::Instant now) {
  (void)now;
  if (!activity_ || !activity_->referring) return;
  activity_->referring = false;
  activity_->referUntil = kNever;
  tell([id = id_, status](UserAgentListener& listener) { listener.onReferProgress(id, status, true); });
  arm();
}

void InviteSession::onNotify(TransactionId id, const Message& request, base::Instant now) {
  const auto event = request.header(HeaderId::event);
  const auto parsed = event ? TokenValue::parse(*event) : base::fail("sip.missing_header", "Event");
  if (!parsed || !base::equalsIgnoreCase(parsed->value, "refer")) {
    core_.refuse(Refusal::notHere);
    return core_.answer(id, 489, now, {{HeaderId::allowEvents, {}, "refer"}});
  }
  if (!activity_ || !activity_->referring) {
    core_.refuse(Refusal::noDialog);
    return core_.answer(id, 481, now);
  }
  core_.answer(id, 200, now);
  const int status = request.contentType() == "message/sipfrag" ? statusOfFragment(request.body()) : 0;
  const auto subscription = request.header(HeaderId::subscriptionState);
  const bool over = subscription && base::toLower(*subscription).starts_with("terminated");
  if (status >= 200) return finishRefer(status, now);
  if (over) return finishRefer(status == 0 ? 500 : 408, now);  // it will never tell
  if (status != 0)
    tell([session = id_, status](UserAgentListener& listener) {
      listener.onReferProgress(session, status, false);
    });
}

void InviteSession::onReferRequest(TransactionId id, const Message& request, base::Instant now) {
  const auto targets = request.list(HeaderId::referTo);
  const auto target = targets.size() == 1 ? NameAddr::parse(targets.front())
                                          : base::fail("sip.bad_header", "one Refer-To is wanted");
  if (!target) {
    core_.refuse(Refusal::badRequest);
    return core_.answer(id, 400, now);
  }
  const auto method = target->uri.params.get("method");
  const bool dialable = target->uri.isSip() || target->uri.scheme == UriScheme::tel;
  if (!dialable || (method && !base::equalsIgnoreCase(*method, "INVITE"))) {
    core_.refuse(Refusal::badUri);
    return core_.answer(id, dialable ? 405 : 416, now);
  }
  if (activity().referred || phase_ == SessionPhase::calling || phase_ == SessionPhase::ringing) {
    core_.refuse(Refusal::overlapping);
    return core_.answer(id, 500, now, {{HeaderId::retryAfter, {}, "5"}});
  }
  const auto wantsNone = request.header(HeaderId::referSub);
  activity_->referred = true;
  activity_->referredSilently = wantsNone && base::equalsIgnoreCase(base::trim(*wantsNone), "false");
  activity_->referredCSeq = request.cseq().number;
  Headers extra{
      {HeaderId::contact, {}, core_.contact(state_.contactUser, state_.dialog.hop, state_.dialog.secure)}};
  if (activity_->referredSilently) extra.push_back({HeaderId::referSub, {}, "false"});
  IncomingRefer refer;
  refer.session = id_;
  refer.target = *target;
  refer.replaces = headerInUri(target->uri.headers, "Replaces");
  refer.target.uri.headers.clear();
  refer.target.uri.params.remove("method");
  refer.referredBy = request.header(HeaderId::referredBy).value_or(std::string_view{});
  if (!refer.replaces.empty())
    if (const auto named = Replaces::parse(refer.replaces))
      if (const InviteSession* other = core_.findByTag(named->toTag);
          other && other->phase() != SessionPhase::calling && other->isNamedBy(*named))
        refer.replacesSession = other->id();
  core_.answer(id, 202, now, extra);
  sendReferNotify(100, now);
  tell([refer = std::move(refer)](UserAgentListener& listener) { listener.onRefer(refer); });
}

void InviteSession::referProgress(int status, base::Instant now) {
  if (!activity_ || !activity_->referred || status < 100 || status > 699) return;
  sendReferNotify(status, now);
}

void InviteSession::sendReferNotify(int status, base::Instant now) {
  const bool last = status >= 200;
  if (last) activity_->referred = false;
  if (activity_->referredSilently) return;
  Waiting notify{.purpose = Pending::Purpose::notify, .method = Method::notify};
  notify.headers.push_back({HeaderId::event, {}, "refer;id=" + std::to_string(activity_->referredCSeq)});
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(core_.options.referTimeout).count();
  notify.headers.push_back(
      {HeaderId::subscriptionState,
       {},
       last ? "terminated;reason=noresource" : "active;expires=" + std::to_string(seconds)});
  notify.body = "SIP/2.0 " + std::to_string(status) + " " + std::string(phraseOf(status)) + "\r\n";
  notify.contentType = "message/sipfrag;version=2.0";
  sendInTurn(std::move(notify), now);
}

}  // namespace parley::sip
