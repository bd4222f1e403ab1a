#include <optional>

#include "base/log.h"
#include "trust/authority.h"
#include "trust/files.h"
#include "trust/internal_log.h"

namespace parley::trust {
namespace {

base::Result<std::string> contentOf(const std::string& file) {
  auto read = readFile(file);
  if (!read) return std::unexpected(read.error());
  if (!*read) return base::fail("trust.unreadable", file + " does not exist");
  return std::move(**read);
}

CertificateWatcher::Read readerOf(std::string certificateFile, std::string keyFile) {
  return [certificateFile = std::move(certificateFile),
          keyFile = std::move(keyFile)]() -> base::Result<std::vector<std::string>> {
    auto certificate = contentOf(certificateFile);
    if (!certificate) return std::unexpected(certificate.error());
    auto key = contentOf(keyFile);
    if (!key) return std::unexpected(key.error());
    return std::vector{std::move(*certificate), std::move(*key)};
  };
}

}  // namespace

struct CertificateWatcher::Impl {
  using Material = base::Result<std::vector<std::string>>;

  Impl(net::EventLoop& loop, std::string called, Read reads, Use uses)
      : name(std::move(called)), read(std::move(reads)), use(std::move(uses)), timer(loop), seen(read()) {}

  /// Whole contents are compared: a time stamp can stay the same over a change, a few kilobytes cost nothing.
  static bool same(const Material& a, const Material& b) {
    if (a.has_value() != b.has_value()) return false;
    return a ? *a == *b : a.error().reason == b.error().reason && a.error().text == b.error().text;
  }

  void look() {
    Material now = read();
    if (same(now, seen)) return pending.reset();
    if (pending && same(now, *pending)) return change(std::move(now));
    pending = std::move(now);
  }

  void check() {
    Material now = read();
    if (!same(now, seen)) change(std::move(now));
  }

  void change(Material now) {
    pending.reset();
    seen = std::move(now);
    const auto used = seen ? use(*seen) : base::Result<void>(std::unexpected(seen.error()));
    if (!used) {
      log.warn("the changed certificate is not used",
               {{"name", name}, {"reason", used.error().reason}, {"text", used.error().text}});
      return;
    }
    log.info("the certificate was exchanged", {{"name", name}});
  }

  std::string name;
  Read read;
  Use use;
  net::Timer timer;
  Material seen;                    ///< What was tried last.
  std::optional<Material> pending;  ///< What a look saw that is not used yet.
};

CertificateWatcher::CertificateWatcher(net::EventLoop& loop, std::string name, Read read, Use use,
                                       base::Millis period)
    : impl_(std::make_unique<Impl>(loop, std::move(name), std::move(read), std::move(use))) {
  impl_->timer.startEvery(period, [impl = impl_.get()] { impl->look(); });
}

CertificateWatcher::CertificateWatcher(net::EventLoop& loop, std::string certificateFile, std::string keyFile,
                                       std::shared_ptr<net::TlsServerContext> context, base::Millis period)
    : CertificateWatcher(
          loop, certificateFile, readerOf(certificateFile, std::move(keyFile)),
          [context = std::move(context)](const std::vector<std::string>& pair) {
            return context->replace(pair[0], pair[1]);
          },
          period) {}

CertificateWatcher::~CertificateWatcher() = default;

void CertificateWatcher::look() { impl_->look(); }
void CertificateWatcher::check() { impl_->check(); }

}  // namespace parley::trust
