#include "nn/event_file.h"

#include "nn/crc32c.h"

#include <bit>
#include <chrono>
#include <unistd.h>

namespace gesso::nn {
namespace {

template <class T>
void put(std::string& out, T little_endian) {
  out.append(reinterpret_cast<const char*>(&little_endian), sizeof little_endian);
}

/// A protocol-buffer message under construction. A field is a key, (number << 3) | wire type, and its value.
class Message {
 public:
  const std::string& bytes() const { return bytes_; }

  Message& integer(std::uint32_t field, std::int64_t value) {
    varint(field << 3 | 0);
    varint(static_cast<std::uint64_t>(value));
    return *this;
  }
  Message& real(std::uint32_t field, double value) {
    varint(field << 3 | 1);
    put(bytes_, value);
    return *this;
  }
  Message& real(std::uint32_t field, float value) {
    varint(field << 3 | 5);
    put(bytes_, value);
    return *this;
  }
  Message& text(std::uint32_t field, std::string_view value) {
    varint(field << 3 | 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  Message& message(std::uint32_t field, const Message& value) { return text(field, value.bytes_); }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }
  std::string bytes_;
};

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// Event{double wall_time=1; int64 step=2; string file_version=3; Summary summary=5; SessionLog session_log=7}
Message event(std::int64_t step) { return Message().real(1, now()).integer(2, step); }

// Summary{Value value=1}
Message event(std::int64_t step, const Message& value) {
  return event(step).message(5, Message().message(1, value));
}

std::filesystem::path unused_name(const std::filesystem::path& folder) {
  char host[256] = "localhost";
  ::gethostname(host, sizeof host - 1);
  for (int n = 0;; ++n) {
    const std::filesystem::path path =
        folder / fmt::format("events.out.tfevents.{:010}.{}.{}.{}", static_cast<std::int64_t>(now()), host,
                             ::getpid(), n);
    if (!std::filesystem::exists(path)) return path;
  }
}

/// TensorFlow's guard against checksums of data that contain checksums.
std::uint32_t masked_crc32c(std::string_view bytes) {
  return std::rotr(crc32c(bytes.data(), bytes.size()), 15) + 0xa282ead8u;
}

}  // namespace

EventFile::EventFile(const std::filesystem::path& folder, std::optional<std::int64_t> resumed_after)
    : file_(unused_name(folder)) {
  record(Message().real(1, now()).text(3, "brain.Event:2").bytes());
  constexpr std::int64_t kStart = 1;  // SessionLog{SessionStatus status=1}
  // TensorBoard drops what it has of the steps from that of a START on.
  if (resumed_after) record(event(*resumed_after + 1).message(7, Message().integer(1, kStart)).bytes());
}

void EventFile::scalar(std::string_view tag, std::int64_t step, double value) {
  // Value{string tag=1; float simple_value=2}
  record(event(step, Message().text(1, tag).real(2, static_cast<float>(value))).bytes());
}

void EventFile::image(std::string_view tag, std::int64_t step, int height, int width, int channels,
                      std::string_view png) {
  // Value{string tag=1; Image image=4}, Image{int32 height=1, width=2, colorspace=3; bytes encoded=4}
  const Message image = Message().integer(1, height).integer(2, width).integer(3, channels).text(4, png);
  record(event(step, Message().text(1, tag).message(4, image)).bytes());
}

/// u64 length, masked CRC of the length, the message, masked CRC of the message.
void EventFile::record(std::string_view message) {
  std::string out;
  put(out, static_cast<std::uint64_t>(message.size()));
  put(out, masked_crc32c(out));
  out += message;
  put(out, masked_crc32c(message));
  file_.append(out);
}

}  // namespace gesso::nn
