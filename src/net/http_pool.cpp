#include <algorithm>

#include "net/internal_http_pool.h"

namespace parley::net {
namespace {

constexpr std::size_t kReadSize = 16 * 1024;

/// RFC 9110 section 9.2.2: may be sent again when the connection went before any answer.
bool isIdempotent(std::string_view method) { return method != "POST" && method != "PATCH"; }

base::Millis until(base::Instant deadline, base::Instant now) {
  return std::max(std::chrono::ceil<base::Millis>(deadline - now), base::Millis{0});
}

}  // namespace

HttpConnection::HttpConnection(HttpHost& host) : host_(&host), timer_(host.loop()) {}

void HttpConnection::open() {
  connector_ =
      std::make_shared<Connector>(host_->loop(), host_->options(), host_->url(),
                                  [weak = weak_from_this()](base::Result<std::shared_ptr<Stream>> stream) {
                                    const auto self = weak.lock();
                                    if (!self || self->host_ == nullptr) return;
                                    const auto host = self->host_->shared_from_this();
                                    self->connector_.reset();
                                    if (!stream) {
                                      self->leave();
                                      return host->connectFailed(stream.error());
                                    }
                                    self->stream_ = std::move(*stream);
                                    self->setTimer();
                                    self->read();
                                    host->dispatch();
                                  });
  if (host_->route()) return connector_->start(*host_->route());
  connector_->start(host_->resolver());
}

void HttpConnection::run(HttpJob job) {
  job_ = std::move(job);
  written_ = 0;
  parser_ = std::make_unique<ResponseParser>(host_->options()->maxResponseBytes, job_->method == "HEAD");
  setTimer();
  writeMore();
}

void HttpConnection::setTimer() {
  if (!job_) {
    return timer_.start(host_->options()->idleTimeout, [this] {
      const auto self = shared_from_this();
      leave();
    });
  }
  timer_.start(until(job_->deadline, host_->loop().now()), [this] {
    fail({"net.timeout", host_->url().authority() + ": no answer in time"});
  });
}

void HttpConnection::writeMore() {
  BufferList list;
  list.add(asio::const_buffer(job_->bytes->data() + written_, job_->bytes->size() - written_));
  stream_->writeSome(list,
                     [self = shared_from_this(), bytes = job_->bytes](ErrorCode error, std::size_t count) {
                       if (self->host_ == nullptr || !self->job_ || self->job_->bytes != bytes) return;
                       if (error) return;  // An early answer may be on its way: the read tells how this ends.
                       self->written_ += count;
                       if (self->written_ < bytes->size()) self->writeMore();
                     });
}

void HttpConnection::read() {
  inputUsed_ = input_.size();
  input_.resize(inputUsed_ + kReadSize);
  stream_->readSome(asio::mutable_buffer(input_.data() + inputUsed_, kReadSize),
                    [self = shared_from_this()](ErrorCode error, std::size_t count) {
                      if (self->host_ != nullptr) self->onRead(error, count);
                    });
}

void HttpConnection::onRead(ErrorCode error, std::size_t count) {
  input_.resize(inputUsed_ + count);
  if (!job_) return leave();  // The server ended an idle connection, or said something unasked.
  std::size_t at = 0;
  while (at < input_.size()) {
    const std::size_t consumed = parser_->feed(base::Bytes(input_).subspan(at));
    at += consumed;
    if (parser_->state() == ParseState::done && parser_->interim()) {
      parser_ = std::make_unique<ResponseParser>(host_->options()->maxResponseBytes, job_->method == "HEAD");
    } else if (consumed == 0 || parser_->state() == ParseState::done ||
               parser_->state() == ParseState::failed) {
      break;
    }
  }
  input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(at));
  if (error) parser_->feedEnd();
  switch (parser_->state()) {
    case ParseState::done:
      return onResponse();
    case ParseState::failed:
      return onParseFailure();
    case ParseState::header:
    case ParseState::body:
      return read();
  }
}

