#include "kernels/trace/table.h"

#include "kernels/trace/source.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>

namespace gesso::simt::trace {
namespace {

std::string name_of(const std::string& file) { return std::filesystem::path(file).filename().string(); }

/// The frames that tell a reader something: not those of what every kernel reads and writes memory by, and never none.
std::vector<Frame> telling(const std::vector<Frame>& frames) {
  std::vector<Frame> some;
  for (const Frame& f : frames)
    if (f.file.find("kernels/simt/") == std::string::npos && name_of(f.file) != "launch.cuh")
      some.push_back(f);
  return some.empty() ? frames : some;
}

/// "norm.cu:79, 103": a file is not named twice in a row.
std::string places(std::vector<Frame>::const_iterator from, std::vector<Frame>::const_iterator to) {
  std::string text;
  for (auto f = from; f != to; ++f) {
    if (f == from || f->file != (f - 1)->file)
      text += (text.empty() ? "" : ", ") + name_of(f->file) + ":";
    else
      text += ", ";
    text += std::to_string(f->line);
  }
  return text;
}

void add(Access& sum, const Access& a) {
  sum.requests += a.requests;
  sum.bytes += a.bytes;
  sum.cost += a.cost;
  sum.least += a.least;
}

Row row_of(const Access& a, const std::vector<Frame>& all) {
  const std::vector<Frame> frames = telling(all);
  const auto callers = frames.begin() + 1, end = frames.end() - callers > 2 ? callers + 2 : frames.end();
  const Frame& at = frames.front();
  return {name_of(at.file), at.line, source_line(at.file, at.line), places(callers, end), a};
}

/// Of accesses that cost so much more than they need, a reader is told.
constexpr double kTooMuch = 1.5;

bool same_line(const Row& a, const Row& b) { return a.file == b.file && a.line == b.line; }

}  // namespace

Row Table::total(Space space) const {
  Row all;
  all.sum.space = space;
  for (const Row& r : rows)
    if (r.sum.space == space) add(all.sum, r.sum);
  return all;
}

std::vector<Table> tables_of(const std::vector<KernelCount>& counts) {
  std::vector<const void*> pcs;
  for (const KernelCount& k : counts) {
    pcs.push_back(static_cast<const char*>(k.kernel) + 1);  // as if behind a call
    for (const Access& a : k.accesses) pcs.push_back(a.pc);
  }
  const std::vector<std::vector<Frame>> all_frames = frames_of(pcs);
  auto frames = all_frames.begin();
  std::vector<Table> tables;
  for (const KernelCount& k : counts) {
    Table& table = tables.emplace_back();
    table.kernel = function_name((frames++)->back().function);
    table.launches = k.launches, table.grid = k.grid, table.block = k.block;
    for (const Access& a : k.accesses) {
      const Row row = row_of(a, *frames++);
      const auto same = std::ranges::find_if(table.rows, [&](const Row& r) {
        return same_line(r, row) && r.callers == row.callers && r.sum.space == a.space &&
               r.sum.store == a.store && (r.excess() >= kTooMuch) == (row.excess() >= kTooMuch);
      });
      same == table.rows.end() ? table.rows.push_back(row) : add(same->sum, a);
    }
  }
  return tables;
}

// ---- as text ----------------------------------------------------------------------------------------------------------------

namespace {

constexpr std::size_t kWidth = 130;
const char* space_name(Space s) { return s == Space::global ? "global" : "shared"; }
/// Of global memory what moves, in sectors; of shared memory what threads get.
double kib(const Access& a) { return double(a.space == Space::global ? a.cost * kSector : a.bytes) / 1024; }
std::string text_of(dim3 d) { return fmt::format("({},{},{})", d.x, d.y, d.z); }
std::string cut(const std::string& text, std::size_t width) {
  return text.size() <= width ? text : text.substr(0, width - 2) + "..";
}

std::string text_of(const Row& r) {
  const Access& a = r.sum;
  const double n = double(a.requests);
  const bool global = a.space == Space::global;
  const std::string kind = fmt::format("{} {}", a.store ? "store" : "load", space_name(a.space));
  const std::string measure =
      global ? fmt::format("{:9.1f} {:8.1f} {:7}", double(a.cost) / n, double(a.least) / n, "")
             : fmt::format("{:9} {:8} {:7.1f}", "", "", r.excess());
  std::string mark;
  if (r.excess() >= kTooMuch)
    mark = global ? fmt::format("  <- {:.1f} times the fewest", r.excess()) : "  <- bank conflicts";
  return fmt::format("    {:13} {:38} {:9} {} {:10.1f}{}\n", kind, cut(r.callers, 38), a.requests, measure,
                     kib(a), mark);
}

std::string text_of(const Table& t) {
  std::string text =
      fmt::format("{}\n{} grid {}, block {}\n\n", cut(t.kernel, kWidth),
                  t.launches == 1 ? "1 launch with" : fmt::format("{} launches, the first with", t.launches),
                  text_of(t.grid), text_of(t.block));
  text += fmt::format("{:68}------ a request -------\n", "");
  text += fmt::format("{:17} {:38} {:>9} {:>9} {:>8} {:>7} {:>10}\n", "", "called from", "requests",
                      "sectors", "fewest", "ways", "KiB");
  std::vector<Row> rows = t.rows;
  for (auto group = rows.begin(); group != rows.end();) {  // all that one line does, below it
    const Row first = *group;
    const auto end =
        std::stable_partition(group, rows.end(), [&](const Row& r) { return same_line(r, first); });
    const std::string place = fmt::format("{}:{}", first.file, first.line);
    text += fmt::format("{:20} {}\n", place,
                        cut(first.text, kWidth - 1 - std::max<std::size_t>(20, place.size())));
    for (; group != end; ++group) text += text_of(*group);
  }
  for (const Space space : {Space::global, Space::shared}) {
    const Row all = t.total(space);
    if (all.sum.requests == 0) continue;
    const char* unit = space == Space::global ? "sectors" : "wavefronts";
    text += fmt::format("{:6} memory: {} requests, {} {}, {:.2f} times the fewest; {:.1f} KiB\n",
                        space_name(space), all.sum.requests, all.sum.cost, unit, all.excess(), kib(all.sum));
  }
  return text;
}

/// Bytes that all kernels together move to and from global memory.
std::int64_t global_bytes(const std::vector<Table>& tables) {
  std::int64_t bytes = 0;
  for (const Table& t : tables) bytes += t.total(Space::global).sum.cost * kSector;
  return bytes;
}

}  // namespace

std::string as_text(const std::vector<Table>& tables, double multiply_adds) {
  std::string text;
  for (const Table& t : tables) text += text_of(t) + "\n";
  if (multiply_adds > 0)
    text += fmt::format("{:.0f} multiply-adds: {:.3f} bytes of global memory for each\n", multiply_adds,
                        double(global_bytes(tables)) / multiply_adds);
  return text;
}

// ---- as JSON ----------------------------------------------------------------------------------------------------------------

namespace {

nlohmann::ordered_json json_of(const Access& a) {
  nlohmann::ordered_json j{{"requests", a.requests}, {"bytes", a.bytes}};
  const bool global = a.space == Space::global;
  j[global ? "sectors" : "wavefronts"] = a.cost;
  j[global ? "fewest_sectors" : "fewest_wavefronts"] = a.least;
  return j;
}

nlohmann::ordered_json json_of(const Table& t) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const Row& r : t.rows) {
    nlohmann::ordered_json row{{"file", r.file},
                               {"line", r.line},
                               {"called_from", r.callers},
                               {"source", r.text},
                               {"space", space_name(r.sum.space)},
                               {"access", r.sum.store ? "store" : "load"}};
    row.update(json_of(r.sum));
    rows.push_back(row);
  }
  return {{"kernel", t.kernel},
          {"launches", t.launches},
          {"grid", {t.grid.x, t.grid.y, t.grid.z}},
          {"block", {t.block.x, t.block.y, t.block.z}},
          {"lines", rows},
          {"global", json_of(t.total(Space::global).sum)},
          {"shared", json_of(t.total(Space::shared).sum)}};
}

}  // namespace

std::string as_json(const std::string& name, const std::vector<Table>& tables, double multiply_adds) {
  nlohmann::ordered_json all{{"case", name}, {"kernels", nlohmann::ordered_json::array()}};
  for (const Table& t : tables) all["kernels"].push_back(json_of(t));
  all["multiply_adds"] = multiply_adds > 0 ? nlohmann::ordered_json(multiply_adds) : nlohmann::ordered_json();
  all["global_bytes"] = global_bytes(tables);
  return all.dump(2);
}

}  // namespace gesso::simt::trace
