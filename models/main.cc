// The command line `gesso`: options in, commands out, every mistake one clear line.
#include "models/command_line.h"
#include "models/commands.h"
#include "models/compress.h"
#include "models/device_choice.h"
#include "models/edit_command.h"
#include "models/options.h"
#include "models/trace.h"
#include "models/train.h"

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <new>
#include <sstream>

namespace {

using namespace gesso::models;

constexpr int kFailure = 1, kUsage = 2;

/// Everything that may stand on the command line.
struct Arguments {
  TrainRequest train;
  std::string run, out, model, path;
  std::vector<std::string> pictures;
  std::optional<std::string> data;
  EvalOptions eval;
  EditRequest edit;
  struct {
    std::string kind = "gaussian", hide = "centre", add;
    std::optional<std::string> from, to, subtract;
    double noise = 0.3, strength = 1;
  } how;  // to edit
  std::int64_t count = 64;
  std::uint64_t seed = 0;
  CommonOptions common;
};

/// "1,50,200"
std::vector<std::int64_t> samples_of(const std::string& text) {
  std::vector<std::int64_t> all;
  std::istringstream in(text + ",");
  for (std::string piece; std::getline(in, piece, ',');) {
    all.push_back(integer("--importance-samples", piece));
    if (all.back() < 1 || all.back() > 1 << 20)
      throw UsageError("--importance-samples {}: expected whole numbers from 1 to {}", text, 1 << 20);
  }
  return all;
}

void add_train(CLI::App& app, Arguments& a) {
  TrainRequest& r = a.train;
  CLI::App* train = app.add_subcommand("train", "train a model, or go on with a run");
  train->add_option("MODEL", r.model, "one of  gesso models, as in mlp-vae")->type_name("");
  train
      ->add_option("--data", r.data,
                   "fashion, mnist, cifar10, sprites[:SIZE[xCHANNELS]], moving[:SET], or a folder with IDX "
                   "files or pictures (default: fashion)")
      ->type_name("NAME|DIR");
  add_integer(train, "--epochs", "how often to see every image (default: by model)",
              [&r](auto v) { r.epochs = v; });
  add_integer(train, "--steps", "or how many steps to make in all", [&r](auto v) { r.steps = v; });
  add_integer(train, "--batch-size", "images in a step (default: by model)",
              [&r](auto v) { r.batch_size = v; });
  add_number(train, "--lr", "learning rate (default: by model)", [&r](auto v) { r.lr = v; });
  add_seed(train, "of all randomness (default: 0)", [&r](auto v) { r.seed = v; });
  train->add_option("--set", r.set, "an option of the model (gesso models MODEL); may be repeated")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  train->add_option("--out", r.out, "folder of the run (default: runs/MODEL-DATA-N)")->type_name("RUN");
  train->add_option("--resume", r.resume, "folder of a run to go on with, as if it had never stopped")
      ->type_name("RUN");
  add_number(train, "--save-every", "seconds between checkpoints (default: 30)",
             [&r](auto v) { r.save_every = v; });
  train->add_flag_callback(
      "--no-graph", [&r] { r.graph = false; },
      "on a GPU: ask for each kernel of a step, in place of one graph of all");
  add_common(train, a.common);
  train->footer(
      "Examples:\n"
      "  gesso train mlp-vae                              a VAE on Fashion-MNIST, ten epochs, into "
      "runs/mlp-vae-fashion-1\n"
      "  gesso train mlp-gan --data mnist --epochs 50\n"
      "  gesso train mlp-vae --set hidden=128,256,512 --set latent=8 --out runs/deep\n"
      "  gesso train --resume runs/deep --epochs 20       ten epochs more\n"
      "\n"
      "Ctrl-C stops after the step at hand and saves. Defaults that differ by model: gesso models MODEL.");
}

void add_others(CLI::App& app, Arguments& a) {
  CLI::App* sample = app.add_subcommand("sample", "make new images");
  sample->add_option("RUN", a.run, "folder of a run")->required()->type_name("");
  add_count(sample, "how many images (default: 64)", [&a](auto v) { a.count = v; });
  add_seed(sample, "of the noise (default: 0)", [&a](auto v) { a.seed = v; });
  sample->add_option("--out", a.out, "picture to write (default: RUN/samples/sample-SEED.png)")
      ->type_name("FILE.png");
  add_common(sample, a.common);

  CLI::App* reconstruct =
      app.add_subcommand("reconstruct", "show test images beside what the model makes of them");
  reconstruct->add_option("RUN", a.run, "folder of a run")->required()->type_name("");
  add_count(reconstruct, "how many images (default: 64)", [&a](auto v) { a.count = v; });
  reconstruct->add_option("--data", a.data, "another data set than the run's own")->type_name("NAME|DIR");
  reconstruct->add_option("--out", a.out, "picture to write (default: RUN/samples/reconstructions.png)")
      ->type_name("FILE.png");
  add_common(reconstruct, a.common);

  CLI::App* eval =
      app.add_subcommand("eval", "print the losses on test images, and what is known of the code");
  eval->add_option("RUN", a.run, "folder of a run")->required()->type_name("");
  eval->add_option("--data", a.eval.data, "another data set than the run's own")->type_name("NAME|DIR");
  add_integer(eval, "--images", "the first N test images (default: all)", [&a](auto v) {
    if (v < 2) throw UsageError("--images {}: expected a whole number of at least 2", v);
    a.eval.images = v;
  });
  eval->add_option_function<std::string>(
          "--importance-samples",
          [&a](const std::string& text) { a.eval.importance_samples = samples_of(text); },
          "log p(x) of a VAE by so many samples an image, as in 1,50,200,5000 (Burda et al. 2016)")
      ->type_name("K,..");
  eval->add_flag("--json", a.eval.json, "as one JSON object");
  add_common(eval, a.common);

  CLI::App* models = app.add_subcommand("models", "list the models, or show one with its options and layers");
  models->add_option("NAME", a.model, "a model")->type_name("");

  CLI::App* info = app.add_subcommand("info", "say what is in a run folder or a .safetensors file");
  info->add_option("PATH", a.path, "RUN or FILE.safetensors")->required()->type_name("");
}

void add_compression(CLI::App& app, Arguments& a) {
  CLI::App* pack =
      app.add_subcommand("compress", "pack pictures into the bits that a prior needs for their codes");
  pack->add_option("RUN", a.run, "folder of a run of pixelcnn")->required()->type_name("");
  pack->add_option("PICTURE", a.pictures, "PNG or JPEG files, or folders of such")->required()->type_name("");
  pack->add_option("--out", a.out, "file to write")->required()->type_name("FILE");
  add_common(pack, a.common);

  CLI::App* unpack =
      app.add_subcommand("decompress", "unpack pictures: what the vq-vae makes of their codes, as PNG files");
  unpack->add_option("RUN", a.run, "the run that they were packed with")->required()->type_name("");
  unpack->add_option("FILE", a.path, "as compress wrote it")->required()->type_name("");
  unpack->add_option("--out", a.out, "folder to write to")->required()->type_name("DIR");
  add_common(unpack, a.common);
}

void add_edit(CLI::App& app, Arguments& a) {
  CLI::App* edit = app.add_subcommand("edit", "restore or change test images by way of a VAE's codes");
  edit->add_option("RUN", a.edit.run, "folder of a run")->required()->type_name("");
  edit->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, const char* count) {
    CLI::App* what = edit->add_subcommand(name, help);
    add_count(what, count, [&a](auto v) { a.edit.count = v; });
    add_seed(what, "of the noise (default: 0)", [&a](auto v) { a.edit.seed = v; });
    what->add_option("--data", a.edit.data, "another data set than the run's own")->type_name("NAME|DIR");
    what->add_option("--out", a.edit.out, fmt::format("picture to write (default: RUN/samples/{}.png)", name))
        ->type_name("FILE.png");
    add_common(what, a.common);
    return what;
  };
  const auto text = [](CLI::App* what, const char* name, auto& to, const char* help, const char* type) {
    return what->add_option(name, to, help)->type_name(type);
  };
  constexpr const char* kProperty =
      "a label by number or name, or of sprites as in shape=star, hue=low, x=high";

