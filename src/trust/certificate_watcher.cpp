#include "base/log.h"
#include "trust/authority.h"
#include "trust/files.h"
#include "trust/internal_log.h"

namespace parley::trust {
namespace {}

struct CertificateWatcher::Impl {
  Impl(net::EventLoop& loop, std::string certificate, std::string key,
       std::shared_ptr<net::TlsServerContext> target)
      : certificateFile(std::move(certificate)),
        keyFile(std::move(key)),
        context(std::move(target)),
        timer(loop) {
    seenCertificate = content(certificateFile);
    seenKey = content(keyFile);
  }

  /// Whole contents are compared: a time stamp can stay the same over a change, a few kilobytes cost nothing.
  static std::string content(const std::string& file) {
    auto read = readFile(file);
    return read && *read ? std::move(**read) : std::string();
  }

  void check() {
    std::string certificate = content(certificateFile);
    std::string key = content(keyFile);
    if (certificate == seenCertificate && key == seenKey) return;
    seenCertificate = certificate;
    seenKey = key;
    // Between the two renames of a change the pair does not fit; the next check sees the whole one.
    if (auto replaced = context->replace(certificate, key); !replaced) {
      log.warn(
          "the changed certificate is not used",
          {{"file", certificateFile}, {"reason", replaced.error().reason}, {"text", replaced.error().text}});
      return;
    }
    log.info("the certificate was exchanged", {{"file", certificateFile}});
  }

  std::string certificateFile, keyFile, seenCertificate, seenKey;
  std::shared_ptr<net::TlsServerContext> context;
  net::Timer timer;
};

CertificateWatcher::CertificateWatcher(net::EventLoop& loop, std::string certificateFile, std::string keyFile,
                                       std::shared_ptr<net::TlsServerContext> context, base::Millis period)
    : impl_(
          std::make_unique<Impl>(loop, std::move(certificateFile), std::move(keyFile), std::move(context))) {
  impl_->timer.startEvery(period, [impl = impl_.get()] { impl->check(); });
}

CertificateWatcher::~CertificateWatcher() = default;

}  // namespace parley::trust
