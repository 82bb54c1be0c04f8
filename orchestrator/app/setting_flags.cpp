#include "orchestrator/app/setting_flags.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

namespace orchestrator::app {

config::Sources SettingFlags::sources() const {
  config::Sources sources;
  sources.flags = values;
  sources.environment = config::process_environment();
  if (!file.empty()) sources.file = file;
  return sources;
}

std::shared_ptr<SettingFlags> add_setting_flags(CLI::App& verb, const std::vector<std::string>& names) {
  auto flags = std::make_shared<SettingFlags>();
  verb.add_option("--config", flags->file, "TOML file with settings")->envname("ORCHESTRATOR_CONFIG");
  for (const config::SettingDescription& setting : config::setting_descriptions()) {
    if (setting.secret && setting.name != "database_url") continue;
    if (!names.empty() && std::ranges::find(names, setting.name) == names.end()) continue;
    std::string flag = "--" + setting.name;
    std::ranges::replace(flag, '_', '-');
    const auto keep = [flags, name = setting.name](const std::string& value) { flags->values[name] = value; };
    verb.add_option_function<std::string>(flag, keep, setting.help);
  }
  return flags;
}

}  // namespace orchestrator::app