void HttpConnection::onParseFailure() {
  const ParseFailure& failure = parser_->failure();
  if (failure.reason != "net.closed") {
    const bool large = failure.status == 413 || failure.status == 431;
    return fail({large ? "http.too_large" : "http.bad_response", failure.text});
  }
  if (!used_ || parser_->started() || job_->retried || !isIdempotent(job_->method)) {
    return fail({"net.closed", host_->url().authority() + ": " + failure.text});
  }
  // The server ended the idle connection just as the request went out.
  const auto self = shared_from_this();
  const auto host = host_->shared_from_this();
  HttpJob again = std::move(*job_);
  job_.reset();
  again.retried = true;
  leave();
  host->retry(std::move(again));
}

void HttpConnection::onResponse() {
  const auto self = shared_from_this();
  const auto host = host_->shared_from_this();
  const bool keep = parser_->keepAlive() && input_.empty() && written_ == job_->bytes->size();
  HttpResponse response = parser_->take();
  const ResponseDone done = std::move(job_->done);
  parser_.reset();
  job_.reset();
  used_ = true;
  if (keep) {
    setTimer();
    read();
  } else {
    leave();
  }
  done(std::move(response));
  host->dispatch();
}

void HttpConnection::fail(base::Error error) {
  const auto self = shared_from_this();
  const auto host = host_->shared_from_this();
  const ResponseDone done = std::move(job_->done);
  job_.reset();
  leave();
  done(std::unexpected(std::move(error)));
  host->dispatch();
}

void HttpConnection::close() {
  host_ = nullptr;
  timer_.stop();
  if (connector_) connector_->cancel();
  if (stream_) stream_->close();
}

void HttpConnection::leave() {
  HttpHost* const host = host_;
  close();
  host->remove(this);
}

HttpHost::HttpHost(EventLoop& loop, std::shared_ptr<const HttpClientOptions> options, Resolver& resolver,
                   Url url, std::optional<HttpRoute> route)
    : loop_(loop),
      options_(std::move(options)),
      resolver_(resolver),
      url_(std::move(url)),
      route_(std::move(route)),
      queueTimer_(loop) {}

HttpHost::~HttpHost() { close(); }

bool HttpHost::submit(HttpJob job) {
  if (queue_.size() >= options_->maxQueuedPerHost) return false;
  queue_.push_back(std::move(job));
  dispatch();
  return true;
}

void HttpHost::retry(HttpJob job) {
  if (closed_) return;
  queue_.push_front(std::move(job));
  dispatch();
}

void HttpHost::dispatch() {
  if (closed_) return;
  for (const auto& each : connections_) {
    if (queue_.empty()) break;
    if (!each->idle()) continue;
    HttpJob job = std::move(queue_.front());
    queue_.pop_front();
    each->run(std::move(job));
  }
  auto connecting = static_cast<std::size_t>(
      std::count_if(connections_.begin(), connections_.end(), [](const auto& c) { return c->connecting(); }));
  while (connecting < queue_.size() && connections_.size() < options_->maxConnectionsPerHost) {
    connections_.push_back(std::make_shared<HttpConnection>(*this));
    connections_.back()->open();
    ++connecting;
  }
  watchQueue();
}

void HttpHost::watchQueue() {
  if (queue_.empty()) return queueTimer_.stop();
  queueTimer_.start(until(queue_.front().deadline, loop_.now()), [this] {
    const auto self = shared_from_this();
    while (!closed_ && !queue_.empty() && queue_.front().deadline <= loop_.now()) {
      const HttpJob job = std::move(queue_.front());
      queue_.pop_front();
      job.done(base::fail("net.timeout", url_.authority() + ": no free connection in time"));
    }
    if (!closed_) watchQueue();
  });
}

void HttpHost::connectFailed(const base::Error& error) {
  if (closed_) return;
  // While another connection is there or on its way, the queue has a chance.
  if (!connections_.empty()) return;
  for (auto& job : std::exchange(queue_, {})) {
    if (closed_) return;
    job.done(std::unexpected(error));
  }
  dispatch();
}

void HttpHost::remove(const HttpConnection* connection) {
  std::erase_if(connections_, [&](const auto& c) { return c.get() == connection; });
}

void HttpHost::close() {
  closed_ = true;
  queueTimer_.stop();
  queue_.clear();
  for (const auto& each : std::exchange(connections_, {})) each->close();
}

}  // namespace parley::net
