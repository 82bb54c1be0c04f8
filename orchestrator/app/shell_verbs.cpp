#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "orchestrator/app/verbs.hpp"

namespace orchestrator::app {
namespace {

/// A verb with its words: "run start", its verbs below it, and its long options.
struct VerbWords {
  std::string path;
  std::vector<std::string> words;
};

void collect(const CLI::App& verb, const std::string& path, std::vector<VerbWords>& found) {
  VerbWords entry{.path = path, .words = {}};
  const auto below = verb.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* child : below) entry.words.push_back(child->get_name());
  for (const CLI::Option* option : verb.get_options()) {
    for (const std::string& name : option->get_lnames()) entry.words.push_back("--" + name);
  }
  found.push_back(entry);
  for (const CLI::App* child : below)
    collect(*child, path.empty() ? child->get_name() : path + " " + child->get_name(), found);
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// Words before the cursor that are no options name the verb; its words are offered, files otherwise.
void print_bash(const std::vector<VerbWords>& verbs, std::ostream& out) {
  out << "_orchestrator() {\n"
         "  local word path=\"\" words=\"\" index\n"
         "  local current=\"${COMP_WORDS[COMP_CWORD]}\"\n"
         "  for ((index = 1; index < COMP_CWORD && index < 3; ++index)); do\n"
         "    word=\"${COMP_WORDS[index]}\"\n"
         "    [[ $word == -* ]] && break\n"
         "    path=\"${path:+$path }$word\"\n"
         "  done\n"
         "  while :; do\n"
         "    case \"$path\" in\n";
  for (const VerbWords& verb : verbs) {
    out << "      \"" << verb.path << "\") words=\"" << joined(verb.words) << "\"; break ;;\n";
  }
  out << "    esac\n"
         "    [[ $path != *' '* ]] && break\n"
         "    path=\"${path% *}\"\n"
         "  done\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "}\n"
         "complete -o default -F _orchestrator orchestrator\n";
}

void print_fish(const std::vector<VerbWords>& verbs, std::ostream& out) {
  for (const VerbWords& verb : verbs) {
    // The verb's words must all be there already.
    std::string condition;
    std::string path = verb.path;
    while (!path.empty()) {
      const auto space = path.find(' ');
      if (!condition.empty()) condition += "; and ";
      condition += "__fish_seen_subcommand_from " + path.substr(0, space);
      path = space == std::string::npos ? "" : path.substr(space + 1);
    }
    if (condition.empty()) condition = "__fish_use_subcommand";
    for (const std::string& word : verb.words) {
      const bool option = word.starts_with("--");
      out << "complete -c orchestrator -n '" << condition << "' " << (option ? "-l " : "-f -a ")
          << (option ? word.substr(2) : word) << "\n";
    }
  }
}

}  // namespace

void add_shell_verbs(CLI::App& root, Exit& exit) {
  CLI::App* version = root.add_subcommand("version", "Print the version");
  version->callback([&exit] {
    std::cout << "orchestrator " << ORC_VERSION << "\n";
    exit.code = ExitCode::ok;
  });

  auto shell = std::make_shared<std::string>();
  CLI::App* completion = root.add_subcommand("completion", "Print a completion script for a shell");
  completion->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->callback([shell, &root] {
    std::vector<VerbWords> verbs;
    collect(root, "", verbs);
    if (*shell == "fish") return print_fish(verbs, std::cout);
    if (*shell == "zsh") std::cout << "autoload -U +X bashcompinit && bashcompinit\n";
    print_bash(verbs, std::cout);
  });
}

}  // namespace orchestrator::app
