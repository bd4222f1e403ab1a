#include "sip/registrar.h"

#include <gmock/gmock.h>

using namespace parley;
using namespace parley::sip;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

struct RegistrarTest : testing::Test {
  Message request(std::initializer_list<const char*> contacts, const char* expires = "3600",
                  std::string user = "bob") {
    Message message = Message::request(Method::registration, Uri::sip({}, "example.com"));
    Via via;
    via.host = "192.0.2.4";
    via.params.set("branch", "z9hG4bKx");
    message.pushVia(via);
    message.from().uri = message.to().uri = Uri::sip(std::move(user), "Example.com");
    message.from().params.set("tag", "1");
    message.setCallId("call");
    message.setCSeq(++cseq, Method::registration);
    for (const char* contact : contacts) message.add(HeaderId::contact, contact);
    if (expires != nullptr) message.set(HeaderId::expires, expires);
    return message;
  }
  Message send(const Message& message) { return registrar.onRegister(message, source, now); }
  std::vector<std::string> found(std::string user = "bob") const {
    std::vector<std::string> out;
    for (const Binding& one : registrar.find(Uri::sip(std::move(user), "example.COM"), now))
      out.push_back(one.contact.uri.toString());
    return out;
  }

  base::FakeRandom random;
  base::Instant now{1000s};
  std::uint32_t cseq = 0;
  Source source{TransportKind::tcp, {}, {}, FlowId(7), false, {}};
  Registrar registrar{{.minExpires = 60, .maxExpires = 600, .maxAddresses = 3, .maxBindings = 2}, random};
};

TEST_F(RegistrarTest, BindsRefreshesListsAndExpires) {
  const Message answer =
      send(request({"<sip:bob@192.0.2.4>;expires=100", "<sip:bob@192.0.2.5>;q=0.5"}, "90"));
  EXPECT_EQ(answer.status(), 200);
  EXPECT_FALSE(answer.to().tag().empty());
  EXPECT_THAT(answer.list(HeaderId::contact),
              testing::UnorderedElementsAre("<sip:bob@192.0.2.4>;expires=100",
                                            "<sip:bob@192.0.2.5>;expires=90;q=0.500"));
  EXPECT_THAT(found(), ElementsAre("sip:bob@192.0.2.4", "sip:bob@192.0.2.5"));
  now += 50s;
  // A query changes nothing and says what is left.
  EXPECT_THAT(send(request({}, nullptr)).list(HeaderId::contact),
              testing::Contains("<sip:bob@192.0.2.4>;expires=50"));
  EXPECT_EQ(send(request({"<sip:bob@192.0.2.5>"}, "5000")).status(), 200);
  now += 50s;
  EXPECT_THAT(found(), ElementsAre("sip:bob@192.0.2.5"));
  now += 549s;
  EXPECT_THAT(found(), ElementsAre("sip:bob@192.0.2.5")) << "5000 s are more than are granted";
  now += 1s;
  EXPECT_THAT(found(), IsEmpty());
  registrar.sweep(now);
  EXPECT_EQ(registrar.addresses(), 0U);
  EXPECT_EQ(registrar.nextExpiry(), base::Instant::max());
}

TEST_F(RegistrarTest, Removes) {
  send(request({"<sip:bob@192.0.2.4>", "<sip:bob@192.0.2.5>"}));
  EXPECT_EQ(send(request({"<sip:bob@192.0.2.4>;expires=0"})).status(), 200);
  EXPECT_THAT(found(), ElementsAre("sip:bob@192.0.2.5"));
  EXPECT_EQ(send(request({"*"}, "10")).status(), 400);
  EXPECT_EQ(send(request({"*", "<sip:bob@192.0.2.4>"}, "0")).status(), 400);
  Message late = request({"*"}, "0");
  late.setCSeq(1, Method::registration);
  EXPECT_EQ(send(late).status(), 500);
  EXPECT_EQ(send(request({"*"}, "0")).status(), 200);
  EXPECT_THAT(found(), IsEmpty());
  EXPECT_EQ(registrar.bindings(), 0U);
}

TEST_F(RegistrarTest, WhatComesLateChangesNothing) {
  Message first = request({"<sip:bob@192.0.2.4>"});
  send(request({"<sip:bob@192.0.2.4>"}));
  Message late = request({"<sip:bob@192.0.2.9>", "<sip:bob@192.0.2.4>;expires=0"});
  late.setCSeq(1, Method::registration);
  EXPECT_EQ(send(late).status(), 500);
  EXPECT_THAT(found(), ElementsAre("sip:bob@192.0.2.4")) << "as a whole or not at all";
}

