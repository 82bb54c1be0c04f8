#include "handlers/public_address.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace orchestrator::handlers {
namespace {

struct Network {
  std::uint32_t address;
  int prefix;
};

constexpr std::array<Network, 16> kSpecialNetworks = {{
    {0x00000000, 8},   // this network
    {0x0A000000, 8},   // private
    {0x64400000, 10},  // carrier-grade NAT
    {0x7F000000, 8},   // loopback
    {0xA9FE0000, 16},  // link-local, metadata services
    {0xAC100000, 12},  // private
    {0xC0000000, 24},  // protocol assignments
    {0xC0000200, 24},  // documentation
    {0xC0586300, 24},  // 6to4 relays
    {0xC0A80000, 16},  // private
    {0xC6120000, 15},  // benchmarks
    {0xC6336400, 24},  // documentation
    {0xCB007100, 24},  // documentation
    {0xE0000000, 4},   // multicast
    {0xF0000000, 4},   // reserved and broadcast
    {0xA83F8110, 32},  // a cloud's platform service on a public address (168.63.129.16)
}};

bool is_public(std::uint32_t address) {
  return std::ranges::none_of(kSpecialNetworks, [address](const Network& network) {
    return (address >> (32 - network.prefix)) == (network.address >> (32 - network.prefix));
  });
}

std::uint32_t word_at(const boost::asio::ip::address_v6::bytes_type& bytes, std::size_t offset) {
  return (std::uint32_t{bytes[offset]} << 24) | (std::uint32_t{bytes[offset + 1]} << 16) |
         (std::uint32_t{bytes[offset + 2]} << 8) | std::uint32_t{bytes[offset + 3]};
}

bool is_public(const boost::asio::ip::address_v6& address) {
  const auto bytes = address.to_bytes();
  const std::uint32_t first = word_at(bytes, 0);
  if (address.is_v4_mapped()) return is_public(word_at(bytes, 12));
  const bool is_nat64 = first == 0x0064FF9B && word_at(bytes, 4) == 0 && word_at(bytes, 8) == 0;
  if (is_nat64) return is_public(word_at(bytes, 12));
  // Only 2000::/3 is given out; everything else is local, unassigned or a transition form.
  if ((first >> 29) != 1) return false;
  if ((first >> 16) == 0x2002) return is_public(word_at(bytes, 2));  // 6to4 carries an IPv4 address
  if (first == 0x20010000) return false;                             // Teredo tunnels
  if (first == 0x20010DB8) return false;                             // documentation
  return (first >> 12) != 0x3FFF0;                                   // documentation
}

}  // namespace

bool is_public_address(const boost::asio::ip::address& address) {
  return address.is_v4() ? is_public(address.to_v4().to_uint()) : is_public(address.to_v6());
}

}  // namespace orchestrator::handlers
