#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <unordered_map>

#include "base/text.h"
#include "net/internal_http.h"
#include "net/internal_socket.h"

namespace parley::net {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxCachedFile = 4u << 20;
constexpr std::size_t kMaxCache = 64u << 20;
/// A whole answer is held in memory; a larger file is served by ranges only.
constexpr std::size_t kMaxWholeFile = 64u << 20;
constexpr std::size_t kMinCompressed = 512;

struct TypeOf {
  std::string_view extension, type;
  bool compressible;
};
constexpr TypeOf kTypes[] = {
    {"html", "text/html; charset=utf-8", true},
    {"js", "text/javascript; charset=utf-8", true},
    {"mjs", "text/javascript; charset=utf-8", true},
    {"css", "text/css; charset=utf-8", true},
    {"json", "application/json", true},
    {"map", "application/json", true},
    {"webmanifest", "application/manifest+json", true},
    {"svg", "image/svg+xml", true},
    {"txt", "text/plain; charset=utf-8", true},
    {"md", "text/plain; charset=utf-8", true},
    {"xml", "application/xml", true},
    {"yaml", "application/yaml", true},
    {"wasm", "application/wasm", true},
    {"png", "image/png", false},
    {"jpg", "image/jpeg", false},
    {"jpeg", "image/jpeg", false},
    {"gif", "image/gif", false},
    {"webp", "image/webp", false},
    {"avif", "image/avif", false},
    {"ico", "image/x-icon", false},
    {"woff", "font/woff", false},
    {"woff2", "font/woff2", false},
    {"ttf", "font/ttf", true},
    {"mp3", "audio/mpeg", false},
    {"ogg", "audio/ogg", false},
    {"wav", "audio/wav", false},
    {"mp4", "video/mp4", false},
    {"webm", "video/webm", false},
    {"pdf", "application/pdf", false},
};

TypeOf typeOf(std::string_view path) {
  const auto name = path.substr(path.rfind('/') + 1);
  const auto dot = name.rfind('.');
  if (dot != name.npos) {
    const auto extension = base::toLower(name.substr(dot + 1));
    for (const auto& each : kTypes) {
      if (each.extension == extension) return each;
    }
  }
  return {"", "application/octet-stream", false};
}

std::string gzip(std::string_view data) {
  z_stream z{};
  // 16 more window bits ask zlib for a gzip wrapper.
  if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return {};
  std::string out(deflateBound(&z, data.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  z.avail_in = static_cast<uInt>(data.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return result == Z_STREAM_END ? out : std::string{};
}

std::optional<std::string> readPart(int fd, std::size_t from, std::size_t count) {
  std::string out(count, '\0');
  std::size_t got = 0;
  while (got < count) {
    const ssize_t n = pread(fd, out.data() + got, count - got, static_cast<off_t>(from + got));
    if (n <= 0) return {};
    got += static_cast<std::size_t>(n);
  }
  return out;
}

HttpResponse redirectToFolder(const HttpRequest& request) {
  return HttpResponse::redirect(308, percentEncode(request.path, "/-._~") + "/" + request.queryText());
}

HttpResponse notFound() {
  return HttpResponse::error(404, "http.not_found", "There is nothing at this address.");
}

}  // namespace

struct StaticFolder::Impl {
  struct Cached {
    std::string version;
    std::string content, packed;
  };

  explicit Impl(StaticFiles f) : files(std::move(f)) {}

  struct File {
    FileDescriptor fd;
    std::size_t size = 0;
    std::string version;  ///< Changes with the content.
    std::string path;
    bool folder = false;
  };

  /// Opens what `path` names if it lies in the folder, links resolved. Names with a leading dot are hidden.
  std::optional<File> open(std::string_view path) const {
    constexpr std::string_view kWellKnown = "/.well-known/";
    if (path.find("/.", path.starts_with(kWellKnown) ? kWellKnown.size() - 1 : 0) != path.npos) return {};
    if (path.find('\\') != path.npos || path.find('\0') != path.npos) return {};
    std::error_code error;
    const fs::path root = fs::canonical(files.directory, error);
    if (error) return {};
    const fs::path full = fs::canonical(root / path.substr(1), error);
    if (error) return {};
    if (std::mismatch(root.begin(), root.end(), full.begin(), full.end()).first != root.end()) return {};
    File file;
    file.path = full.string();
    file.fd.reset(::open(full.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
    struct stat info {};
    if (!file.fd.valid() || fstat(file.fd.get(), &info) != 0) return {};
    file.folder = S_ISDIR(info.st_mode);
    if (!file.folder && !S_ISREG(info.st_mode)) return {};
    file.size = static_cast<std::size_t>(info.st_size);
    file.version = fmt::format("{:x}-{:x}-{:x}", info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
    return file;
  }

  const Cached* cached(const File& file, bool compressible) {
    if (file.size > kMaxCachedFile) return nullptr;
    if (const auto found = cache.find(file.path); found != cache.end()) {
      if (found->second.version == file.version) return &found->second;
      cacheBytes -= found->second.content.size() + found->second.packed.size();
      cache.erase(found);
    }
    auto content = readPart(file.fd.get(), 0, file.size);
    if (!content) return nullptr;
    Cached entry{file.version, std::move(*content), {}};
    if (compressible && entry.content.size() >= kMinCompressed) {
      entry.packed = gzip(entry.content);
      if (entry.packed.size() >= entry.content.size()) entry.packed.clear();
    }
    const std::size_t bytes = entry.content.size() + entry.packed.size();
    if (cacheBytes + bytes > kMaxCache) {
      cache.clear();
      cacheBytes = 0;
    }
    cacheBytes += bytes;
    return &cache.emplace(file.path, std::move(entry)).first->second;
  }

  HttpResponse serve(const HttpRequest& request, const File& file, std::string_view path);
  HttpResponse serveRange(const File& file, HttpResponse response, std::string_view header);

  StaticFiles files;
  std::unordered_map<std::string, Cached> cache;
  std::size_t cacheBytes = 0;
};

StaticFolder::StaticFolder(StaticFiles files) : impl_(std::make_unique<Impl>(std::move(files))) {}
StaticFolder::~StaticFolder() = default;

HttpResponse StaticFolder::answer(const HttpRequest& request, std::string_view path) {
  if (path.empty()) return redirectToFolder(request);
  std::string wanted(path);
  auto file = impl_->open(wanted);
  if (file && file->folder && !path.ends_with('/')) return redirectToFolder(request);
  if (file && !file->folder && path.ends_with('/')) file.reset();
  if (file && file->folder) {
    wanted += "index.html";
    file = impl_->open(wanted);
  }
  if (!file && impl_->files.singlePage && path.substr(path.rfind('/')).find('.') == path.npos) {
    wanted = "/index.html";
    file = impl_->open(wanted);
  }
  if (!file || file->folder) return notFound();
  return impl_->serve(request, *file, wanted);
}

HttpResponse StaticFolder::Impl::serve(const HttpRequest& request, const File& file, std::string_view path) {
  const TypeOf type = typeOf(path);
  HttpResponse response;
  auto& headers = response.headers;
  headers.set("Cache-Control",
              path.starts_with("/assets/") ? "public, max-age=31536000, immutable" : files.cacheControl);
  headers.set("X-Content-Type-Options", "nosniff");
  if (!files.contentSecurityPolicy.empty())
    headers.set("Content-Security-Policy", files.contentSecurityPolicy);
  if (files.anyOrigin) headers.set("Access-Control-Allow-Origin", "*");
  if (type.compressible) headers.set("Vary", "Accept-Encoding");

  const Cached* const entry = cached(file, type.compressible);
  const std::string_view range = request.headers.get("Range");
  const bool packed = entry != nullptr && !entry->packed.empty() && range.empty() &&
                      acceptsCoding(request.headers.get("Accept-Encoding"), "gzip");
  const std::string etag = "\"" + file.version + (packed ? "-g\"" : "\"");
  headers.set("ETag", etag);
  if (const auto known = request.headers.get("If-None-Match"); !known.empty() && etagMatches(known, etag)) {
    response.status = 304;
    return response;
  }
  headers.set("Content-Type", std::string(type.type));
  headers.set("Accept-Ranges", "bytes");
  const auto ifRange = request.headers.get("If-Range");
  if (!range.empty() && (ifRange.empty() || ifRange == etag)) {
    return serveRange(file, std::move(response), range);
  }
  if (packed) {
    headers.set("Content-Encoding", "gzip");
    response.body = entry->packed;
  } else if (entry != nullptr) {
    response.body = entry->content;
  } else {
    auto content = file.size <= kMaxWholeFile ? readPart(file.fd.get(), 0, file.size) : std::nullopt;
    if (!content) return HttpResponse::error(500, "http.unreadable_file", "The file cannot be read.");
    response.body = std::move(*content);
  }
  return response;
}

HttpResponse StaticFolder::Impl::serveRange(const File& file, HttpResponse response,
                                            std::string_view header) {
  Range range{};
  const auto kind = parseRange(header, file.size, range);
  if (kind == RangeKind::unsatisfiable) {
    response.status = 416;
    response.headers.set("Content-Range", fmt::format("bytes */{}", file.size));
    return response;
  }
  if (kind == RangeKind::none) {
    if (file.size > kMaxWholeFile)
      return HttpResponse::error(500, "http.unreadable_file", "Ask for a range.");
    range = {0, file.size == 0 ? 0 : file.size - 1};
  } else {
    range.last = std::min(range.last, range.first + kMaxRange - 1);
    response.status = 206;
    response.headers.set("Content-Range", fmt::format("bytes {}-{}/{}", range.first, range.last, file.size));
  }
  auto content =
      file.size == 0 ? std::string{} : readPart(file.fd.get(), range.first, range.last - range.first + 1);
  if (!content) return HttpResponse::error(500, "http.unreadable_file", "The file cannot be read.");
  response.body = std::move(*content);
  return response;
}

}  // namespace parley::net
