#include "net/dns.h"

#include <ares.h>
#include <arpa/nameser.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <map>
#include <memory>
#include <unordered_map>

#include "base/affinity.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/text.h"
#include "net/internal_dns.h"
#include "net/internal_loop.h"

namespace parley::net {
namespace {

const base::Logger dnsLogger{"dns"};
constexpr std::size_t kMaxCached = 1000;
constexpr std::chrono::seconds kMaxTtl{3600};

base::Error errorOf(int status, const std::string& name) {
  const std::string text = name + ": " + ares_strerror(status);
  switch (status) {
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
      return {"dns.not_found", text};
    case ARES_ETIMEOUT:
      return {"dns.timeout", text};
    case ARES_ECONNREFUSED:
    case ARES_EREFUSED:
      return {"dns.refused", text};
    case ARES_EBADNAME:
    case ARES_EBADSTR:
    case ARES_EFORMERR:
      return {"dns.bad_name", text};
    default:
      return {"dns.failed", text};
  }
}

/// c-ares takes texts that end at a NUL and writes escapes of its own; names of hosts need neither.
bool isName(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  for (const char c : name) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_' || c == '.';
    if (!fine) return false;
  }
  return true;
}

/// RFC 6761 section 6.3: this machine, whatever its hosts file and name servers say.
bool isLocalhost(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name == "localhost" || name.ends_with(".localhost");
}

std::vector<Endpoint> thisMachine() { return {*Endpoint::parse("127.0.0.1", 0), *Endpoint::parse("::1", 0)}; }

/// One kind of answer, cached until its TTL.
template <class Record>
class Cache {
 public:
  const std::vector<Record>* find(const std::string& name, base::Instant now) {
    const auto found = entries_.find(name);
    if (found == entries_.end()) return nullptr;
    if (found->second.until <= now) {
      entries_.erase(found);
      return nullptr;
    }
    return &found->second.records;
  }
  void put(const std::string& name, const std::vector<Record>& records, std::chrono::seconds ttl,
           base::Instant now) {
    if (ttl.count() <= 0) return;
    if (entries_.size() >= kMaxCached) {
      std::erase_if(entries_, [now](const auto& e) { return e.second.until <= now; });
      if (entries_.size() >= kMaxCached) entries_.clear();
    }
    entries_[name] = {records, now + std::min(ttl, kMaxTtl)};
  }

 private:
  struct Entry {
    std::vector<Record> records;
    base::Instant until;
  };
  std::unordered_map<std::string, Entry> entries_;
};

std::vector<SrvRecord> readSrv(const ares_srv_reply* each) {
  std::vector<SrvRecord> result;
  for (; each != nullptr; each = each->next) {
    result.push_back({each->priority, each->weight, each->port, each->host != nullptr ? each->host : ""});
  }
  return result;
}

std::string textOf(const unsigned char* text) {
  return text != nullptr ? reinterpret_cast<const char*>(text) : std::string{};
}

std::vector<NaptrRecord> readNaptr(const ares_naptr_reply* each) {
  std::vector<NaptrRecord> result;
  for (; each != nullptr; each = each->next) {
    result.push_back({each->order, each->preference, textOf(each->flags), textOf(each->service),
                      textOf(each->regexp), each->replacement != nullptr ? each->replacement : ""});
  }
  return result;
}

/// Past one name of a message (RFC 1035 section 4.1.4); false at its end.
bool skipName(base::ByteReader& reader) {
  while (reader.ok()) {
    const std::uint8_t length = reader.u8();
    if (length == 0) return reader.ok();
    if ((length & 0xc0) == 0xc0) {
      reader.u8();
      return reader.ok();
    }
    if ((length & 0xc0) != 0) return false;
    reader.skip(length);
  }
  return false;
}

}  // namespace

