#include "kernels/trace/source.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <stdexcept>

namespace gesso::simt::trace {
namespace {

/// What a command prints, line by line.
std::vector<std::string> lines_of(const std::string& command) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  if (!pipe) throw std::runtime_error("trace: cannot run addr2line, of the package binutils");
  std::vector<std::string> lines(1);
  for (int c; (c = std::getc(pipe.get())) != EOF;)
    if (c == '\n')
      lines.emplace_back();
    else
      lines.back() += char(c);
  lines.pop_back();
  return lines;
}

/// "file:line", which addr2line follows by " (discriminator 2)" here and there, and is "??:0" or "file:?" where unknown.
Frame frame(std::string function, const std::string& where) {
  const std::size_t colon = where.rfind(':');
  Frame f{std::move(function), where.substr(0, colon), 0};
  if (colon != std::string::npos)
    std::from_chars(where.data() + colon + 1, where.data() + where.size(), f.line);
  return f;
}

}  // namespace

std::vector<std::vector<Frame>> frames_of(const std::vector<const void*>& pcs) {
  if (pcs.empty()) return {};
  Dl_info program;
  if (!dladdr(pcs[0], &program))
    throw std::runtime_error("trace: an access comes from no code of this program");
  std::string command =
      fmt::format("addr2line -a -i -f -C -e '{}'", std::filesystem::read_symlink("/proc/self/exe").string());
  for (const void* pc : pcs)
    command +=
        fmt::format(" {:#x}", std::uintptr_t(pc) - std::uintptr_t(program.dli_fbase) - 1);  // within the call
  std::vector<std::vector<Frame>> frames;
  const std::vector<std::string> lines = lines_of(command);
  for (std::size_t i = 0; i < lines.size();) {
    if (lines[i].starts_with("0x")) {
      frames.emplace_back();
      ++i;
    } else {
      if (i + 1 == lines.size() || frames.empty()) break;
      frames.back().push_back(frame(lines[i], lines[i + 1]));
      i += 2;
    }
  }
  if (frames.size() != pcs.size())
    throw std::runtime_error("trace: addr2line, of the package binutils, gave no answer");
  return frames;
}

std::string function_name(const std::string& demangled) {
  std::string name = demangled;
  for (const char* part : {"(anonymous namespace)::", "gesso::kernels::emu::", "gesso::kernels::",
                           "gesso::simt::trace::", "gesso::simt::", "void "})
    for (std::size_t at; (at = name.find(part)) != std::string::npos;)
      name.erase(at, std::string(part).size());
  for (std::size_t at; (at = name.find("> >")) != std::string::npos;) name.erase(at + 1, 1);
  int depth = 0;  // the parameters begin at the first parenthesis outside all <>
  for (std::size_t i = 0; i < name.size(); ++i) {
    depth += name[i] == '<';
    depth -= name[i] == '>';
    if (name[i] == '(' && depth == 0) return name.substr(0, i);
  }
  return name;
}

std::string source_line(const std::string& file, int line) {
  static std::map<std::string, std::vector<std::string>> files;
  std::vector<std::string>& lines = files[file];
  if (lines.empty()) {
    lines.emplace_back();  // lines count from 1
    std::ifstream in(file);
    for (std::string text; std::getline(in, text);) lines.push_back(text);
  }
  if (line < 1 || std::size_t(line) >= lines.size()) return {};
  const std::string& text = lines[std::size_t(line)];
  const std::size_t first = text.find_first_not_of(" \t");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

}  // namespace gesso::simt::trace
