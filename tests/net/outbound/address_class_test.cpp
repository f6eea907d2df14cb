// Which addresses a node may ask: a table, and the edges of each block.
#define CAF_SUITE outbound_address_class
#include "tests/support/caf_test.hpp"

#include <cstring>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "net/outbound/address_class.hpp"

using namespace lapwing::net;

namespace {

std::string class_of(const char* text) {
  sockaddr_in6 six{};
  sockaddr_in four{};
  if (::inet_pton(AF_INET, text, &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    return std::string{to_string_view(
      classify(reinterpret_cast<const sockaddr*>(&four), sizeof four))};
  }
  if (::inet_pton(AF_INET6, text, &six.sin6_addr) == 1) {
    six.sin6_family = AF_INET6;
    return std::string{to_string_view(
      classify(reinterpret_cast<const sockaddr*>(&six), sizeof six))};
  }
  return "not an address";
}

struct row {
  const char* address;
  const char* expected;
};

void check(const row& each) {
  CAF_MESSAGE(each.address);
  CAF_CHECK_EQUAL(class_of(each.address), std::string{each.expected});
}

} // namespace

CAF_TEST(addresses of version 4 are told apart at the edges of every block) {
  constexpr row table[] = {
    {"0.0.0.0", "unspecified"},       {"0.255.255.255", "unspecified"},
    {"1.0.0.0", "global"},            {"9.255.255.255", "global"},
    {"10.0.0.0", "private"},          {"10.255.255.255", "private"},
    {"11.0.0.0", "global"},           {"100.63.255.255", "global"},
    {"100.64.0.0", "shared"},         {"100.127.255.255", "shared"},
    {"100.128.0.0", "global"},        {"126.255.255.255", "global"},
    {"127.0.0.1", "loopback"},        {"127.255.255.255", "loopback"},
    {"128.0.0.0", "global"},          {"169.253.255.255", "global"},
    {"169.254.169.254", "link-local"}, {"169.255.0.0", "global"},
    {"172.15.255.255", "global"},     {"172.16.0.0", "private"},
    {"172.31.255.255", "private"},    {"172.32.0.0", "global"},
    {"192.0.0.170", "reserved"},      {"192.0.1.0", "global"},
    {"192.0.2.1", "documentation"},   {"192.0.3.0", "global"},
    {"192.88.99.1", "reserved"},      {"192.167.255.255", "global"},
    {"192.168.0.0", "private"},       {"192.168.255.255", "private"},
    {"192.169.0.0", "global"},        {"198.17.255.255", "global"},
    {"198.18.0.0", "benchmarking"},   {"198.19.255.255", "benchmarking"},
    {"198.20.0.0", "global"},         {"198.51.100.7", "documentation"},
    {"203.0.113.255", "documentation"}, {"203.0.114.0", "global"},
    {"223.255.255.255", "global"},    {"224.0.0.1", "multicast"},
    {"239.255.255.255", "multicast"}, {"240.0.0.0", "reserved"},
    {"255.255.255.255", "reserved"},  {"8.8.8.8", "global"},
  };
  for (const auto& each : table)
    check(each);
}

CAF_TEST(addresses of version 6 are told apart and looked into) {
  constexpr row table[] = {
    {"::", "unspecified"},
    {"::1", "loopback"},
    {"::2", "reserved"},
    {"::10.0.0.1", "reserved"},
    {"::8.8.8.8", "reserved"},
    {"::ffff:127.0.0.1", "loopback"},
    {"::ffff:10.1.2.3", "private"},
    {"::ffff:169.254.169.254", "link-local"},
    {"::ffff:100.64.0.1", "shared"},
    {"::ffff:0.0.0.0", "unspecified"},
    {"::ffff:8.8.8.8", "global"},
    {"64:ff9b::7f00:1", "loopback"},
    {"64:ff9b::c0a8:1", "private"},
    {"64:ff9b::808:808", "global"},
    {"64:ff9b:1::808:808", "reserved"},
    {"100::1", "reserved"},
    {"1fff:ffff::", "reserved"},
    {"2000::1", "global"},
    {"2001::1", "reserved"},
    {"2001:1ff:ffff::1", "reserved"},
    {"2001:2::1", "benchmarking"},
    {"2001:2:1::1", "reserved"},
    {"2001:200::1", "global"},
    {"2001:db8::1", "documentation"},
    {"2001:db9::1", "global"},
    {"2002:7f00:1::1", "loopback"},
    {"2002:c0a8:101::1", "private"},
    {"2002:808:808::1", "global"},
    {"2606:4700::1", "global"},
    {"3fff:fff::1", "documentation"},
    {"3fff:1000::1", "global"},
    {"4000::1", "reserved"},
    {"5f00::1", "reserved"},
    {"fbff::1", "reserved"},
    {"fc00::1", "private"},
    {"fdff:ffff::1", "private"},
    {"fe00::1", "reserved"},
    {"fe80::1", "link-local"},
    {"febf::1", "link-local"},
    {"fec0::1", "private"},
    {"ff02::1", "multicast"},
  };
  for (const auto& each : table)
    check(each);
}

CAF_TEST(other families and addresses cut short are not for asking) {
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  CAF_CHECK(classify(reinterpret_cast<const sockaddr*>(&local), sizeof local)
            == address_class::reserved);
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_addr.s_addr = htonl(0x08080808);
  auto* address = reinterpret_cast<const sockaddr*>(&four);
  CAF_CHECK(classify(address, sizeof four) == address_class::global);
  CAF_CHECK(classify(address, sizeof four - 1) == address_class::reserved);
  CAF_CHECK(classify(address, 1) == address_class::reserved);
  CAF_CHECK(classify(nullptr, 0) == address_class::reserved);
}
