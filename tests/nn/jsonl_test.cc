#include "nn/jsonl.h"

#include "tests/nn/files.h"

#include <limits>

namespace gesso::nn {
namespace {

TEST_CASE("JsonLines: one object a line, keys in order, complete when write returns") {
  const TempFolder folder;
  const auto path = folder / "metrics.jsonl";
  JsonLines log(path);
  log.write({{"step", 1}, {"loss", 2.5}, {"split", "train"}});
  CHECK(bytes_of(path) == "{\"step\":1,\"loss\":2.5,\"split\":\"train\"}\n");
  JsonLines(path).write(
      {{"step", 2}, {"loss", std::numeric_limits<double>::quiet_NaN()}, {"text", "\xff\n"}});
  CHECK(bytes_of(path) ==
        "{\"step\":1,\"loss\":2.5,\"split\":\"train\"}\n{\"step\":2,\"loss\":null,\"text\":\"\uFFFD\\n\"}\n");
}

TEST_CASE("rewind_jsonl: later steps and torn ends go, all else keeps its bytes") {
  const TempFolder folder;
  const auto path = folder / "metrics.jsonl";
  const std::string head = "{\"model\": \"mlp-vae\"}\n{\"step\":10, \"loss\":3}\n";
  const std::string later = "{\"step\":30,\"loss\":1}\n", same = "{ \"step\" : 20 }\n",
                    torn = "{\"step\":40,\"lo";
  put_bytes(path, head + later + same + torn);
  CHECK(rewind_jsonl(path, 20) == 1);
  CHECK(bytes_of(path) == head + same);
  CHECK(rewind_jsonl(path, 20) == 0);
  CHECK(bytes_of(path) == head + same);
  CHECK(rewind_jsonl(path, 0) == 0);
  CHECK(bytes_of(path) == "{\"model\": \"mlp-vae\"}\n");
}

TEST_CASE("rewind_jsonl: damage of every kind") {
  const TempFolder folder;
  const auto path = folder / "metrics.jsonl";
  CHECK(rewind_jsonl(path, 5) == 0);  // no file yet
  CHECK(!std::filesystem::exists(path));
  put_bytes(path, "");
  CHECK(rewind_jsonl(path, 5) == 0);
  // A whole object without its newline may have lost a part: 1 of 12.
  put_bytes(path,
            "{\"step\":1}\n" + std::string(64, '\0') + "\n[1,2]\n\n\"text\"\n{\"step\":\"x\"}\n{\"step\":1");
  CHECK(rewind_jsonl(path, 5) == 5);
  CHECK(bytes_of(path) == "{\"step\":1}\n{\"step\":\"x\"}\n");
  put_bytes(path, "{\"step\":1}");
  CHECK(rewind_jsonl(path, 5) == 1);
  CHECK(bytes_of(path) == "");
  CHECK(file_error([&] { rewind_jsonl(folder.path(), 5); }).has_value());
}

}  // namespace
}  // namespace gesso::nn
