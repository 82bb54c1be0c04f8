#include "api/second_person.hpp"

#include <algorithm>
#include <utility>

#include "api/approval_json.hpp"
#include "api/context.hpp"
#include "api/idempotency.hpp"
#include "api/problem.hpp"
#include "api/router.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/service/access.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {

/// Whether one call needs a second person.
struct SecondPerson::Question {
  CallPtr call;
  GuardedAction action;
  std::vector<PolicyRule> rules;  ///< that may speak of it
  std::function<void()> go_on;
  bool is_rehearsed = false;  ///< the count of its runs came from the route itself
};

namespace {

/// The rule that asks most: the highest role, then the shortest time.
const PolicyRule& strictest(const std::vector<PolicyRule>& rules) {
  return *std::ranges::max_element(rules, [](const PolicyRule& a, const PolicyRule& b) {
    return std::pair(a.approver_role, -a.expires_in.count()) < std::pair(b.approver_role, -b.expires_in.count());
  });
}

/// Whether a re-target goes to a key, and not to the run that it was sent to before.
bool names_key(const Call& call) {
  const auto body = parse_json(call.request.body);
  return body && body->is_object() && body->contains("key");
}

/// Of an operation, whatever it is bound to touch: rules without a number.
bool is_certain(const PolicyRule& rule) { return rule.action != "operation.start" || rule.over == 0; }

/// Everything that carrying it out later takes. Credentials are not part of it.
std::string kept_request(const Call& call) {
  Json request = {{"method", call.request.method}, {"path", call.request.path}, {"body", call.request.body}};
  if (const std::string* key = call.request.headers.find("Idempotency-Key")) request["idempotency_key"] = *key;
  return dump_json(request);
}

}  // namespace

void SecondPerson::ask(const CallPtr& call, std::function<void()> go_on) const {
  if (call->is_approved) return go_on();
  const auto view = context_.service.access().view();
  const auto policy = view ? view->policies.find(call->namespace_name) : decltype(view->policies.end()){};
  if (!view || policy == view->policies.end()) return go_on();
  auto action = guarded_action_of(*call);
  if (!action) return go_on();
  const auto rules = rules_from(policy->second.rules);
  if (!rules) return call->fail(rules.error());
  // Shared by the looks that follow one another.
  auto question = std::make_shared<Question>(Question{call, *std::move(action), *rules, std::move(go_on)});
  look_at_signal(question);
}

/// A signal that is sent again or elsewhere: which decision would it answer?
void SecondPerson::look_at_signal(const QuestionPtr& question) const {
  const auto with_name = [this](const QuestionPtr& asked) {
    asked->rules = rules_about(asked->rules, asked->action);
    if (asked->rules.empty()) return asked->go_on();
    look_at_workflow(asked);
  };
  const GuardedAction& action = question->action;
  const bool is_about_answers =
      std::ranges::any_of(question->rules, [](const PolicyRule& rule) { return rule.action == "decision.answer"; });
  if (!action.origin || !is_about_answers) return with_name(question);
  const auto id = SignalId::parse(*action.origin);
  if (!id) return question->go_on();  // no such signal, says the route
  context_.service.find_signal(question->call->namespace_name, *id,
                               [question, with_name](const Result<store::SignalView>& origin) {
                                 if (!origin && origin.error().code == ErrorCode::not_found) return question->go_on();
                                 if (!origin) return question->call->fail(origin.error());
                                 GuardedAction& asked = question->action;
                                 if (asked.decision.empty()) asked.decision = origin->name;
                                 if (!asked.run && origin->addressed_run_id && !names_key(*question->call))
                                   asked.run = origin->addressed_run_id->str();
                                 with_name(question);
                               });
}

