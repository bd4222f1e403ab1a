// One stream that we send: puts whatever sources come into one sequence and time stamp space without jumps.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "base/random.h"
#include "base/time.h"

namespace parley::rtc {

class StreamMapper {
 public:
  /// Numbers of left-out packets that are remembered for those that come late; older ones are settled.
  static constexpr std::size_t kMaxSkipped = 32;

  /// Starts the sequence in the lower half (RFC 3711 section 3.3.1 wants room before the first wrap).
  explicit StreamMapper(base::Random& random);

  struct Out {
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
  };

  /// The next packet is of another source: its numbers go on where ours are, its time stamps by the time
  /// that passed.
  void newSource() { attached_ = stampsAttached_ = false; }
  /// Packets of this source were not sent for a while: no gap for them, the time stamps stay on their line.
  void pause() { attached_ = false; }

  /// `sequence` is extended (ReceiveStats). Nothing when the number it would need is another packet's.
  std::optional<Out> map(std::int64_t sequence, std::uint32_t timestamp, std::uint32_t clockRate,
                         base::Instant now);
  /// Leaves a packet out so that no gap shows. False: later ones were sent with a gap for it already, so
  /// it had better be sent.
  bool skip(std::int64_t sequence);

  bool started() const { return started_; }
  /// A source's time stamp on our line; nothing before the source's first packet was mapped.
  std::optional<std::uint32_t> timestampOf(std::uint32_t timestamp) const;
  std::uint32_t lastTimestamp() const { return lastStamp_; }
  std::uint32_t clockRate() const { return clockRate_; }

 private:
  void attach(std::int64_t sequence);
  void attachStamps(std::uint32_t timestamp, std::uint32_t clockRate, base::Instant now);

  std::array<std::int64_t, kMaxSkipped> skipped_;  // Ascending, the first skippedCount_.
  std::size_t skippedCount_ = 0;
  std::int64_t offset_ = 0;     // out = in + offset_ - (skipped below in)
  std::int64_t floor_ = 0;      // Incoming numbers below it have no place in our space.
  std::int64_t highestIn_ = 0;  // Of the attached source, skipped ones included.
  std::int64_t highestOut_ = 0;
  std::uint32_t stampOffset_ = 0, lastStamp_ = 0, clockRate_ = 0;
  base::Instant lastAt_{};
  bool started_ = false, attached_ = false, stampsAttached_ = false;
};

}  // namespace parley::rtc
