#include "sipnet/dns_locator.h"

#include <unordered_map>

#include "sipnet/udp_side.h"

namespace parley::sipnet {
namespace {

sip::DnsFailure failureOf(const base::Error& error) {
  return error.reason == "dns.not_found" ? sip::DnsFailure::notFound : sip::DnsFailure::failed;
}

}  // namespace

struct DnsLocator::Impl : std::enable_shared_from_this<DnsLocator::Impl> {
  struct Search {
    Search(net::EventLoop& loop, sip::ServerLocator l, Done d)
        : locator(std::move(l)), done(std::move(d)), timer(loop) {}
    sip::ServerLocator locator;
    Done done;
    net::Timer timer;
  };

  Impl(net::EventLoop& l, net::Resolver& r, Settings s) : loop(l), resolver(r), settings(s) {}

  template <class Make>
  void start(Make make, Done done) {
    if (searches.size() >= settings.maxRunning) {
      return loop.post([weak = weak_from_this(), call = std::move(done)] {
        if (weak.lock()) call(base::fail("sip.locate_busy", "too many names are looked up at once"));
      });
    }
    const std::uint64_t id = ++lastId;
    auto search = std::make_unique<Search>(loop, make(), std::move(done));
    search->timer.start(settings.deadline, [this, id] { finish(id, true); });
    searches.emplace(id, std::move(search));
    // Later: an address needs no question, and the answer never comes inside the call.
    loop.post([weak = weak_from_this(), id] {
      if (const auto self = weak.lock()) self->step(id);
    });
  }

  /// Asks the next question, or ends the search.
  void step(std::uint64_t id) {
    const auto found = searches.find(id);
    if (found == searches.end()) return;
    const sip::DnsQuestion* question = found->second->locator.question();
    if (question == nullptr) return finish(id, false);
    switch (question->kind) {
      case sip::DnsQuestion::Kind::naptr:
        return resolver.naptr(question->name, handler<net::NaptrRecord>(id));
      case sip::DnsQuestion::Kind::srv:
        return resolver.srv(question->name, handler<net::SrvRecord>(id));
      case sip::DnsQuestion::Kind::addresses:
        return resolver.addresses(question->name, handler<net::Endpoint>(id));
    }
  }

  template <class Record>
  std::function<void(base::Result<std::vector<Record>>)> handler(std::uint64_t id) {
    return [weak = weak_from_this(), id](const base::Result<std::vector<Record>>& result) {
      const auto self = weak.lock();
      if (!self) return;
      const auto found = self->searches.find(id);
      if (found == self->searches.end()) return;  // The deadline was first.
      if (result) {
        answer(found->second->locator, *result);
      } else {
        found->second->locator.noAnswer(failureOf(result.error()));
      }
      self->step(id);
    };
  }

  static void answer(sip::ServerLocator& locator, const std::vector<net::NaptrRecord>& records) {
    std::vector<sip::NaptrAnswer> answers;
    answers.reserve(records.size());
    for (const auto& each : records) {
      answers.push_back({each.order, each.preference, each.flags, each.service, each.replacement});
    }
    locator.answerNaptr(std::move(answers));
  }
  static void answer(sip::ServerLocator& locator, const std::vector<net::SrvRecord>& records) {
    std::vector<sip::SrvAnswer> answers;
    answers.reserve(records.size());
    for (const auto& each : records) answers.push_back({each.priority, each.weight, each.port, each.target});
    locator.answerSrv(std::move(answers));
  }
  static void answer(sip::ServerLocator& locator, const std::vector<net::Endpoint>& records) {
    std::vector<proto::TransportAddress> answers;
    answers.reserve(records.size());
    for (const auto& each : records) answers.push_back(addressOf(each));
    locator.answerAddresses(answers);
  }

  void finish(std::uint64_t id, bool late) {
    const auto self = shared_from_this();
    const auto node = searches.extract(id);
    if (node.empty()) return;
    const Search& search = *node.mapped();
    if (!search.locator.targets().empty()) return search.done(search.locator.targets());
    if (late) return search.done(base::fail("sip.locate_timeout", "no answer from DNS in time"));
    search.done(std::unexpected(search.locator.error()));
  }

  net::EventLoop& loop;
  net::Resolver& resolver;
  Settings settings;
  base::SystemRandom random;
  std::unordered_map<std::uint64_t, std::unique_ptr<Search>> searches;
  std::uint64_t lastId = 0;
};

DnsLocator::DnsLocator(net::EventLoop& loop, net::Resolver& resolver, Settings settings)
    : impl_(std::make_shared<Impl>(loop, resolver, settings)) {}

DnsLocator::~DnsLocator() { impl_->searches.clear(); }

void DnsLocator::locate(const sip::Uri& next, const sip::LocateOptions& options, Done done) {
  impl_->start([&] { return sip::ServerLocator::forRequest(next, options, impl_->random); }, std::move(done));
}

std::size_t DnsLocator::running() const { return impl_->searches.size(); }

}  // namespace parley::sipnet
