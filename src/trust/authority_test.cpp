#include "trust/authority.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/log.h"
#include "trust/files.h"
#include "trust/x509.h"

namespace parley::trust {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;
namespace fs = std::filesystem;

class AuthorityTest : public testing::Test {
 protected:
  AuthorityTest() {
    std::string pattern = fs::temp_directory_path() / "parley-trust-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    state_ = directory_ / "state";
  }
  ~AuthorityTest() override { fs::remove_all(directory_); }

  Authority open() {
    auto authority = Authority::open(state_);
    EXPECT_TRUE(authority) << authority.error().text;
    return *authority;
  }
  std::string read(const std::string& name) { return readFile(state_ / name).value().value_or("(none)"); }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(state_ / name, std::ios::trunc) << text;
  }
  static int modeOf(const fs::path& path) {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return static_cast<int>(status.st_mode & 0777);
  }
  /// Puts an identity there as the authority would have issued it, but living `lifetime`.
  void issueOld(const std::string& name, std::chrono::days lifetime) {
    const KeyPtr key = generateKey();
    const CertificatePtr ca = parseLeaf(read("ca.pem"));
    const KeyPtr caKey = parseKey(read("ca.key"));
    const auto certificate =
        issue({"old", {"localhost"}, lifetime, false}, key.get(), ca.get(), caKey.get(), base::wallNow());
    write(name + ".pem", toPem(certificate.get()));
    write(name + ".key", toPem(key.get()));
  }
  std::string reasonOf(const base::Result<ServerIdentity>& result) {
    return result ? "(success)" : result.error().reason;
  }

  fs::path directory_, state_;
};

TEST_F(AuthorityTest, FirstStartMakesAnAuthorityAndLaterStartsKeepIt) {
  const std::string first = open().certificatePem();
  EXPECT_EQ(open().certificatePem(), first);
  const CertificatePtr ca = parseLeaf(first);
  ASSERT_TRUE(ca);
  EXPECT_TRUE(isAuthority(ca.get()));
  EXPECT_EQ(modeOf(state_), 0700);
  EXPECT_EQ(modeOf(state_ / "ca.pem"), 0600);
  EXPECT_EQ(modeOf(state_ / "ca.key"), 0600);
}

TEST_F(AuthorityTest, AnIdentityIsSignedByTheAuthorityAndBearsItsNames) {
  Authority authority = open();
  const auto identity =
      authority.identity("media", {"Media.Example", "192.0.2.7", "2001:DB8::1", "media.example"});
  ASSERT_TRUE(identity) << identity.error().text;
  const CertificatePtr leaf = parseLeaf(identity->certificatePem);
  const KeyPtr key = parseKey(identity->keyPem);
  const CertificatePtr ca = parseLeaf(authority.certificatePem());
  ASSERT_TRUE(leaf && key && ca);
  EXPECT_TRUE(matches(leaf.get(), key.get()));
  EXPECT_TRUE(signedBy(leaf.get(), X509_get0_pubkey(ca.get())));
  EXPECT_FALSE(isAuthority(leaf.get()));
  EXPECT_THAT(subjectNames(leaf.get()), UnorderedElementsAre("media.example", "192.0.2.7", "2001:db8::1"));
  const auto life = notAfter(leaf.get()) - base::wallNow();
  EXPECT_GT(life, std::chrono::days{396});
  EXPECT_LT(life, std::chrono::days{398});
  EXPECT_THAT(identity->certificatePem, HasSubstr(authority.certificatePem()));
  EXPECT_EQ(modeOf(state_ / "media.key"), 0600);
}

TEST_F(AuthorityTest, AnIdentityIsKeptWhileItsNamesStayAndMadeAnewWhenTheyChange) {
  Authority authority = open();
  const auto first = authority.identity("media", {"localhost", "127.0.0.1"});
  const auto again = authority.identity("media", {"127.0.0.1", "localhost"});
  const auto other = authority.identity("media", {"localhost"});
  ASSERT_TRUE(first && again && other);
  EXPECT_EQ(first->certificatePem, again->certificatePem);
  EXPECT_NE(first->certificatePem, other->certificatePem);
}

