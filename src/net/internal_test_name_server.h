// For tests: a name server on loopback with canned answers. Loop thread only.
#pragma once
#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "net/udp_socket.h"

namespace parley::net::rig {

constexpr int kA = 1, kAaaa = 28, kSrv = 33, kNaptr = 35;

inline std::string u16(unsigned v) { return {static_cast<char>(v >> 8), static_cast<char>(v)}; }
inline std::string u32(unsigned v) { return u16(v >> 16) + u16(v & 0xffff); }
inline std::string label(std::string_view text) { return static_cast<char>(text.size()) + std::string(text); }
inline std::string dnsName(std::string_view dotted) {
  std::string out;
  while (!dotted.empty()) {
    const auto dot = dotted.find('.');
    out += label(dotted.substr(0, dot));
    dotted = dot == dotted.npos ? "" : dotted.substr(dot + 1);
  }
  return out + '\0';
}

/// The name again, without its root.
inline std::string dottedName(std::string_view labels) {
  std::string out;
  while (!labels.empty()) {
    const auto size = static_cast<std::size_t>(static_cast<unsigned char>(labels.front()));
    out.append(out.empty() ? "" : ".").append(labels.substr(1, size));
    labels.remove_prefix(std::min(labels.size(), size + 1));
  }
  return out;
}

struct NameServer {
  explicit NameServer(EventLoop& loop) {
    socket = *UdpSocket::open(loop, *Endpoint::parse("127.0.0.1", 0), {},
                              [this](std::span<Datagram> batch, base::Instant) {
                                for (auto& each : batch) onQuery(each);
                              });
  }

  /// Record data for whatever name is asked for.
  std::vector<std::string>& any(int type) { return records[{"", type}]; }
  void a(const std::string& name, char last) { addressOf(name, std::string("\xc0\x00\x02", 3) + last); }
  void loopback(const std::string& name) { addressOf(name, std::string("\x7f\0\0\1", 4)); }
  void addressOf(const std::string& name, const std::string& fourBytes) {
    records[{dnsName(name), kA}] = {fourBytes};
  }
  void srv(const std::string& name, unsigned priority, unsigned port, const std::string& target) {
    records[{dnsName(name), kSrv}].push_back(u16(priority) + u16(1) + u16(port) + dnsName(target));
  }
  void naptr(const std::string& name, const std::string& service, const std::string& replacement) {
    records[{dnsName(name), kNaptr}].push_back(u16(1) + u16(1) + label("s") + label(service) + label("") +
                                               dnsName(replacement));
  }

  std::unique_ptr<UdpSocket> socket;
  std::map<std::pair<std::string, int>, std::vector<std::string>> records;  ///< By name and type.
  std::set<std::string> asked;
  std::map<int, int> askedFor;  ///< How often, by type.
  unsigned ttl = 60;
  unsigned missing = 3;  ///< What is said where nothing is known: NXDOMAIN.
  bool silent = false, garbage = false;

 private:
  void onQuery(const Datagram& d) {
    const std::string_view text = base::asText(d.data);
    const auto end = text.find('\0', 12);
    if (end == text.npos || end + 5 > text.size()) return;
    const int type = base::loadU16(d.data.data() + end + 1);
    ++askedFor[type];
    if (silent) return;
    asked.insert(dottedName(text.substr(12, end - 12)));
    const auto named = records.find({std::string(text.substr(12, end + 1 - 12)), type});
    const auto& found = named != records.end() ? named->second : any(type);
    std::string out(text.substr(0, 2));
    out += u16(0x8180 | (found.empty() ? missing : 0)) + u16(1) + u16(static_cast<unsigned>(found.size())) +
           u32(0);
    out += text.substr(12, end + 5 - 12);
    for (const auto& data : found) {
      out += u16(0xc00c) + u16(static_cast<unsigned>(type)) + u16(1) + u32(ttl) +
             u16(static_cast<unsigned>(data.size())) + data;
    }
    if (garbage) out = out.substr(0, 12) + std::string(40, '\xff');
    socket->queueCopy(d.remote, d.local, base::asBytes(out));
  }
};

}  // namespace parley::net::rig
