#include <gtest/gtest.h>

#include <set>

#include "flows_simulation.hpp"
#include "handlers/register_handlers.hpp"
#include "handlers/sample_handlers.hpp"
#include "orchestrator/tools/authoring.hpp"

namespace orchestrator::flows {
namespace {

HandlerRegistry shipped_handlers() {
  HandlerRegistry registry;
  EXPECT_TRUE(handlers::register_handlers(registry, {}));
  EXPECT_TRUE(samples::register_sample_handlers(registry, {}));
  return registry;
}

/// Every Resource of a definition, those inside Map and Parallel included.
void collect_resources(const Json& value, std::set<std::string>& resources) {
  if (value.is_object() && value.contains("Resource")) resources.insert(value["Resource"].get<std::string>());
  if (value.is_structured()) {
    for (const Json& item : value) collect_resources(item, resources);
  }
}

TEST(ShippedDefinition, IsValidWithoutWarnings) {
  for (const std::string& name : definition_names()) {
    const Json report = tools::validate_report(definition_text(name), false, false);

    EXPECT_EQ(report["diagnostics"], Json::array()) << name;
  }
}

TEST(ShippedDefinition, SaysWhatItShows) {
  for (const std::string& name : definition_names()) {
    EXPECT_FALSE(string_member(*parse_json(definition_text(name)), "Comment").empty()) << name;
  }
}

TEST(ShippedDefinition, NamesHandlersAndChildrenThatExist) {
  const HandlerRegistry registry = shipped_handlers();
  const std::vector<std::string> names = definition_names();
  const std::set<std::string> workflows(names.begin(), names.end());

  for (const std::string& name : names) {
    std::set<std::string> resources;
    collect_resources(*parse_json(definition_text(name)), resources);
    for (const std::string& resource : resources) {
      const std::string target = resource.substr(resource.find(':') + 1, resource.find('?') - resource.find(':') - 1);
      if (resource.starts_with("handler:")) EXPECT_NE(registry.find(target), nullptr) << name << " " << resource;
      if (resource.starts_with("workflow:")) EXPECT_TRUE(workflows.contains(target)) << name << " " << resource;
    }
  }
}

}  // namespace
}  // namespace orchestrator::flows
