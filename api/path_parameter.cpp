#include "api/path_parameter.hpp"

#include "orchestrator/base/names.hpp"

namespace orchestrator::api {

Result<RunId> run_id_parameter(const Call& call, std::size_t index) {
  auto id = RunId::parse(call.parameters.at(index));
  if (!id) return fail(ErrorCode::not_found, "not-found", "There is no run with this id");
  return id;
}

Result<SignalId> signal_id_parameter(const Call& call, std::size_t index) {
  auto id = SignalId::parse(call.parameters.at(index));
  if (!id) return fail(ErrorCode::not_found, "not-found", "There is no signal with this id");
  return id;
}

Result<std::string> name_parameter(const Call& call, std::size_t index) {
  const std::string& name = call.parameters.at(index);
  if (!is_valid_name(name)) {
    return fail(ErrorCode::not_found, "not-found", "A name is 1 to 128 characters of A-Z a-z 0-9 . _ : -");
  }
  return name;
}

}  // namespace orchestrator::api
