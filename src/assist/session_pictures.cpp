// Which pictures go to whom, and when the consumer's page is asked for less or for a whole one.
#include <algorithm>
#include <cmath>

#include "assist/session.h"
#include "link/json.h"

namespace parley::assist {
namespace {

using link::dumpJson;

// A viewer that lags more than this is better served by a new whole picture.
constexpr std::size_t kMaxLagBytes = 192 * 1024;
constexpr std::int64_t kEmptyMillis = 1'000;   // A page that begins to share sends a whole picture by itself.
constexpr std::int64_t kAnswerMillis = 3'000;  // So long a page may take for a whole picture.
constexpr std::int64_t kPaceMillis = 1'000;
constexpr double kMinKbps = 50;

}  // namespace

void AssistSession::onPicture(const std::string& id, base::Bytes bytes, std::int64_t now) {
  Party* from = find(id);
  if (from == nullptr || over()) return;
  if (from->role != Role::consumer) {
    if (!from->wishes.take(1, now)) return;
    return out_.fail(id, {"assist.not_allowed", "Only the customer's page sends pictures."}, {});
  }
  const auto header = check(bytes, now);
  if (!header) {
    hasBase_ = false;
    ++totals_.refusedPictures;
    pictureProblem(header.error(), now);
    if (sharing() == Sharing::on) askForWhole(now);
    return;
  }
  hasBase_ = true;
  epoch_ = header->epoch;
  lastFrame_ = header->frame;
  emptySince_ = 0;
  if (header->whole) askedWholeAt_ = 0;
  ++totals_.picturesIn;
  totals_.bytesIn += bytes.size();
  ++pictures_;
  bytes_ += bytes.size();
  // The one copy: out of the connection's buffer. From here on all share it.
  log_.add({*header, std::make_shared<const base::Buffer>(bytes.begin(), bytes.end()), 0});
  serveAll();
  if (someoneNeedsWhole(now)) askForWhole(now);
}

base::Result<PictureHeader> AssistSession::check(base::Bytes bytes, std::int64_t now) {
  if (!consented() || !options_.features.contains(Feature::view)) {
    return base::fail("assist.no_consent", "Nobody may see the page.");
  }
  if (sharing() != Sharing::on) return base::fail("assist.not_sharing", "The page is not shared.");
  if (!pictureCount_.take(1, now) || !pictureBytes_.take(static_cast<double>(bytes.size()), now)) {
    return base::fail("rate.exceeded", "There are too many pictures.");
  }
  auto header = parsePicture(bytes);
  if (!header || header->whole) return header;
  if (!hasBase_) return base::fail("assist.frame_refused", "A whole picture must come first.");
  if (header->epoch != epoch_ || header->frame <= lastFrame_) {
    return base::fail("assist.frame_refused", "The picture does not follow the one before.");
  }
  return header;
}

void AssistSession::pictureProblem(const base::Error& error, std::int64_t now) {
  if (consumer_ && problems_.take(1, now)) out_.fail(consumer_->id, error, {});
}

void AssistSession::serve(Party& viewer) {
  if (viewer.role == Role::consumer || !viewer.joined() || !viewer.up) return;
  for (const Picture* next = log_.next(viewer.viewer.have()); next != nullptr;
       next = log_.next(viewer.viewer.have())) {
    if (!viewer.viewer.takes(*next)) return;
    out_.show(viewer.id, *next);
    ++totals_.picturesOut;
    totals_.bytesOut += next->bytes->size();
    viewer.viewer.sent(*next);
  }
  if (!log_.empty()) viewer.viewer.caughtUp();
}

void AssistSession::serveAll() {
  for (Party& party : others_) serve(party);
}

void AssistSession::forgetPictures() {
  log_.clear();
  hasBase_ = false;
  emptySince_ = 0;
}

/// What is paused, sensitive or off is not to be seen, nor kept.
void AssistSession::sharingChanged() {
  if (sharing() != Sharing::on) {
    forgetPictures();
    if (!control_.empty()) control_.clear();
  }
}

base::Error AssistSession::switchedOff() {
  return {"assist.feature_off", "Looking at customers' pages is switched off by the administration."};
}

void AssistSession::optionsChanged(std::int64_t now) {
  if (over()) return;
  if (!options_.features.contains(Feature::view)) {
    forgetPictures();
    // Nobody is asked for what would not be shown.
    std::vector<std::string> waiting;
    for (const Party& party : others_) {
      if (party.standing == Standing::asking) waiting.push_back(party.id);
    }
    for (const std::string& party : waiting) dismiss(party, kSwitchedOff, switchedOff(), now);
  }
  if (!options_.features.contains(Feature::control)) {
    control_.clear();
    for (const Party& party : others_) cancelAsked(party.id, true);
  }
  if (!options_.features.contains(Feature::forms)) {
    for (Party& party : others_) party.formOpen = false;
  }
  tellState();
}

bool AssistSession::someoneNeedsWhole(std::int64_t now) {
  if (sharing() != Sharing::on || !consumer_ || !consumer_->up) return false;
  const auto watches = [](const Party& p) { return p.joined() && p.up; };
  if (std::ranges::none_of(others_, watches)) return false;
  if (log_.empty()) {
    if (emptySince_ == 0) emptySince_ = now;
    return now - emptySince_ >= kEmptyMillis;
  }
  return std::ranges::any_of(others_, [&](const Party& p) {
    if (!watches(p)) return false;
    const std::uint64_t have = p.viewer.have();
    const Picture* next = log_.next(have);
    if (next == nullptr) return have < log_.last();
    return !next->header.whole && log_.bytesAfter(have) > kMaxLagBytes;
  });
}

void AssistSession::askForWhole(std::int64_t now) {
  if (!consumer_ || !consumer_->up) return;
  if (askedWholeAt_ != 0 && now - askedWholeAt_ < kAnswerMillis) return;
  if (!refreshes_.take(1, now) || !forced_.take(1, now)) return;
  askedWholeAt_ = now;
  ++totals_.refreshes;
  out_.send(consumer_->id, R"({"type":"refresh"})", "refresh");
}

/// Tells the page how many look on, and whether they can follow. One that follows is enough: slow ones skip.
void AssistSession::pace(std::int64_t now) {
  if (now - pacedAt_ < kPaceMillis) return;
  const double seconds = static_cast<double>(now - pacedAt_) / 1000;
  pacedAt_ = now;
  std::size_t viewers = 0, slow = 0;
  double kbps = 0;
  for (Party& party : others_) {
    if (!party.joined() || !party.up) continue;
    ++viewers;
    const double measured = static_cast<double>(party.viewer.takeSeenBytes()) * 8 / 1000 / seconds;
    party.kbps = party.kbps == 0 ? measured : party.kbps * 0.7 + measured * 0.3;
    if (log_.next(party.viewer.have()) != nullptr) ++slow;
    kbps = std::max(kbps, party.kbps);
  }
  const bool behind = viewers > 0 && slow == viewers;
  const bool told = viewers == toldViewers_ && behind == toldBehind_ && !behind;
  if (told || !consumer_ || !consumer_->up) return;
  toldViewers_ = viewers;
  toldBehind_ = behind;
  const auto most = static_cast<double>(options_.maxKbps);
  const double budget = behind ? std::clamp(kbps * 0.9, std::min(kMinKbps, most), most) : most;
  out_.send(consumer_->id,
            dumpJson({{"type", "pace"},
                      {"viewers", viewers},
                      {"behind", behind},
                      {"kbps", static_cast<std::int64_t>(std::lround(budget))}}),
            "pace");
}

}  // namespace parley::assist
