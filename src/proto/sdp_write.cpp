#include <fmt/format.h>

#include <iterator>

#include "proto/sdp.h"

namespace parley::proto {
namespace {

class Writer {
 public:
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += "\r\n";
  }

  void attribute(const SdpAttribute& a) {
    if (a.value)
      line("a={}:{}", a.name, *a.value);
    else
      line("a={}", a.name);
  }

  void connection(const SdpConnection& c) { line("c=IN {} {}", c.addressType, c.address); }

  void bandwidths(const std::vector<SdpBandwidth>& all) {
    for (const auto& b : all) line("b={}:{}", b.type, b.value);
  }

  void direction(const std::optional<SdpDirection>& d) {
    if (d) line("a={}", toString(*d));
  }

  void extmaps(const std::vector<SdpExtmap>& all) {
    for (const auto& e : all)
      line("a=extmap:{}{}{} {}{}{}", e.id, e.direction ? "/" : "",
           e.direction ? toString(*e.direction) : std::string_view{}, e.uri, e.attributes.empty() ? "" : " ",
           e.attributes);
  }

  void transport(const SdpTransport& t) {
    if (t.iceUfrag) line("a=ice-ufrag:{}", *t.iceUfrag);
    if (t.icePwd) line("a=ice-pwd:{}", *t.icePwd);
    if (!t.iceOptions.empty()) line("a=ice-options:{}", fmt::join(t.iceOptions, " "));
    for (const auto& f : t.fingerprints) line("a=fingerprint:{} {}", f.algorithm, f.value);
    if (t.setup) line("a=setup:{}", toString(*t.setup));
    if (t.tlsId) line("a=tls-id:{}", *t.tlsId);
    for (const auto& c : t.candidates)
      line("a=candidate:{} {} {} {} {} {} typ {}{}{}", c.foundation, c.component, c.transport, c.priority,
           c.address, c.port, c.type, c.extensions.empty() ? "" : " ", c.extensions);
    if (t.endOfCandidates) line("a=end-of-candidates");
  }

  void media(const SdpMedia& m) {
    if (m.portCount == 1)
      line("m={} {} {} {}", m.kind, m.port, m.protocol, fmt::join(m.formats, " "));
    else
      line("m={} {}/{} {} {}", m.kind, m.port, m.portCount, m.protocol, fmt::join(m.formats, " "));
    if (!m.title.empty()) line("i={}", m.title);
    for (const auto& c : m.connections) connection(c);
    bandwidths(m.bandwidths);
    if (m.mid) line("a=mid:{}", *m.mid);
    direction(m.direction);
    transport(m.transport);
    if (m.rtcpMux) line("a=rtcp-mux");
    if (m.rtcpRsize) line("a=rtcp-rsize");
    if (m.bundleOnly) line("a=bundle-only");
    extmaps(m.extmaps);
    payloads(m);
    for (const auto& s : m.msids) line("a=msid:{}{}{}", s.stream, s.track.empty() ? "" : " ", s.track);
    for (const auto& g : m.ssrcGroups)
      line("a=ssrc-group:{}{}{}", g.semantics, g.ssrcs.empty() ? "" : " ", fmt::join(g.ssrcs, " "));
    for (const auto& s : m.ssrcs)
      line("a=ssrc:{} {}{}{}", s.ssrc, s.attribute.name, s.attribute.value ? ":" : "",
           s.attribute.value.value_or(""));
    for (const auto& a : m.others) attribute(a);
  }

  void session(const SdpSession& s) {
    line("v=0");
    line("o={} {} {} IN {} {}", s.origin.user, s.origin.sessionId, s.origin.version, s.origin.addressType,
         s.origin.address);
    line("s={}", s.name);
    // RFC 8866 section 5: i= u= e= p= stand before c=, r= z= after t=.
    const auto isTiming = [](const std::string& l) { return l.starts_with("r=") || l.starts_with("z="); };
    for (const auto& l : s.otherLines)
      if (!isTiming(l)) line("{}", l);
    if (s.connection) connection(*s.connection);
    bandwidths(s.bandwidths);
    for (const auto& t : s.times) line("t={}", t);
    for (const auto& l : s.otherLines)
      if (isTiming(l)) line("{}", l);
    if (s.iceLite) line("a=ice-lite");
    for (const auto& g : s.groups)
      line("a=group:{}{}{}", g.semantics, g.mids.empty() ? "" : " ", fmt::join(g.mids, " "));
    direction(s.direction);
    transport(s.transport);
    extmaps(s.extmaps);
    for (const auto& a : s.others) attribute(a);
    for (const auto& m : s.media) media(m);
  }

  std::string take() { return std::move(out_); }

 private:
  void payloads(const SdpMedia& m) {
    for (const auto& r : m.rtpmaps) {
      if (r.channels == 1)
        line("a=rtpmap:{} {}/{}", r.payloadType, r.name, r.clockRate);
      else
        line("a=rtpmap:{} {}/{}/{}", r.payloadType, r.name, r.clockRate, r.channels);
    }
    for (const auto& f : m.fmtps) line("a=fmtp:{} {}", f.payloadType, f.parameters);
    for (const auto& f : m.rtcpFbs) {
      if (f.payloadType)
        line("a=rtcp-fb:{} {}", *f.payloadType, f.value);
      else
        line("a=rtcp-fb:* {}", f.value);
    }
  }

  std::string out_;
};

}  // namespace

std::string writeSdp(const SdpSession& session) {
  Writer writer;
  writer.session(session);
  return writer.take();
}

}  // namespace parley::proto