/// Rules about certain workflows: which one is it?
void SecondPerson::look_at_workflow(const QuestionPtr& question) const {
  const auto with_workflow = [this](const QuestionPtr& asked, const std::optional<std::string>& workflow) {
    std::erase_if(asked->rules, [&](const PolicyRule& rule) {
      // Unknown: an answer by key, or an operation over all of them. Then the rule holds.
      return workflow && !rule.workflows.empty() &&
             std::ranges::find(rule.workflows, *workflow) == rule.workflows.end();
    });
    if (asked->rules.empty()) return asked->go_on();
    look_at_count(asked);
  };
  const bool matters = std::ranges::any_of(question->rules, [](const auto& rule) { return !rule.workflows.empty(); });
  const auto run_id = question->action.run && matters ? RunId::parse(*question->action.run) : Result<RunId>(RunId{});
  if (!run_id) return question->go_on();  // no such run, says the route
  if (!question->action.run || !matters) return with_workflow(question, question->action.workflow);
  context_.service.read_run(question->call->namespace_name, *run_id,
                            [question, with_workflow](const Result<service::RunReading>& run) {
                              if (run) return with_workflow(question, run->view.header.workflow);
                              if (run.error().code == ErrorCode::not_found) return question->go_on();
                              question->call->fail(run.error());
                            });
}

/// Rules about large operations: how many runs would it be? The operation's own dry run knows.
void SecondPerson::look_at_count(const QuestionPtr& question) const {
  if (std::ranges::any_of(question->rules, is_certain)) return keep(question, strictest(question->rules));
  rehearse(question->call, [this, question](const Response& response) {
    const auto answer = parse_json(response.body);
    const bool is_counted = response.status == 200 && answer && answer->is_object() && answer->contains("matched") &&
                            answer->at("matched").is_number_integer();
    // Refused: so will the operation be.
    if (!is_counted) return question->go_on();
    const auto matched = answer->at("matched").get<std::int64_t>();
    std::erase_if(question->rules, [&](const PolicyRule& rule) { return matched <= rule.over; });
    if (question->rules.empty()) return question->go_on();
    question->is_rehearsed = true;
    keep(question, strictest(question->rules));
  });
}

void SecondPerson::keep(const QuestionPtr& question, const PolicyRule& rule) const {
  const Call& call = *question->call;
  store::ApprovalRow row;
  row.namespace_name = call.namespace_name;
  row.action = question->action.action;
  row.target = question->action.target;
  row.reason = question->action.reason;
  row.approver_role = rule.approver_role;
  row.requested_by = call.actor;
  row.requested_role = call.role;
  row.requested_credential = call.credential;
  row.request = kept_request(call);
  row.expires_at = context_.options.now() + rule.expires_in;
  const auto body = parse_json(call.request.body);
  auto ref = idempotency_of(call, body ? *body : Json());
  if (!ref) return question->call->fail(ref.error());
  const auto location = [](const Json& kept) { return "/v1/approvals/" + kept.at("approval_id").get<std::string>(); };
  act_once(context_, question->call, std::move(*ref), location,
           [this, question, row](std::optional<RunId> reserved, const Finish& finish) {
             store::ApprovalRow fresh = row;
             if (reserved) fresh.approval_id = store::ApprovalId{reserved->bytes};
             if (question->is_rehearsed) return add(question->call, std::move(fresh), finish);
             // After the look at the Idempotency-Key: what was asked before is answered as before, whatever became of
             // it.
             rehearse(question->call, [this, question, fresh = std::move(fresh), finish](const Response& response) {
               if (response.status >= 400) return finish(Response(response));
               add(question->call, fresh, finish);
             });
           });
}

void SecondPerson::add(const CallPtr& call, store::ApprovalRow row, const Finish& finish) const {
  context_.service.access().add_approval(std::move(row), [this, call, finish](const Result<store::ApprovalRow>& kept) {
    if (!kept) return finish(problem_response(kept.error(), call->request.path));
    Response response = json_response(202, approval_text(*kept, context_.options.now()));
    response.headers.emplace_back("Location", "/v1/approvals/" + kept->approval_id.str());
    finish(std::move(response));
  });
}

/// The route itself says whether it could be done: nobody is asked about what cannot.
void SecondPerson::rehearse(const CallPtr& call, std::function<void(const Response&)> then) {
  auto rehearsal = std::make_shared<Call>(*call);
  rehearsal->is_rehearsal = true;
  rehearsal->answer = [then = std::move(then)](const Response& response) { then(response); };
  rehearsal->route->handle(rehearsal);
}

}  // namespace orchestrator::api
