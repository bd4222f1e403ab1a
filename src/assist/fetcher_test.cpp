#include "assist/fetcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "net/byte_stream.h"
#include "net/http.h"

namespace parley::assist {
namespace {

constexpr base::Millis kDeadline{20'000};
const std::string kPdf = "%PDF-1.7\n" + std::string(500, 'p');
const net::Endpoint kLoopback = *net::Endpoint::parse("127.0.0.1", 0);

/// A web server on loopback, which the settings allow by name; names are answered from a table.
struct Web : ::testing::Test {
  Web() {
    page("/a.pdf", 200, "application/pdf", kPdf);
    page("/lies.pdf", 200, "text/html", kPdf);
    page("/html", 200, "application/pdf", "<html><script>alert(1)</script></html>");
    page("/svg", 200, "image/svg+xml", "<svg/>");
    page("/missing", 404, "text/plain", "no");
    page("/large", 200, "application/pdf", "%PDF-1.7" + std::string(20'000, 'x'));
    redirect("/there", "/a.pdf");
    redirect("/loop", "/loop");
    redirect("/inside", "http://inside.example/a.pdf");
    redirect("/metadata", "http://169.254.169.254/latest/meta-data/");
    redirect("/file", "file:///etc/passwd");
    redirect("/nowhere", "");
    router->add("GET", "/named", [](const net::HttpRequest&, net::HttpReply reply) {
      net::HttpResponse response;
      response.headers.set("Content-Type", "application/octet-stream");
      response.headers.set("Content-Disposition", "attachment; filename=\"Price list\"");
      response.body = kPdf;
      reply.send(std::move(response));
    });
    router->add("GET", "/never",
                [this](const net::HttpRequest&, net::HttpReply reply) { held.push_back(std::move(reply)); });
    server.emplace(loop, router, net::HttpServerOptions{});
    where = *server->listen(kLoopback, nullptr);
    names["docs.example"] = {where.withPort(0)};
    names["inside.example"] = {*net::Endpoint::parse("10.0.0.1", 0)};
    names["both.example"] = {*net::Endpoint::parse("8.8.8.8", 0), where.withPort(0)};
    make({});
  }
  void make(FetcherOptions options) {
    options.maxBytes = 10'000;
    fetcher = std::make_unique<Fetcher>(loop, options);
    fetcher->setAllowance(*FetchAllowance::parse({"docs.example"}));
    fetcher->setResolve([this](std::string name, auto done) {
      asked.push_back(name);
      const auto address = net::Endpoint::parse(name, 0);
      const auto found = names.find(name);
      base::Result<std::vector<net::Endpoint>> result = base::fail("dns.not_found", "no such name");
      if (address) result = std::vector{*address};
      if (found != names.end()) result = found->second;
      loop.post([done, result] { done(result); });
    });
  }
  void page(const std::string& path, int status, const std::string& type, const std::string& body) {
    router->add("GET", path, [status, type, body](const net::HttpRequest&, net::HttpReply reply) {
      net::HttpResponse response = net::HttpResponse::text(status, body);
      response.headers.set("Content-Type", type);
      reply.send(std::move(response));
    });
  }
  void redirect(const std::string& path, const std::string& to) {
    router->add("GET", path, [to](const net::HttpRequest&, net::HttpReply reply) {
      reply.send(net::HttpResponse::redirect(302, to));
    });
  }
  base::Result<Fetched> fetch(const std::string& url) {
    std::optional<base::Result<Fetched>> done;
    fetcher->fetch(url, [&](base::Result<Fetched> r) { done = std::move(r); });
    EXPECT_FALSE(done) << "answered inside the call";
    EXPECT_TRUE(loop.runUntil([&] { return done.has_value(); }, kDeadline));
    return done ? std::move(*done) : base::fail("test.deadline", "");
  }
  std::string url(const std::string& path) const {
    return "http://docs.example:" + std::to_string(where.port()) + path;
  }
  std::string reason(const std::string& address) {
    const auto got = fetch(address);
    return got ? std::string("ok") : got.error().reason;
  }
  net::EventLoop loop{"test"};
  std::shared_ptr<net::Router> router = std::make_shared<net::Router>();
  std::vector<net::HttpReply> held;
  std::optional<net::HttpServer> server;
  net::Endpoint where;
  std::map<std::string, std::vector<net::Endpoint>> names;
  std::vector<std::string> asked;
  std::unique_ptr<Fetcher> fetcher;
};

TEST_F(Web, DocumentsComeAlsoByRedirect) {
  for (const char* path : {"/a.pdf", "/there"}) {
    const auto got = fetch(url(path));
    ASSERT_TRUE(got) << got.error().reason;
    EXPECT_EQ(got->bytes, kPdf);
    EXPECT_EQ(got->name, "a.pdf");
    EXPECT_EQ(got->type.type, "application/pdf");
  }
  EXPECT_EQ(fetch(url("/named"))->name, "Price list.pdf");
}

TEST_F(Web, WhatIsNotADocumentIsRefused) {
  EXPECT_EQ(reason(url("/lies.pdf")), "fetch.type_mismatch");
  EXPECT_EQ(reason(url("/html")), "content.unsupported");
  EXPECT_EQ(reason(url("/svg")), "content.unsupported");
  EXPECT_EQ(reason(url("/missing")), "fetch.bad_status");
  EXPECT_EQ(reason(url("/large")), "fetch.too_large");
}

TEST_F(Web, PrivateAddressesAreRefusedBeforeAnythingIsSent) {
  EXPECT_EQ(reason("http://inside.example/a.pdf"), "fetch.address_refused");
  EXPECT_EQ(reason("http://both.example/a.pdf"), "fetch.address_refused");
  const std::string port = std::to_string(where.port());
  for (const std::string& address :
       {"http://127.0.0.1:" + port + "/a.pdf", "http://[::1]:" + port + "/a.pdf",
        "http://[::ffff:127.0.0.1]:" + port + "/a.pdf", std::string("http://169.254.169.254/latest/"),
        "http://0.0.0.0:" + port + "/a.pdf"}) {
    EXPECT_EQ(reason(address), "fetch.address_refused") << address;
  }
  EXPECT_EQ(reason("http://unknown.example/"), "fetch.unresolved");
  EXPECT_EQ(reason("ftp://docs.example/"), "fetch.bad_scheme");
  EXPECT_EQ(server->connections(), 0u);
}

TEST_F(Web, RedirectsAreCheckedLikeAddresses) {
  EXPECT_EQ(reason(url("/inside")), "fetch.address_refused");
  EXPECT_EQ(reason(url("/metadata")), "fetch.address_refused");
  EXPECT_EQ(reason(url("/file")), "fetch.bad_scheme");
  EXPECT_EQ(reason(url("/nowhere")), "fetch.bad_url");
  EXPECT_EQ(reason(url("/loop")), "fetch.too_many_redirects");
}

TEST_F(Web, TheNextAddressIsTriedWhenOneDoesNotAnswer) {
  names["docs.example"] = {*net::Endpoint::parse("::1", 0), where.withPort(0)};
  EXPECT_EQ(reason(url("/a.pdf")), "ok");
}

TEST_F(Web, ANameThatChangesItsMindMovesNoConnection) {
  // Resolved once for each request, and the connection goes there: a second answer is never asked for.
  ASSERT_TRUE(fetch(url("/a.pdf")));
  EXPECT_EQ(asked.size(), 1u);
}

TEST_F(Web, NothingWaitsForEver) {
  FetcherOptions options;
  options.limit = base::Millis{50};
  make(options);
  EXPECT_EQ(reason(url("/never")), "fetch.timeout");
  EXPECT_EQ(fetcher->running(), 0u);
  EXPECT_EQ(reason("http://docs.example:1/"), "fetch.bad_port");
}

TEST_F(Web, AnEndlessDownloadEnds) {
  // Sends as long as it is let.
  std::unique_ptr<net::ByteStream> stream;
  std::size_t sent = 0;
  const auto listener = std::move(*net::ByteListener::open(
      loop, kLoopback, nullptr, {},
      [&](std::unique_ptr<net::ByteStream> s) {
        stream = std::move(s);
        const auto more = [&] {
          while (stream->open() && !stream->congested() && stream->write(std::string(8'192, 'x')))
            sent += 8'192;
        };
        stream->start({[&, more](base::Bytes) {
                         stream->write("HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.7");
                         more();
                       },
                       more, [](const base::Error&) {}});
      },
      [](const net::Endpoint&, std::string_view) {}));
  EXPECT_EQ(reason("http://docs.example:" + std::to_string(listener->localEndpoint().port()) + "/"),
            "fetch.too_large");
  EXPECT_GT(sent, 0u);
}

TEST_F(Web, OnlySoManyAtATime) {
  FetcherOptions options;
  options.maxParallel = 2;
  make(options);
  std::multiset<std::string> reasons;
  for (int i = 0; i < 3; ++i) {
    fetcher->fetch(url("/a.pdf"),
                   [&](base::Result<Fetched> r) { reasons.insert(r ? "ok" : r.error().reason); });
  }
  EXPECT_TRUE(loop.runUntil([&] { return reasons.size() == 3; }, kDeadline));
  EXPECT_EQ(reasons, (std::multiset<std::string>{"fetch.busy", "ok", "ok"}));
}

TEST_F(Web, AProxyIsAskedForTheCheckedNameOnly) {
  names["proxy.example"] = {where.withPort(0)};
  ASSERT_TRUE(fetcher->setProxy("http://proxy.example:" + std::to_string(where.port())));
  // The server takes whole addresses, as a proxy does.
  names["docs.example"] = {*net::Endpoint::parse("8.8.8.8", 0)};
  const auto got = fetch("http://docs.example/a.pdf");
  ASSERT_TRUE(got) << got.error().reason;
  EXPECT_EQ(got->bytes, kPdf);
  EXPECT_EQ(reason("http://inside.example/a.pdf"), "fetch.address_refused");
  EXPECT_FALSE(fetcher->setProxy("socks://x"));
}

}  // namespace
}  // namespace parley::assist