std::chrono::seconds answerTtl(base::Bytes message) {
  base::ByteReader reader(message);
  reader.skip(4);
  const unsigned questions = reader.u16();
  const unsigned answers = reader.u16();
  reader.skip(4);
  for (unsigned i = 0; i < questions; ++i) {
    if (!skipName(reader)) return {};
    reader.skip(4);
  }
  std::uint32_t least = static_cast<std::uint32_t>(kMaxTtl.count());
  for (unsigned i = 0; i < answers; ++i) {
    if (!skipName(reader)) return {};
    reader.skip(4);
    least = std::min(least, reader.u32());
    reader.skip(reader.u16());
  }
  return reader.ok() && answers > 0 ? std::chrono::seconds{least} : std::chrono::seconds{0};
}

struct Resolver::Impl : std::enable_shared_from_this<Resolver::Impl> {
  Impl(EventLoop& l, ResolverOptions o) : loop(l), options(std::move(o)), timer(l) {}

  ~Impl() { shutDown(); }

  void shutDown() {
    closed = true;
    timer.stop();
    // Calls back everything that is pending, with ARES_EDESTRUCTION; `closed` silences that.
    if (const auto old = std::exchange(channel, nullptr)) ares_destroy(old);
    sockets.clear();
  }

  static bool startLibrary() {
    static const bool ok = ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS;
    return ok;
  }

  /// Made with the first query, so that a resolver that is never used costs nothing.
  bool ready() {
    if (channel != nullptr) return true;
    if (!startLibrary()) return false;
    ares_options settings{};
    settings.timeout = static_cast<int>(options.timeout.count());
    settings.tries = options.tries;
    settings.sock_state_cb = [](void* data, ares_socket_t fd, int readable, int writable) {
      static_cast<Impl*>(data)->onSocketState(fd, readable != 0, writable != 0);
    };
    settings.sock_state_cb_data = this;
    const int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
    if (ares_init_options(&channel, &settings, mask) != ARES_SUCCESS) {
      channel = nullptr;
      return false;
    }
    if (options.servers.empty()) return true;
    std::string list;
    for (const auto& server : options.servers) list += (list.empty() ? "" : ",") + server;
    const int status = ares_set_servers_ports_csv(channel, list.c_str());
    if (status != ARES_SUCCESS) {
      dnsLogger.warn("name servers not understood", {{"servers", list}, {"error", ares_strerror(status)}});
    }
    return true;
  }

  struct Socket {
    explicit Socket(asio::io_context& io, int fd) : descriptor(io, fd) {}
    ~Socket() { descriptor.release(); }  // c-ares closes it.
    asio::posix::stream_descriptor descriptor;
    bool wantsRead = false, wantsWrite = false;
    bool reading = false, writing = false;
  };

  void onSocketState(int fd, bool readable, bool writable) {
    if (closed) return;
    if (!readable && !writable) {
      sockets.erase(fd);
      return;
    }
    auto& socket = sockets[fd];
    if (!socket) socket = std::make_shared<Socket>(ioOf(loop), fd);
    socket->wantsRead = readable;
    socket->wantsWrite = writable;
    watch(fd, socket);
  }

  void watch(int fd, const std::shared_ptr<Socket>& socket) {
    using Descriptor = asio::posix::stream_descriptor;
    if (socket->wantsRead && !socket->reading) {
      socket->reading = true;
      socket->descriptor.async_wait(
          Descriptor::wait_read, [weak = weak_from_this(), fd, of = std::weak_ptr(socket)](ErrorCode error) {
            const auto self = weak.lock();
            const auto mine = of.lock();
            if (!self || !mine || error) return;
            mine->reading = false;
            self->process(fd, mine, mine->wantsRead ? fd : ARES_SOCKET_BAD, ARES_SOCKET_BAD);
          });
    }
    if (socket->wantsWrite && !socket->writing) {
      socket->writing = true;
      socket->descriptor.async_wait(
          Descriptor::wait_write, [weak = weak_from_this(), fd, of = std::weak_ptr(socket)](ErrorCode error) {
            const auto self = weak.lock();
            const auto mine = of.lock();
            if (!self || !mine || error) return;
            mine->writing = false;
            self->process(fd, mine, ARES_SOCKET_BAD, mine->wantsWrite ? fd : ARES_SOCKET_BAD);
          });
    }
  }

