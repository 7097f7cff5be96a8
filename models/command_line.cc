#include "models/command_line.h"

#include <fmt/ranges.h>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace gesso::models {
namespace {

void use_threads(std::int64_t threads) {
  if (threads < 1 || threads > 1024)
    throw UsageError("--threads {}: expected a whole number from 1 to 1024", threads);
#ifdef _OPENMP
  omp_set_num_threads(static_cast<int>(threads));
#endif
}

/// What may stand after this command.
std::vector<std::string> commands_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

}  // namespace

void add_number(CLI::App* app, const std::string& name, const char* help, std::function<void(double)> to) {
  const auto parse = [=](const std::string& text) { to(number(name, text)); };
  app->add_option_function<std::string>(name, parse, help)->type_name("X");
}

void add_integer(CLI::App* app, const std::string& name, const char* help,
                 std::function<void(std::int64_t)> to) {
  const auto parse = [=](const std::string& text) { to(integer(name, text)); };
  app->add_option_function<std::string>(name, parse, help)->type_name("N");
}

void add_count(CLI::App* app, const char* help, std::function<void(std::int64_t)> to) {
  add_integer(app, "--count", help, [=](std::int64_t value) {
    if (value < 1 || value > 1 << 16)
      throw UsageError("--count {}: expected a whole number from 1 to {}", value, 1 << 16);
    to(value);
  });
}

void add_seed(CLI::App* app, const char* help, std::function<void(std::uint64_t)> to) {
  add_integer(app, "--seed", help, [=](std::int64_t value) {
    if (value < 0) throw UsageError("--seed {}: expected a whole number of at least 0", value);
    to(static_cast<std::uint64_t>(value));
  });
}

void add_common(CLI::App* app, CommonOptions& options) {
  add_integer(app, "--threads", "CPU threads (default: one a core); results do not depend on them",
              use_threads);
  app->add_option(
         "--device", options.device,
         "cpu, cuda, emu (CUDA's kernels on the CPU), or auto: a GPU if there is one (default: auto)")
      ->type_name("NAME");
  app->add_option(
         "--tf32", options.tf32,
         "on a GPU: what may round its factors to 10 bits of mantissa, which tensor cores multiply faster: "
         "none, conv or all (default: conv; emulated: none)")
      ->type_name("WHAT");
  app->add_option("--profile", options.profile,
                  "time every kernel: a table at the end, and a timeline for ui.perfetto.dev in this file")
      ->type_name("FILE.json");
}

std::string mistake(const CLI::App& app, const CLI::ParseError& e) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  const std::vector<std::string> extras = at->remaining(), commands = commands_of(*at);
  const bool no_command = !commands.empty() && dynamic_cast<const CLI::RequiredError*>(&e);
  const std::string word = extras.empty() ? "" : extras.front();
  if (no_command && at != &app && (word.empty() || word.starts_with('-')))
    return fmt::format("{} what? There is: {}", at->get_name(), fmt::join(commands, ", "));
  if (no_command && word.empty()) return "which command? gesso --help shows them all";
  if (word.empty() || (!no_command && !dynamic_cast<const CLI::ExtrasError*>(&e)))
    return fmt::format("{}; gesso {} --help says more", e.what(), app.get_subcommands().front()->get_name());
  if (word.starts_with('-')) {
    std::vector<std::string> known;
    for (const CLI::Option* o : at->get_options()) known.push_back(o->get_name());
    return fmt::format("unknown option {}{}", word, suggestion(word, known));
  }
  return no_command ? fmt::format("there is no command \"{}\"{}", word, suggestion(word, commands))
                    : fmt::format("{} is one word too many", word);
}

}  // namespace gesso::models