  CLI::App* denoise = add("denoise", "take noise away; prints PSNR", "how many images (default: 16)");
  text(denoise, "--kind", a.how.kind, "gaussian or salt-and-pepper (default: gaussian)", "NAME");
  add_number(denoise, "--noise", "standard deviation, or share of the pixels (default: 0.3)",
             [&a](double v) { a.how.noise = v; });
  CLI::App* inpaint =
      add("inpaint", "fill in what is hidden; prints errors", "how many images (default: 16)");
  text(inpaint, "--hide", a.how.hide,
       "top, bottom, left, right, centre, or a share of the pixels, drawn (default: centre)", "REGION|X");
  for (CLI::App* what : {denoise, inpaint})
    what->add_flag("--json", a.edit.json, "figures as one JSON object");

  CLI::App* interpolate =
      add("interpolate", "go from image to image: along a line, along an arc, cross-faded",
          "how many pairs (default: 4)");
  text(interpolate, "--from", a.how.from, kProperty, "PROPERTY");
  text(interpolate, "--to", a.how.to, "likewise (default of both: any)", "PROPERTY");
  CLI::App* attribute =
      add("attribute", "move codes from one property towards another", "how many images (default: 6)");
  text(attribute, "--add", a.how.add, kProperty, "PROPERTY")->required();
  text(attribute, "--subtract", a.how.subtract, "likewise (default: all images)", "PROPERTY");
  add_number(attribute, "--strength", "how far, in differences of their means (default: 1)",
             [&a](double v) { a.how.strength = v; });
  edit->footer(
      "Examples:\n"
      "  gesso edit runs/first denoise --noise 0.5\n"
      "  gesso edit runs/first inpaint --hide bottom\n"
      "  gesso edit runs/first interpolate --from 3 --to 7\n"
      "  gesso edit runs/first attribute --add \"ankle boot\" --subtract sneaker");
}

