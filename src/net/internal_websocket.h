// The two ways to a WebSocket. For net/ only; Beast stays in websocket.cpp.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "net/http.h"
#include "net/internal_stream.h"
#include "net/websocket.h"

namespace parley::net {

using WebSocketReady = std::function<void(base::Result<std::shared_ptr<WebSocket>>)>;

/// `leftover` are bytes that came behind the request. `token` is held as long as the connection lives.
void acceptWebSocket(EventLoop& loop, std::shared_ptr<Stream> stream, base::Bytes leftover,
                     const HttpHeaders& request, const WebSocketOptions& options, const Endpoint& remote,
                     std::string serverHeader, std::shared_ptr<void> token, WebSocketReady ready);

/// The stream is connected. Error http.refused_upgrade with the status, or net.closed.
void connectWebSocket(EventLoop& loop, std::shared_ptr<Stream> stream, const std::string& host,
                      const std::string& target, HttpHeaders headers, const WebSocketOptions& options,
                      WebSocketReady ready);

}  // namespace parley::net
