#include "sip/digest.h"

#include <gmock/gmock.h>

#include "sip/digest_client.h"
#include "sip/digest_server.h"

using namespace parley;
using namespace parley::sip;
using testing::HasSubstr;
using testing::Not;

namespace {

std::string respond(DigestHash hash, std::string_view user, std::string_view realm, std::string password,
                    DigestInput input) {
  input.algorithm.hash = hash;
  return digestResponse(digestHa1(hash, user, realm, base::Secret(std::move(password))), input);
}

// --- vectors -------------------------------------------------------------------------------------------

TEST(Digest, Rfc2617Section35) {
  const DigestInput input{
      {}, "dcd98b7102dd2f0e8b11d0f600bfb0c093", "0a4f113b", "00000001", "auth", "GET", "/dir/index.html", {}};
  EXPECT_EQ(respond(DigestHash::md5, "Mufasa", "testrealm@host.com", "Circle Of Life", input),
            "6629fae49393a05397450978507c4ef1");
}

TEST(Digest, Rfc7616Section391) {
  const DigestInput input{{},
                          "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
                          "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
                          "00000001",
                          "auth",
                          "GET",
                          "/dir/index.html",
                          {}};
  EXPECT_EQ(respond(DigestHash::md5, "Mufasa", "http-auth@example.org", "Circle of Life", input),
            "8ca523f5e9506fed4657c9700eebdbec");
  EXPECT_EQ(respond(DigestHash::sha256, "Mufasa", "http-auth@example.org", "Circle of Life", input),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}

// Section 3.9.2 as its erratum 4897 corrects it.
TEST(Digest, Rfc7616Section392) {
  const std::string user = "J\xc3\xa4s\xc3\xb8n Doe";
  const DigestInput input{{},
                          "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
                          "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
                          "00000001",
                          "auth",
                          "GET",
                          "/doe.json",
                          {}};
  EXPECT_EQ(StoredDigest::hashedName(DigestHash::sha512_256, user, "api@example.org"),
            "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b");
  EXPECT_EQ(respond(DigestHash::sha512_256, user, "api@example.org", "Secret, or not?", input),
            "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5");
}

// RFC 8760 has no complete numbers; its form of RFC 2069 (no qop) and auth-int are checked against the
// formulas.
TEST(Digest, TheOtherForms) {
  const auto ha1 = digestHa1(DigestHash::sha256, "bob", "example.com", base::Secret("pw"));
  DigestInput input{{DigestHash::sha256, false}, "n",  "c", "00000001", "", "REGISTER",
                    "sip:example.com",           "v=0"};
  const auto h = [](const std::string& text) { return digestHex(DigestHash::sha256, text); };
  EXPECT_EQ(digestResponse(ha1, input), h(ha1.reveal() + ":n:" + h("REGISTER:sip:example.com")));
  input.qop = "auth-int";
  EXPECT_EQ(digestResponse(ha1, input),
            h(ha1.reveal() + ":n:00000001:c:auth-int:" + h("REGISTER:sip:example.com:" + h("v=0"))));
  input.algorithm.session = true;
  input.qop = "auth";
  EXPECT_EQ(digestResponse(ha1, input),
            h(h(ha1.reveal() + ":n:c") + ":n:00000001:c:auth:" + h("REGISTER:sip:example.com")));
}

TEST(Digest, NamesAndCounts) {
  EXPECT_EQ(DigestAlgorithm::parse("sha-512-256-SESS")->toString(), "SHA-512-256-sess");
  EXPECT_FALSE(DigestAlgorithm::parse("AKAv1-MD5"));
  EXPECT_EQ(nonceCountText(0x1a), "0000001a");
  EXPECT_EQ(parseNonceCount("0000001A"), 26U);
  for (const char* bad : {"", "1", "0000001g", "000000011", "-0000001", "0x000001"})
    EXPECT_FALSE(parseNonceCount(bad)) << bad;
  EXPECT_TRUE(offersQop("auth-int, AUTH", "auth"));
  EXPECT_FALSE(offersQop("auth-int", "auth"));
}

// --- client against server --------------------------------------------------------------------------------

Message requestOf(std::string method = "REGISTER", std::string user = {}) {
  Message request = Message::request(std::move(method), Uri::sip(std::move(user), "example.com"));
  request.setCallId("c1");
  return request;
}

struct DigestPair : testing::Test {
  explicit DigestPair(DigestServerOptions options = {.realm = "example.com"})
      : server(std::move(options), base::Secret(std::string(32, 'k')), random) {}

  AuthOutcome check(const Message& request, bool proxy = false) {
    return server.check(
        request, proxy,
        [this](std::string_view name, bool hashed, DigestHash hash) -> std::optional<StoredDigest> {
          const auto wanted = hashed ? StoredDigest::hashedName(hash, "bob", "example.com") : "bob";
          if (name != wanted) return std::nullopt;
          return stored;
        },
        now);
  }
  Message challenge(bool stale = false, bool proxy = false) {
    Message response = Message::response(proxy ? 407 : 401);
    for (auto& header : server.challenge(proxy, stale, now)) response.add(header.id, header.value);
    return response;
  }
  static Message challengeOf(std::initializer_list<const char*> lines,
                             HeaderId id = HeaderId::wwwAuthenticate) {
    Message response = Message::response(401);
    for (const char* line : lines) response.add(id, line);
    return response;
  }
  static std::string credentialOf(const Message& request) {
    return std::string(request.header(HeaderId::authorization).value_or(std::string_view{}));
  }

  base::FakeRandom random;
  base::WallTime now{std::chrono::seconds{1'800'000'000}};
  StoredDigest stored = StoredDigest::make("bob", "example.com", base::Secret("zanzibar"),
                                           {DigestHash::md5, DigestHash::sha256, DigestHash::sha512_256});
  DigestServer server;
  DigestClient client{{{"", "bob", base::Secret("zanzibar")}}, random};
};

TEST_F(DigestPair, RoundTripAndPreAuthorisation) {
  Message request = requestOf();
  EXPECT_EQ(check(request).refusal, AuthRefusal::missing);
  ASSERT_TRUE(client.answer(challenge(), request));
  EXPECT_THAT(credentialOf(request), HasSubstr("SHA-256"));
  EXPECT_THAT(request.write(), Not(HasSubstr("zanzibar")));
  const auto outcome = check(request);
  EXPECT_TRUE(outcome);
  EXPECT_EQ(outcome.user, "bob");
  // The next ones need no challenge, and each counts once.
  for (int i = 2; i < 5; ++i) {
    Message next = requestOf();
    for (auto& header : client.authorize({"REGISTER", "sip:example.com", {}}))
      next.add(header.id, header.value);
    EXPECT_THAT(credentialOf(next), HasSubstr("nc=0000000" + std::to_string(i)));
    EXPECT_TRUE(check(next));
    EXPECT_EQ(check(next).refusal, AuthRefusal::stale) << "a replay";
  }
}

TEST_F(DigestPair, ProxiesUseTheirOwnHeaders) {
  Message request = requestOf("INVITE", "carol");
  ASSERT_TRUE(client.answer(challenge(false, true), request));
  EXPECT_TRUE(request.has(HeaderId::proxyAuthorization));
  EXPECT_FALSE(request.has(HeaderId::authorization));
  EXPECT_EQ(check(request).refusal, AuthRefusal::missing);
  EXPECT_TRUE(check(request, true));
}

struct AlgorithmPair : DigestPair, testing::WithParamInterface<DigestAlgorithm> {
  AlgorithmPair()
      : DigestPair({.realm = "example.com", .algorithms = {GetParam()}, .authInt = true, .userHash = true}) {}
};
TEST_P(AlgorithmPair, RoundTrips) {
  Message request = requestOf("MESSAGE", "carol");
  request.setBody("hello", "text/plain");
  ASSERT_TRUE(client.answer(challenge(), request));
  EXPECT_TRUE(check(request));
  EXPECT_THAT(credentialOf(request), Not(HasSubstr("\"bob\"")));  // userhash
  for (int i = 0; i < 3; ++i) {
    Message next = requestOf("MESSAGE", "carol");
    for (auto& header : client.authorize({"MESSAGE", "sip:carol@example.com", {}}))
      next.add(header.id, header.value);
    EXPECT_TRUE(check(next));
    next.setRequestUri(Uri::sip("dave", "example.com"));
    EXPECT_EQ(check(next).refusal, AuthRefusal::badUri);
  }
}
INSTANTIATE_TEST_SUITE_P(All, AlgorithmPair,
                         testing::Values(DigestAlgorithm{DigestHash::md5, false},
                                         DigestAlgorithm{DigestHash::md5, true},
                                         DigestAlgorithm{DigestHash::sha256, false},
                                         DigestAlgorithm{DigestHash::sha256, true},
                                         DigestAlgorithm{DigestHash::sha512_256, false},
                                         DigestAlgorithm{DigestHash::sha512_256, true}));

TEST_F(DigestPair, AuthIntCoversTheBody) {
  DigestServer strict({.realm = "example.com", .authInt = true}, base::Secret(std::string(32, 'k')), random);
  Message request = requestOf("MESSAGE");
  request.setBody("hello", "text/plain");
  ASSERT_TRUE(client.answer(
      challengeOf({R"(Digest realm="example.com", nonce="n", qop="auth-int", algorithm=SHA-256)"}), request));
  EXPECT_THAT(credentialOf(request), HasSubstr("qop=auth-int"));
  Message same = requestOf("MESSAGE");
  same.setBody("hullo", "text/plain");
  DigestClient other{{{"", "bob", base::Secret("zanzibar")}}, random};
  // The server's own nonce this time: an altered body is a wrong response.
  Message fresh = requestOf("MESSAGE");
  fresh.setBody("hello", "text/plain");
  Message only = Message::response(401);
  for (auto& header : strict.challenge(false, false, now)) {
    std::string value = header.value;
    value.replace(value.find("auth,auth-int"), 13, "auth-int");
    only.add(header.id, value);
  }
  ASSERT_TRUE(other.answer(only, fresh));
  const auto lookup = [this](std::string_view, bool, DigestHash) { return std::optional(stored); };
  Message altered = fresh;
  altered.setBody("hullo", "text/plain");
  EXPECT_EQ(strict.check(altered, false, lookup, now).refusal, AuthRefusal::wrongPassword);
  EXPECT_TRUE(strict.check(fresh, false, lookup, now));
}

TEST_F(DigestPair, WhatIsWrongHasItsName) {
  Message good = requestOf();
  ASSERT_TRUE(client.answer(challenge(), good));
  const auto with = [&](const char* name, const char* value) {
    auto parsed = AuthValue::parse(credentialOf(good)).value();
    parsed.params.remove(name);
    if (value != nullptr) parsed.params.setQuoted(name, value);
    Message request = requestOf();
    request.add(HeaderId::authorization, parsed.toString());
    return check(request).refusal;
  };
  EXPECT_EQ(with("username", "eve"), AuthRefusal::unknownUser);
  EXPECT_EQ(with("response", std::string(64, 'a').c_str()), AuthRefusal::wrongPassword);
  EXPECT_EQ(with("response", "short"), AuthRefusal::wrongPassword);
  EXPECT_EQ(with("nonce", "AAAA"), AuthRefusal::badNonce);
  EXPECT_EQ(with("realm", "other"), AuthRefusal::missing);
  EXPECT_EQ(with("algorithm", "SHA-1"), AuthRefusal::unsupported);
  EXPECT_EQ(with("algorithm", "SHA-512-256"), AuthRefusal::unsupported);
  EXPECT_EQ(with("qop", nullptr), AuthRefusal::unsupported);
  EXPECT_EQ(with("qop", "auth-int"), AuthRefusal::unsupported);
  EXPECT_EQ(with("nc", "1"), AuthRefusal::malformed);
  EXPECT_EQ(with("nc", "00000000"), AuthRefusal::malformed);
  EXPECT_EQ(with("cnonce", nullptr), AuthRefusal::malformed);
  EXPECT_EQ(with("uri", "sip:other.example"), AuthRefusal::badUri);
  EXPECT_EQ(with("username", std::string(2000, 'x').c_str()), AuthRefusal::malformed);
  EXPECT_EQ(server.watched(), 0U) << "only right passwords take room";
  EXPECT_TRUE(check(good));
  // Quotes where there should be none are a habit of some phones.
  auto quoted = AuthValue::parse(credentialOf(good)).value();
  Message next = requestOf();
  for (auto& header : client.authorize({"REGISTER", "sip:example.com", {}}))
    quoted = AuthValue::parse(header.value).value();
  for (const char* name : {"algorithm", "qop", "nc"})
    quoted.params.setQuoted(name, std::string(*quoted.params.get(name)));
  next.add(HeaderId::authorization, quoted.toString());
  EXPECT_TRUE(check(next));
}

TEST_F(DigestPair, ANonceIsBoundToTimeRealmAndKey) {
  Message request = requestOf();
  ASSERT_TRUE(client.answer(challenge(), request));
  now += base::Millis{300'001};
  EXPECT_EQ(check(request).refusal, AuthRefusal::stale);
  // The client takes the new nonce, although it was refused: stale says that the password is right.
  ASSERT_TRUE(client.answer(challenge(true), request));
  EXPECT_TRUE(check(request));

  DigestServer otherRealm({.realm = "example.org"}, base::Secret(std::string(32, 'k')), random);
  DigestServer otherKey({.realm = "example.com"}, base::Secret(std::string(32, 'q')), random);
  const auto lookup = [this](std::string_view, bool, DigestHash) { return std::optional(stored); };
  EXPECT_EQ(otherRealm.check(request, false, lookup, now).refusal, AuthRefusal::missing);
  EXPECT_EQ(otherKey.check(request, false, lookup, now).refusal, AuthRefusal::badNonce);
  // Another node with the same key takes it.
  DigestServer sameKey({.realm = "example.com"}, base::Secret(std::string(32, 'k')), random);
  EXPECT_TRUE(sameKey.check(request, false, lookup, now));
}

TEST_F(DigestPair, CountsMayComeLateButOnlyOnce) {
  Message first = requestOf();
  ASSERT_TRUE(client.answer(challenge(), first));
  std::vector<Message> later;
  for (int i = 0; i < 100; ++i) {
    later.push_back(requestOf());
    for (auto& header : client.authorize({"REGISTER", "sip:example.com", {}}))
      later.back().add(header.id, header.value);
  }
  EXPECT_TRUE(check(later[80]));
  EXPECT_TRUE(check(later[79]));
  EXPECT_TRUE(check(later[17]));  // 63 behind.
  EXPECT_EQ(check(later[16]).refusal, AuthRefusal::stale);
  EXPECT_EQ(check(first).refusal, AuthRefusal::stale);
  EXPECT_EQ(check(later[79]).refusal, AuthRefusal::stale);
  EXPECT_TRUE(check(later[99]));
  EXPECT_EQ(check(later[99]).refusal, AuthRefusal::stale);
  EXPECT_TRUE(check(later[81]));
}

TEST_F(DigestPair, WhatLeavesTheFullTableIsNeverTakenAgain) {
  DigestServer small({.realm = "example.com", .maxNonces = 2}, base::Secret(std::string(32, 'k')), random);
  const auto lookup = [this](std::string_view, bool, DigestHash) { return std::optional(stored); };
  std::vector<Message> used;
  for (int i = 0; i < 4; ++i) {
    now += base::Millis{10};
    DigestClient one{{{"", "bob", base::Secret("zanzibar")}}, random};
    Message response = Message::response(401);
    for (auto& header : small.challenge(false, false, now)) response.add(header.id, header.value);
    used.push_back(requestOf());
    ASSERT_TRUE(one.answer(response, used.back()));
    EXPECT_TRUE(small.check(used.back(), false, lookup, now)) << i;
  }
  EXPECT_EQ(small.watched(), 2U);
  for (const auto& request : used)
    EXPECT_EQ(small.check(request, false, lookup, now).refusal, AuthRefusal::stale);
  now += base::Millis{400'000};
  EXPECT_EQ(small.check(used[0], false, lookup, now).refusal, AuthRefusal::stale);
}

// --- the client's choices ----------------------------------------------------------------------------------

TEST_F(DigestPair, TheStrongestChallengeIsTakenWhereverItStands) {
  Message request = requestOf();
  ASSERT_TRUE(
      client.answer(challengeOf({R"(Digest realm="r", nonce="1", qop="auth", algorithm=MD5)",
                                 R"(Digest realm="r", nonce="1", qop="auth", algorithm="SHA-512-256")",
                                 R"(Digest realm="r", nonce="1", qop="auth", algorithm=SHA-256)",
                                 R"(Digest realm="r", nonce="1", qop="auth", algorithm=AKAv2-MD5)"}),
                    request));
  EXPECT_THAT(credentialOf(request), HasSubstr("SHA-512-256"));
  // From now on MD5 alone is a step back that somebody on the way may have made.
  Message next = requestOf();
  const auto weak =
      client.answer(challengeOf({R"(Digest realm="r", nonce="2", qop="auth", algorithm=MD5)"}), next);
  ASSERT_FALSE(weak);
  EXPECT_EQ(weak.error().reason, "sip.auth_downgrade");
  EXPECT_FALSE(next.has(HeaderId::authorization));
  DigestClient lenient{{{"", "bob", base::Secret("zanzibar")}}, random, {.allowDowngrade = true}};
  ASSERT_TRUE(lenient.answer(challengeOf({R"(Digest realm="r", nonce="1", algorithm=SHA-256)"}), next));
  ASSERT_TRUE(
      lenient.answer(challengeOf({R"(Digest realm="r", nonce="2", algorithm=MD5, stale=true)"}), next));
  DigestClient strong{{{"", "bob", base::Secret("zanzibar")}}, random, {.weakest = DigestHash::sha256}};
  EXPECT_EQ(
      strong.answer(challengeOf({R"(Digest realm="r", nonce="2", algorithm=MD5)"}), next).error().reason,
      "sip.auth_unsupported");
}

TEST_F(DigestPair, OldServersGetTheOldForm) {
  Message request = requestOf();
  ASSERT_TRUE(client.answer(challengeOf({R"(Digest realm="r", nonce="abc", opaque="")"}), request));
  const auto value = AuthValue::parse(credentialOf(request)).value();
  EXPECT_FALSE(value.params.has("qop"));
  EXPECT_FALSE(value.params.has("nc"));
  EXPECT_FALSE(value.params.has("algorithm"));
  EXPECT_EQ(value.params.get("opaque"), "");
  EXPECT_EQ(value.params.get("response"),
            respond(DigestHash::md5, "bob", "r", "zanzibar",
                    {{}, "abc", {}, {}, {}, "REGISTER", "sip:example.com", {}}));
}

TEST_F(DigestPair, UnquotedWordsAreUnderstood) {
  Message request = requestOf();
  ASSERT_TRUE(client.answer(
      challengeOf({R"(Digest realm="r", nonce="abc", qop=auth, algorithm="MD5", stale="FALSE")"}), request));
  EXPECT_THAT(credentialOf(request), HasSubstr("nc=00000001"));
}

TEST_F(DigestPair, ARefusedPasswordIsNotTriedAgain) {
  Message request = requestOf();
  ASSERT_TRUE(client.answer(challengeOf({R"(Digest realm="r", nonce="1", qop="auth")"}), request));
  const auto again = client.answer(challengeOf({R"(Digest realm="r", nonce="2", qop="auth")"}), request);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().reason, "sip.auth_rejected");
}

TEST_F(DigestPair, AnOldNonceIsReplacedEvenWhereTheServerDoesNotSayStale) {
  Message request = requestOf();
  ASSERT_TRUE(client.answer(challengeOf({R"(Digest realm="r", nonce="1", qop="auth")"}), request));
  Message next = requestOf();
  for (auto& header : client.authorize({"REGISTER", "sip:example.com", {}}))
    next.add(header.id, header.value);
  ASSERT_TRUE(client.answer(challengeOf({R"(Digest realm="r", nonce="2", qop="auth")"}), next));
  EXPECT_EQ(client.answer(challengeOf({R"(Digest realm="r", nonce="3", qop="auth")"}), next).error().reason,
            "sip.auth_rejected");
}

TEST_F(DigestPair, StaleForEverEnds) {
  Message request = requestOf();
  ASSERT_TRUE(client.answer(challengeOf({R"(Digest realm="r", nonce="0", qop="auth")"}), request));
  int taken = 0;
  for (int i = 1; i < 20; ++i) {
    const std::string line =
        R"(Digest realm="r", qop="auth", stale=true, nonce=")" + std::to_string(i % 3) + "\"";
    if (!client.answer(challengeOf({line.c_str()}), request)) break;
    ++taken;
  }
  EXPECT_EQ(taken, DigestClient::kMaxStale - 1);
}

TEST_F(DigestPair, SeveralRealmsAreEachAnswered) {
  DigestClient two{{{"a", "alice", base::Secret("1")}, {"b", "bob", base::Secret("2")}}, random};
  Message request = requestOf("INVITE", "carol");
  Message first = Message::response(407);
  first.add(HeaderId::proxyAuthenticate, R"(Digest realm="a", nonce="1", qop="auth")");
  ASSERT_TRUE(two.answer(first, request));
  Message second = Message::response(401);
  second.add(HeaderId::wwwAuthenticate, R"(Digest realm="b", nonce="2", qop="auth")");
  second.add(HeaderId::wwwAuthenticate, R"(Digest realm="nobody's", nonce="2", qop="auth")");
  ASSERT_TRUE(two.answer(second, request));
  const auto kept =
      AuthValue::parse(std::string(request.header(HeaderId::proxyAuthorization).value())).value();
  EXPECT_EQ(kept.params.get("nc"), "00000002") << "another request, another count";
  EXPECT_THAT(credentialOf(request), HasSubstr("\"bob\""));
  // The proxy refuses what it was given: that does not become a loop because another realm asked in between.
  Message third = Message::response(407);
  third.add(HeaderId::proxyAuthenticate, R"(Digest realm="a", nonce="9", qop="auth")");
  EXPECT_EQ(two.answer(third, request).error().reason, "sip.auth_rejected");
  EXPECT_EQ(two.answer(challengeOf({R"(Digest realm="c", nonce="2")"}), request).error().reason,
            "sip.auth_no_credentials");
}

TEST_F(DigestPair, HostileChallengesAreRefused) {
  Message request = requestOf();
  const auto reason = [&](std::initializer_list<const char*> lines) {
    return client.answer(challengeOf(lines), request).error().reason;
  };
  EXPECT_EQ(reason({}), "sip.auth_no_challenge");
  EXPECT_EQ(reason({"Basic realm=\"r\""}), "sip.auth_unsupported");
  EXPECT_EQ(reason({R"(Digest realm="r")"}), "sip.auth_unsupported");
  EXPECT_EQ(reason({R"(Digest realm="r", nonce="1", qop="auth-conf")"}), "sip.auth_unsupported");
  EXPECT_EQ(reason({R"(Digest realm="r", nonce="1", algorithm=MD5-sess)"}), "sip.auth_unsupported");
  const std::string lengthy = "Digest realm=\"r\", nonce=\"" + std::string(5000, 'n') + "\"";
  EXPECT_EQ(reason({lengthy.c_str()}), "sip.auth_unsupported");
  Message many = Message::response(401);
  for (int i = 0; i < 40; ++i)
    many.add(HeaderId::wwwAuthenticate, "Digest realm=\"r" + std::to_string(i) + "\", nonce=\"1\"");
  EXPECT_EQ(client.answer(many, request).error().reason, "sip.auth_too_many_realms");
  for (int i = 0; i < 40; ++i) {
    Message fresh = requestOf();
    const std::string line = "Digest realm=\"r" + std::to_string(i) + "\", nonce=\"1\"";
    (void)client.answer(challengeOf({line.c_str()}), fresh);
  }
  EXPECT_EQ(client.authorize({"REGISTER", "sip:example.com", {}}).size(), DigestClient::kMaxRealms);
}

TEST_F(DigestPair, TheServerProvesThatItKnowsThePasswordAndGivesTheNextNonce) {
  Message request = requestOf();
  ASSERT_TRUE(client.answer(challenge(), request));
  const auto outcome = check(request);
  ASSERT_TRUE(outcome);
  const DigestRequest digest{"REGISTER", "sip:example.com", {}};
  Message answer = Message::response(200);
  answer.add(HeaderId::authenticationInfo, outcome.authenticationInfo);
  EXPECT_TRUE(client.onSuccess(answer, digest, request.headers()));
  std::string forged = outcome.authenticationInfo;
  char& digit = forged[forged.find("rspauth=\"") + 9];
  digit = digit == '0' ? '1' : '0';
  answer.set(HeaderId::authenticationInfo, forged);
  EXPECT_EQ(client.onSuccess(answer, digest, request.headers()).error().reason, "sip.auth_bad_server");
  answer.set(HeaderId::authenticationInfo, "nextnonce=\"fresh\"");
  EXPECT_TRUE(client.onSuccess(answer, digest, request.headers()));
  EXPECT_THAT(client.authorize(digest).at(0).value,
              testing::AllOf(HasSubstr("\"fresh\""), HasSubstr("nc=00000001")));
}

}  // namespace
