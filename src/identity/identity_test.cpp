#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "base/log.h"
#include "base/text.h"
#include "identity/password.h"
#include "identity/sign_in_limiter.h"
#include "identity/tokens.h"
#include "identity/users.h"
#include "identity/web_sessions.h"

namespace parley::identity {
namespace {

using namespace std::chrono_literals;
constexpr ScryptCost kCheap{1 << 4, 8, 1};

TEST(Password, RoundTripAndSalt) {
  base::FakeRandom random;
  const auto one = hashPassword(base::Secret("agent1"), kCheap, random);
  const auto two = hashPassword(base::Secret("agent1"), kCheap, random);
  ASSERT_TRUE(one && two);
  EXPECT_NE(*one, *two);
  EXPECT_TRUE(verifyPassword(base::Secret("agent1"), *one));
  EXPECT_FALSE(verifyPassword(base::Secret("agent2"), *one));
  EXPECT_FALSE(verifyPassword(base::Secret(""), *one));
  EXPECT_EQ(one->find("agent1"), std::string::npos);
}

TEST(Password, IsScryptAsRfc7914HasIt) {
  // RFC 7914 section 12, "password"/"NaCl" would need other sizes; the empty vector with our form.
  const std::string salt = base::base64UrlEncode(base::asBytes("NaCl"));
  // scrypt("password", "NaCl", 1024, 8, 16, 64) begins with these 32 bytes.
  const auto want = base::hexDecode("fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162");
  EXPECT_TRUE(verifyPassword(base::Secret("password"),
                             "scrypt$1024$8$16$" + salt + "$" + base::base64UrlEncode(*want)));
}

TEST(Password, DamagedOrGreedyHashesNeverMatch) {
  base::FakeRandom random;
  const std::string good = *hashPassword(base::Secret("x"), kCheap, random);
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    EXPECT_FALSE(verifyPassword(base::Secret("x"), good.substr(0, cut))) << cut;
  }
  for (const auto* bad :
       {"", "$$$$$", "scrypt$$$$$", "scrypt$3$8$1$AAAA$AAAA", "scrypt$1048576$1024$1$AAAA$AAAA",
        "scrypt$16$8$999$AAAA$AAAA", "bcrypt$16$8$1$AAAA$AAAA"}) {
    EXPECT_FALSE(verifyPassword(base::Secret("x"), bad)) << bad;
  }
  EXPECT_FALSE(hashPassword(base::Secret(std::string(kMaxPasswordBytes + 1, 'a')), kCheap, random));
}

TEST(SignInLimiter, FiveFailuresLockThatUserAtThatAddress) {
  SignInLimiter limiter({5, 50, 60s, 100});
  base::Instant now{};
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(limiter.locked("ada", "1", now));
    limiter.failed("ada", "1", now);
    now += 1s;
  }
  ASSERT_TRUE(limiter.locked("ada", "1", now));
  EXPECT_EQ(*limiter.locked("ada", "1", now), 55s);
  EXPECT_FALSE(limiter.locked("ada", "2", now));
  EXPECT_FALSE(limiter.locked("bob", "1", now));
  EXPECT_FALSE(limiter.locked("ada", "1", now + 55s));
}

TEST(SignInLimiter, FiftyFailuresLockTheAddressAndSuccessForgives) {
  SignInLimiter limiter({5, 50, 60s, 1000});
  const base::Instant now{};
  for (int i = 0; i < 49; ++i) limiter.failed("u" + std::to_string(i), "1", now);
  EXPECT_FALSE(limiter.locked("new", "1", now));
  limiter.failed("u49", "1", now);
  EXPECT_TRUE(limiter.locked("new", "1", now));
  limiter.succeeded("u49", "1");
  EXPECT_FALSE(limiter.locked("new", "1", now));
  for (int i = 0; i < 4; ++i) limiter.failed("ada", "2", now);
  limiter.failed("ada", "2", now);
  limiter.succeeded("ada", "2");
  EXPECT_FALSE(limiter.locked("ada", "2", now));
}

