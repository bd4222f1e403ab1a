#include "assist/fetch_trust.h"

#include "trust/files.h"

namespace parley::assist {
namespace {
constexpr base::Millis kFetchTrustCheck{5'000};
}  // namespace

FetchTrust::FetchTrust(const base::Settings& settings, std::string ownAuthorityPem)
    : settings_(settings), own_(std::move(ownAuthorityPem)) {}

base::Result<std::unique_ptr<FetchTrust>> FetchTrust::create(net::EventLoop& loop,
                                                             const base::Settings& settings,
                                                             std::string ownAuthorityPem) {
  std::unique_ptr<FetchTrust> made(new FetchTrust(settings, std::move(ownAuthorityPem)));
  FetchTrust* const trust = made.get();
  const auto more = trust->read();
  if (!more) return std::unexpected(more.error());
  auto context = net::TlsClientContext::create(trust->with(more->front()));
  if (!context) return std::unexpected(context.error());
  trust->context_ = std::move(*context);
  trust->watcher_ = std::make_unique<trust::CertificateWatcher>(
      loop, "document servers", [trust] { return trust->read(); },
      [trust](const std::vector<std::string>& changed) {
        return trust->context_->replace(trust->with(changed.front()));
      },
      kFetchTrustCheck);
  return made;
}

base::Result<std::vector<std::string>> FetchTrust::read() const {
  auto more = trust::readAuthorities(settings_.text("assist.fetch_authorities"));
  if (!more) return std::unexpected(more.error());
  if (!more->empty()) {  // Behind our own authority's, text without a certificate would go unnoticed.
    if (auto any = net::TlsClientContext::create(*more, false); !any) return std::unexpected(any.error());
  }
  return std::vector{std::move(*more)};
}

net::TlsClientSettings FetchTrust::with(const std::string& authorities) const {
  net::TlsClientSettings out;
  out.authoritiesPem = own_ + authorities;
  out.trustSystem = true;
  return out;
}

}  // namespace parley::assist
