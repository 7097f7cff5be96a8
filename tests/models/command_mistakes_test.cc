// The program and its users' mistakes.
#include "tests/models/workshop.h"

#include <algorithm>

namespace gesso::models {
namespace {

TEST_CASE("gesso: every mistake is one line, says what is wrong, and is exit code 2 or 1") {
  const Workshop w;
  REQUIRE(w.train("--steps 2 --out done").code == 0);
  put_squares(w / "notest", 60, 24);
  std::filesystem::remove(w / "notest/t10k-images-idx3-ubyte");
  put_squares(w / "cut", 60, 24);
  std::filesystem::resize_file(w / "cut/train-images-idx3-ubyte", 3000);
  put_squares(w / "cut-test", 60, 24);
  std::filesystem::resize_file(w / "cut-test/t10k-images-idx3-ubyte", 1000);
  put_squares(w / "other-size", 60, 24, 10);
  std::filesystem::create_directory(w / "empty");
  REQUIRE(w.gesso("train mlp-vae --data sprites:4x1 --set width=0.01 --steps 1 --out shapes").code == 0);

  struct Case {
    const char *line, *said;
    int code = 2;
  };
  const Case cases[] = {
      {"", "gesso --help"},
      {"tarin", "did you mean \"train\"?"},
      {"--verison", "did you mean \"--version\"?"},
      {"train", "gesso train mlp-vae"},
      {"train mlp-vea", "no model \"mlp-vea\"; did you mean \"mlp-vae\"?"},
      {"train resnet50", "there is: beta-vae, conv-gan, conv-vae, convlstm, dcgan, mlp-gan, mlp-vae"},
      {"train mlp-vae --epoch 3", "unknown option --epoch; did you mean \"--epochs\"?"},
      {"train mlp-vae --batch 3", "--batch-size"},
      {"train mlp-vae mlp-gan", "mlp-gan is one word too many"},
      {"train mlp-vae --lr", "--lr"},
      {"train mlp-vae --lr nan", "--lr: nan is not a finite number"},
      {"train mlp-vae --lr inf", "--lr: inf is not a finite number"},
      {"train mlp-vae --lr fast", "--lr: \"fast\" is not a number"},
      {"train mlp-vae --lr 0", "--lr 0: expected a number above 0"},
      {"train mlp-vae --lr -0.1", "--lr -0.1: expected a number above 0"},
      {"train mlp-vae --epochs 0", "--epochs 0: expected a number above 0"},
      {"train mlp-vae --epochs -3", "--epochs -3"},
      {"train mlp-vae --epochs 1.5", "--epochs: \"1.5\" is not a whole number"},
      {"train mlp-vae --data data --batch-size 7 --epochs 9223372036854775807",
       "--epochs 9223372036854775807: 2^32 epochs"},
      {"train mlp-vae --data data --batch-size 7 --steps 9223372036854775807",
       "--steps 9223372036854775807: 2^32 epochs"},
      {"train mlp-vae --steps 0", "--steps 0"},
      {"train mlp-vae --steps -1", "--steps -1"},
      {"train mlp-vae --steps 1 --epochs 1", "give one of them"},
      {"train mlp-vae --data data --batch-size 0", "--batch-size 0: expected a number above 0"},
      {"train mlp-vae --data data --batch-size -8", "--batch-size -8"},
      {"train mlp-vae --data data --batch-size 61",
       "--batch-size 61: larger than the data set, which has 60 images"},
      {"train mlp-vae --seed -1", "--seed -1"},
      {"train mlp-vae --threads 0", "--threads 0"},
      {"train mlp-vae --threads many", "--threads: \"many\" is not a whole number"},
      {"train mlp-vae --save-every 0", "--save-every 0"},
      {"train mlp-vae --device gpu", "no such device"},
      {"train mlp-vae --data fashon", "did you mean \"fashion\"?"},
      {"train mlp-vae --data nowhere/at/all", "--data nowhere/at/all"},
      {"train mlp-vae --data data --batch-size 7 --set lattent=3", "did you mean \"latent\"?"},
      {"train mlp-vae --data data --batch-size 7 --set latent", "expected key=value"},
      {"train mlp-vae --data data --batch-size 7 --set latent=0", "--set latent=0"},
      {"train mlp-vae --data data --batch-size 7 --set latent=-4", "--set latent=-4"},
      {"train mlp-vae --data data --batch-size 7 --set hidden=128,x", "--set hidden"},
      {"train mlp-vae --data data --batch-size 7 --set hidden=8,,8",
       "--set hidden=8,,8: \"\" is not a whole number"},
      {"train mlp-vae --data data --batch-size 7 --set width=0", "expected a number from 0.001 to 64"},
      {"train mlp-vae --data sprites:4x2", "--data sprites:4x2: images of 2 channels; expected 1 or 3"},
      {"train mlp-vae --data data --batch-size 7 --set width=nan", "--set width: nan"},
      {"train mlp-gan --data data --batch-size 7 --set beta1=1", "--set beta1=1"},
      {"train mlp-gan --data data --batch-size 7 --set ema=1.5", "--set ema=1.5"},
      {"train dcgan --data data --batch-size 7", "28x28, 32x32 or 64x64; these are 8x8"},
      {"train conv-gan --data data --batch-size 7 --set width=100", "--set width=100"},
      {"train conv-gan --data other-size --batch-size 7", "divisible by 4; these are 10x10"},
      {"train conv-vae --data data --batch-size 7 --set latent=many", "--set latent"},
      {"train mlp-vae --data data --batch-size 7 --set likelihood=poisson",
       "--set likelihood=poisson: there is no likelihood \"poisson\"; there is: bernoulli, gaussian, "
       "logistic"},
      {"train mlp-vae --data data --batch-size 7 --set likelihood=gausian", "did you mean \"gaussian\"?"},
      {"train mlp-vae --data data --batch-size 7 --set likelihood=gaussian --set sigma=-1",
       "--set sigma=-1: expected a number above 0"},
      {"train mlp-vae --data data --batch-size 7 --set likelihood=logistic --set sigma=learnt",
       "did you mean \"learned\"?"},
      {"train mlp-vae --data data --batch-size 7 --set sigma=0.1", "a Bernoulli likelihood has none"},
      {"train mlp-vae --data data --batch-size 7 --set binarize=yes", "there is: false, true"},
      {"train mlp-vae --data data --batch-size 7 --set binarize=true --set likelihood=gaussian",
       "pixels of 0 or 1 (binarize=true) want likelihood=bernoulli"},
      {"train beta-vae --data data --batch-size 7 --set beta=-1", "--set beta=-1"},
      {"train beta-vae --data data --batch-size 7 --set warmup=-1", "--set warmup=-1"},
      {"train beta-vae --data data --batch-size 7 --set warmup=0.5", "--set warmup: \"0.5\" is not a whole"},
      {"train beta-vae --data data --batch-size 7 --set free_bits=1 --set capacity=1", "give one of them"},
      {"eval done --importance-samples 1,0", "--importance-samples 1,0: expected whole numbers from 1"},
      {"eval done --importance-samples 1,,2", "--importance-samples: \"\" is not a whole number"},
      {"eval done --importance-samples many", "--importance-samples: \"many\""},
      {"eval done --images 25", "--images 25: the test set has 24"},
      {"eval done --images 1", "--images 1: expected"},
      {"eval shapes --images 19", "--images 19: expected 20 or more of sprites"},
      {"train mlp-vae --data data --batch-size 7 --out done", "gesso train --resume done"},
      {"train --resume done --lr 0.5", "--lr 0.5: the run in done has 0.001"},
      {"train --resume done --batch-size 8", "--batch-size 8: the run in done has 7"},
      {"train --resume done --seed 1", "--seed 1"},
      {"train --resume done --steps 1", "--steps 1: the run in done has already made 2 steps"},
      {"train --resume done --data other-size", "--data"},
      {"train --resume done --set latent=4", "--set"},
      {"train --resume done --out elsewhere", "--out elsewhere"},
      {"train mlp-gan --resume done", "mlp-gan"},
      {"sample", "RUN is required; gesso sample --help says more"},
      {"sample done --out picture.jpg", "--out picture.jpg: pictures are written as PNG"},
      {"sample done --count 0", "--count 0"},
      {"sample done --count -5", "--count -5"},
      {"sample done --cuont 5", "did you mean \"--count\"?"},
      {"models mlp-vea", "did you mean \"mlp-vae\"?"},
      {"info", "PATH"},
      {"edit", "edit what? There is: denoise, inpaint, interpolate, attribute"},
      {"edit done", "edit what? There is: denoise"},
      {"edit done --count 3", "edit what? There is: denoise"},
      {"edit done denoize", "there is no command \"denoize\"; did you mean \"denoise\"?"},
      {"edit denoise", "edit what? There is: denoise"},  // that might be a run
      {"edit done denoise --nois 1", "unknown option --nois; did you mean \"--noise\"?"},
      {"edit done denoise --noise 0", "--noise 0: expected a number above 0"},
      {"edit done denoise --noise nan", "--noise: nan is not a finite number"},
      {"edit done denoise --kind gausian",
       "--kind gausian: there is no such noise; did you mean \"gaussian\"?"},
      {"edit done denoise --kind salt-and-pepper --noise 1.5",
       "--noise 1.5: expected a number above 0, at most 1"},
      {"edit done denoise --count 0", "--count 0"},
      {"edit done inpaint --hide buttom", "did you mean \"bottom\"?"},
      {"edit done inpaint --hide 1", "--hide 1: expected a number between 0 and 1"},
      {"edit done interpolate --from 3 --to 7", "--from 3: nothing is known of the images in"},
      {"edit done attribute", "--add"},
      {"edit done attribute --add 3", "--add 3: nothing is known"},
      {"edit done attribute --add 3 --strength far", "--strength: \"far\" is not a number"},

      {"train mlp-vae --data mnist", "no data \"mnist\"", 1},  // GESSO_DATA has none
      {"train convlstm --data moving", "or try --data moving:fashion", 1},
      {"train mlp-vae --data cifar10", "or try --data sprites", 1},
      {"train mlp-vae --data empty", "train-images-idx3-ubyte", 1},
      {"train mlp-vae --data notest --batch-size 7", "t10k-images-idx3-ubyte", 1},
      {"train mlp-vae --data cut --batch-size 7", "cut/train-images-idx3-ubyte", 1},
      {"train mlp-vae --data cut-test --batch-size 7 --steps 1 --out cut-run",
       "cut-test/t10k-images-idx3-ubyte", 1},
      {"train mlp-vae --data data --batch-size 7 --out data/t10k-images-idx3-ubyte/run",
       "t10k-images-idx3-ubyte/run", 1},
      {"train --resume nowhere", "nowhere: there is no such run folder", 1},
      {"train --resume data", "config.json", 1},
      {"sample nowhere", "nowhere: there is no such run folder", 1},
      {"reconstruct done --data other-size", "other-size: images of (10,10,1)", 1},
      {"reconstruct done --data sprites:4x1", "--data sprites:4x1: images of (4,4,1)", 1},
      {"eval nowhere --json", "nowhere", 1},
      {"edit nowhere denoise", "nowhere: there is no such run folder", 1},
      {"info nowhere", "nowhere", 1},
      {"info data/t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte", 1},
  };
  for (const Case& c : cases) {
    const Outcome o = w.gesso(c.line);
    CAPTURE(std::string(c.line));
    CAPTURE(o.err);
    CHECK(o.code == c.code);
    CHECK(o.out == "");
    CHECK(o.err.find(c.said) != std::string::npos);
    CHECK(o.err.starts_with("gesso: "));
    if (c.code == 2) CHECK(std::count(o.err.begin(), o.err.end(), '\n') == 1);
    CHECK((c.code != 2 || !std::filesystem::exists(w / "runs")));
  }
}

}  // namespace
}  // namespace gesso::models
