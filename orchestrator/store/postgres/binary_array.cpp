#include "orchestrator/store/postgres/binary_array.hpp"

namespace orchestrator::store::postgres {
namespace {

/// dimensions, has-null flag, element type, length of the one dimension, its lower bound.
constexpr std::size_t kHeaderBytes = 20;

/// PostgreSQL counts microseconds from 2000-01-01, we count them from 1970-01-01.
constexpr std::int64_t kEpochShiftMicros = 946'684'800LL * 1'000'000;

void write32(char* at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<char>(value >> (24 - 8 * i));
}

}  // namespace

BinaryArray::BinaryArray(ElementType type) : type_(type), bytes_(kHeaderBytes, '\0') {}

void BinaryArray::put32(std::uint32_t value) {
  char raw[4];
  write32(raw, value);
  bytes_.append(raw, sizeof raw);
}

void BinaryArray::put64(std::uint64_t value) {
  put32(static_cast<std::uint32_t>(value >> 32));
  put32(static_cast<std::uint32_t>(value));
}

void BinaryArray::add_null() {
  has_null_ = true;
  ++count_;
  put32(0xFFFFFFFF);
}

void BinaryArray::add(bool value) {
  ++count_;
  put32(1);
  bytes_.push_back(value ? '\1' : '\0');
}

void BinaryArray::add(std::int32_t value) {
  ++count_;
  put32(4);
  put32(static_cast<std::uint32_t>(value));
}

void BinaryArray::add(std::int64_t value) {
  ++count_;
  put32(8);
  put64(static_cast<std::uint64_t>(value));
}

void BinaryArray::add(std::string_view value) {
  ++count_;
  // jsonb is preceded by the version of its wire format.
  const bool versioned = type_ == ElementType::jsonb;
  put32(static_cast<std::uint32_t>(value.size() + (versioned ? 1 : 0)));
  if (versioned) bytes_.push_back('\1');
  bytes_.append(value);
}

void BinaryArray::add(const UuidBytes& value) {
  ++count_;
  put32(16);
  bytes_.append(reinterpret_cast<const char*>(value.data()), value.size());
}

void BinaryArray::add(Timestamp value) {
  ++count_;
  put32(8);
  put64(static_cast<std::uint64_t>(to_micros(value) - kEpochShiftMicros));
}

std::string BinaryArray::take() {
  char* header = bytes_.data();
  write32(header + 4, has_null_ ? 1 : 0);
  write32(header + 8, static_cast<std::uint32_t>(type_));
  if (count_ == 0) {
    // An empty array has no dimension at all.
    write32(header, 0);
    return bytes_.substr(0, 12);
  }
  write32(header, 1);
  write32(header + 12, count_);
  write32(header + 16, 1);
  return std::move(bytes_);
}

}  // namespace orchestrator::store::postgres
