#pragma once

#include <string>

namespace orchestrator::app {

/// The workflow that a definition's file names: `shop/order.asl.yaml` → `order`.
std::string workflow_name_of(const std::string& path);

/// Whether a file name says that the file is a definition: *.asl.json, *.asl.yaml or *.asl.yml.
bool is_definition_name(const std::string& path);

}  // namespace orchestrator::app
