// Data that are made (sprites, moving digits) and data from CIFAR-10 files and folders of pictures.
#include "nn/cifar.h"
#include "nn/decode.h"
#include "nn/moving.h"
#include "nn/picture_folder.h"
#include "nn/png.h"
#include "nn/sprites.h"
#include "tests/nn/golden.h"

namespace gesso::nn {
namespace {

TEST_CASE("sprites: an element is a function of seed and number, and the splits differ") {
  const SpriteOptions few{.size = 20, .count = 5}, more{.size = 20, .count = 9};
  const ImageSet a = sprites(few, Split::train), b = sprites(more, Split::train),
                 test = sprites(few, Split::test);
  CHECK(a.images.shape() == Shape{5, 20, 20, 3});
  CHECK(same_bits(a.images, b.images.slice(0, 5)));
  CHECK(same_bits(a.labels, b.labels.slice(0, 5)));
  CHECK_FALSE(same_bits(a.images, test.images));
  CHECK_FALSE(same_bits(a.images, sprites({.size = 20, .count = 5, .seed = 1}, Split::train).images));
  CHECK(same_bits(a.images[3], draw(sprite(0, 3), 20, 3)));
  CHECK(a.labels.to_vector<std::int64_t>()[3] == sprite(0, 3).shape);
  CHECK(a.class_names.size() == 6);
}

TEST_CASE("sprites: factors are spread over their ranges, and shapes stay inside") {
  std::vector<int> shapes(6);
  for (std::int64_t i = 0; i < 6000; ++i) {
    const Sprite s = sprite(3, i);
    ++shapes.at(static_cast<std::size_t>(s.shape));
    REQUIRE((s.x >= s.diameter / 2 && s.x <= 1 - s.diameter / 2 && s.y >= s.diameter / 2 &&
             s.y <= 1 - s.diameter / 2));
    REQUIRE((s.hue >= 0 && s.hue < 1 && s.diameter >= 0.3 && s.diameter < 0.7));
  }
  for (int n : shapes) CHECK(std::abs(n - 1000) <= 5 * 29);  // a binomial's standard deviation
}

TEST_CASE("sprites: areas, edges and colours are those of the shapes") {
  // The area of each shape in a circle of radius 1, from its formula; smooth edges keep it to a fraction of a percent.
  const double star = 5 * 0.42 * std::sin(std::acos(-1.0) / 5),
               areas[] = {0.6 * std::acos(-1.0),
                          2,
                          0.75 * std::sqrt(3.0),
                          star,
                          4 * 2 * 0.94 * 0.32 - 4 * 0.32 * 0.32,
                          std::acos(-1.0) / 2};
  for (std::int64_t shape = 0; shape < 6; ++shape)
    for (double angle : {0.0, 0.7}) {
      CAPTURE(shape);
      const Tensor y =
          draw({.shape = shape, .hue = 1, .diameter = 0.6, .angle = angle, .x = 0.45, .y = 0.55}, 400, 1);
      double covered = 0;
      for (double v : y.to_vector<double>()) covered += v / 255;
      CHECK(std::abs(covered / (120 * 120) / areas[shape] - 1) <= 0.01);
    }
  // Hue 0 is red; a third further, green.
  const auto centre = [](double hue) {
    const Tensor y = draw({.shape = 1, .hue = hue, .diameter = 0.6, .angle = 0, .x = 0.5, .y = 0.5}, 16, 3);
    return y[8][8].to_vector<std::int64_t>();
  };
  CHECK(centre(0) == std::vector<std::int64_t>{255, 0, 0});
  CHECK(centre(1.0 / 3) == std::vector<std::int64_t>{0, 255, 0});
  CHECK(centre(1.0 / 6) == std::vector<std::int64_t>{255, 255, 0});
}

TEST_CASE("sprites: names on the command line") {
  CHECK(sprite_options("sprites")->size == 32);
  CHECK(sprite_options("sprites:64")->size == 64);
  CHECK(sprite_options("sprites:100x1")->channels == 1);
  CHECK_FALSE(sprite_options("fashion"));
  CHECK_FALSE(sprite_options("spritesheet"));
  for (const char* wrong :
       {"sprites:", "sprites:x", "sprites:12x", "sprites:12x3y", "sprites:-4", "sprites:2", "sprites:8x0"})
    CHECK(error_of([&] { sprite_options(wrong); }) != "");
  const ImageSet set = load_images("sprites:16x1", Split::test);
  CHECK(set.images.shape() == Shape{10'000, 16, 16, 1});
  CHECK(has_name("sprites:16x1"));
}

ImageSet squares() {  // two images: full of 200, and full of 100
  ImageSet set{.name = "squares", .images = Tensor({2, 4, 4, 1}, DType::u8)};
  std::uint8_t* x = set.images.mutable_data<std::uint8_t>();
  std::fill(x, x + 16, std::uint8_t{200}), std::fill(x + 16, x + 32, std::uint8_t{100});
  return set;
}

TEST_CASE("moving: digits move by steps, turn back at the borders, and stay whole") {
  const MovingOptions one{.count = 3, .frames = 40, .size = 20, .digits = 1};
  const ImageSet set = moving(squares(), one, Split::train);
  CHECK(set.images.shape() == Shape{3, 800, 20, 1});
  const Tensor frames = set.images.reshape({3, 40, 20, 20, 1});
  for (std::int64_t i = 0; i < 3; ++i) {
    double last_x = 0, last_y = 0;
    for (std::int64_t t = 0; t < 40; ++t) {
      const std::vector<double> p = frames[i][t].to_vector<double>();
      double sum = 0, x = 0, y = 0;
      for (std::size_t k = 0; k < p.size(); ++k) {
        sum += p[k], x += p[k] * static_cast<double>(k % 20), y += p[k] * static_cast<double>(k / 20);
      }
      CHECK((sum == 16 * 200 || sum == 16 * 100));  // all of it is there
      x /= sum, y /= sum;
      if (t > 0)
        CHECK(std::hypot(x - last_x, y - last_y) <=
              1.6 + 1.5);  // a tenth of 16, and the rounding of both ends
      last_x = x, last_y = y;
    }
  }
  CHECK(
      same_bits(set.images.slice(0, 2),
                moving(squares(), {.count = 2, .frames = 40, .size = 20, .digits = 1}, Split::train).images));
  CHECK_FALSE(same_bits(set.images, moving(squares(), one, Split::test).images));
  CHECK(error_of([] { moving(squares(), {.size = 3}, Split::train); }).find("do not fit into 3x3") !=
        std::string::npos);
}

TEST_CASE("cifar10: planes become pixels, and damage is told") {
  const TempFolder folder;
  CHECK_FALSE(load_cifar10(folder.path(), Split::train));
  std::string record(3073, '\0');
  record[0] = 7;
  for (int c = 0; c < 3; ++c)
    record[static_cast<std::size_t>(1 + 1024 * c + 33)] = static_cast<char>(10 + c);  // pixel (1,1)
  std::string other = record;
  other[0] = 2;
  put_bytes(folder / "data_batch_1.bin", record + other);
  put_bytes(folder / "data_batch_3.bin", other);
  put_bytes(folder / "test_batch.bin", record);
  const ImageSet train = load_images(folder.path(), Split::train),
                 test = load_images(folder.path(), Split::test);
  CHECK(train.images.shape() == Shape{3, 32, 32, 3});
  CHECK(train.labels.to_vector<std::int64_t>() == std::vector<std::int64_t>{7, 2, 2});
  CHECK(train.images[2][1][1].to_vector<std::int64_t>() == std::vector<std::int64_t>{10, 11, 12});
  CHECK(tensor::sum(train.images.to(DType::f32)).item() == 3 * 33);
  CHECK(test.class_names.at(7) == "horse");
  put_bytes(folder / "test_batch.bin", record + "x");
  CHECK(file_error([&] { load_cifar10(folder.path(), Split::test); })->reason ==
        "3074 bytes are no records of 3073");
  other[0] = 10;
  put_bytes(folder / "test_batch.bin", record + other);
  CHECK(file_error([&] { load_cifar10(folder.path(), Split::test); })->offset == 3073);
}

/// A picture (H,W,3) whose left half is a, right half b.
Tensor halves(std::int64_t H, std::int64_t W, std::uint8_t a, std::uint8_t b) {
  Tensor y({H, W, 3}, DType::u8);
  std::uint8_t* p = y.mutable_data<std::uint8_t>();
  for (std::int64_t i = 0; i < H * W * 3; ++i) p[i] = i / 3 % W < W / 2 ? a : b;
  return y;
}

TEST_CASE("pictures: PNG and JPEG are read, resized and cropped") {
  const TempFolder folder;
  const auto file = folder / "a.png";
  put_bytes(file, encode_png(halves(6, 10, 20, 220)));
  CHECK(same_bits(read_picture(file), halves(6, 10, 20, 220)));
  CHECK(same_bits(square(halves(6, 10, 20, 220), 6), halves(6, 6, 20, 220)));  // the middle
  CHECK(
      same_bits(square(halves(12, 24, 20, 220), 4), halves(4, 4, 20, 220)));  // means of areas keep the edge
  CHECK(square(halves(3, 5, 9, 9), 8).shape() == Shape{8, 8, 3});             // grows
  CHECK(tensor::max(square(halves(7, 11, 50, 50), 5).to(DType::f32)).item() == 50);
  const Tensor jpeg = read_picture(golden("halves.jpg"));  // 40 and 200, by libjpeg-turbo 2.1 at quality 90
  REQUIRE(jpeg.shape() == Shape{16, 32, 3});
  CHECK(tensor::max(tensor::unary(kernels::Unary::abs,
                                  tensor::sub(jpeg.to(DType::f32), halves(16, 32, 40, 200).to(DType::f32))))
            .item() <= 4);
}

TEST_CASE("pictures: damaged and foreign files are errors that name the file") {
  const TempFolder folder;
  const auto file = folder / "p.png";
  for (const std::string& good : {encode_png(halves(6, 10, 20, 220)), bytes_of(golden("halves.jpg"))}) {
    check_truncations(file, good, [&] { read_picture(file); });
    each_bit_flip(file, good, [&](std::size_t, int) {
      try {
        read_picture(file);  // some flips only change colours of a JPEG
      } catch (const FileError& e) {
        CHECK(e.file == file);
      }
    });
  }
  put_bytes(file, "GIF89a..........");
  CHECK(file_error([&] { read_picture(file); })->reason == "neither a PNG nor a JPEG file");
  std::string huge = encode_png(halves(2, 2, 0, 0));
  huge[16] = huge[20] = 0, huge[17] = huge[21] = 0, huge[18] = huge[22] = '\xff',
  huge[19] = huge[23] = '\xff';
  put_bytes(file, huge);  // its checksum is wrong too, which libpng tells first
  CHECK(file_error([&] { read_picture(file); }).has_value());
}

TEST_CASE("pictures: folders, classes, splits and sizes") {
  const TempFolder folder;
  for (int i = 0; i < 20; ++i)
    put_bytes(folder / fmt::format("{:02}.png", i),
              encode_png(halves(8, i == 3 ? 12 : 8, static_cast<std::uint8_t>(i), 99)));
  const ImageSet train = load_images(folder.path(), Split::train),
                 test = load_images(folder.path(), Split::test);
  CHECK(train.images.shape() == Shape{18, 8, 8, 3});
  CHECK(test.images.shape() == Shape{2, 8, 8, 3});
  CHECK(test.images[0][0][0].to_vector<std::int64_t>()[0] == 9);
  CHECK(load_images(folder.path().string() + "@5", Split::test).images.shape() == Shape{2, 5, 5, 3});
  CHECK_FALSE(train.labels);
  CHECK(error_of([&] {
          load_images(folder.path().string() + "@0", Split::test);
        }).find("pictures of 0 pixels; 1 to 1024") != std::string::npos);
  put_bytes(folder / "09.png", encode_png(halves(8, 12, 9, 99)));  // the first of the tests
  CHECK(load_images(folder.path(), Split::test).images.shape() == Shape{2, 8, 8, 3});

  const TempFolder few;
  for (int i = 0; i < 9; ++i) put_bytes(few / fmt::format("{}.png", i), encode_png(halves(8, 8, 1, 2)));
  CHECK(load_images(few.path(), Split::train).size() == 9);
  CHECK(error_of([&] { load_images(few.path(), Split::test); }).find("9 pictures are too few") !=
        std::string::npos);

  const TempFolder classes;
  for (const char* split : {"train", "test"})
    for (const char* kind : {"cat", "dog"}) {
      std::filesystem::create_directories(classes / split / kind);
      put_bytes(classes / split / kind / "1.png", encode_png(halves(4, 4, 1, 2)));
    }
  const ImageSet named = load_images(classes.path(), Split::train);
  CHECK(named.labels.to_vector<std::int64_t>() == std::vector<std::int64_t>{0, 1});
  CHECK(named.class_names == std::vector<std::string>{"cat", "dog"});
  const TempFolder empty;
  CHECK(error_of([&] { load_images(empty.path(), Split::train); }).find("PNG and JPEG pictures") !=
        std::string::npos);
}

}  // namespace
}  // namespace gesso::nn
