// What all commands share of the command line: options that say what is wrong with their values, and one
// clear line for every mistake.
#pragma once

#include "models/options.h"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace gesso::models {

// CLI11's own messages about numbers name neither what was wrong nor what was expected.
void add_number(CLI::App* app, const std::string& name, const char* help, std::function<void(double)> to);
void add_integer(CLI::App* app, const std::string& name, const char* help,
                 std::function<void(std::int64_t)> to);
/// --count, --seed, and of every command that computes --threads, --device, --tf32 and --profile.
void add_count(CLI::App* app, const char* help, std::function<void(std::int64_t)> to);
void add_seed(CLI::App* app, const char* help, std::function<void(std::uint64_t)> to);
struct CommonOptions {
  std::string device = "auto", tf32 = "auto", profile;
};
void add_common(CLI::App* app, CommonOptions& options);

/// One line for what CLI11 did not understand.
std::string mistake(const CLI::App& app, const CLI::ParseError& e);

}  // namespace gesso::models
