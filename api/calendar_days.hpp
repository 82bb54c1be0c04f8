#pragma once

#include <vector>

#include "api/json_writer.hpp"
#include "api/object_reader.hpp"
#include "orchestrator/schedule/rule.hpp"

/// The days of a calendar in bodies and answers: those of one of the namespace, or of a schedule of its own.
namespace orchestrator::api {

/// Reads `dates` and `weekends`; the faults of single dates go to `faults`.
void read_days(ObjectReader& reader, schedule::Calendar& calendar, std::vector<FaultDetail>& faults);
/// The same two members into the object that is begun.
void write_days(JsonWriter& writer, const schedule::Calendar& calendar);

}  // namespace orchestrator::api