TEST(SignInLimiter, TablesStayBounded) {
  SignInLimiter limiter({5, 50, 60s, 64});
  for (int i = 0; i < 10'000; ++i) limiter.failed("u" + std::to_string(i), "a" + std::to_string(i % 500), {});
  EXPECT_LE(limiter.tracked(), 64u);
}

class Tokens : public ::testing::Test {
 protected:
  CallToken sample() const {
    return {"websocketcall", "consumer", "c-1", "Ada ✓", "agent1", "00c8", "cor-1", true, true, "", {}};
  }
  base::FakeRandom random_;
  TokenSigner signer_{base::Secret(std::string(32, 'k')), random_};
  base::WallTime now_{std::chrono::seconds{1'800'000'000}};
};

TEST_F(Tokens, CarryWhatTheCreatorFixed) {
  const auto read = signer_.verify(signer_.sign(sample(), now_, 300s), "websocketcall", now_);
  ASSERT_TRUE(read) << read.error().text;
  auto want = sample();
  want.id = read->id;
  want.expires = now_ + 300s;
  EXPECT_EQ(*read, want);
  EXPECT_FALSE(read->id.empty());
}

TEST_F(Tokens, ExpireAndAreBoundToTheirAudience) {
  const auto token = signer_.sign(sample(), now_, 300s);
  EXPECT_TRUE(signer_.verify(token, "websocketcall", now_ + 299s));
  EXPECT_EQ(signer_.verify(token, "websocketcall", now_ + 300s).error().reason, "token.expired");
  EXPECT_TRUE(signer_.verifyIgnoringExpiry(token, "websocketcall"));
  EXPECT_EQ(signer_.verify(token, "topic", now_).error().reason, "token.invalid");
}

TEST_F(Tokens, EveryChangedOrMissingByteIsRefused) {
  const auto token = signer_.sign(sample(), now_, 300s);
  for (std::size_t i = 0; i < token.size(); ++i) {
    auto changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(signer_.verify(changed, "websocketcall", now_)) << i;
    EXPECT_FALSE(signer_.verify(token.substr(0, i), "websocketcall", now_)) << i;
  }
  EXPECT_FALSE(signer_.verify(token + "A", "websocketcall", now_));
  EXPECT_FALSE(signer_.verify(std::string(1 << 20, 'a'), "websocketcall", now_));
}

TEST_F(Tokens, AnotherKeyOrAlgorithmIsRefused) {
  TokenSigner other{base::Secret(std::string(32, 'x')), random_};
  EXPECT_FALSE(signer_.verify(other.sign(sample(), now_, 300s), "websocketcall", now_));
  const auto token = signer_.sign(sample(), now_, 300s);
  const std::string body = token.substr(token.find('.'), token.rfind('.') - token.find('.') + 1);
  EXPECT_FALSE(signer_.verify(base::base64UrlEncode(base::asBytes(R"({"alg":"none"})")) + body,
                              "websocketcall", now_));
}

class UsersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "parley-users-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    store_ = std::move(*store::openEmbeddedStore(loop_, ":memory:"));
    users_ = make();
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::unique_ptr<Users> make() {
    return std::make_unique<Users>(loop_, pool_, *store_, random_, Users::Options{kCheap, {}});
  }
  base::Result<void> start(Users& users) {
    std::optional<base::Result<void>> started;
    users.start(directory_, [&](base::Result<void> result) { started = result; });
    EXPECT_TRUE(loop_.runUntil([&] { return started.has_value(); }, 20s));
    return *started;
  }
  std::string signIn(const std::string& name, const std::string& password, const std::string& address = "1") {
    std::optional<std::expected<User, SignInFailure>> got;
    users_->signIn(name, base::Secret(password), address, [&](auto result) { got = std::move(result); });
    EXPECT_TRUE(loop_.runUntil([&] { return got.has_value(); }, 20s));
    return *got ? (*got)->name : got->error().reason;
  }
  std::string initialPassword() const {
    std::ifstream in(directory_ / "initial-admin-password");
    std::string password;
    in >> password;
    return password;
  }

  net::EventLoop loop_{"test"};
  net::WorkPool pool_{"test", 1, 8};
  base::SystemRandom random_;
  std::filesystem::path directory_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Users> users_;
};

TEST_F(UsersTest, TheFirstStartMakesAgentsAndAnAdministrator) {
  ASSERT_TRUE(start(*users_));
  EXPECT_EQ(signIn("agent1", "agent1"), "agent1");
  EXPECT_EQ(signIn("agent2", "agent2"), "agent2");
  EXPECT_EQ(signIn("supervisor1", "supervisor1"), "supervisor1");
  EXPECT_EQ(users_->find("supervisor1")->roles, std::set<Role>{Role::supervisor});
  const auto password = initialPassword();
  EXPECT_EQ(password.size(), 16u);
  EXPECT_EQ(signIn("admin", password), "admin");
  EXPECT_TRUE(users_->find("admin")->has(Role::administrator));
  EXPECT_FALSE(users_->find("agent1")->has(Role::administrator));
  struct stat info {};
  ASSERT_EQ(::stat((directory_ / "initial-admin-password").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);

  users_ = make();
  ASSERT_TRUE(start(*users_));
  EXPECT_EQ(initialPassword(), password) << "the second start must not make another administrator";
  EXPECT_EQ(signIn("admin", password), "admin");
}

TEST_F(UsersTest, AStateFolderThatCannotBeWrittenIsAnError) {
  directory_ /= "absent";
  const auto started = start(*users_);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().reason, "identity.state_directory");
}

TEST_F(UsersTest, WrongPasswordUnknownAndDisabledUsersLookTheSame) {
  ASSERT_TRUE(start(*users_));
  EXPECT_EQ(signIn("agent1", "wrong"), "login.failed");
  EXPECT_EQ(signIn("nobody", "agent1"), "login.failed");
  EXPECT_EQ(signIn(std::string(5000, 'x'), "agent1"), "login.failed");
  EXPECT_EQ(signIn("agent1", std::string(5000, 'x')), "login.failed");
  User off{"off", "", "8000", {Role::agent}, "", true};
  std::optional<base::Result<void>> saved;
  users_->save(off, base::Secret("pw"), [&](auto result) { saved = result; });
  ASSERT_TRUE(loop_.runUntil([&] { return saved.has_value(); }, 20s));
  ASSERT_TRUE(*saved);
  EXPECT_EQ(users_->find("8000")->name, "off");
  EXPECT_EQ(signIn("off", "pw"), "login.failed");
  EXPECT_EQ(signIn("8000", "pw"), "login.failed") << "a number is no sign-in name";
}

TEST_F(UsersTest, GuessingLocksAndPasswordsNeverReachTheLog) {
  std::vector<std::string> lines;
  base::captureLog(&lines);
  ASSERT_TRUE(start(*users_));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(signIn("agent1", "hunter2"), "login.failed");
  EXPECT_EQ(signIn("agent1", "agent1"), "login.locked");
  EXPECT_EQ(signIn("agent1", "agent1", "elsewhere"), "agent1");
  base::captureLog(nullptr);
  for (const auto& line : lines) {
    EXPECT_EQ(line.find("hunter2"), std::string::npos);
    EXPECT_EQ(line.find(initialPassword()), std::string::npos);
  }
}

TEST_F(UsersTest, ParallelGuessesAreCountedBeforeTheyAreChecked) {
  ASSERT_TRUE(start(*users_));
  int failed = 0;
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    users_->signIn("agent1", base::Secret("x"), "1",
                   [&](auto result) { ++(result.error().reason == "login.failed" ? failed : refused); });
  }
  ASSERT_TRUE(loop_.runUntil([&] { return failed + refused == 20; }, 20s));
  EXPECT_LE(failed, 5);
}

TEST_F(UsersTest, AnAttemptThatWasNotCheckedLocksNobodyOut) {
  ASSERT_TRUE(start(*users_));
  std::promise<void> gate;
  const auto open = gate.get_future().share();
  std::promise<void> begun;
  pool_.submit(
      [&begun, open] {
        begun.set_value();
        open.wait();
      },
      loop_, [] {});
  begun.get_future().wait();
  while (pool_.submit([open] { open.wait(); }, loop_, [] {})) {
  }
  for (int i = 0; i < 6; ++i) EXPECT_EQ(signIn("agent1", "agent1"), "login.busy");
  gate.set_value();
  std::string result = "login.busy";
  for (int i = 0; i < 1000 && result == "login.busy"; ++i) result = signIn("agent1", "agent1");
  EXPECT_EQ(result, "agent1");
}

TEST_F(UsersTest, AWholeIpv6NetworkIsOneGuesser) {
  ASSERT_TRUE(start(*users_));
  for (int i = 1; i <= 5; ++i) {
    EXPECT_EQ(signIn("agent1", "x", "2001:db8::" + std::to_string(i)), "login.failed");
  }
  EXPECT_EQ(signIn("agent1", "agent1", "2001:db8::ffff:9"), "login.locked");
  EXPECT_EQ(signIn("agent1", "agent1", "2001:db8:0:1::1"), "agent1");
  EXPECT_EQ(signIn("agent1", "agent1", "192.0.2.9"), "agent1");
}

TEST_F(UsersTest, AnAdministratorChangesMakesAndDisablesUsers) {
  ASSERT_TRUE(start(*users_));
  std::vector<std::string> told;
  users_->onChanged([&](const std::string& name, bool out) { told.push_back(name + (out ? " out" : "")); });
  const auto change = [this](const std::string& name, UserChange what) {
    std::optional<base::Result<void>> done;
    users_->change(name, std::move(what), [&](base::Result<void> result) { done = std::move(result); });
    EXPECT_TRUE(loop_.runUntil([&] { return done.has_value(); }, 20s));
    return *done ? std::string("ok") : done->error().reason;
  };
  const auto password = [](const char* text) { return UserChange{.password = base::Secret(text)}; };
  EXPECT_EQ(change("agent1", password("a better one")), "ok");
  EXPECT_EQ(signIn("agent1", "agent1"), "login.failed");
  EXPECT_EQ(signIn("agent1", "a better one"), "agent1");
  EXPECT_EQ(change("agent2", {.disabled = true}), "ok");
  EXPECT_EQ(signIn("agent2", "agent2"), "login.failed");
  EXPECT_EQ(change("agent2", {.disabled = false}), "ok");
  EXPECT_EQ(signIn("agent2", "agent2"), "agent2") << "its password stayed";
  EXPECT_EQ(change("agent2", {.displayName = "Noa", .number = "8000"}), "ok");
  EXPECT_EQ(users_->find("8000")->displayName, "Noa");
  EXPECT_EQ(told, (std::vector<std::string>{"agent1 out", "agent2 out", "agent2", "agent2"}));
  EXPECT_EQ(change("ada", {.roles = std::set{Role::agent}, .password = base::Secret("correct horse")}), "ok");
  EXPECT_EQ(signIn("ada", "correct horse"), "ada");
  // What is refused, and changes nothing.
  EXPECT_EQ(change("grace", password("correct horse")), "identity.unknown_user") << "it has no roles";
  EXPECT_EQ(change("a b", password("correct horse")), "identity.bad_user");
  EXPECT_EQ(change("agent1", password("short")), "identity.weak_password");
  EXPECT_EQ(change("supervisor1", password("supervisor1")), "identity.weak_password");
  EXPECT_EQ(change("agent1", {.number = "8000"}), "identity.number_taken");
  EXPECT_EQ(change("agent1", {.number = "agent2"}), "identity.number_taken");
  EXPECT_EQ(change("agent1", {.number = "80 00"}), "identity.bad_number");
  EXPECT_EQ(change("agent1", {.displayName = "a\nb"}), "identity.bad_name");
  EXPECT_EQ(change("admin", {.disabled = true}), "identity.last_administrator");
  EXPECT_EQ(change("admin", {.roles = std::set{Role::agent}}), "identity.last_administrator");
  EXPECT_EQ(change("ada", {.roles = std::set{Role::administrator}}), "ok");
  EXPECT_EQ(change("admin", {.disabled = true}), "ok");
  EXPECT_EQ(change("ada", {.disabled = true}), "identity.last_administrator");
  // All of it is stored.
  users_ = make();
  ASSERT_TRUE(start(*users_));
  EXPECT_EQ(signIn("agent1", "a better one"), "agent1");
  EXPECT_EQ(signIn("admin", initialPassword()), "login.failed");
}

TEST_F(UsersTest, ASignInThatIsBeingCheckedDoesNotOutliveALockOut) {
  ASSERT_TRUE(start(*users_));
  // The only thread that hashes is busy until the change is made.
  std::promise<void> changed;
  ASSERT_TRUE(pool_.submit([made = changed.get_future().share()] { made.wait_for(20s); }, loop_, [] {}));
  std::optional<std::expected<User, SignInFailure>> got;
  users_->signIn("agent1", base::Secret("agent1"), "1", [&](auto result) { got = std::move(result); });
  users_->change("agent1", {.disabled = true}, [&](auto) { changed.set_value(); });
  ASSERT_TRUE(loop_.runUntil([&] { return got.has_value(); }, 20s));
  ASSERT_FALSE(*got);
  EXPECT_EQ(got->error().reason, "login.failed");
}

TEST_F(UsersTest, ChangesThatComeTogetherAreBothKept) {
  ASSERT_TRUE(start(*users_));
  int done = 0;
  users_->change("agent1", {.displayName = "Ada"}, [&](auto result) { done += result ? 1 : 0; });
  users_->change("agent1", {.number = "8000"}, [&](auto result) { done += result ? 1 : 0; });
  ASSERT_TRUE(loop_.runUntil([&] { return done == 2; }, 20s));
  // Nobody takes a number for his name.
  std::optional<base::Result<void>> taken;
  users_->change("8000", {.roles = std::set{Role::agent}, .password = base::Secret("correct horse")},
                 [&](auto result) { taken = std::move(result); });
  ASSERT_TRUE(loop_.runUntil([&] { return taken.has_value(); }, 20s));
  ASSERT_FALSE(*taken);
  EXPECT_EQ(taken->error().reason, "identity.number_taken");
  users_ = make();
  ASSERT_TRUE(start(*users_));
  EXPECT_EQ(users_->find("agent1")->displayName, "Ada");
  EXPECT_EQ(users_->find("agent1")->number, "8000");
}

TEST(UserJson, RoundTripAndDamage) {
  const User user{"ada", "Ada \"L\"", "8000", {Role::agent, Role::supervisor}, "scrypt$x", false};
  const auto read = User::fromJson(user.toJson());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->toJson(), user.toJson());
  for (const auto* bad : {"", "null", "[]", "{}", R"({"name":1})", R"({"name":"a b"})"}) {
    EXPECT_FALSE(User::fromJson(bad)) << bad;
  }
  EXPECT_TRUE(User::fromJson(R"({"name":"a"})")->disabled) << "what is damaged does not open";
}

