#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "orchestrator/base/result.hpp"
#include "orchestrator/config/config.hpp"

namespace CLI {
class App;
}

namespace orchestrator::app {

/// The settings that a verb takes as flags, and the file beside them.
struct SettingFlags {
  std::map<std::string, std::string> values;  ///< by setting name, as far as given
  std::string file;

  /// What config::read_config asks for.
  [[nodiscard]] config::Sources sources() const;
};

/// Adds `--config FILE` and a flag for each of the named settings, or for all of them. Secrets other than the database
/// URL get none: a command line is visible to every user of the machine.
std::shared_ptr<SettingFlags> add_setting_flags(CLI::App& verb, const std::vector<std::string>& names = {});

}  // namespace orchestrator::app
