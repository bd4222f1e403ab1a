// What the tests of the SIP transports share: a side (transport and what it was told), messages,
// certificates.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/internal_test_support.h"
#include "sipnet/transport.h"

namespace parley::sipnet::rig {

using base::Millis;
using net::rig::kDeadline;
using net::rig::kLoopback;
using net::rig::makeCertificate;
using net::rig::RawPeer;
using net::rig::TestCertificate;
using sip::TransportKind;

constexpr sip::SendToken kToken{7};

inline proto::TransportAddress addressOf(const net::Endpoint& e) { return {e.bytes(), e.port()}; }

inline std::string optionsRequest(const std::string& via = "SIP/2.0/UDP 127.0.0.1:5060;rport",
                                  const std::string& callId = "call-1", const std::string& body = "") {
  return "OPTIONS sip:bob@example.com SIP/2.0\r\nVia: " + via +
         ";branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:a@example.com>;tag=1\r\nTo: "
         "<sip:bob@example.com>\r\nCall-ID: " +
         callId + "\r\nCSeq: 1 OPTIONS\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
/// Readable enough to be answered, but no valid request.
inline std::string badRequest(const std::string& via = "SIP/2.0/TCP 127.0.0.1:5060;rport") {
  std::string text = optionsRequest(via, "bad-1");
  return text.replace(text.find("Max-Forwards: 70"), 16, "Max-Forwards: no");
}

/// One transport with all that its sink was told.
struct Side : TransportSink {
  explicit Side(net::EventLoop& l, TransportOptions options = {})
      : loop(l), transport(l, std::move(options), *this) {}

  void onMessage(sip::Message message, const sip::Source& source) override {
    messages.emplace_back(std::move(message), source);
  }
  void onFlowClosed(sip::FlowId flow, std::string_view reason) override { closed.emplace_back(flow, reason); }
  void onSendFailed(sip::SendToken token, std::string_view reason) override {
    failed.emplace_back(token.value(), reason);
  }
  void onRefused(const sip::Source&, std::string_view reason) override { refused.emplace_back(reason); }

  net::Endpoint listen(TransportKind kind, std::shared_ptr<net::TlsServerContext> tls = nullptr,
                       const net::Endpoint& bind = kLoopback) {
    const auto bound = transport.listen(kind, bind, std::move(tls));
    EXPECT_TRUE(bound) << bound.error().text;
    return bound ? *bound : net::Endpoint();
  }
  bool until(const std::function<bool()>& done) const { return loop.runUntil(done, kDeadline); }
  bool got(std::size_t count) const {
    return until([&] { return messages.size() >= count; });
  }

  net::EventLoop& loop;
  SipTransport transport;
  std::vector<std::pair<sip::Message, sip::Source>> messages;
  std::vector<std::pair<sip::FlowId, std::string>> closed;
  std::vector<std::pair<std::uint64_t, std::string>> failed;
  std::vector<std::string> refused;
};

inline sip::Target targetOf(TransportKind kind, const net::Endpoint& to, std::string host = "") {
  return {kind, addressOf(to), std::move(host), {}};
}

inline std::shared_ptr<net::TlsServerContext> serverTls(const TestCertificate& own,
                                                        const std::string& clientAuthorities = "") {
  net::TlsServerSettings settings;
  settings.certificates.push_back({own.certificate, own.key});
  if (!clientAuthorities.empty()) {
    settings.clientCertificate = net::ClientCertificate::optional;
    settings.authoritiesPem = clientAuthorities;
  }
  return *net::TlsServerContext::create(std::move(settings));
}
inline std::shared_ptr<net::TlsClientContext> clientTls(const TestCertificate& trusted,
                                                        const TestCertificate* own = nullptr) {
  net::TlsClientSettings settings;
  settings.authoritiesPem = trusted.certificate;
  if (own != nullptr) settings.certificate.push_back({own->certificate, own->key});
  return *net::TlsClientContext::create(settings);
}

}  // namespace parley::sipnet::rig