TEST(WebSessionsTest, LiveOverARestartAndEnd) {
  net::EventLoop loop("test");
  base::SystemRandom random;
  auto store = std::move(*store::openEmbeddedStore(loop, ":memory:"));
  std::string cookie;
  {
    WebSessions sessions(*store, "agent", random, 12h);
    cookie = *sessions.start("agent1");
    EXPECT_EQ(sessions.userOf(cookie), "agent1");
    EXPECT_FALSE(sessions.userOf(cookie.substr(1) + "A"));
    EXPECT_FALSE(sessions.userOf(""));
    while (loop.poll()) {
    }
  }
  WebSessions admins(*store, "admin", random, 12h);
  WebSessions sessions(*store, "agent", random, 12h);
  while (loop.poll()) {
  }
  EXPECT_EQ(sessions.userOf(cookie), "agent1");
  EXPECT_FALSE(admins.userOf(cookie)) << "an agent's cookie opens no administration";
  sessions.end(cookie);
  EXPECT_FALSE(sessions.userOf(cookie));
  while (loop.poll()) {
  }
  EXPECT_EQ(sessions.size(), 0u);
}

TEST(WebSessionsTest, OneUserTakesNobodyElsesPlace) {
  net::EventLoop loop("test");
  base::SystemRandom random;
  auto store = std::move(*store::openEmbeddedStore(loop, ":memory:"));
  WebSessions sessions(*store, "agent", random, 12h);
  const auto other = *sessions.start("agent2");
  std::string last;
  for (std::size_t i = 0; i < 2 * WebSessions::kMaxPerUser; ++i) last = *sessions.start("agent1");
  while (loop.poll()) {
  }
  EXPECT_EQ(sessions.size(), WebSessions::kMaxPerUser + 1);
  EXPECT_EQ(sessions.userOf(last), "agent1");
  EXPECT_EQ(sessions.userOf(other), "agent2");
}