  void process(int fd, const std::weak_ptr<Socket>& socket, ares_socket_t readable, ares_socket_t writable) {
    ares_process_fd(channel, readable, writable);
    if (closed) return;
    if (const auto still = socket.lock()) {
      if (const auto found = sockets.find(fd); found != sockets.end() && found->second == still)
        watch(fd, still);
    }
    schedule();
  }

  void schedule() {
    if (closed) return;
    timeval most{}, buffer{};
    const timeval* next = ares_timeout(channel, nullptr, &buffer);
    if (next == nullptr || pending == 0) return timer.stop();
    most = *next;
    const auto after =
        std::chrono::ceil<base::Millis>(std::chrono::seconds{most.tv_sec} + base::Micros{most.tv_usec});
    timer.start(after, [this] {
      const auto self = shared_from_this();
      ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
      schedule();
    });
  }

  template <class Record>
  using Done = std::function<void(base::Result<std::vector<Record>>)>;

  /// Answers later, unless the resolver is gone by then.
  template <class Record>
  void later(Done<Record> done, base::Result<std::vector<Record>> result) {
    loop.post([weak = weak_from_this(), call = std::move(done), answer = std::move(result)]() mutable {
      if (const auto self = weak.lock(); self && !self->closed) call(std::move(answer));
    });
  }

  /// True if a query may go out; otherwise the caller is answered.
  template <class Record>
  bool admit(const std::string& name, const Done<Record>& done) {
    affinity.assertHere();
    base::Error problem;
    if (!isName(name)) {
      problem = {"dns.bad_name", "not a host name"};
    } else if (pending >= options.maxPending) {
      problem = {"dns.busy", name + ": too many queries are waiting"};
    } else if (!ready()) {
      problem = {"dns.failed", "the resolver cannot start"};
    } else {
      return true;
    }
    later<Record>(done, std::unexpected(std::move(problem)));
    return false;
  }

  /// What c-ares carries through a query.
  template <class Record>
  struct Query {
    Impl* self;  ///< Alive: its end destroys the channel, which ends every query first.
    std::string name;
    Cache<Record>* cache;
    Done<Record> done;

    void finish(base::Result<std::vector<Record>> result, std::chrono::seconds ttl) {
      --self->pending;
      if (self->closed) return;
      if (result) cache->put(name, *result, ttl, self->loop.now());
      // c-ares may call back inside the query; callers are told later, with the resolver whole.
      self->later<Record>(std::move(done), std::move(result));
    }
  };

  void addresses(std::string name, Done<Endpoint> done);
  template <class Record, class Reply>
  void records(int type, Cache<Record>& cache, std::string name, Done<Record> done,
               int (*parse)(const unsigned char*, int, Reply**), std::vector<Record> (*read)(const Reply*));

  EventLoop& loop;
  ResolverOptions options;
  Timer timer;
  ares_channel channel = nullptr;
  bool closed = false;
  std::size_t pending = 0;
  std::map<int, std::shared_ptr<Socket>> sockets;
  Cache<Endpoint> addressCache;
  Cache<SrvRecord> srvCache;
  Cache<NaptrRecord> naptrCache;
  base::ThreadAffinity affinity;
};

