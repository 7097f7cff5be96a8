#include "models/report.h"

#include "nn/atomic_file.h"

namespace gesso::models {

void write_report(const RunFolder& run) { nn::write_file(run.report_file(), "<!doctype html>\n"); }

}  // namespace gesso::models