TEST(WebSessionsTest, AllOfOneUserEndForGood) {
  net::EventLoop loop("test");
  base::SystemRandom random;
  auto store = std::move(*store::openEmbeddedStore(loop, ":memory:"));
  std::string other, cookie;
  {
    WebSessions sessions(*store, "agent", random, 12h);
    other = *sessions.start("agent2");
    cookie = *sessions.start("agent1");
    sessions.start("agent1");
    sessions.endAllOf("agent1");
    EXPECT_FALSE(sessions.userOf(cookie));
    while (loop.poll()) {
    }
  }
  WebSessions sessions(*store, "agent", random, 12h);
  while (loop.poll()) {
  }
  EXPECT_FALSE(sessions.userOf(cookie));
  EXPECT_EQ(sessions.userOf(other), "agent2");
  EXPECT_EQ(sessions.size(), 1u);
}

TEST(WebSessionsTest, TheStoreHoldsNoCookie) {
  net::EventLoop loop("test");
  base::SystemRandom random;
  auto store = std::move(*store::openEmbeddedStore(loop, ":memory:"));
  WebSessions sessions(*store, "agent", random, 12h);
  const auto cookie = *sessions.start("agent1");
  std::optional<std::vector<store::Entry>> entries;
  store->bucket("web_sessions_agent", {})->list("", [&](auto found) { entries = *found; });
  ASSERT_TRUE(loop.runUntil([&] { return entries.has_value(); }, 10s));
  ASSERT_EQ(entries->size(), 1u);
  EXPECT_EQ((entries->front().key + entries->front().value).find(cookie), std::string::npos);
}

}  // namespace
}  // namespace parley::identity