TEST_F(RegistrarTest, RefusesWithReasons) {
  const Message brief = send(request({"<sip:bob@192.0.2.4>"}, "59"));
  EXPECT_EQ(brief.status(), 423);
  EXPECT_EQ(brief.header(HeaderId::minExpires), "60");
  Message strange = request({"<sip:bob@192.0.2.4>"});
  strange.set(HeaderId::require, "path, magic");
  EXPECT_EQ(send(strange).status(), 420);
  EXPECT_EQ(send(strange).header(HeaderId::unsupported), "magic");
  EXPECT_EQ(send(request({"sip:<<"})).status(), 400);
  EXPECT_EQ(registrar.addresses(), 0U);
  // Nonsense as expiry is the default, not a removal.
  EXPECT_THAT(send(request({"<sip:bob@192.0.2.4>"}, "soon")).list(HeaderId::contact),
              ElementsAre("<sip:bob@192.0.2.4>;expires=600"));
}

TEST_F(RegistrarTest, IsBounded) {
  EXPECT_EQ(send(request({"<sip:bob@192.0.2.1>", "<sip:bob@192.0.2.2>", "<sip:bob@192.0.2.3>"})).status(),
            503);
  EXPECT_THAT(found(), IsEmpty());
  for (const char* user : {"a", "b", "c"})
    EXPECT_EQ(send(request({"<sip:x@192.0.2.1>"}, "60", user)).status(), 200);
  const Message full = send(request({"<sip:x@192.0.2.1>"}, "60", "d"));
  EXPECT_EQ(full.status(), 503);
  EXPECT_TRUE(full.has(HeaderId::retryAfter));
  EXPECT_EQ(send(request({"<sip:x@192.0.2.1>"}, "60", "a")).status(), 200);
  now += 61s;
  EXPECT_EQ(send(request({"<sip:x@192.0.2.1>"}, "60", "d")).status(), 200);
}

TEST_F(RegistrarTest, PathIsKeptAndEchoed) {
  Message message = request({"<sip:bob@192.0.2.4>"});
  message.add(HeaderId::path, "<sip:edge2.example.com;lr>, <sip:edge1.example.com;lr>");
  const Message answer = send(message);
  EXPECT_THAT(answer.list(HeaderId::path),
              ElementsAre("<sip:edge2.example.com;lr>", "<sip:edge1.example.com;lr>"));
  EXPECT_THAT(registrar.find(Uri::sip("bob", "example.com"), now).at(0).path,
              ElementsAre("<sip:edge2.example.com;lr>", "<sip:edge1.example.com;lr>"));
}

TEST_F(RegistrarTest, FlowsAreTheirInstanceAndRegId) {
  const auto flow = [&](const char* contact, std::uint64_t id) {
    Message message = request({contact});
    message.set(HeaderId::supported, "path, outbound");
    source.flow = FlowId(id);
    return send(message);
  };
  const Message answer = flow(R"(<sip:bob@10.0.0.1:1000>;+sip.instance="<urn:uuid:1>";reg-id=1)", 1);
  EXPECT_THAT(answer.list(HeaderId::require), ElementsAre("outbound"));
  flow(R"(<sip:bob@10.0.0.1:2000>;+sip.instance="<urn:uuid:1>";reg-id=2)", 2);
  EXPECT_EQ(found().size(), 2U);
  // The same flow number from elsewhere takes its place.
  flow(R"(<sip:bob@10.0.0.1:3000>;+sip.instance="<urn:uuid:1>";reg-id=1)", 3);
  EXPECT_THAT(found(), testing::UnorderedElementsAre("sip:bob@10.0.0.1:3000", "sip:bob@10.0.0.1:2000"));
  EXPECT_EQ(registrar.onFlowGone(FlowId(1)), 0U);
  EXPECT_EQ(registrar.onFlowGone(FlowId(3)), 1U);
  EXPECT_THAT(found(), ElementsAre("sip:bob@10.0.0.1:2000"));
  // Through a proxy that does not mark itself it is no flow: the client must know.
  Message through = request({R"(<sip:bob@10.0.0.1>;+sip.instance="<urn:uuid:1>";reg-id=1)"});
  through.set(HeaderId::supported, "outbound");
  through.pushVia(*through.topVia());
  EXPECT_EQ(send(through).status(), 439);
  through.add(HeaderId::path, "<sip:edge.example.com;lr;ob>");
  EXPECT_EQ(send(through).status(), 200);
}

}  // namespace
