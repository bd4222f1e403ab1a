#include "assist/fetch_trust.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "assist/documents_settings.h"
#include "assist/fetcher.h"
#include "base/log.h"
#include "net/internal_test_support.h"

namespace parley::assist {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kDocument = "%PDF-1.7\n" + std::string(500, 'p');

/// A company's document server: its certificate comes from the company's own authority.
struct FetchTrustTest : ::testing::Test {
  FetchTrustTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "parley-fetch-trust-XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    declareDocumentSettings(settings);
    const auto router = std::make_shared<net::Router>();
    router->add("GET", "/a.pdf", [](const net::HttpRequest&, net::HttpReply reply) {
      net::HttpResponse response;
      response.headers.set("Content-Type", "application/pdf");
      response.body = kDocument;
      reply.send(std::move(response));
    });
    server.emplace(loop, router, net::HttpServerOptions{});
    where = *server->listen(*net::Endpoint::parse("127.0.0.1", 0),
                            *net::TlsServerContext::create(certificate.certificate, certificate.key));
  }
  ~FetchTrustTest() override { std::filesystem::remove_all(folder); }

  void write(const std::string& text) { std::ofstream(folder / "company.pem") << text; }
  void name(const std::string& file) {
    const auto problem = settings.setText("assist.fetch_authorities", file);
    ASSERT_FALSE(problem) << problem->format();
  }
  void make() {
    auto made = FetchTrust::create(loop, settings, parley.certificate);
    ASSERT_TRUE(made) << made.error().text;
    trust = std::move(*made);
    FetcherOptions options;
    options.tls = trust->context();
    fetcher = std::make_unique<Fetcher>(loop, options);
    fetcher->setAllowance(*FetchAllowance::parse({"127.0.0.1"}));
    fetcher->setResolve([this](const std::string&, auto done) {
      loop.post([done, to = where.withPort(0)] { done(std::vector{to}); });
    });
  }
  std::string fetched(const std::string& host = "docs.example") {
    std::optional<base::Result<Fetched>> done;
    fetcher->fetch("https://" + host + ":" + std::to_string(where.port()) + "/a.pdf",
                   [&](base::Result<Fetched> r) { done = std::move(r); });
    EXPECT_TRUE(loop.runUntil([&] { return done.has_value(); }, base::Millis{20'000}));
    return !done ? "deadline" : *done ? (*done)->bytes : done->error().reason + ": " + done->error().text;
  }

  net::EventLoop loop{"test"};
  base::Settings settings;
  std::filesystem::path folder;
  const net::rig::TestCertificate parley = net::rig::makeCertificate("DNS:parley.example");
  const net::rig::TestCertificate company = net::rig::makeCertificate("DNS:authority.example");
  const net::rig::TestCertificate certificate = net::rig::makeCertificate("DNS:docs.example", &company);
  std::optional<net::HttpServer> server;
  net::Endpoint where;
  std::unique_ptr<FetchTrust> trust;
  std::unique_ptr<Fetcher> fetcher;
};

TEST_F(FetchTrustTest, DocumentsComeOverHttpsFromACompanysOwnAuthority) {
  write(company.certificate);
  name(folder / "company.pem");
  make();
  EXPECT_EQ(fetched(), kDocument);
  // The certificate must name the server as well.
  EXPECT_EQ(fetched("other.example"), "fetch.untrusted: The server's certificate is not trusted.");
}

TEST_F(FetchTrustTest, WithoutItTheReasonIsSaidAndLogged) {
  make();
  std::vector<std::string> lines;
  base::captureLog(&lines);
  EXPECT_EQ(fetched(), "fetch.untrusted: The server's certificate is not trusted.");
  base::captureLog(nullptr);
  EXPECT_THAT(lines, Contains(AllOf(HasSubstr("document is not fetched"), HasSubstr("reason=fetch.untrusted"),
                                    HasSubstr("host=docs.example"), HasSubstr("certificate"),
                                    Not(HasSubstr("a.pdf")))));
}

TEST_F(FetchTrustTest, TheFileIsFollowedAndABrokenOneChangesNothing) {
  make();
  write(company.certificate);
  name(folder / "company.pem");
  trust->check();
  EXPECT_EQ(fetched(), kDocument);
  write("no certificate");
  trust->check();
  std::filesystem::remove(folder / "company.pem");
  trust->check();
  EXPECT_EQ(fetched(), kDocument);
  write(parley.certificate);
  trust->check();
  EXPECT_TRUE(loop.runUntil([&] { return server->connections() == 0; }, base::Millis{20'000}));
  EXPECT_THAT(fetched(), HasSubstr("fetch.untrusted"));
}

TEST_F(FetchTrustTest, DoesNotStartWithAFileThatCannotBeRead) {
  const auto reason = [&] { return FetchTrust::create(loop, settings, parley.certificate).error().reason; };
  name(folder / "none.pem");
  EXPECT_EQ(reason(), "server.bad_authorities");
  write("nonsense");
  name(folder / "company.pem");
  EXPECT_EQ(reason(), "tls.bad_certificate");
}

}  // namespace
}  // namespace parley::assist
