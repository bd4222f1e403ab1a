// The numbering under a session: every message arrives once and in order, however often the connection
// breaks. Pure; knows no socket and no clock.
#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace parley::link {

class ReliableLink {
 public:
  static constexpr std::size_t kMaxKept = 256;
  static constexpr std::size_t kMaxKeptBytes = 1 << 20;

  /// Numbers a message (the text of a JSON object) and keeps it until it is acknowledged. The result goes
  /// on the wire. After an overflow nothing is kept or numbered any more.
  std::string wrap(std::string object);
  bool overflowed() const { return overflowed_; }

  enum class Arrival { next, duplicate, gap };
  /// Takes a message's number; `next` is to be handled.
  Arrival arrived(std::int64_t seq);
  /// The peer has everything up to `ack`; false for what was never sent.
  bool acknowledge(std::int64_t ack);
  /// Everything unacknowledged, as it was sent.
  std::vector<std::string> unacknowledged() const;

  /// Goes on with a peer that another process knew: it has `ack` messages of ours; its next number is taken
  /// as it comes, since nobody remembers the last one.
  void adopt(std::int64_t ack);
  std::size_t kept() const { return kept_.size(); }
  std::size_t keptBytes() const { return keptBytes_; }

  std::int64_t received() const { return received_; }
  bool owesAck() const { return received_ != told_; }
  std::string ackMessage();  ///< A lone acknowledgement.

 private:
  struct Kept {
    std::int64_t seq;
    std::string text;
  };
  std::deque<Kept> kept_;
  std::size_t keptBytes_ = 0;
  std::int64_t sent_ = 0;
  std::int64_t received_ = 0;
  std::int64_t told_ = 0;  // The highest `received_` that went out.
  bool overflowed_ = false;
  bool anyNext_ = false;
};

}  // namespace parley::link
