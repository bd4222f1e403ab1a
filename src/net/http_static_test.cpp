#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

#include "net/internal_http.h"

namespace parley::net {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string gunzip(const std::string& packed) {
  z_stream z{};
  inflateInit2(&z, 15 + 16);
  std::string out(1 << 20, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  z.avail_in = static_cast<uInt>(packed.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  inflateEnd(&z);
  return out;
}

class StaticFolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "parley_static_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    top = name;
    root = top / "site";
    write("index.html", "<p>index</p>");
    write("app.js", script);
    write("assets/app-1234.css", "p { color: red }");
    write("sub/index.html", "sub");
    write("odd name&.txt", "odd");
    write("photo.png", std::string(2000, 'p'));
    write(".secret", "hidden");
    write(".git/config", "hidden");
    write(".well-known/security.txt", "contact");
    write("empty.txt", "");
    std::ofstream(top / "outside.txt") << "outside";
    fs::create_symlink(top / "outside.txt", root / "link.txt");
    fs::create_symlink(top, root / "linked");
    fs::create_symlink("app.js", root / "inner.js");
    ASSERT_EQ(mkfifo((root / "pipe").c_str(), 0600), 0);
    make();
  }
  void TearDown() override { fs::remove_all(top); }
  void make(bool singlePage = false) {
    StaticFiles files;
    files.directory = root.string();
    files.contentSecurityPolicy = "default-src 'self'";
    files.singlePage = singlePage;
    folder = std::make_unique<StaticFolder>(files);
  }
  void write(const std::string& name, const std::string& content) {
    fs::create_directories((root / name).parent_path());
    std::ofstream(root / name, std::ios::binary) << content;
  }
  HttpResponse get(const std::string& path, std::vector<std::pair<std::string, std::string>> headers = {}) {
    HttpRequest request;
    request.method = "GET";
    request.path = "/site" + path;
    for (auto& [n, v] : headers) request.headers.add(n, v);
    return folder->answer(request, path);
  }

