#include "orchestrator/store/postgres/parameters.hpp"

namespace orchestrator::store::postgres {

Parameters& Parameters::null() {
  params_.lengths.push_back(0);
  params_.nonnulls.push_back(0);
  params_.binaries.push_back(0);
  return *this;
}

Parameters& Parameters::text(std::string_view value) { return bytes(value); }

Parameters& Parameters::text_or_null(const std::optional<std::string>& value) { return value ? text(*value) : null(); }

Parameters& Parameters::integer(std::int64_t value) { return plain(std::to_string(value)); }

Parameters& Parameters::integer(const std::optional<std::int64_t>& value) { return value ? integer(*value) : null(); }

Parameters& Parameters::boolean(bool value) { return plain(value ? "t" : "f"); }

Parameters& Parameters::micros(Timestamp value) { return integer(to_micros(value)); }

Parameters& Parameters::micros(const std::optional<Timestamp>& value) { return value ? micros(*value) : null(); }

Parameters& Parameters::plain(std::string value) {
  params_.lengths.push_back(static_cast<int>(value.size()));
  params_.nonnulls.push_back(1);
  params_.binaries.push_back(0);
  params_.strings.push_back(std::move(value));
  return *this;
}

Parameters& Parameters::bytes(std::string_view value) {
  params_.lengths.push_back(static_cast<int>(value.size()));
  params_.nonnulls.push_back(1);
  params_.binaries.push_back(1);
  params_.bin_strings.emplace_back(value.data(), value.size());
  return *this;
}

Parameters& Parameters::array(BinaryArray array) { return bytes(array.take()); }

Parameters& Parameters::array_or_null(std::optional<BinaryArray> array) {
  return array ? this->array(*std::move(array)) : null();
}

}  // namespace orchestrator::store::postgres
