// What people are asked: GET /v1/decisions. They answer with a signal (routes_signals.cpp).
#include <algorithm>
#include <charconv>

#include "api/context.hpp"
#include "api/json_writer.hpp"
#include "api/problem.hpp"
#include "api/query_reader.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/model/role.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {
namespace {

/// Where a page begins. A run with a Map may ask more than one page holds, so a page can end in the middle of one.
struct Place {
  std::string after;              ///< cursor of the list of runs
  std::optional<RunId> run;       ///< of this run...
  std::size_t already_shown = 0;  ///< ...so many were on the page before
};

/// `AFTER`, or `AFTER~RUN~SHOWN`.
Result<Place> read_place(const std::string& cursor) {
  Place place;
  const auto first = cursor.find('~');
  place.after = cursor.substr(0, first);
  if (first == std::string::npos) return place;
  const auto second = cursor.find('~', first + 1);
  const Error broken(ErrorCode::invalid_argument, "invalid-parameter", "not a cursor of this list");
  if (second == std::string::npos) return broken;
  const auto run = RunId::parse(cursor.substr(first + 1, second - first - 1));
  const char* end = cursor.data() + cursor.size();
  const auto [stopped, error] = std::from_chars(cursor.data() + second + 1, end, place.already_shown);
  if (!run || error != std::errc{} || stopped != end) return broken;
  place.run = *run;
  return place;
}

std::string cursor_of(const Place& place) {
  return place.after + "~" + place.run->str() + "~" + std::to_string(place.already_shown);
}

std::vector<std::string> roles_of(const Json& item) {
  std::vector<std::string> roles;
  const auto found = item.find("roles");
  if (found == item.end() || !found->is_array()) return roles;
  for (const Json& role : *found) {
    if (role.is_string()) roles.push_back(role.get<std::string>());
  }
  return roles;
}

/// Whether somebody who says `role` is asked: it is named, or includes one that is.
bool asks(const Json& item, const std::optional<std::string>& role) {
  if (!role) return true;
  const auto roles = roles_of(item);
  if (roles.empty() || std::find(roles.begin(), roles.end(), *role) != roles.end()) return true;
  const auto known = parse_role(*role);
  return known && may_answer(*known, roles);
}

void write_decision(JsonWriter& writer, const RunHeader& run, const Json& item) {
  const auto member = [&](const char* name) {
    const auto found = item.find(name);
    writer.name(name).json(found == item.end() ? Json() : *found);
  };
  writer.begin_object();
  writer.member("run_id", run.id);
  writer.member("workflow", run.workflow);
  writer.member("version", run.version);
  writer.member("key", run.key);
  member("state_name");
  member("name");
  member("names");
  writer.name("signal_key").json(item.contains("key") ? item.at("key") : Json());
  member("title");
  member("schema");
  writer.name("roles").begin_array();
  for (const std::string& role : roles_of(item)) writer.text(role);
  writer.end_array();
  member("since");
  member("until");
  writer.end_object();
}

std::string page_text(const store::RunPage& runs, const Place& from, const std::optional<std::string>& role,
                      std::size_t limit) {
  JsonWriter writer;
  writer.begin_object().name("items").begin_array();
  std::optional<std::string> next = runs.next_cursor;
  Place place{.after = from.after};
  std::size_t written = 0;
  for (const store::RunView& run : runs.items) {
    const auto waiting_on = parse_json(run.waiting_on);
    std::size_t shown = 0;
    for (const Json& item : waiting_on && waiting_on->is_array() ? *waiting_on : Json::array()) {
      if (string_member(item, "kind") != "decision" || !asks(item, role)) continue;
      if (from.run == run.header.id && shown < from.already_shown) {
        ++shown;
        continue;
      }
      if (written == limit) {
        place.run = run.header.id;
        place.already_shown = shown;
        next = cursor_of(place);
        return std::move(writer.end_array().member("next_cursor", next).end_object()).take();
      }
      write_decision(writer, run.header, item);
      ++written;
      ++shown;
    }
    place.after = run.header.id.str();
  }
  return std::move(writer.end_array().member("next_cursor", next).end_object()).take();
}

void list_decisions(Context& context, const CallPtr& call) {
  QueryReader query(call->request.query);
  store::RunFilter filter;
  filter.namespace_name = call->namespace_name;
  filter.waiting_on = "decision";
  filter.workflow = query.text("workflow").value_or("");
  const auto role = query.text("role");
  filter.limit = query.limit();
  const auto place = read_place(query.cursor());
  if (const Status status = query.finish(); !status) return call->fail(status.error());
  if (!place) return call->fail(place.error());
  filter.cursor = place->after;

  const auto limit = static_cast<std::size_t>(filter.limit);
  context.service.list_runs(std::move(filter), [call, place = *place, role, limit](Result<store::RunPage> page) {
    if (!page) return call->fail(page.error());
    call->respond(json_response(200, page_text(*page, place, role, limit)));
  });
}

}  // namespace

void add_decision_routes(Router& router, Context& context) {
  router.add({.method = "GET", .pattern = "/v1/decisions", .handle = [&context](const CallPtr& call) {
                list_decisions(context, call);
              }});
}

}  // namespace orchestrator::api
