// Asio's and Beast's non-template code, compiled once.
#include "net/internal_asio.h"
//
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
