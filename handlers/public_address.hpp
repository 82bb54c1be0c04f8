#pragma once

#include <boost/asio/ip/address.hpp>

namespace orchestrator::handlers {

/// Whether an address belongs to the public internet. False for loopback, private, link-local (where clouds keep their
/// metadata services), carrier-grade NAT, multicast, documentation and reserved ranges, and for IPv6 forms that carry
/// such an IPv4 address. Source: IANA special-purpose address registries (RFC 6890).
bool is_public_address(const boost::asio::ip::address& address);

}  // namespace orchestrator::handlers
