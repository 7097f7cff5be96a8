// The command line `gesso`: options in, commands out, every mistake one clear line.
#include "models/command_line.h"
#include "models/commands.h"
#include "models/device_choice.h"
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
  std::optional<std::string> data;
  EvalOptions eval;
  std::int64_t count = 64;
  std::uint64_t seed = 0;
  std::string device = "auto";
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
  train->add_option("MODEL", r.model, "mlp-vae, mlp-gan; see  gesso models")->type_name("");
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
  add_common(train, a.device);
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
  add_common(sample, a.device);

  CLI::App* reconstruct =
      app.add_subcommand("reconstruct", "show test images beside what the model makes of them");
  reconstruct->add_option("RUN", a.run, "folder of a run")->required()->type_name("");
  add_count(reconstruct, "how many images (default: 64)", [&a](auto v) { a.count = v; });
  reconstruct->add_option("--data", a.data, "another data set than the run's own")->type_name("NAME|DIR");
  reconstruct->add_option("--out", a.out, "picture to write (default: RUN/samples/reconstructions.png)")
      ->type_name("FILE.png");
  add_common(reconstruct, a.device);

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
  add_common(eval, a.device);

  CLI::App* models = app.add_subcommand("models", "list the models, or show one with its options and layers");
  models->add_option("NAME", a.model, "a model")->type_name("");

  CLI::App* info = app.add_subcommand("info", "say what is in a run folder or a .safetensors file");
  info->add_option("PATH", a.path, "RUN or FILE.safetensors")->required()->type_name("");
}

gesso::Device device(const Arguments& a) {
  return device_of(a.device, [](const std::string& remark) { fmt::print(stderr, "gesso: {}\n", remark); });
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
  if (command == "models") list_models(a.model);
  if (command == "info") info(a.path);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"gesso: train and look at image models, from scratch in C++", "gesso"};
  Arguments arguments;
  app.set_version_flag("--version", std::string("gesso ") + GESSO_VERSION);
  app.require_subcommand(1);
  add_train(app, arguments);
  add_others(app, arguments);
  app.footer("gesso COMMAND --help says more of each. Data sets are looked for in $GESSO_DATA first.");
  try {
    try {
      app.parse(argc, argv);
    } catch (const CLI::Success& e) {  // --help, --version
      return app.exit(e);
    } catch (const CLI::ParseError& e) {
      throw UsageError("{}", mistake(app, e));
    }
    const int code = run(app, arguments);
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
