#include "models/report.h"

#include "models/run_log.h"
#include "nn/atomic_file.h"
#include "nn/plot.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

namespace gesso::models {
namespace {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

constexpr std::size_t kFrames = 24;  // grids that the slider leafs through: half a megabyte or so

constexpr const char* kStyle = R"(
:root { color-scheme: light dark; --ink: #1c1e21; --soft: #687078; --line: #d9dde1; --paper: #fbfbfa; --card: #fff }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e6e1; --soft: #9aa2a9; --line: #34393e; --paper: #16181a; --card: #1e2124 } }
body { margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 68rem; background: var(--paper); color: var(--ink);
       font: 16px/1.55 system-ui, sans-serif }
h1 { font-size: 1.9rem; margin: 0 } h2 { font-size: 1.15rem; margin: 2.6rem 0 .4rem }
.alarm { color: #c0392b; font-weight: 600 } p { margin: .2rem 0 .9rem; color: var(--soft); max-width: 46rem }
.figures { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1.5rem 0 }
.figures div { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .7rem 1.1rem }
.figures b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums } .figures span { color: var(--soft); font-size: .85rem }
img { display: block; max-width: 100%; border-radius: .4rem; image-rendering: pixelated } img[hidden] { display: none }
label { display: flex; gap: .8rem; align-items: center; margin: .6rem 0; color: var(--soft) } input { width: 20rem; max-width: 60% }
.plots { display: flex; flex-wrap: wrap; gap: 1rem } .plots svg { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; max-width: 100%; height: auto }
pre { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .9rem 1.1rem; overflow-x: auto; font-size: .87rem }
)";

constexpr const char* kSlider = R"(<script>
const slider = document.getElementById("epoch"), frames = document.querySelectorAll(".frames img");
slider.oninput = () => { frames.forEach((f, i) => f.hidden = i != slider.value);
  document.getElementById("at").textContent = frames[slider.value].alt; };
</script>
)";

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  return out;
}

std::string base64(const std::string& bytes) {
  constexpr const char* kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t k) -> std::uint32_t {
      return i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0;
    };
    const std::uint32_t group = byte(0) << 16 | byte(1) << 8 | byte(2);
    for (std::size_t k = 0; k < 4; ++k)
      out += i + k > bytes.size() ? '=' : kLetters[group >> (18 - 6 * k) & 63];
  }
  return out;
}

std::string image(const fs::path& png, const std::string& alt, bool hidden = false) {
  std::ifstream in(png, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  return fmt::format("<img alt=\"{}\"{} src=\"data:image/png;base64,{}\">\n", alt, hidden ? " hidden" : "",
                     base64(bytes));
}

/// The model's unit, or for what is no part of its loss another, or none.
const char* unit_of(const std::string& loss, const Entry& entry) {
  for (const char* none : {"sigma", "mse", "ssim", "copy_mse", "copy_ssim"})
    if (loss == none) return "";
  for (const char* bits : {"bits_per_code", "independent_bits"})
    if (loss == bits) return "bits a code";
  return entry.unit;
}

/// One plot a loss, train and test, over epochs.
std::string plots(const std::vector<json>& lines, std::int64_t steps_per_epoch, const Entry& entry) {
  std::vector<std::string> losses;                                  // in the order of the log
  std::map<std::string, std::map<std::string, nn::Series>> curves;  // by loss, then split
  for (const json& line : lines)
    for (const auto& [loss, value] : losses_of(line)) {
      if (!curves.contains(loss)) losses.push_back(loss);
      nn::Series& s = curves[loss][line["split"].get<std::string>()];
      s.x.push_back(line["step"].get<double>() / static_cast<double>(steps_per_epoch));
      s.y.push_back(value);
    }
  std::string out = "<div class=plots>\n";
  for (const std::string& loss : losses) {
    std::vector<nn::Series> series;
    for (const char* split : {"train", "test"})
      if (auto at = curves[loss].find(split); at != curves[loss].end()) {
        series.push_back(std::move(at->second));
        series.back().name = split;
      }
    out += nn::line_plot(
        series,
        {.title = loss, .x_label = "epoch", .y_label = unit_of(loss, entry), .width = 500, .height = 300});
  }
  return out + "</div>\n";
}

std::string figure(const std::string& value, const std::string& what) {
  return fmt::format("<div><b>{}</b><span>{}</span></div>\n", value, escaped(what));
}

/// The losses of the last line of a split, and the speed.
std::string figures(const std::vector<json>& lines) {
  std::string out = "<div class=figures>\n";
  const auto last = [&](const char* split) {
    return std::find_if(lines.rbegin(), lines.rend(),
                        [&](const json& line) { return line["split"] == split; });
  };
  if (const auto test = last("test"); test != lines.rend())
    for (const auto& [loss, value] : losses_of(*test))
      out += figure(fmt::format("{:.2f}", value), "test " + loss);
  if (const auto train = last("train"); train != lines.rend()) {
    out += figure(fmt::format("{}", train->value("step", 0)), "steps");
    out += figure(fmt::format("{}", train->value("epoch", 0)), "epochs");
    out += figure(fmt::format("{:.0f}", train->value("images_per_s", 0.)), "images per second");
  }
  return out + "</div>\n";
}

/// What went wrong, a paragraph each; empty where nothing did.
std::string alarms(const std::vector<json>& lines) {
  std::string out;
  for (const json& line : lines)
    if (line.contains("alarm") && line["alarm"].is_string())
      out += fmt::format("<p class=alarm>Step {}: {}</p>\n", line["step"].dump(),
                         escaped(line["alarm"].get<std::string>()));
  return out;
}

/// samples/epoch_*.png, evenly thinned to kFrames, with a slider; or the latest grid alone.
std::string sample_frames(const RunFolder& run) {
  std::vector<fs::path> all;
  for (const auto& entry : fs::directory_iterator(run.samples()))
    if (entry.path().filename().string().starts_with("epoch_") && entry.path().extension() == ".png")
      all.push_back(entry.path());
  std::sort(all.begin(), all.end());
  if (all.size() < 2) return image(run.samples() / "latest.png", "samples");
  const std::size_t n = std::min(kFrames, all.size());
  std::string frames, last;
  for (std::size_t i = 0; i < n; ++i) {
    const fs::path& file = all[i * (all.size() - 1) / (n - 1)];
    last = fmt::format("epoch {}", std::stoi(file.stem().string().substr(6)));
    frames += image(file, last, i + 1 < n);
  }
  return fmt::format(
      "<label><input id=epoch type=range min=0 max={0} value={0}><span id=at>{1}</span></label>\n"
      "<div class=frames>\n{2}</div>\n{3}",
      n - 1, last, frames, kSlider);
}

}  // namespace