TEST_F(AuthorityTest, RenewsOurCertificateWhenLessThanThirtyDaysAreLeft) {
  Authority authority = open();
  issueOld("media", std::chrono::days{29});
  const std::string old = read("media.pem");
  const auto renewed = authority.identity("media", {"localhost"});
  ASSERT_TRUE(renewed) << renewed.error().text;
  EXPECT_NE(renewed->certificatePem, old);
  issueOld("media", std::chrono::days{31});
  const auto kept = authority.identity("media", {"localhost"});
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->certificatePem, read("media.pem"));
  EXPECT_LT(notAfter(parseLeaf(kept->certificatePem).get()) - base::wallNow(), std::chrono::days{32});
}

TEST_F(AuthorityTest, ARunningProgramsCertificateIsRenewedAndTakenIntoUse) {
  net::EventLoop loop{"test"};
  Authority authority = open();
  issueOld("media", std::chrono::days{29});
  const std::string old = read("media.pem");
  auto context = net::TlsServerContext::create(old, read("media.key"));
  ASSERT_TRUE(context) << context.error().text;
  const CertificateWatcher watcher(loop, state_ / "media.pem", state_ / "media.key", *context,
                                   base::Millis{1});
  std::vector<std::string> lines;
  base::captureLog(&lines);
  const auto exchanged = [&lines] {
    return std::ranges::any_of(
        lines, [](const std::string& line) { return line.contains("the certificate was exchanged"); });
  };
  const IdentityRenewal renewal(
      loop, authority, "media", [] { return std::vector<std::string>{"localhost"}; }, base::Millis{1});
  loop.runUntil(exchanged, base::Millis{10'000});
  base::captureLog(nullptr);
  EXPECT_TRUE(exchanged());
  EXPECT_NE(read("media.pem"), old);
}

TEST_F(AuthorityTest, AnAdministratorsCertificateIsUsedAsItIs) {
  Authority authority = open();
  const KeyPtr key = generateKey();
  const auto own = issue({"shop", {"shop.example"}, std::chrono::days{5}, false}, key.get(), nullptr,
                         key.get(), base::wallNow());
  write("media.pem", toPem(own.get()));
  write("media.key", toPem(key.get()));
  const auto identity = authority.identity("media", {"localhost"});
  ASSERT_TRUE(identity) << identity.error().text;
  EXPECT_EQ(identity->certificatePem, toPem(own.get()));

  write("media.key", toPem(generateKey().get()));
  const auto mismatch = authority.identity("media", {"localhost"});
  EXPECT_EQ(reasonOf(mismatch), "trust.bad_identity");
  EXPECT_THAT(mismatch.error().text, HasSubstr("does not belong"));
  EXPECT_EQ(read("media.pem"), toPem(own.get()));  // Complained of, not replaced.
  fs::remove(state_ / "media.key");
  EXPECT_EQ(reasonOf(authority.identity("media", {"localhost"})), "trust.bad_identity");
}

TEST_F(AuthorityTest, MendsWhatAnInterruptedWriteLeft) {
  Authority authority = open();
  const auto first = authority.identity("media", {"localhost"});
  ASSERT_TRUE(first);
  fs::remove(state_ / "media.pem");  // The key was written, the certificate not yet.
  const auto mended = authority.identity("media", {"localhost"});
  ASSERT_TRUE(mended) << mended.error().text;
  EXPECT_EQ(mended->keyPem, first->keyPem);
  write("media.key", toPem(generateKey().get()));  // Renewal: new key, old certificate.
  const auto again = authority.identity("media", {"localhost"});
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_TRUE(matches(parseLeaf(again->certificatePem).get(), parseKey(again->keyPem).get()));
  fs::remove(state_ / "media.key");
  EXPECT_TRUE(authority.identity("media", {"localhost"}));

  fs::remove(state_ / "ca.pem");  // First start interrupted after the key.
  EXPECT_TRUE(Authority::open(state_));
}

TEST_F(AuthorityTest, RefusesTamperedFilesAndLeavesThem) {
  Authority authority = open();
  ASSERT_TRUE(authority.identity("media", {"localhost"}));
  write("media.pem", "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n");
  EXPECT_EQ(reasonOf(authority.identity("media", {"localhost"})), "trust.bad_identity");
  EXPECT_THAT(read("media.pem"), HasSubstr("nonsense"));

  const std::string ca = read("ca.pem"), key = read("ca.key");
  for (const auto& [certificate, newKey] : std::vector<std::pair<std::string, std::string>>{
           {"", key}, {ca, ""}, {ca, "garbage"}, {"garbage", key}, {ca, toPem(generateKey().get())}}) {
    write("ca.pem", certificate);
    write("ca.key", newKey);
    const auto opened = Authority::open(state_);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().reason, "trust.bad_authority");
    EXPECT_THAT(opened.error().text, HasSubstr(state_.string()));
  }
  write("ca.pem", read("media.pem"));
  write("ca.key", std::string(kMaxFileBytes + 1, 'x'));
  EXPECT_EQ(Authority::open(state_).error().reason, "trust.state_directory");
}

TEST_F(AuthorityTest, ALeafCannotServeAsAuthority) {
  open();
  issueOld("leaf", std::chrono::days{100});
  write("ca.pem", read("leaf.pem"));
  write("ca.key", read("leaf.key"));
  const auto opened = Authority::open(state_);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().text, HasSubstr("not one of an authority"));
}

