#include "handlers/sample_manifest.hpp"

#include <string>
#include <utility>

#include "handlers/sample_groups.hpp"
#include "handlers/sample_statements.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/handler/typed.hpp"

namespace orchestrator::samples {

namespace {

constexpr std::size_t kMaxAnswerBytes = 2'000;
constexpr std::size_t kMaxGoals = 20;

Json faults_json(const std::vector<FaultDetail>& faults) {
  Json list = Json::array();
  for (const FaultDetail& fault : faults) {
    list.push_back({{"pointer", fault.pointer}, {"code", fault.code}, {"message", fault.message}});
  }
  return list;
}

struct SubmissionInput {
  std::string workspace_id;
  std::int64_t submission_version = 0;

  static SubmissionInput read(InputReader& reader) {
    return {.workspace_id = reader.text("workspace_id"),
            .submission_version = reader.integer("submission_version", {1, 1'000'000})};
  }
};

/// `{verdict: valid|invalid|stored}`: what was submitted, its faults, or the manifest that it became already.
Outcome load_submission(const SubmissionInput& input, TaskContext& context, Sql& sql) {
  auto rows = sql.execute(statement("onboarding.load"),
                          {context.namespace_name, input.workspace_id, std::to_string(input.submission_version)});
  if (!rows) return failed_statement(rows.error());
  if (rows->empty()) return Outcome::failed("Backend.NotFound", "no such onboarding session", false);
  if (rows->at(0, "stored_version")) {
    return Outcome::completed(make_payload({{"verdict", "stored"},
                                            {"stored",
                                             {{"version", rows->integer(0, "stored_version")},
                                              {"checksum", rows->text(0, "stored_checksum")},
                                              {"degraded", rows->text(0, "stored_degraded") == "t"}}}}));
  }
  auto answers = parse_json(rows->text(0, "answers"));
  if (!answers) return Outcome::failed("Backend.InvalidData", answers.error().message, false);
  std::vector<FaultDetail> faults = check_answers(*answers);
  if (rows->integer(0, "submission_version") != input.submission_version) {
    faults.push_back({"/submission_version", "superseded", "a newer submission exists"});
  }
  return Outcome::completed(make_payload({{"verdict", faults.empty() ? "valid" : "invalid"},
                                          {"errors", faults_json(faults)},
                                          {"answers", std::move(*answers)}}));
}

struct BuildInput {
  std::string workspace_id;
  Json answers;

  static BuildInput read(InputReader& reader) {
    BuildInput input{.workspace_id = reader.text("workspace_id")};
    const Json* answers = reader.value("answers");
    if (answers != nullptr) input.answers = *answers;
    if (!check_answers(input.answers).empty()) reader.refuse("answers", "are not valid");
    return input;
  }
};

Outcome build(const BuildInput& input, TaskContext&) {
  return Outcome::completed(make_payload(build_business_context(input.workspace_id, input.answers)));
}

struct LocalReduceInput {
  Json context;

  static LocalReduceInput read(InputReader& reader) {
    LocalReduceInput input;
    const Json* context = reader.value("business_context");
    if (context != nullptr) input.context = *context;
    if (!input.context.is_object()) reader.refuse("business_context", "must be an object");
    return input;
  }
};

Outcome reduce_locally(const LocalReduceInput& input, TaskContext&) {
  Json manifest = input.context;
  manifest["summary"] = summarise_by_rule(input.context);
  return Outcome::completed(make_payload({{"manifest", std::move(manifest)}, {"degraded", true}}));
}

}  // namespace

std::vector<FaultDetail> check_answers(const Json& answers) {
  std::vector<FaultDetail> faults;
  for (const char* name : {"business_name", "industry"}) {
    const std::string answer = string_member(answers, name);
    if (answer.empty()) faults.push_back({std::string("/") + name, "missing", "this answer is needed"});
    if (answer.size() > kMaxAnswerBytes) faults.push_back({std::string("/") + name, "too_long", "at most 2000 bytes"});
  }
  const auto goals = answers.is_object() ? answers.find("goals") : answers.end();
  if (!answers.is_object() || goals == answers.end() || !goals->is_array() || goals->empty() ||
      goals->size() > kMaxGoals) {
    faults.push_back({"/goals", "missing", "name one to twenty goals"});
    return faults;
  }
  for (std::size_t index = 0; index < goals->size(); ++index) {
    if (goals->at(index).is_string()) continue;
    faults.push_back({"/goals/" + std::to_string(index), "wrong_type", "a goal is a text"});
  }
  return faults;
}

Json build_business_context(const std::string& workspace_id, const Json& answers) {
  return {{"schema_version", 1},
          {"workspace_id", workspace_id},
          {"business", {{"name", answers.at("business_name")}, {"industry", answers.at("industry")}}},
          {"goals", answers.at("goals")},
          {"answers", answers}};
}

std::string summarise_by_rule(const Json& business_context) {
  const Json business = business_context.value("business", Json::object());
  std::string summary = string_member(business, "name") + ", " + string_member(business, "industry") + ". Goals: ";
  bool first = true;
  for (const Json& goal : business_context.value("goals", Json::array())) {
    if (!goal.is_string()) continue;
    summary += (first ? "" : "; ") + goal.get<std::string>();
    first = false;
  }
  return summary + ".";
}

HandlerEntries manifest_handlers() {
  const StatementStep lock{"manifest.lock", {"@namespace", "workspace_id"}};
  return {
      transactional("onboarding.load", typed_transactional_handler<SubmissionInput>(load_submission)),
      plain("bcm.build", typed_handler<BuildInput>(build), true),
      plain("bcm.reduce_locally", typed_handler<LocalReduceInput>(reduce_locally), true),
      transactional("bcm.persist", make_statement_handler({lock,
                                                           {"manifest.persist",
                                                            {"@namespace", "@key", "workspace_id", "submission_version",
                                                             "manifest", "degraded"}}})),
      transactional(
          "bcm.store_tiers",
          make_statement_handler({{"manifest.store_tiers", {"@namespace", "workspace_id", "version", "checksum"}}})),
  };
}

}  // namespace orchestrator::samples