void write_report(const RunFolder& run) {
  const Config config = run.load_config();
  const std::vector<json> lines = read_metrics(run);
  const Entry& entry = find_model(config.model);
  const std::string title =
      escaped(fmt::format("{} on {}", config.model, fs::path(config.data).filename().string()));
  const auto section = [](const char* heading, const char* words, const std::string& body) {
    return fmt::format("<h2>{}</h2>\n<p>{}</p>\n{}", heading, words, body);
  };
  std::string page = fmt::format(
      "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n<meta name=viewport "
      "content=\"width=device-width\">\n"
      "<title>{0}</title>\n<style>{1}</style>\n<h1>{0}</h1>\n<p>{2}. Losses: {3}.</p>\n",
      title, kStyle, escaped(entry.summary), escaped(entry.measure));
  if (!config.objective.empty()) page += fmt::format("<p>{}.</p>\n", escaped(config.objective));
  page += alarms(lines);
  page += figures(lines);
  if (fs::exists(run.samples() / "latest.png"))
    page += section("New images", "The same noise after each epoch: nothing here is from the data set.",
                    sample_frames(run));
  if (const fs::path film = run.samples() / "forecast.png"; fs::exists(film))
    page += section(
        "Forecasts",
        "Test films, each beside what the model makes of its first half. White borders: the forecast.",
        image(film, "an animation of films beside their forecasts"));
  if (const fs::path pairs = run.samples() / "reconstructions.png"; fs::exists(pairs))
    page += fs::exists(run.samples() / "forecast.png")
                ? section("Frame by frame", "Test films, each above the forecast of its second half.",
                          image(pairs, "films above their forecasts"))
                : section("Reconstructions",
                          "Test images, each followed by what is left of it after encoding and decoding.",
                          image(pairs, "test images and their reconstructions"));
  if (const fs::path sheet = run.samples() / "walk.png"; fs::exists(sheet))
    page += section(entry.walk_heading, entry.walk_words, image(sheet, entry.walk_heading));
  if (const fs::path units = run.samples() / "traversal.png"; fs::exists(units))
    page +=
        section("Latent units",
                "A row each, those first that tell most: the code of one image, with this unit from -3 to 3.",
                image(units, "traversals of latent units"));
  page += section("Losses", "Training: means over 50 steps. Test: after each epoch.",
                  plots(lines, config.steps_per_epoch(), entry));
  page += section("Settings", "All it takes to make this run again.",
                  "<pre>" + escaped(config.to_json().dump(2)) + "</pre>\n");
  nn::write_file(run.report_file(), page);
}

}  // namespace gesso::models
