#include "gateway/sip_tls.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "gateway/settings.h"
#include "sipnet/test_rig.h"

namespace parley::gateway {
namespace {

using net::rig::TestCertificate;
using sipnet::rig::Side;
using sipnet::rig::targetOf;
constexpr auto kTls = sip::TransportKind::tls;

class SipTlsSettingsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "parley-sip-tls-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    declareSettings(settings_);
    write("own.pem", own_.certificate);
    write("own.key", own_.key);
    write("more.pem", sbc_.certificate);
    set("sip.authorities", folder_ / "more.pem");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const char* name, const std::string& text) { std::ofstream(folder_ / name) << text; }
  void set(const char* name, const std::string& text) {
    const auto problem = settings_.setText(name, text);
    ASSERT_FALSE(problem) << problem->format();
  }
  /// Its certificates are their own authorities here.
  base::Result<std::unique_ptr<SipTls>> make() {
    return SipTls::create({loop_, settings_, folder_ / "own.pem", folder_ / "own.key", own_.certificate});
  }
  static sipnet::TransportOptions with(std::shared_ptr<net::TlsClientContext> tls) {
    sipnet::TransportOptions options;
    options.tls = std::move(tls);
    return options;
  }
  /// What a server of that name hears from a client: "unverified", the client's proved name, or "nothing".
  std::string heard(std::shared_ptr<net::TlsServerContext> server,
                    std::shared_ptr<net::TlsClientContext> client, const std::string& name) {
    Side a(loop_), b(loop_, with(std::move(client)));
    b.transport.send(sipnet::rig::optionsRequest("SIP/2.0/TLS x"),
                     targetOf(kTls, a.listen(kTls, std::move(server)), name), sipnet::rig::kToken);
    a.until(
        [&] { return !a.messages.empty() || !b.failed.empty() || !b.closed.empty() || !a.refused.empty(); });
    if (a.messages.empty()) return "nothing";
    const sip::Source& source = a.messages[0].second;
    return source.verified ? source.peerName : "unverified";
  }

  net::EventLoop loop_{"test"};
  base::Settings settings_;
  std::filesystem::path folder_;
  const TestCertificate own_ = net::rig::makeCertificate("DNS:parley.example");
  const TestCertificate sbc_ = net::rig::makeCertificate("DNS:sbc.example");
  const TestCertificate other_ = net::rig::makeCertificate("DNS:other.example");
};

TEST_F(SipTlsSettingsTest, ASipServerThatAsksIsShownOurCertificate) {
  const auto tls = make();
  ASSERT_TRUE(tls) << tls.error().text;
  EXPECT_EQ(heard(sipnet::rig::serverTls(sbc_, own_.certificate), (*tls)->client(), "sbc.example"),
            "parley.example");
  EXPECT_EQ(heard(sipnet::rig::serverTls(sbc_), (*tls)->client(), "sbc.example"), "unverified");
  EXPECT_EQ(heard(sipnet::rig::serverTls(other_), (*tls)->client(), "other.example"), "nothing");
}

TEST_F(SipTlsSettingsTest, PeersAreAskedForACertificateAsIsSet) {
  const auto tls = make();
  ASSERT_TRUE(tls) << tls.error().text;
  struct Case {
    const char* setting;
    const char *with, *without, *strange;
  };
  constexpr Case kCases[] = {{"none", "unverified", "unverified", "unverified"},
                             {"optional", "sbc.example", "unverified", "unverified"},
                             {"required", "sbc.example", "nothing", "nothing"}};
  for (const Case& each : kCases) {
    SCOPED_TRACE(each.setting);
    set("sip.client_certificates", each.setting);
    (*tls)->check();
    const auto from = [&](const TestCertificate* shown) {
      return heard((*tls)->server(), sipnet::rig::clientTls(own_, shown), "parley.example");
    };
    EXPECT_EQ(from(&sbc_), each.with);
    EXPECT_EQ(from(nullptr), each.without);
    EXPECT_EQ(from(&other_), each.strange);
  }
}

TEST_F(SipTlsSettingsTest, FilesThatChangeAreUsedAndBrokenOnesAreNot) {
  const auto tls = make();
  ASSERT_TRUE(tls) << tls.error().text;
  const auto reach = [&](const TestCertificate& server, const std::string& name) {
    return heard(sipnet::rig::serverTls(server), (*tls)->client(), name) != "nothing";
  };
  write("more.pem", sbc_.certificate + other_.certificate);
  (*tls)->check();
  EXPECT_TRUE(reach(other_, "other.example"));
  write("more.pem", "no certificate");
  (*tls)->check();
  std::filesystem::remove(folder_ / "more.pem");
  (*tls)->check();
  EXPECT_TRUE(reach(sbc_, "sbc.example"));
  EXPECT_TRUE(reach(other_, "other.example"));
  // Ours is renewed: who calls sees the new one.
  write("more.pem", sbc_.certificate);
  write("own.pem", other_.certificate);
  (*tls)->check();
  EXPECT_TRUE(reach(other_, "other.example")) << "a certificate without its key is not taken, nor the rest";
  write("own.key", other_.key);
  (*tls)->check();
  EXPECT_FALSE(reach(other_, "other.example"));
  EXPECT_EQ(heard((*tls)->server(), sipnet::rig::clientTls(other_), "other.example"), "unverified");
}

TEST_F(SipTlsSettingsTest, AFileThatIsBeingWrittenIsLeftUntilItStands) {
  write("more.pem", sbc_.certificate + other_.certificate);
  const auto tls = make();
  ASSERT_TRUE(tls) << tls.error().text;
  const auto reach = [&] {
    return heard(sipnet::rig::serverTls(other_), (*tls)->client(), "other.example") != "nothing";
  };
  EXPECT_TRUE(reach());
  write("more.pem", sbc_.certificate);  // So far.
  (*tls)->look();
  EXPECT_TRUE(reach()) << "seen once";
  write("more.pem", sbc_.certificate + other_.certificate);
  (*tls)->look();
  (*tls)->look();
  EXPECT_TRUE(reach());
  write("more.pem", sbc_.certificate);
  (*tls)->look();
  (*tls)->look();
  EXPECT_FALSE(reach()) << "seen twice: it is meant";
  write("more.pem", "");
  (*tls)->check();
  EXPECT_EQ(heard(sipnet::rig::serverTls(sbc_), (*tls)->client(), "sbc.example"), "unverified")
      << "an empty file is no change";
}

TEST_F(SipTlsSettingsTest, DoesNotStartWithFilesThatCannotBeRead) {
  set("sip.authorities", folder_);
  EXPECT_EQ(make().error().reason, "server.bad_authorities") << "a folder";
  set("sip.authorities", folder_ / "none.pem");
  EXPECT_EQ(make().error().reason, "server.bad_authorities");
  write("none.pem", "nonsense");
  EXPECT_EQ(make().error().reason, "tls.bad_certificate");
  set("sip.authorities", folder_ / "more.pem");
  std::filesystem::remove(folder_ / "own.key");
  EXPECT_EQ(make().error().reason, "tls.bad_certificate");
}

}  // namespace
}  // namespace parley::gateway
