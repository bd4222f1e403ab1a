#include "link/reliable_link.h"

#include <fmt/format.h>

#include "base/check.h"

namespace parley::link {

std::string ReliableLink::wrap(std::string object) {
  PARLEY_CHECK(object.size() > 2 && object.ends_with('}'));
  if (overflowed_) return {};
  object.pop_back();
  object += fmt::format(",\"seq\":{},\"ack\":{}}}", ++sent_, received_);
  told_ = received_;
  if (kept_.size() >= kMaxKept || keptBytes_ + object.size() > kMaxKeptBytes) {
    overflowed_ = true;
    kept_.clear();
    keptBytes_ = 0;
    return object;
  }
  keptBytes_ += object.size();
  kept_.push_back({sent_, object});
  return object;
}

void ReliableLink::adopt(std::int64_t ack) {
  sent_ = ack;
  anyNext_ = true;
}

ReliableLink::Arrival ReliableLink::arrived(std::int64_t seq) {
  if (anyNext_) received_ = seq - 1;
  anyNext_ = false;
  if (seq <= received_) return Arrival::duplicate;
  if (seq != received_ + 1) return Arrival::gap;
  received_ = seq;
  return Arrival::next;
}

bool ReliableLink::acknowledge(std::int64_t ack) {
  if (ack < 0 || ack > sent_) return false;
  while (!kept_.empty() && kept_.front().seq <= ack) {
    keptBytes_ -= kept_.front().text.size();
    kept_.pop_front();
  }
  return true;
}

std::vector<std::string> ReliableLink::unacknowledged() const {
  std::vector<std::string> out;
  out.reserve(kept_.size());
  for (const Kept& kept : kept_) out.push_back(kept.text);
  return out;
}

std::string ReliableLink::ackMessage() {
  told_ = received_;
  return fmt::format("{{\"type\":\"ack\",\"ack\":{}}}", received_);
}

}  // namespace parley::link