TEST_F(AuthorityTest, RefusesNamesThatCannotStandInACertificateOrAsAFile) {
  Authority authority = open();
  for (const std::string name : {"a b", "x,IP:1.2.3.4", "", "a\nb", "ü"}) {
    EXPECT_EQ(reasonOf(authority.identity("media", {name})), "trust.bad_name") << name;
  }
  EXPECT_EQ(reasonOf(authority.identity("media", {})), "trust.bad_name");
  EXPECT_EQ(reasonOf(authority.identity("media", {std::string(254, 'a')})), "trust.bad_name");
  std::vector<std::string> many;
  for (int i = 0; i < 129; ++i) many.push_back("host" + std::to_string(i));
  EXPECT_EQ(reasonOf(authority.identity("media", many)), "trust.bad_name");
  for (const std::string name : {"../x", "", ".hidden", "a/b", "ca"}) {
    EXPECT_EQ(reasonOf(authority.identity(name, {"localhost"})), "trust.bad_name") << name;
  }
}

TEST_F(AuthorityTest, SecretsAreMadeOnceAndReadAfterwards) {
  Authority authority = open();
  const auto made = authority.secret("broker-control.secret");
  ASSERT_TRUE(made);
  EXPECT_EQ(made->reveal().size(), 32u);
  EXPECT_EQ(open().secret("broker-control.secret")->reveal(), made->reveal());
  EXPECT_NE(authority.secret("other.secret")->reveal(), made->reveal());
  EXPECT_EQ(modeOf(state_ / "broker-control.secret"), 0600);
  write("own.secret", "  chosen by hand\n");
  EXPECT_EQ(authority.secret("own.secret")->reveal(), "chosen by hand");
  write("own.secret", "\n");
  EXPECT_EQ(authority.secret("own.secret").error().reason, "trust.bad_secret");
  EXPECT_EQ(authority.secret("../own").error().reason, "trust.bad_name");
}

TEST_F(AuthorityTest, AStateFolderThatCannotBeIsAnError) {
  std::ofstream(directory_ / "file") << "x";
  EXPECT_EQ(Authority::open(directory_ / "file").error().reason, "trust.state_directory");
  EXPECT_EQ(Authority::open(directory_ / "file" / "below").error().reason, "trust.state_directory");
  EXPECT_EQ(Authority::open("").error().reason, "trust.state_directory");
  EXPECT_TRUE(Authority::open(directory_ / "a" / "b" / "c"));
}

/// What one starting program ends up with.
std::string startOnce(const std::string& state) {
  auto authority = Authority::open(state);
  if (!authority) return "open: " + authority.error().text;
  const auto identity = authority->identity("server", {"localhost"});
  const auto secret = authority->secret("shared.secret");
  if (!identity || !secret) return "identity";
  return authority->certificatePem() + identity->certificatePem + identity->keyPem + secret->reveal();
}