void Resolver::Impl::addresses(std::string name, Done<Endpoint> done) {
  if (const auto numeric = Endpoint::parse(name, 0))
    return later<Endpoint>(std::move(done), std::vector{*numeric});
  name = base::toLower(name);
  if (isLocalhost(name) && isName(name)) return later<Endpoint>(std::move(done), thisMachine());
  if (const auto* known = addressCache.find(name, loop.now()))
    return later<Endpoint>(std::move(done), *known);
  if (!admit<Endpoint>(name, done)) return;
  auto query = std::make_unique<Query<Endpoint>>(Query<Endpoint>{this, name, &addressCache, std::move(done)});
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_flags = ARES_AI_NOSORT;
  ++pending;
  ares_getaddrinfo(
      channel, name.c_str(), nullptr, &hints,
      [](void* data, int status, int, ares_addrinfo* found) {
        const std::unique_ptr<Query<Endpoint>> mine(static_cast<Query<Endpoint>*>(data));
        const std::unique_ptr<ares_addrinfo, void (*)(ares_addrinfo*)> owner(found, ares_freeaddrinfo);
        if (status != ARES_SUCCESS) return mine->finish(std::unexpected(errorOf(status, mine->name)), {});
        std::vector<Endpoint> result;
        int ttl = static_cast<int>(kMaxTtl.count());
        for (const auto* node = found->nodes; node != nullptr; node = node->ai_next) {
          const auto address = Endpoint::fromSockaddr(node->ai_addr).withPort(0);
          if (std::find(result.begin(), result.end(), address) == result.end()) result.push_back(address);
          ttl = std::min(ttl, node->ai_ttl);
        }
        if (result.empty()) return mine->finish(std::unexpected(errorOf(ARES_ENODATA, mine->name)), {});
        mine->finish(std::move(result), std::chrono::seconds{ttl});
      },
      query.release());
  schedule();
}

template <class Record, class Reply>
void Resolver::Impl::records(int type, Cache<Record>& cache, std::string name, Done<Record> done,
                             int (*parse)(const unsigned char*, int, Reply**),
                             std::vector<Record> (*read)(const Reply*)) {
  name = base::toLower(name);
  if (const auto* known = cache.find(name, loop.now())) return later<Record>(std::move(done), *known);
  if (!admit<Record>(name, done)) return;
  struct Typed : Query<Record> {
    int (*parse)(const unsigned char*, int, Reply**);
    std::vector<Record> (*read)(const Reply*);
  };
  auto query = std::make_unique<Typed>(Typed{{this, name, &cache, std::move(done)}, parse, read});
  ++pending;
  ares_query(
      channel, name.c_str(), ns_c_in, type,
      [](void* data, int status, int, unsigned char* bytes, int length) {
        const std::unique_ptr<Typed> mine(static_cast<Typed*>(data));
        Reply* replies = nullptr;
        if (status == ARES_SUCCESS) status = mine->parse(bytes, length, &replies);
        const std::unique_ptr<Reply, void (*)(Reply*)> owner(replies, [](Reply* r) { ares_free_data(r); });
        if (status != ARES_SUCCESS) return mine->finish(std::unexpected(errorOf(status, mine->name)), {});
        auto result = mine->read(replies);
        if (result.empty()) return mine->finish(std::unexpected(errorOf(ARES_ENODATA, mine->name)), {});
        mine->finish(std::move(result), answerTtl({bytes, static_cast<std::size_t>(length)}));
      },
      query.release());
  schedule();
}

Resolver::Resolver(EventLoop& loop, ResolverOptions options)
    : impl_(std::make_shared<Impl>(loop, std::move(options))) {}

Resolver::~Resolver() { impl_->shutDown(); }

void Resolver::addresses(std::string name, std::function<void(base::Result<std::vector<Endpoint>>)> done) {
  impl_->addresses(std::move(name), std::move(done));
}

void Resolver::srv(std::string name, std::function<void(base::Result<std::vector<SrvRecord>>)> done) {
  impl_->records<SrvRecord, ares_srv_reply>(ns_t_srv, impl_->srvCache, std::move(name), std::move(done),
                                            ares_parse_srv_reply, readSrv);
}

void Resolver::naptr(std::string name, std::function<void(base::Result<std::vector<NaptrRecord>>)> done) {
  impl_->records<NaptrRecord, ares_naptr_reply>(ns_t_naptr, impl_->naptrCache, std::move(name),
                                                std::move(done), ares_parse_naptr_reply, readNaptr);
}

}  // namespace parley::net
