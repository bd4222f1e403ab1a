// A link that loses and reorders SIP: joins two network interfaces, passes each frame on, and takes UDP
// packets of the ports 5060 to 5099 out by chance: some are dropped, some wait while later ones overtake
// them.
//   sip-shuffling-link INTERFACE INTERFACE LOST-% HELD-% LONGEST-WAIT-MS
// Prints "lost N overtaken M" whenever that changed, at most ten times a second. Kernels without netem need
// it.
#include <arpa/inet.h>
#include <fmt/core.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>
#include <random>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// The kernel's virtio_net_hdr in front says what of the checksums is still to be done. (Its header file is
/// no C++.)
constexpr std::size_t kHead = 10;
constexpr std::size_t kMaxFrame = kHead + 65'550;
constexpr std::size_t kMaxHeld = 1'000;

using Frame = std::vector<unsigned char>;

struct Held {
  Clock::time_point until;
  std::size_t to = 0;
  Frame frame;
};

struct Link {
  std::array<int, 2> sockets{};
  unsigned lostPercent = 0, heldPercent = 0;
  int longest = 0;
  std::vector<Held> held;
  std::minstd_rand chance{std::random_device{}()};
  std::size_t lost = 0, overtaken = 0;

  bool happens(unsigned percent) { return std::uniform_int_distribution<unsigned>(0, 99)(chance) < percent; }
  void pass(std::size_t to, const Frame& frame) const {
    // A peer that is gone for a moment loses it, as any link does.
    static_cast<void>(send(sockets[to], frame.data(), frame.size(), 0));
  }
};

int openOn(const char* name) {
  const int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
  const int on = 1;
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(if_nametoindex(name));
  const bool good = fd >= 0 && address.sll_ifindex != 0 &&
                    setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) == 0 &&
                    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) == 0 &&
                    bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (!good) fmt::print(stderr, "{}: {}\n", name, std::strerror(errno));
  return good ? fd : -1;
}

/// A UDP packet (IPv4, RFC 791) from or to a port of SIP.
bool isSip(const Frame& frame) {
  const auto* bytes = frame.data() + kHead;
  const std::size_t size = frame.size() - kHead;
  if (size < 14 + 20 + 8 || bytes[12] != 0x08 || bytes[13] != 0x00 || bytes[14 + 9] != IPPROTO_UDP)
    return false;
  const std::size_t udp = 14 + std::size_t{4} * (bytes[14] & 0x0f);
  if (size < udp + 8) return false;
  const auto port = [&](std::size_t at) { return bytes[at] << 8 | bytes[at + 1]; };
  const auto inRange = [](int p) { return p >= 5060 && p <= 5099; };
  return inRange(port(udp)) || inRange(port(udp + 2));
}

void take(Link& link, std::size_t from, Frame frame) {
  const std::size_t to = 1 - from;
  if (!isSip(frame)) return link.pass(to, frame);
  if (link.happens(link.lostPercent)) {
    ++link.lost;
    return;
  }
  if (link.held.size() < kMaxHeld && link.happens(link.heldPercent)) {
    const milliseconds wait(std::uniform_int_distribution<int>(1, link.longest)(link.chance));
    link.held.push_back({Clock::now() + wait, to, std::move(frame)});
    return;
  }
  // All that waits for the same side was there before.
  link.overtaken +=
      static_cast<std::size_t>(std::ranges::count(link.held, to, [](const Held& h) { return h.to; }));
  link.pass(to, frame);
}

void release(Link& link) {
  const auto now = Clock::now();
  for (const Held& each : link.held)
    if (each.until <= now) link.pass(each.to, each.frame);
  std::erase_if(link.held, [&](const Held& each) { return each.until <= now; });
}

int untilNext(const Link& link) {
  if (link.held.empty()) return 100;
  const auto first = std::ranges::min_element(link.held, {}, &Held::until)->until;
  const auto wait = std::chrono::ceil<milliseconds>(first - Clock::now()).count();
  return static_cast<int>(std::clamp<long>(wait, 0, 100));
}

int run(Link& link) {
  Frame buffer(kMaxFrame);
  std::size_t told = 0;
  auto toldAt = Clock::now();
  fmt::print("joined\n");
  std::fflush(stdout);
  for (;;) {
    std::array<pollfd, 2> waits{{{link.sockets[0], POLLIN, 0}, {link.sockets[1], POLLIN, 0}}};
    if (poll(waits.data(), waits.size(), untilNext(link)) < 0) return 1;
    for (std::size_t i = 0; i < waits.size(); ++i) {
      if (waits[i].revents == 0) continue;
      const auto size = recv(link.sockets[i], buffer.data(), buffer.size(), 0);
      if (size > static_cast<long>(kHead)) take(link, i, Frame(buffer.begin(), buffer.begin() + size));
    }
    release(link);
    if (link.lost + link.overtaken == told || Clock::now() - toldAt < milliseconds(100)) continue;
    told = link.lost + link.overtaken;
    toldAt = Clock::now();
    fmt::print("lost {} overtaken {}\n", link.lost, link.overtaken);
    std::fflush(stdout);
  }
}

int numberOf(std::string_view text) {
  int value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  Link link;
  const int lost = argc == 6 ? numberOf(argv[3]) : -1, held = argc == 6 ? numberOf(argv[4]) : -1;
  link.longest = argc == 6 ? numberOf(argv[5]) : -1;
  if (lost < 0 || lost > 100 || held < 0 || held > 100 || link.longest < 1) {
    fmt::print(stderr, "sip-shuffling-link INTERFACE INTERFACE LOST-% HELD-% LONGEST-WAIT-MS\n");
    return 2;
  }
  link.lostPercent = static_cast<unsigned>(lost);
  link.heldPercent = static_cast<unsigned>(held);
  link.sockets = {openOn(argv[1]), openOn(argv[2])};
  return link.sockets[0] < 0 || link.sockets[1] < 0 ? 1 : run(link);
}