TEST_F(AuthorityTest, ThreadsStartingAtTheSameTimeAgree) {
  std::vector<std::string> results(8);
  {
    std::vector<std::jthread> threads;
    for (std::string& result : results) threads.emplace_back([&] { result = startOnce(state_); });
  }
  EXPECT_THAT(results[0], HasSubstr("BEGIN CERTIFICATE"));
  for (const std::string& result : results) EXPECT_EQ(result, results[0]);
}

TEST_F(AuthorityTest, ProcessesStartingAtTheSameTimeAgree) {
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      const std::string result = startOnce(state_);
      std::ofstream(directory_ / ("result" + std::to_string(i))) << result;
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) ::waitpid(child, nullptr, 0);
  const auto first = readFile(directory_ / "result0").value().value_or("");
  EXPECT_THAT(first, HasSubstr("BEGIN CERTIFICATE"));
  for (int i = 1; i < 4; ++i) {
    EXPECT_EQ(readFile(directory_ / ("result" + std::to_string(i))).value().value_or(""), first);
  }
}

TEST_F(AuthorityTest, ALockThatIsNeverGivenBackEndsTheWait) {
  open();
  const auto held = FileLock::take(state_ / ".lock", base::Millis{0});
  ASSERT_TRUE(held);
  const auto second = FileLock::take(state_ / ".lock", base::Millis{30});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, "trust.locked");
}

TEST(LocalNames, NameThisMachine) {
  const auto names = localNames();
  EXPECT_THAT(names, testing::Contains("localhost"));
  EXPECT_THAT(names, testing::Contains("127.0.0.1"));
}

/// Counts what it is given; refuses what is not whole.
class FakeContext final : public net::TlsServerContext {
 public:
  base::Result<void> replace(const std::string& certificatePem, const std::string& keyPem) override {
    const CertificatePtr certificate = parseLeaf(certificatePem);
    const KeyPtr key = parseKey(keyPem);
    if (!certificate || !key || !matches(certificate.get(), key.get())) {
      ++refused;
      return base::fail("tls.bad_certificate", "no");
    }
    used.push_back(certificatePem);
    return {};
  }
  base::Result<void> replace(net::TlsServerSettings) override {
    return base::fail("tls.bad_certificate", "no");
  }
  void* nativeHandle() override { return nullptr; }
  std::vector<std::string> used;
  int refused = 0;
};

TEST_F(AuthorityTest, TheWatcherPutsChangedFilesIntoTheContextAndKeepsTheOldOnesOtherwise) {
  Authority authority = open();
  ASSERT_TRUE(authority.identity("media", {"localhost"}));
  net::EventLoop loop("test");
  auto context = std::make_shared<FakeContext>();
  const CertificateWatcher watcher(loop, state_ / "media.pem", state_ / "media.key", context,
                                   base::Millis{5});
  // Unchanged files are left alone: the marker comes after several periods.
  net::Timer marker(loop);
  bool passed = false;
  marker.start(base::Millis{30}, [&] { passed = true; });
  ASSERT_TRUE(loop.runUntil([&] { return passed; }, base::Millis{10'000}));
  EXPECT_TRUE(context->used.empty());
  EXPECT_EQ(context->refused, 0);

  write("media.pem", "broken");
  ASSERT_TRUE(loop.runUntil([&] { return context->refused == 1; }, base::Millis{10'000}));
  passed = false;  // One complaint for one change.
  marker.start(base::Millis{30}, [&] { passed = true; });
  ASSERT_TRUE(loop.runUntil([&] { return passed; }, base::Millis{10'000}));
  EXPECT_EQ(context->refused, 1);

  fs::remove(state_ / "media.pem");
  ASSERT_TRUE(authority.identity("media", {"localhost", "127.0.0.1"}));
  ASSERT_TRUE(loop.runUntil([&] { return !context->used.empty(); }, base::Millis{10'000}));
  EXPECT_THAT(context->used, ElementsAre(read("media.pem")));
}

}  // namespace
}  // namespace parley::trust