void edit(const std::string& what, const EditRequest& request, const decltype(Arguments::how)& how) {
  if (what == "denoise") denoise(request, how.kind, how.noise);
  if (what == "inpaint") inpaint(request, how.hide);
  if (what == "interpolate") interpolate(request, how.from, how.to);
  if (what == "attribute") attribute(request, how.add, how.subtract, how.strength);
}

gesso::Device device(const Arguments& a) {
  const gesso::Device d = device_of(
      a.common.device, [](const std::string& remark) { fmt::print(stderr, "gesso: {}\n", remark); });
  allow_tf32(d, a.common.tf32);
  return d;
}

int run(const CLI::App& app, Arguments& a) {
  const std::string command = app.get_subcommands().front()->get_name();
  if (command == "train") {
    a.train.device = device(a);
    return train(a.train);
  }
  if (command == "sample") sample(a.run, device(a), a.count, a.seed, a.out);
  if (command == "reconstruct") reconstruct(a.run, device(a), a.count, a.data, a.out);
  if (command == "eval") evaluate(a.run, device(a), a.eval);
  if (command == "compress") compress(a.run, device(a), a.pictures, a.out);
  if (command == "decompress") decompress(a.run, device(a), a.path, a.out);
  if (command == "edit") {
    a.edit.device = device(a);
    edit(app.get_subcommands().front()->get_subcommands().front()->get_name(), a.edit, a.how);
  }
  if (command == "models") list_models(a.model);
  if (command == "info") info(a.path);
  return 0;
}

int run_and_profile(const CLI::App& app, Arguments& a) {
  if (a.common.profile.empty()) return run(app, a);
  Trace trace(a.common.profile);
  const int code = run(app, a);
  fmt::print(stderr, "{}", trace.finish());
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"gesso: train and look at image models, from scratch in C++", "gesso"};
  Arguments arguments;
  app.set_version_flag("--version", std::string("gesso ") + GESSO_VERSION);
  app.require_subcommand(1);
  add_train(app, arguments);
  add_others(app, arguments);
  add_compression(app, arguments);
  add_edit(app, arguments);
  app.footer("gesso COMMAND --help says more of each. Data sets are looked for in $GESSO_DATA first.");
  try {
    try {
      app.parse(argc, argv);
    } catch (const CLI::Success& e) {  // --help, --version
      return app.exit(e);
    } catch (const CLI::ParseError& e) {
      throw UsageError("{}", mistake(app, e));
    }
    const int code = run_and_profile(app, arguments);
    if (std::fflush(stdout) != 0) throw gesso::Error("stdout: cannot be written");
    return code;
  } catch (const UsageError& e) {
    fmt::print(stderr, "gesso: {}\n", e.what());
    return kUsage;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "gesso: out of memory; a smaller --batch-size or --set width needs less\n");
  } catch (const std::exception& e) {
    fmt::print(stderr, "gesso: {}\n", e.what());
  }
  return kFailure;
}