  const std::string script = std::string(3000, 'j') + "end";
  fs::path top, root;
  std::unique_ptr<StaticFolder> folder;
};

TEST_F(StaticFolderTest, ServesFilesWithTheirTypes) {
  const auto index = get("/");
  EXPECT_EQ(index.status, 200);
  EXPECT_EQ(index.body, "<p>index</p>");
  EXPECT_EQ(index.headers.get("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(index.headers.get("Cache-Control"), "no-cache");
  EXPECT_EQ(index.headers.get("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(index.headers.get("Content-Security-Policy"), "default-src 'self'");
  EXPECT_EQ(get("/app.js").headers.get("Content-Type"), "text/javascript; charset=utf-8");
  EXPECT_THAT(std::string(get("/assets/app-1234.css").headers.get("Cache-Control")), HasSubstr("immutable"));
  EXPECT_EQ(get("/sub/").body, "sub");
  EXPECT_EQ(get("/odd name&.txt").body, "odd");
  EXPECT_EQ(get("/empty.txt").status, 200);
  EXPECT_EQ(get("/inner.js").body, script);
  EXPECT_EQ(get("/.well-known/security.txt").body, "contact");
}

TEST_F(StaticFolderTest, OtherOriginsReadWhatIsForThem) {
  EXPECT_FALSE(get("/app.js").headers.has("Access-Control-Allow-Origin"));
  StaticFiles files;
  files.directory = root.string();
  files.anyOrigin = true;
  folder = std::make_unique<StaticFolder>(files);
  const auto whole = get("/app.js", {{"Origin", "https://shop.example"}});
  EXPECT_EQ(whole.headers.get("Access-Control-Allow-Origin"), "*");
  const auto known = get("/app.js", {{"If-None-Match", std::string(whole.headers.get("ETag"))}});
  EXPECT_EQ(known.status, 304);
  EXPECT_EQ(known.headers.get("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(get("/app.js", {{"Range", "bytes=0-9"}}).headers.get("Access-Control-Allow-Origin"), "*");
}

TEST_F(StaticFolderTest, RedirectsFoldersToTheFormWithASlash) {
  HttpRequest request;
  request.path = "/site/sub";
  request.query.emplace("a", "x&y");
  const auto r = folder->answer(request, "/sub");
  EXPECT_EQ(r.status, 308);
  EXPECT_EQ(r.headers.get("Location"), "/site/sub/?a=x%26y");
  HttpRequest bare;
  bare.path = "/a b\r\n";
  EXPECT_EQ(folder->answer(bare, "").headers.get("Location"), "/a%20b%0D%0A/");
}

TEST_F(StaticFolderTest, NeverLeavesTheFolder) {
  for (const char* path :
       {"/../outside.txt", "/sub/../../outside.txt", "/link.txt", "/linked/outside.txt", "/.secret",
        "/.git/config", "/sub/../.secret", "/pipe", "/nothing", "/app.js/", "/app.js/x", "/..\\outside.txt",
        "/.well-known/../.secret", "/.well-known/../../outside.txt"}) {
    EXPECT_EQ(get(path).status, 404) << path;
  }
  EXPECT_EQ(get(std::string("/app.js\0.png", 12)).status, 404);
  EXPECT_EQ(get("/" + std::string(5000, 'x')).status, 404);
}

TEST_F(StaticFolderTest, CompressesWhenAccepted) {
  const auto packed = get("/app.js", {{"Accept-Encoding", "br, gzip"}});
  EXPECT_EQ(packed.headers.get("Content-Encoding"), "gzip");
  EXPECT_EQ(packed.headers.get("Vary"), "Accept-Encoding");
  EXPECT_LT(packed.body.size(), 200u);
  EXPECT_EQ(gunzip(packed.body), script);
  const auto plain = get("/app.js", {{"Accept-Encoding", "gzip;q=0"}});
  EXPECT_EQ(plain.body, script);
  EXPECT_EQ(plain.headers.get("Vary"), "Accept-Encoding");
  EXPECT_NE(plain.headers.get("ETag"), packed.headers.get("ETag"));
  EXPECT_FALSE(get("/photo.png", {{"Accept-Encoding", "gzip"}}).headers.has("Content-Encoding"));
}

TEST_F(StaticFolderTest, AnswersNotModifiedUntilTheFileChanges) {
  const std::string etag(get("/app.js").headers.get("ETag"));
  const auto same = get("/app.js", {{"If-None-Match", "\"x\", W/" + etag}});
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(same.headers.get("ETag"), etag);
  EXPECT_EQ(get("/app.js", {{"If-None-Match", "*"}}).status, 304);
  write("app.js", "changed");
  const auto changed = get("/app.js", {{"If-None-Match", etag}});
  EXPECT_EQ(changed.status, 200);
  EXPECT_EQ(changed.body, "changed");
}

TEST_F(StaticFolderTest, ServesOneRange) {
  const auto part = [&](const std::string& range) {
    return get("/app.js", {{"Range", range}, {"Accept-Encoding", "gzip"}});
  };
  const auto last = part("bytes=-3");
  EXPECT_EQ(last.status, 206);
  EXPECT_EQ(last.body, "end");
  EXPECT_EQ(last.headers.get("Content-Range"), "bytes 3000-3002/3003");
  EXPECT_EQ(part("bytes=3000-").body, "end");
  EXPECT_EQ(part("bytes=3000-3000").body, "e");
  EXPECT_EQ(part("bytes=2999-99999").body, "jend");
  EXPECT_EQ(part("bytes=-99999").body, script);
  for (const char* no : {"bytes=3003-", "bytes=-0", "bytes=99999999999999-"}) {
    const auto r = part(no);
    EXPECT_EQ(r.status, 416) << no;
    EXPECT_EQ(r.headers.get("Content-Range"), "bytes */3003");
  }
  for (const char* whole : {"bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,3-4", "lines=1-2", "bytes=a-b",
                            "bytes=99999999999999999999999-", "bytes=--1"}) {
    const auto r = part(whole);
    EXPECT_EQ(r.status, 200) << whole;
    EXPECT_EQ(r.body.size(), script.size()) << whole;
  }
  const std::string etag(get("/app.js").headers.get("ETag"));
  EXPECT_EQ(get("/app.js", {{"Range", "bytes=0-1"}, {"If-Range", etag}}).status, 206);
  EXPECT_EQ(get("/app.js", {{"Range", "bytes=0-1"}, {"If-Range", "\"old\""}}).status, 200);
  EXPECT_EQ(get("/empty.txt", {{"Range", "bytes=0-"}}).status, 416);
}

TEST_F(StaticFolderTest, SinglePageSitesGetTheirIndex) {
  make(true);
  EXPECT_EQ(get("/calls/7").body, "<p>index</p>");
  EXPECT_EQ(get("/calls/").body, "<p>index</p>");
  EXPECT_EQ(get("/missing.js").status, 404);
  EXPECT_EQ(get("/sub/").body, "sub");
}

TEST_F(StaticFolderTest, AMissingFolderIs404) {
  StaticFiles files;
  files.directory = (top / "missing").string();
  StaticFolder missing(files);
  HttpRequest request;
  request.path = "/";
  EXPECT_EQ(missing.answer(request, "/").status, 404);
}

}  // namespace
}  // namespace parley::net
