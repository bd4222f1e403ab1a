// Pictures: who gets which, and how much may be on its way.
#include <gtest/gtest.h>

#include "assist/session.h"
#include "assist/test_session_rig.h"

namespace parley::assist {
namespace {

using Json = nlohmann::json;
using rig::picture;
using rig::Rig;

std::vector<std::uint32_t> framesOf(Rig& rig, const std::string& party) {
  std::vector<std::uint32_t> out;
  for (const auto& shown : rig.out.shown[party]) out.push_back(shown.frame);
  return out;
}

TEST(AssistPictures, ALateJoinerGetsTheWholePictureAndWhatChangedAtOnce) {
  Rig rig;
  rig.letIn("a");
  rig.send(picture(1, true));
  for (std::uint32_t frame = 2; frame <= 20; ++frame) {
    rig.send(picture(frame, false));
    rig.say("a", {{"type", "seen"}, {"frame", frame}});
  }
  rig.letIn("b");
  EXPECT_EQ(rig.out.shown["b"].size(), 20u) << "more than the window of one who follows";
  EXPECT_TRUE(rig.out.shown["b"].front().whole);
  EXPECT_EQ(rig.out.shown["b"].front().buffer, rig.out.shown["a"].front().buffer) << "one buffer for all";
}

TEST(AssistPictures, ASlowViewerGetsFewerAndNeverAQueue) {
  Rig rig;
  rig.letIn("a");
  rig.letIn("b");
  rig.send(picture(1, true));
  rig.say("a", {{"type", "seen"}, {"frame", 1}});
  rig.say("b", {{"type", "seen"}, {"frame", 1}});
  for (std::uint32_t frame = 2; frame <= 40; ++frame) {
    rig.now += 100;
    rig.send(picture(frame, false));
    rig.say("a", {{"type", "seen"}, {"frame", frame}});
  }
  EXPECT_EQ(rig.out.shown["a"].size(), 40u);
  EXPECT_EQ(rig.out.shown["b"].size(), 1 + Viewer::kMaxUnseen);
  // A new whole picture makes what it missed needless.
  rig.send(picture(41, true));
  rig.say("b", {{"type", "seen"}, {"frame", 9}});
  EXPECT_EQ(rig.out.shown["b"].back().frame, 41u);
  EXPECT_EQ(rig.out.shown["b"].size(), 2 + Viewer::kMaxUnseen);
}

TEST(AssistPictures, BytesOnTheirWayAreBounded) {
  Rig rig;
  rig.letIn("a");
  rig.send(picture(1, true, 700 * 1024));
  EXPECT_EQ(rig.out.shown["a"].size(), 1u) << "the first goes however large it is";
  rig.send(picture(2, false, 1000));
  EXPECT_EQ(rig.out.shown["a"].size(), 1u);
  rig.say("a", {{"type", "seen"}, {"frame", 1}});
  EXPECT_EQ(rig.out.shown["a"].size(), 2u);
}

TEST(AssistPictures, AViewerThatLagsMakesThePageSendAWholeOne) {
  Rig rig;
  rig.letIn("a");
  rig.send(picture(1, true));
  for (std::uint32_t frame = 2; frame <= 14; ++frame) {
    rig.now += 100;
    rig.send(picture(frame, false, 40 * 1024));
  }
  EXPECT_EQ(rig.out.count("c", "refresh"), 1u);
  rig.tick(1'000);
  EXPECT_EQ(rig.out.last("c", "pace")["behind"], true);
}

TEST(AssistPictures, WhatIsPausedSensitiveOrOffIsRefusedAndForgotten) {
  for (const char* state : {"paused", "sensitive", "off"}) {
    Rig rig;
    rig.letIn("a");
    rig.send(picture(1, true));
    rig.say("c", {{"type", "share"}, {"state", state}});
    rig.out.clear();
    rig.send(picture(2, true));
    EXPECT_TRUE(rig.out.shown["a"].empty()) << state;
    EXPECT_EQ(rig.out.errors["c"], std::vector<std::string>{"assist.not_sharing"}) << state;
    // Even when sharing goes on: nothing of before is left for anybody.
    rig.say("c", {{"type", "share"}, {"state", "on"}});
    rig.join("b", Role::agent);
    rig.answer(true);
    EXPECT_TRUE(rig.out.shown["b"].empty()) << state;
    rig.send(picture(3, false));
    EXPECT_TRUE(rig.out.shown["a"].empty()) << "a change without its whole picture";
  }
}

TEST(AssistPictures, ChangesMustFollow) {
  Rig rig;
  rig.letIn("a");
  rig.send(picture(5, true, 100, 1));
  rig.send(picture(5, false, 100, 1));
  EXPECT_EQ(rig.out.errors["c"], std::vector<std::string>{"assist.frame_refused"});
  EXPECT_EQ(rig.out.count("c", "refresh"), 1u);
  rig.send(picture(6, false, 100, 1));
  EXPECT_EQ(framesOf(rig, "a"), std::vector<std::uint32_t>{5}) << "the base is lost";
  rig.send(picture(1, true, 100, 2));
  rig.send(picture(2, false, 100, 2));
  EXPECT_EQ(framesOf(rig, "a"), (std::vector<std::uint32_t>{5, 1, 2})) << "a new page counts anew";
}

TEST(AssistPictures, TheLogIsBoundedAndSaysWhenItCannotServe) {
  PictureLog log;
  const auto add = [&](bool whole, std::size_t bytes) {
    log.add({{whole, 1, 1, 10, 10}, std::make_shared<const base::Buffer>(bytes), 0});
  };
  add(true, 100);
  for (std::size_t i = 0; i < 10 * PictureLog::kMaxPictures; ++i) add(false, 100);
  EXPECT_LE(log.size(), PictureLog::kMaxPictures);
  EXPECT_EQ(log.next(0), nullptr) << "the whole picture is gone";
  EXPECT_NE(log.next(log.last() - 1), nullptr) << "who follows goes on";
  for (int i = 0; i < 30; ++i) add(false, 1 << 20);
  EXPECT_LE(log.bytes(), PictureLog::kMaxBytes);
  add(true, 50);
  ASSERT_NE(log.next(0), nullptr);
  EXPECT_TRUE(log.next(0)->header.whole);
  EXPECT_EQ(log.size(), 1u);
}

TEST(AssistPictures, AFloodIsRefused) {
  Rig rig;
  rig.letIn("a");
  for (std::uint32_t frame = 1; frame <= 200; ++frame) rig.send(picture(frame, true));
  EXPECT_LE(rig.totals.picturesIn, 90u);
  EXPECT_EQ(rig.out.errors["c"].front(), "rate.exceeded");
  EXPECT_EQ(rig.out.errors["c"].size(), 1u) << "one word about it a second";
}

TEST(AssistPictures, OnlyTheConsumersPageSendsThem) {
  Rig rig;
  rig.letIn("a");
  const auto bytes = picture(1, true);
  rig.session.onPicture("a", bytes, rig.now);
  EXPECT_EQ(rig.totals.picturesIn, 0u);
}

TEST(AssistPictures, WholeOnesAreForcedSeldom) {
  Rig rig;
  rig.letIn("a");
  for (int i = 0; i < 600; ++i) {
    rig.now += 100;
    rig.send(picture(1, false));
  }
  EXPECT_LE(rig.out.count("c", "refresh"), 16u);
  EXPECT_GE(rig.out.count("c", "refresh"), 8u);
}

TEST(AssistPictures, APageThatIsBackBeginsWithAWholeOne) {
  Rig rig;
  rig.letIn("a");
  rig.send(picture(1, true));
  rig.session.down("c", rig.now);
  rig.session.up("c", rig.now += 2'000);
  EXPECT_EQ(rig.out.count("c", "refresh"), 1u);
  rig.send(picture(2, false));
  EXPECT_EQ(framesOf(rig, "a"), std::vector<std::uint32_t>{1});
  rig.send(picture(1, true, 100, 7));
  EXPECT_EQ(framesOf(rig, "a"), (std::vector<std::uint32_t>{1, 1}));
}

TEST(AssistPictures, HostileHeaders) {
  const auto reasonOf = [](base::Buffer bytes) {
    const auto header = parsePicture(bytes);
    return header ? std::string("taken") : header.error().reason;
  };
  EXPECT_EQ(reasonOf(picture(1, true)), "taken");
  EXPECT_EQ(reasonOf({}), "assist.frame_refused");
  EXPECT_EQ(reasonOf(picture(1, true, kMaxPictureBytes)), "assist.too_large");
  const auto changed = [&](std::size_t at, std::uint8_t value) {
    base::Buffer bytes = picture(1, true);
    bytes[at] = value;
    return reasonOf(bytes);
  };
  EXPECT_EQ(changed(0, 2), "assist.frame_refused") << "another kind";
  EXPECT_EQ(changed(1, 9), "assist.frame_refused") << "another version";
  EXPECT_EQ(changed(12, 0xff), "assist.frame_refused") << "a huge picture";
  EXPECT_EQ(changed(16, 0x7f), "assist.frame_refused") << "a huge scale";
  EXPECT_EQ(changed(28, 3), "assist.frame_refused") << "an unknown part";
  EXPECT_EQ(changed(34, 200), "assist.frame_refused") << "a part beyond the edge";
  EXPECT_EQ(changed(37, 9), "assist.frame_refused") << "an unknown codec";
  EXPECT_EQ(changed(42, 200), "assist.frame_refused") << "longer than there is";
  const auto repeated = [&](std::size_t times) {
    base::Buffer bytes = picture(1, true);
    const base::Buffer part(bytes.begin() + 28, bytes.end());
    for (std::size_t i = 1; i < times; ++i) bytes.insert(bytes.end(), part.begin(), part.end());
    return reasonOf(bytes);
  };
  EXPECT_EQ(repeated(2), "taken") << "a copy and all anew";
  EXPECT_EQ(repeated(3), "assist.frame_refused") << "few bytes, many pixels to draw";
  for (std::size_t size = 0; size < 140; ++size) {
    base::Buffer cut = picture(1, true);
    cut.resize(size);
    // Without parts it is a picture in which nothing changed.
    EXPECT_EQ(reasonOf(cut), size == 28 ? "taken" : "assist.frame_refused") << size;
  }
}

TEST(AssistPictures, AnAgentsPicturesAreTheAgentsMistake) {
  Rig rig;
  rig.letIn("a");
  for (int i = 0; i < 5; ++i) rig.session.onPicture("a", rig::picture(1, true), rig.now);
  EXPECT_EQ(rig.out.errors["a"], std::vector<std::string>{"assist.not_allowed"}) << "said once a second";
  EXPECT_TRUE(rig.out.errors["c"].empty());
  EXPECT_TRUE(rig.out.shown["a"].empty());
}

}  // namespace
}  // namespace parley::assist
